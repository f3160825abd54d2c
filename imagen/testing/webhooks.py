"""Webhooks out: the gateway rings when a job is finished, as its vendor does or as badly as the script says."""

from __future__ import annotations

import asyncio
import ipaddress
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from urllib.parse import SplitResult, urlsplit

from imagen.testing.darkroom import Stage
from imagen.testing.ledger import Job, Ledger, Ring
from imagen.testing.vendor_wire import VendorWire

RETRY_SECONDS = (0.05, 0.1, 0.2)  # the vendors' pauses, compressed
ANSWER_SECONDS = 10.0
HUGE = 300_000
STRANGER = "00000000-0000-4000-8000-000000000000"
METADATA = "http://169.254.169.254/latest/meta-data"
NOT_LOOPBACK = "not loopback"
_JSON = {"Content-Type": "application/json"}
Change = Callable[[str, Job, "Webhooks"], str]


def _unchanged(body: str, job: Job, webhooks: Webhooks) -> str:
    return body


def _about_a_stranger(body: str, job: Job, webhooks: Webhooks) -> str:
    return body.replace(job.id, STRANGER)


def _about_another(body: str, job: Job, webhooks: Webhooks) -> str:
    others = (other.id for other in webhooks.ledger.of(job.vendor) if other.id != job.id)
    return body.replace(job.id, next(others, STRANGER))


def _hostile(body: str, job: Job, webhooks: Webhooks) -> str:
    return body.replace(webhooks.url, METADATA)


def _huge(body: str, job: Job, webhooks: Webhooks) -> str:
    return json.dumps({**json.loads(body), "padding": "x" * HUGE})


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How a job's webhook rings: ``stages`` one after the other, each in so many copies at once."""

    stages: tuple[Stage | None, ...] = (None,)  # None is how the job really ends
    copies: int = 1
    late: bool = False  # by the script's ``seconds``
    early: bool = False  # before the answer to the submit is sent
    forged: bool = False
    change: Change = _unchanged


MANNERS: Mapping[str, Manner] = {
    "": Manner(),
    "none": Manner(stages=()),
    "twice": Manner(copies=2),
    "ten": Manner(copies=10),
    "late": Manner(late=True),
    "early": Manner(early=True),
    "forged": Manner(forged=True),
    "reversed": Manner(stages=(None, Stage.RUNNING)),
    "says-failed": Manner(stages=(Stage.FAILED,)),
    "other-job": Manner(change=_about_another),
    "unknown": Manner(change=_about_a_stranger),
    "huge": Manner(change=_huge),
    "hostile": Manner(change=_hostile),
}


class Webhooks:
    """Follows the jobs of a ledger and rings for them, at loopback addresses only."""

    def __init__(self, *, ledger: Ledger, wires: Mapping[str, VendorWire], url: str) -> None:
        self.ledger = ledger
        self.wires = wires
        self.url = url
        self._waiting: set[asyncio.Task[None]] = set()

    async def follow(self, job: Job) -> None:
        """Ring now when the webhook is to come early, else when the job is finished."""
        if not job.webhook:
            return
        if self._manner(job).early:
            await self._ring(job)
            return
        task = asyncio.create_task(self._ring_later(job))
        self._waiting.add(task)
        task.add_done_callback(self._waiting.discard)

    async def _ring_later(self, job: Job) -> None:
        late = self.ledger.script(job.prompt).seconds if self._manner(job).late else 0.0
        await asyncio.sleep(self.wires[job.vendor].darkroom.seconds(job) + late)
        await self._ring(job)

    async def _ring(self, job: Job) -> None:
        manner, wire = self._manner(job), self.wires[job.vendor]
        last = wire.last_word(job)
        if wire.stage(last) is Stage.RUNNING or not wire.wants(job, last):
            return
        words = [last if stage is None else wire.words[stage] for stage in manner.stages]
        for word in words:
            await asyncio.gather(*(self._deliver(job, word, manner) for _ in range(manner.copies)))

    async def _deliver(self, job: Job, word: str, manner: Manner) -> None:
        """Ring once, and again as often as the vendor does for an answer other than 2xx."""
        wire = self.wires[job.vendor]
        body = manner.change(json.dumps(wire.delivery(job, word)), job, self).encode()
        for pause in (*RETRY_SECONDS[: wire.webhook_tries - 1], 0.0):
            if self._forgotten(job):
                return
            headers = {**_JSON, **wire.sign(job, word, body, forged=manner.forged)}
            ring = Ring(vendor=job.vendor, job=job.id, url=job.webhook, headers=headers, body=body)
            if self._noted(job, await _sent(ring)):
                return
            await asyncio.sleep(pause)

    def _noted(self, job: Job, ring: Ring) -> bool:
        """Write down how a ring went; whether that is the end of it."""
        if self._forgotten(job):
            return True
        self.ledger.rings.append(ring)
        good = 200 <= ring.status < 300
        job.rung = "delivered" if good else "failed"
        return good or ring.why == NOT_LOOPBACK

    def _forgotten(self, job: Job) -> bool:
        return self.ledger.job(job.id) is not job

    def _manner(self, job: Job) -> Manner:
        return MANNERS[self.ledger.script(job.prompt).webhook]


async def _sent(ring: Ring) -> Ring:
    """The ring with what the site answered, or why it did not."""
    parts = urlsplit(ring.url)
    if not _is_loopback(parts):
        return replace(ring, why=NOT_LOOPBACK)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            return replace(ring, status=await _exchanged(ring, parts))
    except (OSError, TimeoutError, ValueError) as error:
        return replace(ring, why=type(error).__name__)


def _is_loopback(parts: SplitResult) -> bool:
    """Whether an address is plain HTTP on this machine; a test rings nowhere else."""
    try:
        host = parts.hostname or ""
        return parts.scheme == "http" and (host == "localhost" or ipaddress.ip_address(host).is_loopback)
    except ValueError:
        return False


async def _exchanged(ring: Ring, parts: SplitResult) -> int:
    """Post the body and return the status of the answer."""
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
    target = f"{parts.path or '/'}?{parts.query}".rstrip("?")
    lines = {"Host": parts.netloc, "Content-Length": str(len(ring.body)), "Connection": "close", **ring.headers}
    head = f"POST {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    try:
        writer.write(f"{head}\r\n".encode() + ring.body)
        with suppress(ConnectionError):  # who refuses a large body may answer without reading it
            await writer.drain()
        return int((await reader.readline()).split()[1])
    except IndexError as error:
        raise ConnectionAbortedError from error
    finally:
        writer.close()
