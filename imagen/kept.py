"""Calls that failed without their gateway's word: how long it keeps what it made, and asking it again, for free."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from imagen import costs, failpoints, registry, verdicts
from imagen.conf import settings
from imagen.exceptions import TransitionError
from imagen.models import Change, Entry, Event, Generation, Job, database_now
from imagen.states import JobStatus
from imagen.types import Failure

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

ASKED = "fetch asked"
STORED = frozenset({"storage_unavailable", "storage_full"})  # it was there, and our storage was not
UNTOLD = frozenset(  # it was given up, and nobody said that it will not come
    {"provider_timeout", "provider_job_lost", "provider_protocol_error", "provider_auth", "internal_error"}
)


def open_ended(job: Job) -> bool:
    """Whether it was paid and failed without its gateway's word, so that proof may still come."""
    known = bool(job.remote_id) and job.accepted_at is not None
    return known and job.status == JobStatus.FAILED and job.error_code in STORED | UNTOLD


def until(job: Job) -> datetime | None:
    """Until when its gateway keeps what it made; ``None`` for a call of which there is nothing to keep.

    What nobody saw may have been made as late as the end of the watch. For such a call one question is free: a person
    who had it asked, and got nothing, may buy anew.
    """
    found = registry.configured().get(job.provider)
    if found is None or job.accepted_at is None or not open_ended(job):
        return None
    if job.error_code in STORED:
        return job.accepted_at + timedelta(seconds=found.retention)
    watched = timedelta(seconds=settings.WATCH_SECONDS + found.retention)
    return job.accepted_at + watched if job.fetch_asked_at is None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What of a request need not be bought again: calls being ``asked`` after now, and those that may be, ``free``."""

    asked: tuple[Job, ...] = ()
    free: tuple[Job, ...] = ()
    missing: frozenset[int] = frozenset()

    @property
    def to_buy(self) -> set[int]:
        """The missing places that only a new call can fill."""
        return set(self.missing) - {slot for job in (*self.asked, *self.free) for slot in job.slots}

    @property
    def waiting(self) -> bool:
        """Whether somebody asked for it, and there is no answer yet."""
        return any(job.fetch_asked_at for job in self.asked)

    @property
    def seen(self) -> bool:
        """Whether all that is kept was there already, and only our storage was not."""
        return all(job.error_code in STORED for job in self.free)

    @property
    def until(self) -> datetime | None:
        """Until when all of it is kept."""
        return min(filter(None, map(until, self.free)), default=None)

    @property
    def providers(self) -> list[str]:
        """Who keeps it, by alias."""
        return sorted({job.provider for job in (*self.asked, *self.free)})


def of(generation: Generation) -> Kept:
    """The same for this request; calls and pictures are read from it, so prefetch them for many."""
    if not generation.retryable:
        return Kept()
    jobs, now = list(generation.jobs.all()), timezone.now()
    missing = set(range(generation.num_images)) - {image.index for image in generation.images.all()}
    standing = [job for job in _standing(jobs) if job.status == JobStatus.FAILED and missing & set(job.slots)]
    asked = tuple(job for job in standing if job.due_at is not None)
    free = tuple(job for job in standing if job.due_at is None and (until(job) or now) > now)
    return Kept(asked=asked, free=free, missing=frozenset(missing))


def _standing(jobs: Sequence[Job]) -> Iterable[Job]:
    replaced = {job.replaces_id for job in jobs}
    return (job for job in jobs if job.pk not in replaced)


def fetch(found: Kept, *, actor: AbstractBaseUser | None) -> None:
    """Have the gateways asked once more, on behalf of a person; call it where the rows are locked."""
    now, who = database_now(), actor.pk if actor else None
    rung = [job.pk for job in found.asked if job.fetch_asked_at is None]
    Job.objects.filter(pk__in=rung).update(fetch_asked_at=now)
    for job in found.free:
        Job.objects.filter(pk=job.pk).update(due_at=now, tries=0, fetch_asked_at=now)
        Event.objects.create(generation_id=job.generation_id, job=job, what=ASKED, actor_id=who, at=now)


def hint(job: Job, remote_id: str) -> bool:
    """A webhook rang for this failed call, which the caller has locked: whether it is asked after once more.

    Where that is so already, the look under way is not the last.
    """
    if not open_ended(job) or job.remote_id != remote_id:
        return False
    if job.due_at is not None:
        Job.objects.filter(pk=job.pk).update(heard=True)
        return False
    standing = Generation.objects.standing().filter(pk=job.generation_id).exists()
    if not standing or Job.objects.filter(replaces=job).exists():
        return False
    Job.objects.filter(pk=job.pk).update(due_at=database_now(), tries=0)
    return True


def forget(generation: Generation) -> None:
    """Nobody asks after its failed calls any more; call it where their rows are locked."""
    asked = generation.jobs.filter(status=JobStatus.FAILED, due_at__isnull=False)
    asked.update(due_at=None, holder="", fence=F("fence") + 1)


def rest(job: Job, *, wait: float | None = None, gone: str = "", cost: Decimal | None = None) -> None:
    """A look brought no picture: the call stays failed as it was.

    ``gone`` is the word a person had it asked for; with it counts what the gateway says of its ``cost``.
    """
    with transaction.atomic():
        _written(job, wait, gone, cost)
        failpoints.reach("look written")
    failpoints.reach("look committed")


def _written(job: Job, wait: float | None, gone: str, cost: Decimal | None) -> None:
    mine = Job.objects.filter(pk=job.pk, fence=job.fence, status=JobStatus.FAILED, due_at__isnull=False)
    if (stands := mine.select_for_update().first()) is None:
        raise TransitionError(f"{job.pk} is not ours to ask after")
    now = database_now()
    wait = 0.0 if stands.heard and not gone else wait
    due = None if wait is None else now + timedelta(seconds=wait)
    mine.update(due_at=due, holder="", tries=stands.tries + 1)
    if gone and stands.fetch_asked_at:
        _tell(stands, gone, cost, now)
    elif due is None and stands.fetch_asked_at:  # who waits for it reads that it is over
        Generation.objects.filter(pk=job.generation_id).update(version=F("version") + 1)


def _tell(job: Job, gone: str, cost: Decimal | None, now: datetime) -> None:
    """Write down what its gateway says at last: of the picture, and of the money where none was ever there."""
    before, said = costs.position(job), verdicts.failed(job, Failure(code=gone), cost=cost)
    job.cost = said.changes["cost"] if job.error_code in UNTOLD else job.cost
    job.error_code, job.error_note = gone, ""
    job.save(update_fields=["error_code", "error_note", "cost"])
    Event.objects.create(generation_id=job.generation_id, job=job, what=JobStatus.FAILED, code=gone, at=now)
    Generation.objects.refresh_outcomes([job.generation_id])
    Entry.objects.post([Change(job, before, costs.position(job))], at=now)
