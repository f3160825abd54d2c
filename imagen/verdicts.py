"""What a provider's news means for a job: pure decisions, each a ``Move``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from imagen.conf import settings
from imagen.exceptions import Busy, Declined, EgressBlocked, ImagenError
from imagen.models import Job, Move, Odd, Oddity
from imagen.states import JobStatus
from imagen.types import Failure, Snapshot, State, Trace

HOUR = 3600.0
DAY = 86400.0
EARLIEST, LATEST = -300.0, 600.0  # seconds from our sending to the time a gateway's list shows
SEARCH_STEPS = (60.0, 300.0, 900.0, HOUR)
CALLBACKS = frozenset({"webhook", "webhookUrl", "webhookEvents", "callback_url"})
UNSAID: tuple[Any, ...] = (None, "", False, -1, [], {})
RESEND_HOURS = 23
RESENDS = 8
EMPTY_LOOKS = 5
EMPTY_SECONDS = 12.0
LOST_SECONDS = 60.0
POISON_TRIES = 5
CONFIRM_SECONDS = 2.0
SPEAKING = frozenset({"provider_protocol_error", "provider_job_lost", "provider_auth"})
FREE = frozenset({"content_filtered", "provider_rejected"})
LOOK_STEPS = (5.0, 60.0, 300.0, 900.0)  # between looks at a call that failed without its gateway's word


def delay(tries: int) -> float:
    """Seconds before the next try, after so many."""
    return float(wait_of(settings.RETRY_SECONDS, tries))


def wait_of(steps: Sequence[float], number: int) -> float:
    """The wait at this place of a table; its last for all that come after."""
    return steps[min(number, len(steps) - 1)]


def declined(job: Job, error: ImagenError, *, account: str, now: datetime, again: bool = False) -> Move:
    """A submit that did not bring a job: put back, failed, sent again under its key, or unconfirmed.

    ``account`` is empty where no key is remembered. ``again``: an earlier send under this key may have been taken, and
    a refusal of this one says nothing about it.
    """
    if again:
        return _unknown(job, error, account=account, now=now)
    if isinstance(error, Busy):
        return _again_later(job, error, now)
    if isinstance(error, Declined | EgressBlocked):
        return Move(job=job, to=JobStatus.FAILED, code=error.code, note=error.message)
    if job.status == JobStatus.SUBMITTING:  # not a byte was sent
        return Move(job=job, to=JobStatus.QUEUED, wait=delay(job.tries), code=error.code)
    return _unknown(job, error, account=account, now=now)


def _unknown(job: Job, error: ImagenError, *, account: str, now: datetime) -> Move:
    if account and resendable(job, account=account, now=now):
        wait = max(delay(job.tries), getattr(error, "retry_after", None) or 0)
        return Move(job=job, to=JobStatus.SENDING, wait=wait, release=True, code=error.code)
    return unconfirmed(job, now=now, note=error.message)


def unconfirmed(job: Job, *, now: datetime, note: str = "", **changes: Any) -> Move:
    """A submit whose outcome nobody knows: it is not sent again but looked for now and then, at last by a person."""
    wait, new = _patience(job, now), job.status != JobStatus.UNCONFIRMED
    wait = 0.0 if wait is None and new else wait  # however old, it is looked for once
    return Move(job=job, to=JobStatus.UNCONFIRMED, wait=wait, code="submit_unknown", note=note, changes=changes)


def _patience(job: Job, now: datetime) -> float | None:
    """Seconds until it is looked for again; ``None`` when a day has not been enough."""
    age = max((now - (job.sent_at or now)).total_seconds(), 0.0)
    if age > DAY:
        return None
    return next((step - age for step in SEARCH_STEPS if step > age), SEARCH_STEPS[-1])


def adopted(job: Job, remote_id: str) -> Move:
    """The lost submit was found: its id is remembered, its money is spent, and it is asked after like any other."""
    changes = {"remote_id": remote_id, "accepted_at": job.sent_at, "cost": job.price, "tries": 0}
    return Move(job=job, to=JobStatus.PROCESSING, wait=settings.LEASE_SECONDS, changes=changes)


def matching(
    traces: Iterable[Trace], *, model: str, body: Mapping[str, Any], since: datetime, until: datetime
) -> set[str]:
    """The ids of those that may be the job we sent: made about then, with exactly these inputs."""
    return {
        trace.remote_id
        for trace in traces
        if trace.inputs is not None
        and trace.model in ("", model)
        and since <= trace.made_at <= until
        and _alike(trace.inputs, body)
    }


def _alike(shown: Mapping[str, Any], sent: Mapping[str, Any]) -> bool:
    """Whether all we sent is shown, and nothing besides but defaults and where to ring."""
    more = [value for name, value in shown.items() if name not in sent and name not in CALLBACKS]
    same = all(_same(shown.get(name), value) for name, value in sent.items() if name not in CALLBACKS)
    return same and all(value in UNSAID for value in more)


def _same(shown: Any, sent: Any) -> bool:
    nested = isinstance(shown, Mapping) and isinstance(sent, Mapping)
    return _alike(shown, sent) if nested else bool(shown == sent)


def resendable(job: Job, *, account: str, now: datetime) -> bool:
    """Whether this account certainly still remembers the key, and was not asked too often."""
    if job.account not in ("", account):
        return False
    return job.tries < RESENDS and (now - job.created_at).total_seconds() < RESEND_HOURS * HOUR


def _again_later(job: Job, error: Busy, now: datetime) -> Move:
    """The provider's own limits use up no try; only a whole watch without a place ends it."""
    if (now - job.created_at).total_seconds() > settings.WATCH_SECONDS:
        return Move(job=job, to=JobStatus.FAILED, code=error.code, note=error.message)
    return put_back(job, error)


