"""What a round of fetching means for a job: the pictures kept, another round, or the end; pure decisions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from imagen.conf import settings
from imagen.exceptions import ImagenError, OutputError
from imagen.models import Image, Job, Move, Odd
from imagen.states import JobStatus
from imagen.types import Output, Snapshot
from imagen.verdicts import HOUR, delay, wait_of

DECODE_TRIES = 3  # of one picture, each of which killed the worker
STORAGE_STEPS = (60.0, 300.0, 900.0, 3600.0)
EXPIRED_STEPS = (60.0, 240.0)  # five minutes for a gateway to sign a fresh address
_RATIO_TOLERANCE = 0.1


def distinct(outputs: Sequence[Output], *, count: int) -> tuple[Output, ...]:
    """The first ``count`` outputs, each once."""
    return tuple({output.url or output.base64: output for output in outputs}.values())[:count]


@dataclass(frozen=True, slots=True, kw_only=True)
class Haul:
    """What one round of fetching brought: pictures, and per place that failed its error."""

    images: tuple[Image, ...] = ()
    errors: tuple[ImagenError, ...] = ()
    there: int = 0
    came: int = 0
    odd: tuple[Odd, ...] = ()

    @property
    def tries(self) -> int:
        """In how many rounds more may come."""
        return max((_tries(error) for error in self.errors), default=0)

    def pause(self, tries: int) -> float:
        """Seconds until the next round, after so many: the least that one of those still to come needs."""
        hopeful = (error.code for error in self.errors if tries < _tries(error))
        return min(wait_of(EXPIRED_STEPS, tries - 1) if code == "output_expired" else delay(tries) for code in hopeful)


def _tries(error: ImagenError) -> int:
    return error.tries if isinstance(error, OutputError) else 1


def decoding(job: Job, slot: int) -> Move:
    """The picture of this place is about to be decoded: whoever is killed by it leaves the mark behind."""
    return _marked(job, job.decodes + str(slot))


def decoded(job: Job, slot: int) -> Move:
    """Decoding it killed nobody: the mark goes."""
    return _marked(job, job.decodes.replace(str(slot), "", 1))


def _marked(job: Job, decodes: str) -> Move:
    step = Move(job=job, to=JobStatus(job.status), wait=settings.LEASE_SECONDS, code=job.error_code)
    return replace(step, changes={"decodes": decodes, "error_note": job.error_note})


def collected(job: Job, haul: Haul, *, snapshot: Snapshot, retention: float, now: datetime) -> Move:
    """The end of a round of fetching: completed, another round, or failed with the pictures that came kept."""
    stuck = next((error for error in haul.errors if error.code.startswith("storage_")), None)
    if stuck is not None:
        return _unstored(job, haul, stuck, retention, now)
    tries = 1 if job.error_code.startswith("storage_") else job.tries + 1  # waits for storage count tries too
    if tries < haul.tries:
        step = Move(job=job, to=JobStatus.STORING, wait=haul.pause(tries), release=True, code=haul.errors[0].code)
        return replace(step, changes={"tries": tries}, images=haul.images)
    return _ended(job, haul, snapshot, now)


def _unstored(job: Job, haul: Haul, error: ImagenError, retention: float, now: datetime) -> Move:
    if _kept_no_longer(job, retention, now):
        return Move(job=job, to=JobStatus.FAILED, code="storage_unavailable", images=haul.images)
    wait = wait_of(STORAGE_STEPS, job.tries)
    step = Move(job=job, to=JobStatus.STORING, wait=wait, release=True, code=error.code, images=haul.images)
    return replace(step, changes={"tries": job.tries + 1})


def _kept_no_longer(job: Job, retention: float, now: datetime) -> bool:
    """Whether its gateway may soon delete what our storage did not take: then this was the last try."""
    age = (now - (job.accepted_at or job.created_at)).total_seconds()
    return age > max(retention - 2 * HOUR, retention / 2)


def rounds(job: Job, *, retention: float, now: datetime) -> int:
    """How often in all it is tried to store what came: so far, and as often as there is time for."""
    at, count = max(job.due_at or now, now), job.tries + 1
    while not _kept_no_longer(job, retention, at):
        at += timedelta(seconds=wait_of(STORAGE_STEPS, count - 1))
        count += 1
    return count


def _ended(job: Job, haul: Haul, snapshot: Snapshot, now: datetime) -> Move:
    code = haul.errors[0].code if haul.errors else ("partial_outputs" if haul.there < len(job.slots) else "")
    to = JobStatus.COMPLETED if haul.there else JobStatus.FAILED
    changes = {"cost": _cost(job, haul, snapshot)}
    step = Move(job=job, to=to, code=code, changes=changes, images=haul.images, odd=haul.odd)
    return replace(step, warnings=_warnings(job, haul, now))


def _cost(job: Job, haul: Haul, snapshot: Snapshot) -> Decimal | None:
    if snapshot.cost is not None or job.price is None:
        return snapshot.cost
    return job.price * min(haul.came, len(job.slots)) / len(job.slots)


def _warnings(job: Job, haul: Haul, now: datetime) -> tuple[str, ...]:
    asked, age = job.generation.aspect_ratio, (now - (job.accepted_at or now)).total_seconds()
    told = {
        "wrong_size": any(not fits(image.width, image.height, asked) for image in haul.images),
        "late": age > settings.DEADLINE_SECONDS,
    }
    return tuple(code for code, applies in told.items() if applies)


def fits(width: int, height: int, aspect_ratio: str) -> bool:
    """Whether a picture has the shape that was asked for, as exactly as the models obey (about a tenth)."""
    across, down = (int(part) for part in aspect_ratio.split(":"))
    return abs(math.log((width / height) / (across / down))) <= _RATIO_TOLERANCE
