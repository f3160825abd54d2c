"""All of an engine's dealings with the database: one thread, writes gathered into few transactions."""

from __future__ import annotations

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

from django.db import Error, IntegrityError, connection

from imagen.engine import clock
from imagen.models import Job, Move, Odd, Oddity
from imagen.outages import passing
from imagen.states import JobStatus
from imagen.verdicts import unconfirmed

logger = logging.getLogger("imagen")
T = TypeVar("T")
FLUSH_SECONDS = 0.02
PATIENCE_SECONDS = 30.0
_IN_DOUBT = (JobStatus.SENDING, JobStatus.UNCONFIRMED)
Step = tuple[Move, asyncio.Future[bool]]


class Writer:
    """Takes moves one by one, makes them many at a time, and answers each with whether it was made."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="imagen-database")
        self._waiting: list[Step] = []
        self._flushing: asyncio.Task[None] | None = None
        self.transactions = 0

    async def move(self, move: Move) -> bool:
        """Make this step; ``False`` means the job is not ours any more."""
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._waiting.append((move, future))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush())
        return await future

    async def _flush(self) -> None:
        """Write the first step at once; those that come meanwhile share the next transaction."""
        while self._waiting:
            batch = self._next()
            try:
                answers = await self.run(_make, [move for move, _ in batch])
            except Exception as error:  # every waiting job learns it, none is left hanging
                answers = [error] * len(batch)
            _answer(batch, answers)
            await asyncio.sleep(FLUSH_SECONDS)

    def _next(self) -> list[Step]:
        """The first waiting step of each job; the second builds on it and comes after it."""
        first: dict[uuid.UUID, Step] = {}
        later = [step for step in self._waiting if first.setdefault(step[0].job.pk, step) is not step]
        self._waiting = later
        return list(first.values())

    async def run(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Do this in the database thread; an outage is waited out for half a minute."""
        self.transactions += 1
        return await asyncio.get_running_loop().run_in_executor(self._thread, lambda: _patiently(work, *args, **kwargs))

    async def close(self) -> None:
        """Write what is left and let the connection go."""
        if self._flushing is not None:
            await self._flushing
        hung_up = asyncio.get_running_loop().run_in_executor(self._thread, _hang_up)
        self._thread.shutdown(wait=False)  # at once: what came after would open a connection that nobody closes
        await hung_up


def _hang_up() -> None:
    connection.close()  # looked up here: every thread has a connection of its own


def _answer(batch: list[Step], answers: Sequence[bool | Exception]) -> None:
    for (_, future), answer in zip(batch, answers, strict=True):
        if future.done():
            continue
        if isinstance(answer, Exception):
            future.set_exception(answer)
        else:
            future.set_result(answer)


def _patiently(work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
    until, step = time.monotonic() + PATIENCE_SECONDS, 0.1
    while True:
        try:
            return work(*args, **kwargs)
        except Error as error:
            connection.close()
            if not passing(error) or time.monotonic() > until:
                raise
            time.sleep(step)
            step = min(step * 2, 5.0)


def _make(moves: list[Move]) -> Sequence[bool | Exception]:
    """All in one transaction; when one of them cannot be written, each in its own, and only that one fails."""
    try:
        made = Job.objects.move(moves)
    except Exception as error:
        if passing(error):
            raise
        logger.warning("one of %d steps cannot be written; making them one by one", len(moves))
        return [_alone(move) for move in moves]
    return [move.job.pk in made for move in moves]


def _alone(move: Move) -> bool | Exception:
    try:
        return bool(Job.objects.move([move]))
    except IntegrityError as error:
        return _taken(move) if "remote_id" in move.changes else error
    except Exception as error:
        if passing(error):
            raise
        return error


def _taken(move: Move) -> bool:
    """Another call has this id: where it was only named for it, the answer to a send is better proof."""
    others = Job.objects.filter(provider=move.job.provider, remote_id=move.changes["remote_id"], accepted_at=None)
    if others.exclude(pk=move.job.pk).filter(status__in=_IN_DOUBT).update(remote_id=""):
        with suppress(IntegrityError):
            return bool(Job.objects.move([move]))
    return _doubted(move)


def _doubted(move: Move) -> bool:
    """The provider gave the same id to two of our jobs: the second is not believed."""
    logger.error("two jobs with one remote id", extra={"job": str(move.job.pk), "provider": move.job.provider})
    step = unconfirmed(move.job, now=clock.now(), note="the same id twice")
    Job.objects.move([replace(step, odd=(Odd(Oddity.SAME_ID, str(move.changes["remote_id"])),))])
    return False
