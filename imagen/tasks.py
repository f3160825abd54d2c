"""What a django-q2 worker runs; every task takes nothing, returns nothing and may run twice."""

from __future__ import annotations

import logging
from typing import Any

from django.db import connections
from django_q.models import Schedule

from imagen import cluster, engine, pipeline, queue
from imagen.conf import settings

logger = logging.getLogger("imagen")
SWEEP = "imagen.tasks.sweep"


def drive() -> None:
    """One slice of the engine, or less when the cluster stops; it rings again when work is left."""
    try:
        if engine.drive(seconds=settings.SLICE_SECONDS, told=cluster.stopping):
            queue.knock()
    except Exception:  # django-q2 would keep the traceback, values included
        logger.exception("a slice ended early; another goes on with it in a moment")
        queue.knock_later()


def sweep() -> None:
    """Pick up whatever went quiet."""
    try:
        pipeline.sweep()
    except Exception:  # storage or disk may fail in any way, and the calls that wait have nothing to do with it
        logger.exception("what has to go could not be deleted; the next sweep tries again")
    drive()


def schedule_sweep(*, using: str = "default", **kwargs: Any) -> None:
    """Have django-q2 sweep every so many minutes; wired to ``post_migrate``."""
    if Schedule._meta.db_table in connections[using].introspection.table_names():
        minutes = max(1, round(settings.SWEEP_SECONDS / 60))
        facts = {"func": SWEEP, "schedule_type": Schedule.MINUTES, "minutes": minutes, "repeats": -1}
        Schedule.objects.using(using).update_or_create(name="imagen sweep", defaults=facts)
