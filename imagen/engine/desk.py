"""What the visits of one engine share: wires, database thread, pools, and what was learned."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, suppress
from datetime import date
from functools import partial
from typing import Any, Self, TypeVar

from imagen import alarms, anomalies, claims, registry
from imagen.conf import settings
from imagen.engine import clock
from imagen.engine.writer import Writer
from imagen.exceptions import EgressBlocked, ProviderError
from imagen.models import Gateway, Image, Job, Oddity, Tempo
from imagen.models.gateway import CLOSED, DOWN
from imagen.offers import Offer
from imagen.providers.base import Provider
from imagen.transport import Transport

logger = logging.getLogger("imagen")
T = TypeVar("T")
OUTAGE_SECONDS = 5.0


class Desk:
    """Everything a visit may ask for while the engine runs; entering opens it, leaving closes it."""

    def __init__(self, stopping: asyncio.Event) -> None:
        self.stopping = stopping
        self.providers = registry.configured()
        self.tempi: dict[tuple[str, str], Tempo] = {}
        self._learned: set[tuple[str, str]] = set()
        self._puzzled: set[tuple[str, date]] = set()
        self._returned: dict[uuid.UUID, tuple[int, float]] = {}
        self.resting: set[str] = set()
        self.deaf: set[str] = set()  # their webhooks do not come, whatever they promise

    async def __aenter__(self) -> Self:
        self.writer = Writer()
        self.room = asyncio.Semaphore(settings.DOWNLOAD_SLOTS)  # for so many pictures in memory
        self.alone = asyncio.Lock()  # for a picture that may have killed a worker
        self._decoders = ThreadPoolExecutor(settings.DECODE_SLOTS, thread_name_prefix="imagen-decode")
        self._savers = ThreadPoolExecutor(settings.DOWNLOAD_SLOTS, thread_name_prefix="imagen-save")
        async with AsyncExitStack() as opened:  # closes them also when the rest of the opening is cut off
            opened.callback(self._savers.shutdown)
            opened.callback(self._decoders.shutdown)
            opened.push_async_callback(self.writer.close)
            self.transport = await opened.enter_async_context(self._transport())
            self.tempi = await self.guarded(_known_tempi) or {}
            self._opened = opened.pop_all()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._opened.aclose()

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

    async def guarded(self, work: Callable[..., T], *args: Any) -> T | None:
        """Database work the loop outlives: an error is logged, and the next tick tries again."""
        try:
            return await self.writer.run(work, *args)
        except Exception:
            logger.exception("the database did not answer; trying again")
            await self.sleep(OUTAGE_SECONDS)
            return None

    async def flush(self) -> None:
        """Write down what was given back."""
        if self._returned:
            returned, self._returned = self._returned, {}
            await self.guarded(Job.objects.release, returned)

    async def remember(self) -> None:
        """Write down what was learned."""
        if self._learned:
            learned, self._learned = self._learned, set()
            await self.guarded(_remember, [self.tempi[key] for key in learned])

    async def wonder(self) -> None:
        """Note, once a day, which providers used status words that nobody knows."""
        for alias, found in self.providers.items():
            words, mark = sorted(found.puzzles.copy()), (alias, clock.now().date())
            found.puzzles.clear()
            if words and mark not in self._puzzled:
                self._puzzled.add(mark)
                note = partial(anomalies.note, Oddity.UNKNOWN_WORD, provider=alias, note=", ".join(words))
                await self.guarded(note)

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
        many = job.terms.get("images_per_call", 1)
        return next(listed, Offer(model=job.generation.model, id=job.provider_model, images_per_call=many))

    def limit(self, job: Job) -> int:
        """The bytes an answer about this job may have: its pictures may come inside, as text."""
        return 1_000_000 + int(len(job.slots) * settings.MAX_BYTES * 4 // 3)

    async def miss(self, alias: str) -> None:
        """A job of this provider was over and its webhook had not come."""
        await self.guarded(claims.miss, alias)

    def notice(self, moods: Mapping[str, Gateway]) -> None:
        """Take in what is known of the providers' moods."""
        self.resting = {alias for alias, gateway in moods.items() if gateway.pause_code}
        self.deaf = {alias for alias, gateway in moods.items() if gateway.deaf}

    async def rest(self, alias: str, code: str, seconds: float | None) -> None:
        """Let a provider rest; the jobs waiting for it wait longer."""
        await self.guarded(_rest, alias, code, seconds)

    async def welcome(self, alias: str) -> None:
        """A provider took a job: whatever pause it had is over."""
        if alias in self.resting:
            self.resting.discard(alias)
            await self.guarded(_welcome, alias)

    async def probe(self) -> None:
        """Find out, once a minute and for nothing, whether what was broken works again."""
        for alias, code in (await self.guarded(claims.broken) or {}).items():
            found = self.providers.get(alias)
            if found is not None and found.probe() and await self.guarded(claims.take_turn, alias):
                await self._ask_how_it_is(alias, found, code)

    async def _ask_how_it_is(self, alias: str, found: Provider, code: str) -> None:
        try:
            works = await self.transport.ask(found.probe(), found.works)
        except (ProviderError, EgressBlocked):
            return
        except Exception:  # a vendor's own module may stumble in any way
            logger.exception("a provider could not be probed", extra={"provider": alias})
            return
        if works:
            await self.guarded(_recovered, alias, code)

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


def _rest(alias: str, code: str, seconds: float | None) -> None:
    gateway = claims.pause(alias, code, seconds=seconds, steps=settings.RETRY_SECONDS)
    if gateway.broken:
        alarms.sound(gateway.pause_code, about=alias)


def _welcome(alias: str) -> None:
    if claims.resume(alias):
        alarms.end(*CLOSED, DOWN, about=alias)


def _recovered(alias: str, code: str) -> None:
    claims.recovered(alias, code)
    alarms.end(*CLOSED, DOWN, about=alias)


def _known_tempi() -> dict[tuple[str, str], Tempo]:
    return {(tempo.provider, tempo.provider_model): tempo for tempo in Tempo.objects.all()}


def _remember(tempi: list[Tempo]) -> None:
    unique, facts = ("provider", "provider_model"), ("mean", "deviation", "count")
    rows = [Tempo(**{name: getattr(tempo, name) for name in (*unique, *facts)}) for tempo in tempi]
    Tempo.objects.bulk_create(rows, update_conflicts=True, unique_fields=unique, update_fields=facts)
