"""Fetching what a job made: each output downloaded, checked and kept, or the reason why not."""

from __future__ import annotations

import asyncio
import io
import logging
from functools import partial

from imagen import failpoints, files, hauls
from imagen.engine import clock
from imagen.engine.desk import Desk
from imagen.exceptions import EgressBlocked, ImagenError, OutputError, StorageError, TransitionError
from imagen.hauls import DECODE_TRIES, Haul, distinct
from imagen.models import Image, Job, Move, Odd, Oddity
from imagen.states import Review
from imagen.types import Output, Snapshot

logger = logging.getLogger("imagen")
SUSPECT_SECONDS = 5.0


async def fetch_outputs(desk: Desk, job: Job, snapshot: Snapshot, *, there: set[int]) -> Haul:
    """One round over the outputs that are not ``there`` yet."""
    outputs = distinct(snapshot.outputs, count=len(job.slots))
    if len(outputs) < len(snapshot.outputs):
        logger.warning("there were more outputs than places, or one twice", extra=_facts(job))
    missing = [(slot, out) for slot, out in zip(job.slots, outputs, strict=False) if slot not in there]
    got = await asyncio.gather(*(_fetch(desk, job, slot, output, snapshot) for slot, output in missing))
    images = tuple(found for found in got if isinstance(found, Image))
    return Haul(
        images=images,
        errors=tuple(found for found in got if isinstance(found, ImagenError)),
        there=len(there) + len(images),
        came=len(outputs),
        odd=_surplus(len(snapshot.outputs), len(outputs)),
    )


def _surplus(sent: int, kept: int) -> tuple[Odd, ...]:
    return (Odd(Oddity.EXTRA_OUTPUTS, f"{sent} sent, {kept} kept"),) if kept < sent else ()


async def _fetch(desk: Desk, job: Job, slot: int, output: Output, snapshot: Snapshot) -> Image | ImagenError:
    try:
        await _let_others_first(desk, job, slot)
        async with desk.room:
            data = output.content() if output.base64 else await _download(desk, output.url)
            failpoints.reach("downloaded")
            ready = await _decode(desk, job, slot, data)
            kept = await desk.saving(files.keep, ready, folder=files.identity(job.pk, slot))
    except (OutputError, EgressBlocked, StorageError, TransitionError) as error:
        return error
    except Exception as error:  # a decoder may raise anything, and the other outputs have nothing to do with it
        logger.exception("an output could not be read", extra=_facts(job))
        return OutputError(f"the output broke the decoder: {type(error).__name__}", tries=files.PAGE_TRIES)
    return _image(job, slot, kept, output, snapshot)


async def _let_others_first(desk: Desk, job: Job, slot: int) -> None:
    """What may have killed a worker waits until this one has lived a while: most are only there when workers die."""
    if 0 < (marks := job.decodes.count(str(slot))) < DECODE_TRIES:
        await desk.sleep(SUSPECT_SECONDS * marks)


async def _decode(desk: Desk, job: Job, slot: int, data: bytes) -> files.Ready:
    """The picture in these bytes; one that may have killed the worker before is counted first, and then given up."""
    work = partial(desk.decoding, files.prepare, data, system=job.provider_model)
    if not (job.orphaned or job.decodes):
        return await work()
    async with desk.alone:
        if job.decodes.count(str(slot)) >= DECODE_TRIES:
            raise OutputError("decoding the output ended the worker")
        await _note(desk, hauls.decoding(job, slot))
        try:
            return await work()
        finally:
            await _note(desk, hauls.decoded(job, slot))


async def _note(desk: Desk, move: Move) -> None:
    if not await desk.writer.move(move):
        raise TransitionError


async def _download(desk: Desk, url: str) -> bytes:
    into = io.BytesIO()
    await desk.transport.fetch(url, into)
    return into.getvalue()


def _facts(job: Job) -> dict[str, str]:
    ids = {"generation": str(job.generation_id), "job": str(job.pk)}
    return {**ids, "provider": job.provider, "status": job.status, "code": ""}


def _image(job: Job, slot: int, kept: files.Kept, output: Output, snapshot: Snapshot) -> Image:
    return Image(
        id=files.identity(job.pk, slot),
        generation_id=job.generation_id,
        job=job,
        index=slot,
        file=kept.name,
        thumbnail=kept.thumbnail,
        width=kept.width,
        height=kept.height,
        format=kept.format,
        bytes=kept.bytes,
        sha256=kept.sha256,
        flagged=output.flagged,
        review=Review.HELD if output.flagged else Review.NONE,
        provider_model=snapshot.model or job.provider_model,
        created_at=clock.now(),
    )
