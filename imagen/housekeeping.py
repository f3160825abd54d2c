"""What has to go: requests kept long enough, everything of one person, words and rows that were left over."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from imagen import pipeline
from imagen.models import Anomaly, ApiKey, Endpoint, Event, Generation, IdempotencyKey, Job, Plea, Style, Template
from imagen.states import FINISHED, JobStatus

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

BATCH = 100


def outlived(*, days: int) -> QuerySet[Generation]:
    """Requests that were finished so many days ago; what is under way or unconfirmed is none of them."""
    before = timezone.now() - timedelta(days=days)
    return Generation.objects.standing().filter(status__in=FINISHED, completed_at__lt=before)


def requests_of(person: AbstractBaseUser) -> QuerySet[Generation]:
    """All requests of this person that nobody deleted, whatever state they are in."""
    return Generation.objects.standing().filter(user=person.pk)


def keys_of(person: AbstractBaseUser) -> QuerySet[IdempotencyKey]:
    """The keys this person's programs chose, with the answers remembered under them."""
    return IdempotencyKey.objects.filter(user=person.pk)


def api_keys_of(person: AbstractBaseUser) -> QuerySet[ApiKey]:
    """The keys with which this person's programs came in."""
    return ApiKey.objects.of(person)


def words_of(person: AbstractBaseUser) -> tuple[QuerySet[Any], ...]:
    """The templates and styles that this person keeps for themselves."""
    return tuple(model._default_manager.filter(owner=person.pk) for model in (Template, Style))


def endpoints_of(person: AbstractBaseUser) -> QuerySet[Endpoint]:
    """Where this person is told of what happens; what was sent there goes with it."""
    return Endpoint.objects.of(person)


def depart(instance: AbstractBaseUser, **kwargs: Any) -> None:
    """An account is being deleted: its requests under way end without pictures, finished ones only lose the name."""
    for _ in erase(requests_of(instance).exclude(status__in=FINISHED)):
        pass


def erase(chosen: QuerySet[Generation]) -> Iterator[uuid.UUID]:
    """Erase these requests one by one, as far as they are still among the chosen, and tell the id of each."""
    last: dict[str, uuid.UUID] = {}
    while pks := list(chosen.filter(**last).order_by("pk").values_list("pk", flat=True)[:BATCH]):
        yield from (pk for pk in pks if _erased(chosen.filter(pk=pk)))
        last = {"pk__gt": pks[-1]}


@transaction.atomic
def _erased(chosen: QuerySet[Generation]) -> bool:
    """Somebody may have asked for it again meanwhile: it is looked at once more when it is locked."""
    generation = chosen.first()
    if generation is None:
        return False
    generation = pipeline.locked(generation)
    if still := chosen.exists():
        pipeline.erase(generation)
    return still


def hush(person: AbstractBaseUser | None = None) -> None:
    """Delete gateways' words that came after the request was deleted, and why this person wanted more money.

    What somebody noted about the money of a deleted request stays.
    """
    gone = {"generation__deleted_at__isnull": False}
    Event.objects.filter(**gone, what__in=JobStatus.values).exclude(note="").update(note="")
    Job.objects.filter(**gone).exclude(error_note="", answer="").update(error_note="", answer="")
    Anomaly.objects.filter(**gone).exclude(note="").update(note="")
    Generation.objects.exclude(deleted_at=None).exclude(error_note="").update(error_note="")
    if person is not None:
        Plea.objects.filter(user=person.pk).update(reason="", note="")
