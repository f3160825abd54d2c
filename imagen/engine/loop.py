"""The loop: claim what is due, visit each job, keep the leases, stop in good order."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
import uuid
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from django.db import close_old_connections, reset_queries
from django.utils import timezone

from imagen import alarms, claims, deliveries, detours, pipeline, registry
from imagen.conf import settings
from imagen.engine import clock
from imagen.engine.desk import Desk
from imagen.engine.post import Post
from imagen.engine.visit import Visit
from imagen.models import Job, Worker, database_now
from imagen.providers.base import Provider

TICK_SECONDS = 0.2
LINGER_SECONDS = 1.0
BEAT_SECONDS = 10.0
DETOUR_SECONDS = 1.0
GRACE_SECONDS = 15.0
BATCH = 500


class Engine:
    """Works on many jobs at once until told to stop, or, as a slice, until its time or its work is over."""

    def __init__(self, *, seconds: float | None = None) -> None:
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}"
        self.holder = f"{self.name}:{uuid.uuid4().hex[:8]}"
        self.seconds = seconds
        self._visits: dict[asyncio.Task[None], Job] = {}
        self._probing: asyncio.Task[None] | None = None
        self._started_at = timezone.now()

    async def run(self, stopping: asyncio.Event | None = None) -> None:
        """Work until stopped or cancelled; what is under way then is finished or given back, nothing is lost."""
        async with Desk(stopping or asyncio.Event()) as self.desk, Post(self.desk) as self.post:
            try:
                await self._beat()
                await self._work()
            finally:  # Ctrl-C as well: a send that is cut off is money nobody knows of
                self.desk.stopping.set()
                await self._finish()

    async def _work(self) -> None:
        begun = time.monotonic()
        done = {chore: begun - every * (chore in (self._detour, self._probe)) for chore, every in self._rota().items()}
        while not self.desk.stopping.is_set():
            busy = await self._tick()
            for chore, every in self._rota().items():
                if time.monotonic() - done[chore] > every:
                    done[chore] = time.monotonic()
                    await chore()
            if self.seconds is not None and self._over(time.monotonic() - begun, busy):
                return

    def _rota(self) -> dict[Callable[[], Awaitable[None]], float]:
        """What has to be done every so many seconds; who works in slices leaves the sweep to the schedule."""
        rota: dict[Callable[[], Awaitable[None]], float]
        rota = {
            self._hold: settings.LEASE_SECONDS / 3,
            self._beat: BEAT_SECONDS,
            self._detour: DETOUR_SECONDS,
            self._probe: DETOUR_SECONDS,
        }
        return rota if self.seconds is not None else {**rota, self._sweep: settings.SWEEP_SECONDS}

    def _over(self, age: float, busy: bool) -> bool:
        return age > (self.seconds or 0) or (age > LINGER_SECONDS and not busy)

    async def _tick(self) -> bool:
        """Claim what there is room for and rest a moment; whether there is anything to stay for."""
        room = settings.MAX_IN_FLIGHT - len(self._visits)
        claimed = (await self.desk.guarded(self._claim, room) if room > 0 else None) or []
        for job in claimed:
            task = asyncio.create_task(Visit(self.desk, job).run())
            self._visits[task] = job
            task.add_done_callback(self._visits.pop)
        if not claimed:
            await self.desk.sleep(TICK_SECONDS)
        await self.desk.flush()
        if self._visits or claimed or self.seconds is None:
            return True
        near = await self.desk.guarded(work_is_near)
        return bool(near or self.post.busy)  # in this order: what is near may be taken just now

    def _claim(self, room: int) -> list[Job]:
        lanes = {alias: _lane(alias, found) for alias, found in self.desk.providers.items()}
        jobs = claims.claim(lanes, holder=self.holder, limit=min(room, BATCH), lease=settings.LEASE_SECONDS)
        registry.refresh(*{(job.provider, job.provider_model) for job in jobs})
        if jobs:
            self.desk.notice(claims.moods())
        return jobs

    async def _hold(self) -> None:
        fences = {job.pk: job.fence for job in self._visits.values()}
        await self.desk.guarded(lambda: Job.objects.hold(fences, seconds=settings.LEASE_SECONDS))

    async def _beat(self) -> None:
        await self.desk.guarded(_beat, self.name, self._started_at, len(self._visits))
        await self.desk.remember()
        await self.desk.wonder()

    async def _detour(self) -> None:
        await self.desk.guarded(detours.take)

    async def _probe(self) -> None:
        """Beside the loop: a broken provider may take its time to answer."""
        if self._probing is None or self._probing.done():
            self._probing = asyncio.create_task(self.desk.probe())

    async def _sweep(self) -> None:
        await self.desk.guarded(pipeline.sweep)

    async def _finish(self) -> None:
        """Let calls under way end within their own bound, then give everything back."""
        if self._visits:
            await asyncio.wait(list(self._visits), timeout=settings.CALL_SECONDS + GRACE_SECONDS)
        await self._let_go()
        if self._probing is not None:
            await asyncio.gather(self._probing, return_exceptions=True)
        await self._beat()

    async def _let_go(self) -> None:
        late = dict(self._visits)
        for task, job in late.items():
            task.cancel()
            self.desk.give_back(job, 0.0)
        await asyncio.gather(*late, return_exceptions=True)
        await self.desk.flush()


def _lane(alias: str, found: Provider) -> claims.Lane:
    return claims.Lane(
        alias=alias,
        idempotent=found.idempotent,
        probed=bool(found.probe()),
        account=found.account,
        per_minute=found.per_minute,
        max_in_flight=found.max_in_flight,
    )


def _beat(name: str, started_at: datetime, in_flight: int) -> None:
    facts = {"started_at": started_at, "beat_at": clock.agree(), "in_flight": in_flight}
    Worker.objects.update_or_create(name=name, defaults=facts)
    alarms.end(alarms.SILENT, *((alarms.WANTED,) if any(registry.choices()) else ()))
    reset_queries()  # with DEBUG the connection keeps every statement, and this one lives long


def work_is_near() -> bool:
    """Whether a job or a message nobody holds comes due before the next sweep."""
    soon = database_now() + timedelta(seconds=settings.SWEEP_SECONDS)
    return Job.objects.free().filter(due_at__lte=soon).exists() or deliveries.near(settings.SWEEP_SECONDS)


def drive(*, seconds: float, told: Callable[[], bool] = lambda: False) -> bool:
    """Work for at most about so many seconds, less with nothing to do or when ``told`` to stop; is work left?"""
    close_old_connections()
    if not told():
        asyncio.run(_drive(seconds, told))
    return work_is_near()


async def _drive(seconds: float, told: Callable[[], bool]) -> None:
    stopping = asyncio.Event()
    listening = asyncio.create_task(_listen(told, stopping))
    try:
        await Engine(seconds=seconds).run(stopping)
    finally:
        listening.cancel()


async def _listen(told: Callable[[], bool], stopping: asyncio.Event) -> None:
    """Beside the loop, which may be waiting for the database."""
    while not told():
        await asyncio.sleep(TICK_SECONDS)
    stopping.set()


def serve(*, ready: Callable[[], None] = lambda: None) -> None:
    """Work until SIGTERM or SIGINT; ``ready`` is called as soon as these are heard."""
    asyncio.run(_serve(ready))


async def _serve(ready: Callable[[], None]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    ready()
    await Engine().run(stopping)
