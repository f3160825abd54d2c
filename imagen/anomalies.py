"""What is odd about services, in plain words: what each oddity means, what to do, which of them wait to be seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, Min, QuerySet
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen import registry
from imagen.exceptions import Conflict
from imagen.models import Anomaly, Generation, Job, Odd, Oddity

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

MINDS = "imagen.view_anomaly"
REFUSALS = frozenset({"content_filtered", "provider_rejected"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What an oddity says of a service, and what a person does about it."""

    text: Any
    step: Any


MEANINGS: Mapping[str, Meaning] = {
    Oddity.RING_DIFFERS: Meaning(
        text=_("%(provider)s called back with another outcome than the one on record; nothing was changed."),
        step=_("Compare the request with the service's own history: it may have made and charged what we do not have."),
    ),
    Oddity.RING_UNKNOWN: Meaning(
        text=_("%(provider)s called back about another job than it was asked about; nothing was changed."),
        step=_("If it goes on, ask the service, and check that no other site uses our key."),
    ),
    Oddity.SAME_ID: Meaning(
        text=_("%(provider)s gave two calls the same id; only the first call was believed."),
        step=_("Look into the service's history, and say on the request's page what happened to the second call."),
    ),
    Oddity.UNKNOWN_WORD: Meaning(
        text=_("%(provider)s uses a status we do not know; such calls count as not finished."),
        step=_("Ask the service what it means, and look for a newer version of imagen."),
    ),
    Oddity.NO_OUTPUTS: Meaning(
        text=_("%(provider)s said it was done and sent no picture, so money was spent for nothing."),
        step=_("Ask the service for the money back; the request's page shows the id there. Then mark this as seen."),
    ),
    Oddity.EXTRA_OUTPUTS: Meaning(
        text=_("%(provider)s sent more pictures than asked for, or one twice; the first of each were kept."),
        step=_("Look at its bill: only what was asked for should be charged."),
    ),
    Oddity.WRONG_REFUSAL: Meaning(
        text=_("%(provider)s declined a description, and who wrote it says that it is harmless."),
        step=_("Read it on the request's page; if you agree, tell the service. Then mark this as seen."),
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """So many unseen anomalies of one kind at one service, and since when."""

    code: str
    provider: str
    count: int
    since: datetime


def note(code: Oddity, *, provider: str = "", job: Job | None = None, note: str = "") -> None:
    """Note it about this call or, without one, about this service today; the same again is counted."""
    Anomaly.objects.note(Odd(code, note), provider=provider, job=job)


def report(generation: Generation) -> Generation:
    """Note once that this request was declined without need, as who asked for it says; its words are not repeated."""
    with transaction.atomic():
        list(generation.jobs.order_by("pk").select_for_update().values_list("pk"))  # before it, as everywhere
        generation = Generation.objects.select_for_update(no_key=True).get(pk=generation.pk)
        job = next((job for job in generation.jobs.all() if job.error_code in REFUSALS), None)
        if job is None:
            raise Conflict(state=generation.get_status_display())
        if not reported(generation):
            note(Oddity.WRONG_REFUSAL, job=job, note=job.remote_id)
    return generation


def reported(generation: Generation) -> bool:
    """Whether somebody said so of this request."""
    return generation.anomalies.filter(code=Oddity.WRONG_REFUSAL).exists()


def see(chosen: QuerySet[Anomaly], actor: AbstractBaseUser) -> int:
    """Mark those of these that nobody has seen, and return how many they were."""
    return chosen.filter(seen_at=None).update(seen_at=timezone.now(), seen_by=actor.pk)


def waiting() -> Iterator[Waiting]:
    """What nobody has seen, by kind and service, the oldest first."""
    kinds = Anomaly.objects.unseen().order_by().values("code", "provider")
    for row in kinds.annotate(count=Count("pk"), since=Min("at")).order_by("since"):
        yield Waiting(**row)


def sentence(code: str, provider: str) -> str:
    """What it says of this service."""
    found = registry.providers().get(provider)
    return str(_meaning(code).text) % {"provider": found.label if found else provider}


def step(code: str) -> str:
    """What to do about it."""
    return str(_meaning(code).step)


def _meaning(code: str) -> Meaning:
    """What is known of it; a code of tomorrow, met before the code that knows it, says itself."""
    return MEANINGS.get(code) or Meaning(text=f"%(provider)s: {code.replace('%', '%%')}.", step="")
