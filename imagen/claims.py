"""Who may work on what, and when: claims under a lease, each provider's pace, its pauses."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet

from imagen import failpoints, registry
from imagen.models import Event, Gateway, Generation, Job, Move, database_now
from imagen.states import AT_PROVIDER, BEFORE_SENDING, JobStatus
from imagen.verdicts import resendable, unconfirmed

MINUTE = timedelta(minutes=1)
PROBE_SECONDS = 60.0
_RESUMABLE = (JobStatus.PROCESSING, JobStatus.STORING, JobStatus.UNCONFIRMED, JobStatus.FAILED)
_HALFWAY = {JobStatus.SENDING, *_RESUMABLE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """How one provider may be used: its limits (0: none), whether a repeated key is recognised.

    ``probed``: a call that costs nothing finds out whether it works again.
    """

    alias: str
    idempotent: bool = False
    probed: bool = False
    account: str = ""
    per_minute: int = 0
    max_in_flight: int = 0

    def remembers(self, job: Job, now: datetime) -> bool:
        """Whether sending this call again under its key is harmless."""
        return self.idempotent and resendable(job, account=self.account, now=now)


def claim(lanes: Mapping[str, Lane], *, holder: str, limit: int, lease: float) -> list[Job]:
    """Take what is due, at most ``limit`` jobs, for ``lease`` seconds; what has to wait learns why."""
    now = database_now()
    due = Job.objects.filter(due_at__lte=now).order_by().distinct()
    if not (waiting := set(due.values_list("status", flat=True))):
        return []
    with transaction.atomic():
        _clear(lanes, now, waiting)
        taken = _resume(lanes, now, limit) if waiting & _HALFWAY else []
        for lane in lanes.values() if waiting & BEFORE_SENDING else ():
            taken += _admit(lane, now, limit - len(taken))
        leased = _lease(taken, holder, now + timedelta(seconds=lease))
        failpoints.reach("claim written")
    failpoints.reach("claim committed")
    return leased


def _clear(lanes: Mapping[str, Lane], now: datetime, waiting: set[str]) -> None:
    """Put what a lost worker left, and what nobody here can send, where it belongs."""
    if JobStatus.SUBMITTING in waiting:
        _put_back(now)
    if JobStatus.SENDING in waiting:
        _park_unknown_sends(lanes, now)
    if waiting & BEFORE_SENDING:
        _obey_cancels(now)
    _postpone_strangers(lanes, now)


def _due(now: datetime) -> QuerySet[Job]:
    skip = connection.features.has_select_for_update_skip_locked
    return Job.objects.filter(due_at__lte=now).select_for_update(of=("self",), skip_locked=skip).order_by("due_at")


def _put_back(now: datetime) -> None:
    """What a lost worker had claimed but not sent waits again."""
    lost = _due(now).filter(status=JobStatus.SUBMITTING)
    Job.objects.move([Move(job=job, to=JobStatus.QUEUED, wait=0) for job in lost])


def _park_unknown_sends(lanes: Mapping[str, Lane], now: datetime) -> None:
    """A send that nobody finished may have been paid: where no key protects it, it waits for proof or a person."""
    lost = _due(now).filter(status=JobStatus.SENDING, provider__in=lanes)
    bare = [job for job in lost if not lanes[job.provider].remembers(job, now)]
    Job.objects.move([unconfirmed(job, now=now) for job in bare])


def _obey_cancels(now: datetime) -> None:
    """What was cancelled while it was being sent, and then refused, is not sent again."""
    unwanted = _due(now).filter(status=JobStatus.QUEUED, generation__cancel_asked_at__isnull=False)
    Job.objects.move([Move(job=job, to=JobStatus.CANCELED) for job in unwanted])


def _postpone_strangers(lanes: Mapping[str, Lane], now: datetime) -> None:
    waiting = Job.objects.filter(due_at__lte=now).exclude(provider__in=lanes)
    waiting.filter(status=JobStatus.FAILED).update(due_at=None, holder="")  # it stays as it was
    waiting.filter(status=JobStatus.UNCONFIRMED).update(due_at=now + timedelta(seconds=PROBE_SECONDS), holder="")
    waiting.update(due_at=now + timedelta(seconds=PROBE_SECONDS), error_code="provider_not_configured", holder="")


def _resume(lanes: Mapping[str, Lane], now: datetime, limit: int) -> list[Job]:
    faithful = [alias for alias, lane in lanes.items() if lane.idempotent]
    polls = _due(now).filter(status__in=_RESUMABLE, provider__in=lanes)[: max(limit, 0)]
    found = list(polls)
    again = _due(now).filter(status=JobStatus.SENDING, provider__in=faithful)[: max(limit - len(found), 0)]
    return found + list(again)


def _admit(lane: Lane, now: datetime, limit: int) -> list[Job]:
    due = Job.objects.filter(due_at__lte=now, provider=lane.alias, status=JobStatus.QUEUED)
    if not due.exists():
        return []
    gateway = _gateway(lane.alias)
    allowed, until, code = _allowance(lane, gateway, now)
    # Whose turns came to nothing stands behind who waits for the same moment.
    first = _due(now).filter(provider=lane.alias, status=JobStatus.QUEUED).order_by("due_at", "fence")
    places = max(min(allowed, limit), 0)
    jobs = list(first[:places]) if places else []
    if allowed <= limit and len(jobs) == places:
        _explain(due.exclude(pk__in=[job.pk for job in jobs]), until, code)
    return jobs


def _gateway(alias: str) -> Gateway:
    """This provider's row, locked: claims for one provider happen one after another."""
    Gateway.objects.bulk_create([Gateway(alias=alias)], ignore_conflicts=True)
    return Gateway.objects.select_for_update().get(pk=alias)


