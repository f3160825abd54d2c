"""Looking for a submit whose outcome is unknown: in the gateway's own list, or under an id somebody named."""

from __future__ import annotations

import logging
from dataclasses import replace
from datetime import datetime, timedelta

from imagen import verdicts
from imagen.engine import clock
from imagen.engine.desk import Desk
from imagen.exceptions import EgressBlocked, NotFound, ProviderError
from imagen.models import Job, Move
from imagen.providers.base import Provider
from imagen.states import JobStatus
from imagen.types import Found, Trace

logger = logging.getLogger("imagen")
MOST_PAGES = 10
SURE = 2  # answers that an id is not known
PAGE_BYTES = 8_000_000  # a list may carry the pictures of a hundred jobs as text


async def inquire(desk: Desk, job: Job, provider: Provider) -> Move:
    """What is known of the job now: adopted when the gateway shows it, else when to look again."""
    try:
        return await (_verify if job.remote_id else _search)(desk, job, provider)
    except (ProviderError, EgressBlocked) as error:
        logger.info("a search brought no answer", extra={"job": str(job.pk), "provider": job.provider})
        return _again(job) if not job.remote_id or isinstance(error, EgressBlocked) else _soon(job)


async def _verify(desk: Desk, job: Job, provider: Provider) -> Move:
    """A webhook or a person named this id: believe it when the gateway knows it under our key."""
    try:
        reply = await desk.transport.send(provider.check(job.remote_id), limit=desk.limit(job))
        snapshot = provider.read_check(reply)
    except NotFound:
        return _soon(job) if job.tries < SURE or _age(job) < verdicts.LOST_SECONDS else _dropped(job)
    return verdicts.adopted(job, job.remote_id) if snapshot.remote_id in ("", job.remote_id) else _dropped(job)


def _dropped(job: Job) -> Move:
    note = f"{job.remote_id[:100]} is not known there"
    return verdicts.unconfirmed(job, now=clock.now(), note=note, remote_id="")


def _again(job: Job) -> Move:
    """Nothing new: the words that are there stay."""
    return verdicts.unconfirmed(job, now=clock.now(), error_note=job.error_note)


def _soon(job: Job) -> Move:
    """An id is named and nobody answers: ask again, a step later each time, whatever the clock of the search says."""
    changes = {"error_note": job.error_note, "tries": job.tries + 1}
    return replace(_parked(job), wait=verdicts.delay(job.tries), changes=changes)


def _parked(job: Job) -> Move:
    """Only a person can help, or a webhook."""
    return Move(job=job, to=JobStatus.UNCONFIRMED, code="submit_unknown", changes={"error_note": job.error_note})


async def _search(desk: Desk, job: Job, provider: Provider) -> Move:
    """Exactly one job that looks like ours and is nobody's: that is it; of a deleted request nobody knows the looks."""
    if job.generation.deleted_at is not None:
        return _parked(job)
    offer, (since, until) = desk.offer(job), _window(job, provider)
    body = provider.submit(job.request, offer=offer, key=str(job.pk)).json
    traces = await _traces(desk, job, provider, since, until)
    if traces is None:
        return _parked(job)
    alike = verdicts.matching(traces, model=offer.id, body=body, since=since, until=until)
    ours = await desk.writer.run(_unclaimed, job, alike) if alike else set()
    return verdicts.adopted(job, ours.pop()) if len(ours) == 1 else _again(job)


def _age(job: Job) -> float:
    return (clock.now() - (job.sent_at or job.created_at)).total_seconds()


def _window(job: Job, provider: Provider) -> tuple[datetime, datetime]:
    """When it must have been made; where a key is sent again, by any of the sends."""
    sent_at = job.sent_at or job.created_at
    first = job.created_at if provider.idempotent else sent_at
    return first + timedelta(seconds=verdicts.EARLIEST), sent_at + timedelta(seconds=verdicts.LATEST)


async def _traces(desk: Desk, job: Job, provider: Provider, since: datetime, until: datetime) -> list[Trace] | None:
    """The gateway's jobs of those minutes, ``None`` where it has no list; one that cannot be read whole is no proof."""
    traces: list[Trace] = []
    page = Found(more="")
    for _ in range(MOST_PAGES):
        call = provider.find(offer=desk.offer(job), since=since, until=until, after=page.more)
        if call is None:
            return None
        page = provider.read_found(await desk.transport.send(call, limit=PAGE_BYTES))
        traces += page.traces
        if not page.more or (page.traces and page.traces[-1].made_at < since):
            return traces
    return []


def _unclaimed(job: Job, remote_ids: set[str]) -> set[str]:
    """Those no other call of ours has; none while a twin is under way, whose answer may name one of them."""
    twins = Job.objects.filter(provider=job.provider, provider_model=job.provider_model, status=JobStatus.SENDING)
    if twins.filter(generation__prompt=job.generation.prompt).exists():
        return set()
    mine = Job.objects.filter(provider=job.provider, remote_id__in=remote_ids).exclude(pk=job.pk)
    return remote_ids - set(mine.values_list("remote_id", flat=True))
