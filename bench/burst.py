"""Asks for many pictures in one moment and waits for all of them: ``python -m bench.burst ours|naive``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import django
from django.db import transaction

from bench.processes import answer

PATIENCE_SECONDS = 240
PROMPT = "a lighthouse at dusk"


def ours(count: int) -> None:
    """Rows as the pipeline writes them; the running engine sees them by itself."""
    from imagen import registry  # noqa: PLC0415  # Django is not ready before
    from imagen.models import Generation, Job  # noqa: PLC0415
    from imagen.types import ImageRequest  # noqa: PLC0415

    choice = registry.route(ImageRequest.build(prompt=PROMPT))
    made = [Generation(prompt=PROMPT, model=choice.offer.model, provider=choice.alias) for _ in range(count)]
    Generation.objects.bulk_create(made)
    jobs = [Job.of(each, offer=choice.offer, provider=choice.alias, slots=[0]) for each in made]
    Job.objects.bulk_create(jobs)


def naive(count: int) -> None:
    """One django-q2 task for each, sent when its row is there to be found."""
    from django_q.brokers import get_broker  # noqa: PLC0415  # Django is not ready before
    from django_q.tasks import async_task  # noqa: PLC0415

    from imagen.models import Generation  # noqa: PLC0415

    broker = get_broker()
    for _ in range(count):
        row = Generation.objects.create(prompt=PROMPT, model="imagen-4", provider="wavespeed")
        transaction.on_commit(lambda pk=row.pk: async_task("bench.naive.generate", str(pk), broker=broker))


def burst(ask: Callable[[int], None], count: int) -> dict[str, Any]:
    """How long it took from the moment everything was asked to the last row done, and when each was ready here."""
    from imagen.models import Event, Generation  # noqa: PLC0415  # Django is not ready before
    from imagen.states import UNFINISHED  # noqa: PLC0415

    before = set(Generation.objects.values_list("pk", flat=True))
    with transaction.atomic():
        ask(count)
    start = time.time()
    while Generation.objects.filter(status__in=UNFINISHED).exists() and time.time() < start + PATIENCE_SECONDS:
        time.sleep(0.1)
    rows = [row for row in Generation.objects.filter(status="completed") if row.pk not in before]
    ends = [row.completed_at.timestamp() for row in rows if row.completed_at]
    seen = Event.objects.filter(what="storing", generation__in=rows).values_list("job__remote_id", "at")
    return {
        "asked": count,
        "completed": len(rows),
        "seconds": max(ends, default=start + PATIENCE_SECONDS) - start,
        "seen": {remote_id: at.timestamp() for remote_id, at in seen.iterator()},
    }


if __name__ == "__main__":
    django.setup()
    kind = {"ours": ours, "naive": naive}[sys.argv[1]]
    answer(lambda count: burst(kind, count))
