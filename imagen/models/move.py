"""One step of one job: what changes, whether it may be made, what it means for history and money."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, NamedTuple

from imagen import costs
from imagen.models.anomaly import Odd
from imagen.models.event import Event
from imagen.models.image import Image
from imagen.models.ledger import Change
from imagen.states import ACCEPTED, ASKED, HELD, UNSENT, WORKING, JobStatus, sources

if TYPE_CHECKING:
    from imagen.models.job import Job


class Stand(NamedTuple):
    """Where a job's row stands before a step; without a row, nowhere."""

    fence: int | None = None
    status: str = ""
    error_code: str = ""
    heard: bool = False
    accepted_at: datetime | None = None
    sent_at: datetime | None = None
    price: Decimal | None = None
    cost: Decimal | None = None
    stake: Decimal = Decimal(0)
    rate: Decimal | None = None

    def after(self, move: Move, now: datetime) -> Stand:
        """Where it stands after the step."""
        said = {"error_code": move.code, **move.changes, **dict.fromkeys(move.stamps, now), "status": move.to}
        return self._replace(**{name: value for name, value in said.items() if name in _MONEY})


_MONEY = frozenset({"status", "error_code", "accepted_at", "sent_at", "cost"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """One step of one job: where to, what else changes, why, and the pictures that came with it.

    ``wait`` seconds until somebody should look again; ``None`` when nobody has to. ``release`` lets any worker look.
    ``stamps`` are fields that take the time of the transaction. ``odd`` is what people should see of it.
    """

    job: Job
    to: JobStatus
    wait: float | None = None
    release: bool = False
    changes: dict[str, Any] = field(default_factory=dict)
    stamps: tuple[str, ...] = ()
    code: str = ""
    note: str = ""
    warnings: tuple[str, ...] = ()
    actor: Any = None
    images: tuple[Image, ...] = ()
    odd: tuple[Odd, ...] = ()

    def __post_init__(self) -> None:
        if self.to in WORKING and self.wait is None:
            raise ValueError(f"a job that is {self.to} has to be looked at some time, or it is lost")
        if (cost := self.changes.get("cost")) is not None:  # as the column keeps it, or the ledger would drift
            object.__setattr__(self, "changes", {**self.changes, "cost": cost.quantize(costs.SHOWN)})


def unless_it_rang(move: Move, before: Stand) -> Move:
    """A send that rang was taken, whatever was answered to it."""
    taken = before.heard and before.status == JobStatus.SENDING
    if not taken or move.to not in (JobStatus.QUEUED, JobStatus.FAILED):
        return move
    return Move(job=move.job, to=JobStatus.UNCONFIRMED, wait=0, code="submit_unknown", note=move.note)


def fits(move: Move, before: Stand) -> bool:
    """Whether the job still stands where the step begins, under the fence it was decided under."""
    return before.fence == move.job.fence and before.status in sources(move.to)


def changes_of(move: Move, before: Stand, now: datetime) -> dict[str, Any]:
    """What the step writes into the job's row."""
    holder = move.job.holder if move.to in HELD and not move.release else ""
    return {
        "error_code": move.code,
        "error_note": move.note,
        **move.changes,
        **dict.fromkeys(move.stamps, now),
        "status": move.to,
        "due_at": _due(move, before, now, held=bool(holder)),
        "holder": holder,
    }


def _due(move: Move, before: Stand, now: datetime, *, held: bool) -> datetime | None:
    """When to look again: at once when it rang while somebody held it."""
    if before.heard and not held and move.to in ASKED:
        return now
    return None if move.wait is None else now + timedelta(seconds=move.wait)


def change_of(move: Move, before: Stand, now: datetime) -> Change:
    """What the step does to the money."""
    return Change(move.job, costs.position(before), costs.position(before.after(move, now)))


def telling(move: Move, before: Stand) -> bool:
    """Whether the step is worth a line of history."""
    return bool(before.status != move.to or move.note or move.images or move.actor)


def weighty(move: Move, before: Stand) -> bool:
    """Whether the generation may stand differently after this step."""
    ends = {before.status, move.to}
    quiet = (ends <= UNSENT or ends <= ACCEPTED) and before.error_code == move.code
    return not quiet or bool(move.images or move.warnings)


def event_of(move: Move, now: datetime) -> Event:
    """Its line of history."""
    return Event(
        generation_id=move.job.generation_id,
        job=move.job,
        what=move.to,
        code=move.code,
        note=move.note,
        actor=move.actor,
        at=now,
    )
