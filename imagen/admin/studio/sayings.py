"""What the Studio says of a code, with the figures in force now; of every other code it says what the REST API does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import date

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imagen import anomalies, hauls, kept, registry, unsaved, verdicts
from imagen.admin import catalogue
from imagen.admin.studio import spans, tiles
from imagen.conf import settings
from imagen.messages import day, listed
from imagen.models import Generation, Job
from imagen.presentation import Story, Told, provider_label
from imagen.states import ACCEPTED, JobStatus

Say = Callable[[Generation, Told], str]
WITHHELD = frozenset({"partial_outputs", *anomalies.REFUSALS})


def of(generation: Generation, told: Told) -> str:
    """The sentence for what keeps it from being ready."""
    say = SAYINGS.get(told.code)
    return say(generation, told) if say else told.message


def warned(generation: Generation, told: Told) -> str:
    """The sentence for a warning; empty where there is nothing to say of it any more."""
    say = WARNINGS.get(told.code)
    return say(generation, told) if say else told.message


def money(generation: Generation, told: Story) -> str:
    """The line about money; while nobody but the service knows it, that too."""
    open_ended = any(warning.code == "provider_timeout" for warning in told.warnings) and not generation.finished
    return _("%(told)s The service’s own record decides.") % {"told": told.money} if open_ended else told.money


# --- the service ---


def _declined(generation: Generation, told: Told) -> str:
    """A bare refusal says nothing of why; what a service does say is shown below it."""
    if told.code == "provider_rejected" and generation.error_note:
        return _(
            "The service declined this request; its own words are below. If they do not help: wording about real "
            "people, children, violence or brands is a common cause."
        )
    return _(
        "The service declined this description. It does not say why; wording about real people, children, violence "
        "or brands is a common cause."
    )


def _busy(generation: Generation, told: Told) -> str:
    if generation.finished:
        return told.message
    due = min((job.due_at for job in _queued(generation, told.code) if job.due_at), default=None)
    seconds = math.ceil((due - timezone.now()).total_seconds()) if due else 0
    if seconds < 1:
        return _("Too many requests just now. We are about to try again.")
    return _("Too many requests just now. We will try again in %(seconds)s s.") % {"seconds": seconds}


def _queued(generation: Generation, code: str) -> list[Job]:
    return [job for job in generation.jobs.all() if job.status == JobStatus.QUEUED and job.error_code == code]


def _away(generation: Generation, told: Told) -> str:
    if generation.finished:
        return told.message
    return _("%(provider)s is not answering.") % {"provider": provider_label(generation.provider)}


def _overdue(generation: Generation, told: Told) -> str:
    """As long as somebody looks; before the deadline it was the service that lost it, which is said as well."""
    if generation.finished:
        return ""
    figures = {
        "deadline": spans.span(settings.DEADLINE_SECONDS),
        "every": spans.every(min(verdicts.HOUR, settings.WATCH_SECONDS)),
        "watch": spans.span(settings.WATCH_SECONDS),
    }
    if any(_age(job) > settings.DEADLINE_SECONDS for job in generation.jobs.all() if job.status in ACCEPTED):
        text = _("No answer after %(deadline)s. We look again %(every)s for %(watch)s and will show it if it arrives.")
    else:
        text = _("We look again %(every)s for %(watch)s and will show it if it arrives.")
    return text % figures


def _age(job: Job) -> float:
    return (timezone.now() - (job.accepted_at or job.created_at)).total_seconds()


def _retired(generation: Generation, told: Told) -> str:
    facts = {"provider": provider_label(generation.provider), "model": catalogue.model_name(generation.model)}
    ended = switched_off(generation)
    if ended is None or ended > timezone.localdate():
        return _("%(provider)s no longer has %(model)s.") % facts
    text = _("%(provider)s no longer has %(model)s (Google switched it off on %(day)s).")
    return text % {**facts, "day": day(ended)}


def switched_off(generation: Generation) -> date | None:
    """The day its maker ended the model, as far as its last call knew."""
    jobs = sorted(generation.jobs.all(), key=lambda job: job.created_at)
    told = jobs[-1].terms.get("retired_upstream_on") if jobs else None
    return date.fromisoformat(told) if told else None


def _unset(generation: Generation, told: Told) -> str:
    if not any(registry.choices()):
        return _("No image service is set up.")
    return _("%(provider)s is no longer set up here.") % {"provider": provider_label(generation.provider)}


# --- the pictures ---


def _partial(generation: Generation, told: Told) -> str:
    """That the service withheld them is said only where it sent fewer, or refused."""
    ready, asked = len(generation.images.all()), generation.num_images
    count = asked - ready
    came = ngettext("%(ready)s of %(asked)s is ready", "%(ready)s of %(asked)s are ready", ready)
    if _withheld(generation):
        rest = ngettext("one was withheld by the service", "%(count)s were withheld by the service", count)
    else:
        rest = ngettext("one did not come", "%(count)s did not come", count)
    said = {"came": came % {"ready": ready, "asked": asked}, "rest": rest % {"count": count}}
    return _("%(came)s; %(rest)s.") % said


def _withheld(generation: Generation) -> bool:
    jobs = list(generation.jobs.all())
    replaced, there = {job.replaces_id for job in jobs}, {image.index for image in generation.images.all()}
    short = [job for job in jobs if job.pk not in replaced and not set(job.slots) <= there]
    return bool(short) and all(job.error_code in WITHHELD for job in short)


def _odd(generation: Generation, told: Told) -> str:
    asked = generation.aspect_ratio
    found = {tiles.shape(each) for each in generation.images.all() if not hauls.fits(each.width, each.height, asked)}
    if not found:
        return told.message
    text = _("The service returned %(shapes)s instead of %(wanted)s.")
    return text % {"shapes": listed(*sorted(found)), "wanted": asked}


def _expired(generation: Generation, told: Told) -> str:
    if generation.finished:
        return _("The service deleted the file before we could fetch it.")
    return _("The service’s file was not there. We ask for it again.")


# --- our storage ---


def _unsaved(generation: Generation, told: Told) -> str:
    texts = {
        "storage_unavailable": _("The image exists but could not be saved."),
        "storage_full": _("The image exists but the site’s storage is full."),
    }
    if not (figures := _rounds(generation)):
        return texts[told.code]
    return _("%(image)s Retrying (%(number)s of %(most)s).") % {"image": texts[told.code], **figures}


def _rounds(generation: Generation) -> dict[str, int]:
    """Which try comes next, and of how many; empty when nobody tries, or nobody knows how long it is kept."""
    job = max(unsaved.of(generation), key=lambda each: each.tries, default=None)
    service = registry.providers().get(job.provider) if job else None
    if job is None or service is None:
        return {}
    most = hauls.rounds(job, retention=service.retention, now=timezone.now())
    return {"number": job.tries + 1, "most": most}


SAYINGS: Mapping[str, Say] = {
    **dict.fromkeys(anomalies.REFUSALS, _declined),
    **dict.fromkeys(kept.STORED, _unsaved),
    "provider_not_configured": _unset,
    "provider_rate_limited": _busy,
    "provider_unavailable": _away,
    "model_retired": _retired,
    "partial_outputs": _partial,
    "output_expired": _expired,
}
WARNINGS: Mapping[str, Say] = {"provider_timeout": _overdue, "wrong_size": _odd}