def _allowance(lane: Lane, gateway: Gateway, now: datetime) -> tuple[int, datetime, str]:
    """How many may be sent now, when to look again, and why the others wait."""
    soon = now + timedelta(seconds=1)
    working = Job.objects.filter(provider=lane.alias, status__in=AT_PROVIDER, due_at__gt=now)
    if gateway.paused_until and gateway.paused_until > now:
        return 0, gateway.paused_until, gateway.pause_code
    if gateway.broken and lane.probed:
        return 0, soon, gateway.pause_code
    if gateway.pause_code:
        probing = working.exclude(status=JobStatus.PROCESSING).count()
        return max(1 - probing, 0), soon, gateway.pause_code
    free, until = 10**6, soon
    if lane.max_in_flight:
        free = lane.max_in_flight - working.count()
    if lane.per_minute:
        left, opens = _pace(lane, now)
        free, until = (left, opens) if left < free else (free, until)
    return max(free, 0), until, "provider_rate_limited"


def _pace(lane: Lane, now: datetime) -> tuple[int, datetime]:
    """What is left of this minute, and when the next place opens."""
    sent = Job.objects.filter(provider=lane.alias, sent_at__gt=now - MINUTE)
    about = Job.objects.filter(provider=lane.alias, status=JobStatus.SUBMITTING, due_at__gt=now)
    first = sent.order_by("sent_at").values_list("sent_at", flat=True).first()
    opens = first + MINUTE if first else now + timedelta(seconds=1)
    return lane.per_minute - sent.count() - about.count(), max(opens, now + timedelta(milliseconds=50))


def _explain(waiting: QuerySet[Job], until: datetime, code: str) -> None:
    unsaid = set(waiting.exclude(error_code=code).values_list("generation", flat=True))
    waiting.update(due_at=until, error_code=code)
    Generation.objects.refresh_outcomes(unsaid)


def _lease(jobs: list[Job], holder: str, until: datetime) -> list[Job]:
    pks = [job.pk for job in jobs]
    fresh, rung = [job for job in jobs if job.status == JobStatus.QUEUED], {job.pk for job in jobs if job.heard}
    Job.objects.filter(pk__in=pks).update(fence=F("fence") + 1, due_at=until, holder=holder, heard=False)
    Job.objects.filter(pk__in=[job.pk for job in fresh]).update(status=JobStatus.SUBMITTING)
    Event.objects.bulk_create(
        [Event(generation_id=job.generation_id, job=job, what=JobStatus.SUBMITTING) for job in fresh]
    )
    leased, late = Job.objects.filter(pk__in=pks, holder=holder).select_related("generation"), _lateness(jobs)
    orphans = {job.pk for job in jobs if job.holder}
    for job in (found := list(leased)):
        job.orphaned = job.pk in orphans
        job.heard, job.late = job.pk in rung, late[job.pk]  # it is this look that it rang for
    return found


def _lateness(jobs: list[Job]) -> dict[uuid.UUID, float]:
    """Seconds each of these was due when it was claimed."""
    now = database_now()
    return {job.pk: (now - job.due_at).total_seconds() if job.due_at else 0.0 for job in jobs}


def pause(alias: str, code: str, *, seconds: float | None, steps: Iterable[float]) -> Gateway:
    """Let this provider rest, for so long as it asked or a step longer each time; one that is broken, a minute."""
    delays = list(steps)
    with transaction.atomic():
        gateway, now = _gateway(alias), database_now()
        gateway.rest(code, now)
        step = delays[min(max(gateway.pauses, 1), len(delays)) - 1]
        rest = step if seconds is None else max(seconds, delays[0])
        rest = max(rest, PROBE_SECONDS) if gateway.broken else rest
        gateway.paused_until = max(now + timedelta(seconds=rest), gateway.paused_until or now)
        gateway.save()
    return gateway


def moods() -> dict[str, Gateway]:
    """What is known of each provider's mood, by its alias."""
    return Gateway.objects.in_bulk()


def broken() -> dict[str, str]:
    """The providers that do not work until somebody has done something, each with the code that says why."""
    return {alias: gateway.pause_code for alias, gateway in moods().items() if gateway.broken}


def closed_now() -> set[str]:
    """Those of them no new request should go to; where no free call finds out, one request a minute does."""
    shut = {alias: gateway.paused_until for alias, gateway in moods().items() if gateway.broken}
    if not shut:
        return set()
    now, asked = database_now(), {alias for alias, found in registry.configured().items() if found.probe()}
    return {alias for alias, until in shut.items() if alias in asked or (until is not None and until > now)}


def take_turn(alias: str) -> bool:
    """Whether it is the caller who finds out whether a broken provider works again: one in a minute does."""
    now = database_now()
    free = Gateway.objects.filter(pk=alias, paused_until__lte=now).exclude(pause_code="")
    return bool(free.update(paused_until=now + timedelta(seconds=PROBE_SECONDS)))


def resume(alias: str) -> bool:
    """This provider took a job: whether that ended its rest; one it asked for meanwhile goes on."""
    over = Gateway.objects.filter(pk=alias, paused_until__lte=database_now()).exclude(pause_code="")
    return bool(over.update(paused_until=None, pause_code="", pauses=0))


def recovered(alias: str, code: str) -> None:
    """This provider seems to work again, as far as this trouble goes: one request goes first."""
    with transaction.atomic():
        gateway = _gateway(alias)
        if gateway.pause_code == code:
            gateway.half_open(database_now())
            gateway.save()


def miss(alias: str) -> None:
    """A job of this provider was over and its webhook had not come."""
    Gateway.objects.filter(pk=alias).update(missed=F("missed") + 1)
