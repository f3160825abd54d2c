"""Asking once more after a call that failed without its gateway's word: only outputs in hand take it up again."""

from __future__ import annotations

import logging
from decimal import Decimal

from imagen import kept, verdicts
from imagen.engine.desk import Desk
from imagen.exceptions import EgressBlocked, NotFound, ProviderError
from imagen.models import Job
from imagen.providers.base import Provider
from imagen.types import Snapshot, State

logger = logging.getLogger("imagen")
GONE = "output_expired"


async def ask_again(desk: Desk, job: Job, provider: Provider) -> Snapshot | None:
    """The answer that shows outputs; without one the call was left as it was."""
    try:
        reply = await desk.transport.send(provider.check(job.remote_id), limit=desk.limit(job))
        snapshot = provider.read_check(reply)
    except NotFound:
        await _leave(desk, job, GONE, sure=True)
    except (ProviderError, EgressBlocked) as error:
        logger.info("a last look brought no answer", extra={"job": str(job.pk), "provider": job.provider})
        await _leave(desk, job, pause=getattr(error, "retry_after", None))
    else:
        if snapshot.remote_id not in ("", job.remote_id):  # an answer about another job is no answer
            await _leave(desk, job)
        elif snapshot.state is State.DONE and snapshot.outputs:
            return snapshot
        else:
            sure = job.tries > 0  # such a word counts when it is said twice
            await _leave(desk, job, _word(snapshot), sure=sure, cost=snapshot.cost)
    return None


def _word(snapshot: Snapshot) -> str:
    """What the answer says of the picture: empty while it may still come."""
    if snapshot.state is State.FAILED:
        return snapshot.failure.code if snapshot.failure else "provider_failed"
    return GONE if snapshot.state is State.DONE else ""


async def _leave(
    desk: Desk, job: Job, word: str = "", *, sure: bool = False, pause: float | None = None, cost: Decimal | None = None
) -> None:
    settled = bool(word) and sure
    wait = None if settled else verdicts.next_look(job.tries, pause)
    await desk.writer.run(kept.rest, job, wait=wait, gone=word if settled else "", cost=cost)
