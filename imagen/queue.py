"""The doorbell: tells django-q2 that there is something to do. Nothing is lost when nobody hears it."""

from __future__ import annotations

import logging
import threading
import time
from functools import cache
from typing import Any

from django.db import connections, transaction
from django_q.brokers import get_broker
from django_q.tasks import async_task

from imagen import failpoints

logger = logging.getLogger("imagen")
_QUIET_SECONDS = 0.5
_AGAIN_SECONDS = 5.0
_ENOUGH = 100
_lock = threading.Lock()
_last = 0.0
_knocker = threading.Thread()  # who knocks until somebody answers; none yet


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
    """Whether enough bells wait already, or one is rung beside us until it is heard."""
    if _knocker.is_alive():
        return True
    try:
        return bool(_broker().queue_size() >= _ENOUGH)
    except Exception:  # a broker may fail in any way; the row is already safe
        logger.warning("the queue does not answer; it is tried again", exc_info=True)
        knock_later()
        return True


def knock() -> None:
    """Ask django-q2 for one run of the engine now; while the broker is down, that is tried again beside us."""
    if not _knocker.is_alive() and not _heard():
        knock_later()


def knock_later() -> None:
    """Knock in a moment, and again until it is heard; nobody waits for that, and the sweep comes by as well."""
    global _knocker  # noqa: PLW0603  # one for this process
    with _lock:
        if not _knocker.is_alive():
            _knocker = threading.Thread(target=_persist, name="imagen-knocker", daemon=True)
            _knocker.start()


def _persist() -> None:
    try:
        while True:
            time.sleep(_AGAIN_SECONDS)
            if _heard():
                return
    finally:
        connections.close_all()


def _heard() -> bool:
    try:
        async_task("imagen.tasks.drive", broker=_broker(), q_options={"task_name": "imagen drive"})
    except Exception:  # a broker may fail in any way; the row is already safe
        logger.warning("the queue did not take the wake-up; it is tried again", exc_info=True)
        return False
    return True


def answers() -> bool:
    """Whether django-q2's broker can be reached; nobody waits for one that was away a moment ago."""
    try:
        return not _knocker.is_alive() and bool(_broker().ping())
    except Exception:  # a broker may fail in any way
        return False


@cache
def _broker() -> Any:
    return get_broker()
