"""The loop: claim what is due, visit each job, keep the leases, stop in good order."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any, TypeVar

from django.db import close_old_connections
from django.utils import timezone

from imagen import claims, registry
from imagen.conf import settings
from imagen.engine.visit import Visit
from imagen.engine.writer import Writer
from imagen.models import Image, Job, Tempo, Worker
from imagen.offers import Offer
from imagen.transport import Transport

logger = logging.getLogger("imagen")
T = TypeVar("T")
TICK_SECONDS = 0.2
LINGER_SECONDS = 1.0
BEAT_SECONDS = 10.0


class Engine:
    """Works on many jobs at once until told to stop, or, as a slice, until its time or its work is over."""

    def __init__(self, *, seconds: float | None = None) -> None:
        self.name = f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self.seconds = seconds
        self.providers = registry.configured()
        self.tempi: dict[tuple[str, str], Tempo] = {}
        self._learned: set[tuple[str, str]] = set()
        self._visits: dict[asyncio.Task[None], Job] = {}
        self._returned: dict[uuid.UUID, tuple[int, float]] = {}
        self._resting: set[str] = set()
        self._started_at = timezone.now()

    async def run(self, stopping: asyncio.Event | None = None) -> None:
        """Work until stopped; what is under way then is finished or given back, nothing is lost."""
        self.stopping = stopping or asyncio.Event()
        self.writer = Writer()
        self._decoders = ThreadPoolExecutor(settings.DECODE_SLOTS, thread_name_prefix="imagen-decode")
        self._savers = ThreadPoolExecutor(settings.DOWNLOAD_SLOTS, thread_name_prefix="imagen-save")
        try:
            async with self._transport() as self.transport:
                await self._work()
        finally:
            await self.writer.close()
            self._decoders.shutdown()
            self._savers.shutdown()

    def _transport(self) -> Transport:
        return Transport(
            origins=[found.url for found in self.providers.values()],
            allowed_private=settings.ALLOWED_PRIVATE_HOSTS,
            output_hosts=settings.OUTPUT_HOSTS,
            call_seconds=settings.CALL_SECONDS,
            max_bytes=settings.MAX_BYTES,
            call_slots=settings.CALL_SLOTS,
            download_slots=settings.DOWNLOAD_SLOTS,
        )

    # --- the loop

    async def _work(self) -> None:
        begun = last_beat = last_lease = time.monotonic()
        self.tempi = await self.writer.run(_known_tempi)
        await self._beat()
        while not self.stopping.is_set():
            busy = await self._tick()
            now = time.monotonic()
            if now - last_lease > settings.LEASE_SECONDS / 3:
                last_lease = now
                await self._hold()
            if now - last_beat > BEAT_SECONDS:
                last_beat = now
                await self._beat()
            if self.seconds is not None and self._over(now - begun, busy):
                break
        self.stopping.set()
        await self._finish()

    def _over(self, age: float, busy: bool) -> bool:
        return age > (self.seconds or 0) or (age > LINGER_SECONDS and not busy)

    async def _tick(self) -> bool:
        """Claim what there is room for and rest a moment; whether there is anything to stay for."""
        room = settings.MAX_IN_FLIGHT - len(self._visits)
        claimed = await self._guarded(self._claim, room) if room > 0 else []
        for job in claimed or ():
            task = asyncio.create_task(Visit(self, job).run())
            self._visits[task] = job
            task.add_done_callback(self._visits.pop)
        if not claimed:
            await self.sleep(TICK_SECONDS)
        await self._return()
        if self._visits or claimed or self.seconds is None:
            return True
        return bool(await self._guarded(_soon))

    def _claim(self, room: int) -> list[Job]:
        lanes = {alias: _lane(alias, found) for alias, found in self.providers.items()}
        return claims.claim(lanes, holder=self.name, limit=min(room, 500), lease=settings.LEASE_SECONDS)

    async def _guarded(self, work: Callable[..., T], *args: Any) -> T | None:
        """Database work the loop outlives: an error is logged, and the next tick tries again."""
        try:
            return await self.writer.run(work, *args)
        except Exception:
            logger.exception("the database did not answer; trying again")
            await self.sleep(5.0)
            return None

    async def _hold(self) -> None:
        fences = {job.pk: job.fence for job in self._visits.values()}
        await self._guarded(lambda: Job.objects.hold(fences, seconds=settings.LEASE_SECONDS))

    async def _return(self) -> None:
        if self._returned:
            returned, self._returned = self._returned, {}
            await self._guarded(Job.objects.release, returned)

    async def _beat(self) -> None:
        await self._guarded(_beat, self.name, self._started_at, len(self._visits))
        learned, self._learned = self._learned, set()
        await self._guarded(_remember, [self.tempi[key] for key in learned])

    async def _finish(self) -> None:
        """Let calls under way end within their own bound, then give everything back."""
        if self._visits:
            await asyncio.wait(list(self._visits), timeout=settings.CALL_SECONDS + 15)
        await self._return()
        await self._beat()

    # --- what visits use

    async def sleep(self, seconds: float) -> bool:
        """Sleep; ``False`` as soon as the engine stops."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)
        return not self.stopping.is_set()

    def give_back(self, job: Job, seconds: float) -> None:
        """Any worker may look at this job after so many seconds."""
        self._returned[job.pk] = (job.fence, seconds)

    def offer(self, job: Job) -> Offer:
        """The offer a job was made under: as listed, or rebuilt when it is no longer listed."""
        listed = (offer for offer in registry.offers(job.provider) if offer.id == job.provider_model)
        return next(listed, Offer(model=job.generation.model, id=job.provider_model))

    async def rest(self, alias: str, code: str, seconds: float | None) -> None:
        """Let a provider rest; the jobs waiting for it wait longer."""
        self._resting.add(alias)
        await self._guarded(lambda: claims.pause(alias, code, seconds=seconds, steps=settings.RETRY_SECONDS))

    async def welcome(self, alias: str) -> None:
        """A provider took a job: whatever pause it had is over."""
        if alias in self._resting:
            self._resting.discard(alias)
            await self._guarded(claims.resume, alias)

    def learn(self, job: Job, seconds: float) -> None:
        """Take in how long a model took."""
        key = (job.provider, job.provider_model)
        if key in self.tempi:
            self.tempi[key].learn(seconds)
        else:
            start = {"mean": seconds, "deviation": seconds / 4}
            self.tempi[key] = Tempo(provider=key[0], provider_model=key[1], **start)
        self._learned.add(key)

    async def places(self, job: Job) -> set[int]:
        """The places of this job that already have a picture."""
        slots = set(job.slots)
        found = await self.writer.run(
            lambda: set(Image.objects.filter(generation=job.generation_id).values_list("index", flat=True))
        )
        return found & slots

    async def decoding(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Do this in one of the few threads that may burn the processor."""
        return await asyncio.get_running_loop().run_in_executor(self._decoders, lambda: work(*args, **kwargs))

    async def saving(self, work: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Do this in one of the threads that wait for storage."""
        return await asyncio.get_running_loop().run_in_executor(self._savers, lambda: work(*args, **kwargs))


def _lane(alias: str, found: Any) -> claims.Lane:
    limits = {"per_minute": found.per_minute, "max_in_flight": found.max_in_flight}
    return claims.Lane(alias=alias, idempotent=found.idempotent, **limits)


def _known_tempi() -> dict[tuple[str, str], Tempo]:
    return {(tempo.provider, tempo.provider_model): tempo for tempo in Tempo.objects.all()}


def _remember(tempi: list[Tempo]) -> None:
    unique, facts = ("provider", "provider_model"), ("mean", "deviation", "count")
    rows = [Tempo(**{name: getattr(tempo, name) for name in (*unique, *facts)}) for tempo in tempi]
    Tempo.objects.bulk_create(rows, update_conflicts=True, unique_fields=unique, update_fields=facts)


def _beat(name: str, started_at: Any, in_flight: int) -> None:
    facts = {"started_at": started_at, "beat_at": timezone.now(), "in_flight": in_flight}
    Worker.objects.update_or_create(name=name, defaults=facts)


def _soon() -> bool:
    """Whether a job nobody holds comes due before the next sweep."""
    return Job.objects.free().filter(due_at__lte=timezone.now() + timedelta(seconds=settings.SWEEP_SECONDS)).exists()


def drive(*, seconds: float) -> bool:
    """Work for at most about so many seconds, less when there is nothing to do; whether work is left."""
    close_old_connections()
    asyncio.run(Engine(seconds=seconds).run())
    return _soon()


def serve(*, ready: Callable[[], None] = lambda: None) -> None:
    """Work until SIGTERM or SIGINT; ``ready`` is called as soon as these are heard."""
    asyncio.run(_serve(ready))


async def _serve(ready: Callable[[], None]) -> None:
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    ready()
    await Engine().run(stopping)