def put_back(job: Job, error: ImagenError) -> Move:
    """It was certainly not taken, through no fault of its own: it waits as if it had never been sent."""
    sent = job.status == JobStatus.SENDING
    back = {"tries": job.tries - 1, "sent_at": None} if sent else {}
    return Move(job=job, to=JobStatus.QUEUED, wait=0, code=error.code, changes=back)


def accepted(job: Job, snapshot: Snapshot, *, now: datetime) -> Move:
    """A submit that brought a job: its id is remembered and its money is spent."""
    changes: dict[str, Any] = {"remote_id": snapshot.remote_id, "accepted_at": now, "cost": job.price, "tries": 0}
    to = JobStatus.STORING if snapshot.state is State.DONE and snapshot.outputs else JobStatus.PROCESSING
    return Move(job=job, to=to, wait=settings.LEASE_SECONDS, changes=changes)


def overdue(job: Job, *, retention: float, now: datetime, trouble: str = "") -> Move | None:
    """The step of a job nobody finishes: a warning and an hourly look, at last the end; ``None`` while in time.

    What is ready and only waits for our storage is watched as long as the provider keeps it.
    ``trouble`` is the code of the last look that failed.
    """
    told = trouble if trouble in SPEAKING else job.error_code
    age = (now - (job.accepted_at or job.created_at)).total_seconds()
    kept = retention if job.status == JobStatus.STORING else 0.0
    if age > max(settings.WATCH_SECONDS, kept):
        return Move(job=job, to=JobStatus.FAILED, code=told or "provider_timeout")
    if age > settings.DEADLINE_SECONDS:
        return _watched(job, told)
    return None


def _watched(job: Job, code: str) -> Move:
    to, wait = JobStatus(job.status), min(HOUR, settings.WATCH_SECONDS)
    return Move(job=job, to=to, wait=wait, release=True, code=code, warnings=("provider_timeout",))


def lost(job: Job) -> Move:
    """A job the provider does not know any more: watched like one that never ends."""
    return _watched(job, "provider_job_lost")


def poisoned(job: Job, *, now: datetime) -> Move:
    """A job that breaks the worker: put aside for a while, in the end given up; a send is never repeated for it."""
    tries = job.tries + 1 if job.error_code == "internal_error" else 1  # waits for storage count tries too
    to = JobStatus(job.status)
    if to in (JobStatus.SENDING, JobStatus.UNCONFIRMED):
        return unconfirmed(job, now=now)
    if tries >= POISON_TRIES:
        return Move(job=job, to=JobStatus.FAILED, code="internal_error")
    back = JobStatus.QUEUED if to == JobStatus.SUBMITTING else to
    step = Move(job=job, to=back, wait=delay(tries), release=True, code="internal_error")
    return replace(step, changes={"tries": tries})


def failed(job: Job, failure: Failure | None, *, cost: Decimal | None = None) -> Move:
    """The provider's own word that there will be no picture; refused wording costs nothing."""
    told = failure or Failure(code="provider_failed")
    spent = Decimal(0) if told.code in FREE else job.cost
    changes = {"cost": spent if cost is None else cost}
    return Move(job=job, to=JobStatus.FAILED, code=told.code, note=told.message, changes=changes)


def empty(job: Job, *, cost: Decimal | None) -> Move:
    """Done, and no picture however often we asked; where it was not free, a person has to see that."""
    step = failed(job, Failure(code="no_outputs"), cost=cost)
    return step if step.changes["cost"] == 0 else replace(step, odd=(Odd(Oddity.NO_OUTPUTS),))


def storing(job: Job) -> Move:
    """The outputs are there: fetch and keep them."""
    return Move(job=job, to=JobStatus.STORING, wait=settings.LEASE_SECONDS)


def taken_up(job: Job) -> Move:
    """The outputs of a failed call are there after all: fetched and kept like any, and late if we had waited."""
    late = () if job.error_code.startswith("storage_") else ("late",)
    return replace(storing(job), changes={"tries": 0, "fetch_asked_at": None}, warnings=late)


def next_look(tries: int, pause: float | None = None) -> float | None:
    """Seconds until a failed call is looked at again after so many looks without proof; ``None`` to let it rest."""
    return max(LOOK_STEPS[tries], pause or 0.0) if tries < len(LOOK_STEPS) else None
