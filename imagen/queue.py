"""The doorbell: tells django-q2 that there is something to do. Nothing is lost when nobody hears it."""

from __future__ import annotations

import logging
import threading
import time
from functools import cache
from typing import Any

from django.db import transaction
from django_q.brokers import get_broker
from django_q.tasks import async_task

from imagen import failpoints

logger = logging.getLogger("imagen")
_QUIET_SECONDS = 0.5
_ENOUGH = 100
_lock = threading.Lock()
_last = 0.0


def ring() -> None:
    """Wake a worker once the transaction is committed; at most two rings a second leave this process.

    Workers under load answer a bell every SLICE_SECONDS: where enough are waiting, one more would only pile up.
    """
    transaction.on_commit(_ring, robust=True)


def _ring() -> None:
    global _last  # noqa: PLW0603  # the throttle is this process's memory
    failpoints.reach("bell")
    with _lock:
        now = time.monotonic()
        if now - _last < _QUIET_SECONDS:
            return
        _last = now
    if not _crowded():
        knock()


def _crowded() -> bool:
    try:
        return bool(_broker().queue_size() >= _ENOUGH)
    except Exception:  # a broker may fail in any way; the knock will say so
        return False


def knock() -> None:
    """Ask django-q2 for one run of the engine now; a broker that is down is only logged, the sweep comes by."""
    try:
        async_task("imagen.tasks.drive", broker=_broker(), q_options={"task_name": "imagen drive"})
    except Exception:  # a broker may fail in any way; the row is already safe
        logger.warning("the queue did not take the wake-up; the sweep will", exc_info=True)


def answers() -> bool:
    """Whether django-q2's broker can be reached."""
    try:
        return bool(_broker().ping())
    except Exception:  # a broker may fail in any way
        return False


@cache
def _broker() -> Any:
    return get_broker()
