"""Fail-over: what waits for a broken provider, and was never taken by it, goes to the next that can do it."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from decimal import Decimal

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from imagen import claims, costs, hiring, messages, queue, registry
from imagen.exceptions import BudgetExceeded, Refused
from imagen.models import Event, Generation, Job
from imagen.registry import Choice
from imagen.states import JobStatus, Status

logger = logging.getLogger("imagen")
MOST_AT_ONCE = 200
CHANGED = "provider_changed"
PATIENCE_SECONDS = 60.0
_stuck: dict[uuid.UUID, float] = {}  # this process's memory of what could not move, and until when it is let be


def take() -> int:
    """Move what can be moved, the oldest first, and return how many requests did."""
    broken = claims.broken()
    if not broken:
        return 0
    moved = 0
    for generation in _waiting(broken):
        done = _elsewhere(generation, broken) is not None and _affordable(generation.pk, broken)
        moved += done
        if not done:
            _stuck[generation.pk] = time.monotonic() + PATIENCE_SECONDS
    if moved:
        queue.ring()
    return moved


def possible(job: Job) -> bool:
    """Whether this call, refused by its provider, could be made elsewhere."""
    generation, broken = job.generation, {**claims.broken(), job.provider: ""}
    choice = None if generation.provider_named else _elsewhere(generation, broken)
    others = [each for each in _standing(generation.pk) if each.pk != job.pk]
    return choice is not None and _one_currency(others, choice)


def _waiting(broken: Collection[str]) -> list[Generation]:
    """Requests with a call that waits for one of these; those that could not move a moment ago are left out."""
    now = time.monotonic()
    for pk in [pk for pk, until in _stuck.items() if until < now]:
        del _stuck[pk]
    models = {choice.offer.model for choice in registry.choices() if choice.alias not in broken}
    waiting = Generation.objects.standing().filter(
        Exists(Job.objects.filter(generation=OuterRef("pk"), provider__in=broken, status=JobStatus.QUEUED)),
        provider_named=False,
        cancel_asked_at=None,
        status__in=(Status.QUEUED, Status.PROCESSING),
        model__in=models,
    )
    return list(waiting.exclude(pk__in=list(_stuck)).order_by("created_at")[:MOST_AT_ONCE])


def _standing(pk: uuid.UUID) -> QuerySet[Job]:
    return Job.objects.filter(generation=pk, replacement=None).order_by("pk")


def _elsewhere(generation: Generation, broken: Collection[str]) -> Choice | None:
    try:
        choice = registry.route(hiring.again(generation), avoid=broken)
    except Refused:
        return None
    return None if choice.alias in broken else choice


def _moved(pk: uuid.UUID, broken: Mapping[str, str]) -> bool:
    with transaction.atomic():
        jobs = list(_standing(pk).select_for_update(of=("self",)))
        generation = Generation.objects.locked([pk])[pk]
        choice = _elsewhere(generation, broken)
        movable = [job for job in jobs if job.status == JobStatus.QUEUED and job.provider in broken]
        others = [job for job in jobs if job not in movable]
        if choice is None or not movable or _about(others) or not _one_currency(others, choice):
            return False
        _move(generation, movable, choice)
    return True


def _affordable(pk: uuid.UUID, broken: Mapping[str, str]) -> bool:
    """Whether it moved; what the budgets do not allow to be made for more waits where it is."""
    try:
        return _moved(pk, broken)
    except BudgetExceeded:
        return False


def _about(jobs: Iterable[Job]) -> bool:
    """Whether one of these is being sent at this moment."""
    return any(job.status in (JobStatus.SUBMITTING, JobStatus.SENDING) for job in jobs)


def _one_currency(jobs: Iterable[Job], choice: Choice) -> bool:
    """Whether the request stays in one currency: credits of two providers are two."""
    paid = {costs.shown_in(job) for job in jobs if _maybe_paid(job)}
    return paid <= {costs.currency(choice.alias, costs.bill(choice.alias, choice.offer.price, 1).unit)}


def _maybe_paid(job: Job) -> bool:
    return job.accepted_at is not None or job.status == JobStatus.UNCONFIRMED


def _move(generation: Generation, movable: list[Job], choice: Choice) -> None:
    """New calls first, so that the request never looks over."""
    code, start, old = movable[0].error_code, _told(movable), set(generation.jobs.values_list("pk", flat=True))
    hiring.hand_over(generation, choice, [slot for job in movable for slot in job.slots])
    for job in movable:
        job.generation = generation
        job.move(JobStatus.CANCELED)
    new = [job for job in generation.jobs.all() if job.pk not in old]
    Event.objects.create(generation=generation, job=movable[0], what="moved", code=code, note=f"{start} → {_told(new)}")
    logger.info("a request moved to another provider", extra=_facts(generation, choice.alias, code))
    generation.refresh_from_db()
    generation.warn(CHANGED)


def _told(jobs: Sequence[Job]) -> str:
    """Who makes these, and for how much."""
    total, found = _sum(jobs), registry.providers().get(jobs[0].provider)
    price = "?" if total is None else messages.money(total, jobs[0].cost_unit)
    return f"{found.label if found else jobs[0].provider} ({price})"


def _sum(jobs: Iterable[Job]) -> Decimal | None:
    prices = [job.price for job in jobs]
    return None if None in prices else sum((price for price in prices if price is not None), Decimal(0))


def _facts(generation: Generation, alias: str, code: str) -> dict[str, str]:
    return {"generation": str(generation.pk), "job": "", "provider": alias, "status": generation.status, "code": code}
