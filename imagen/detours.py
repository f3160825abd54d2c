"""Fail-over: what waits for a broken provider, and was never taken by it, goes to the next that can do it."""

from __future__ import annotations

import logging
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from django.db import transaction

from imagen import claims, pipeline, queue, registry
from imagen.exceptions import Refused
from imagen.models import Event, Generation, Job
from imagen.registry import Choice
from imagen.states import JobStatus, Status

logger = logging.getLogger("imagen")
MOST_AT_ONCE = 200
CHANGED = "provider_changed"
CREDITS = "credits"


def take() -> int:
    """Move what can be moved, and return how many requests did."""
    broken = claims.broken()
    models = {choice.offer.model for choice in registry.choices() if choice.alias not in broken} if broken else set()
    waiting = Generation.objects.standing().filter(
        provider_named=False,
        cancel_asked_at=None,
        status__in=(Status.QUEUED, Status.PROCESSING),
        jobs__in=Job.objects.filter(provider__in=broken, status=JobStatus.QUEUED),
        model__in=models,
    )
    moved = sum(_moved(pk, broken) for pk in set(waiting.values_list("pk", flat=True)[:MOST_AT_ONCE])) if models else 0
    if moved:
        queue.ring()
    return moved


def possible(job: Job) -> bool:
    """Whether this call, refused by its provider, could be made elsewhere."""
    broken = {**claims.broken(), job.provider: ""}
    return not job.generation.provider_named and _elsewhere(job.generation, broken) is not None


def _elsewhere(generation: Generation, broken: Collection[str]) -> Choice | None:
    try:
        choice = registry.route(pipeline.again(generation), avoid=broken)
    except Refused:
        return None
    return None if choice.alias in broken else choice


def _moved(pk: uuid.UUID, broken: Mapping[str, str]) -> bool:
    with transaction.atomic():
        jobs = list(Job.objects.filter(generation=pk, replacement=None).order_by("pk").select_for_update(of=("self",)))
        generation = Generation.objects.locked([pk])[pk]
        choice = _elsewhere(generation, broken)
        movable = [job for job in jobs if job.status == JobStatus.QUEUED and job.provider in broken]
        if choice is None or not _fair(jobs, movable, choice):
            return False
        _move(generation, movable, choice)
    return True


def _fair(jobs: list[Job], movable: list[Job], choice: Choice) -> bool:
    """Whether these may go: nobody is about to send one, and what was paid stays in one currency."""
    others = [job for job in jobs if job not in movable]
    about = any(job.status in (JobStatus.SUBMITTING, JobStatus.SENDING) for job in others)
    paid = {job.cost_unit for job in others if job.accepted_at}
    return bool(movable) and not about and (not paid or paid == {choice.offer.price.unit} - {CREDITS})


def _move(generation: Generation, movable: list[Job], choice: Choice) -> None:
    """New calls first, so that the request never looks over."""
    code, start = movable[0].error_code, _told(movable)
    pipeline.hand_over(generation, choice, [slot for job in movable for slot in job.slots])
    for job in movable:
        job.generation = generation
        job.move(JobStatus.CANCELED)
    new = [job for job in generation.jobs.filter(replacement=None) if job.status == JobStatus.QUEUED]
    Event.objects.create(generation=generation, job=movable[0], what="moved", code=code, note=f"{start} → {_told(new)}")
    logger.info("a request moved to another provider", extra=_facts(generation, choice.alias, code))
    generation.refresh_from_db()
    generation.warn(CHANGED)


def _told(jobs: Sequence[Job]) -> str:
    """Who makes these, and for how much."""
    total, found = _sum(jobs), registry.providers().get(jobs[0].provider)
    price = "?" if total is None else f"{total:.4f} {jobs[0].cost_unit}"
    return f"{found.label if found else jobs[0].provider} ({price})"


def _sum(jobs: Iterable[Job]) -> Decimal | None:
    prices = [job.price for job in jobs]
    return None if None in prices else sum((price for price in prices if price is not None), Decimal(0))


def _facts(generation: Generation, alias: str, code: str) -> dict[str, str]:
    return {"generation": str(generation.pk), "job": "", "provider": alias, "status": generation.status, "code": code}
