"""Counts in Django's cache; one that does not answer is left alone for a moment, so that people wait for it once."""

from __future__ import annotations

import logging
import time

from django.core.cache import cache

logger = logging.getLogger("imagen")

PAUSE_SECONDS = 5.0
_BRIEF_SECONDS = 60

_asked_again_at: float | None = None  # this process's memory; None while the cache answers


class Away(Exception):
    """The cache does not answer, so nobody can say how often."""


def count(key: str, *, seconds: int, many: int = 1) -> int:
    """How often this was counted, these times included; forgotten after so many seconds."""
    if _asked_again_at is not None and time.monotonic() < _asked_again_at:
        raise Away
    try:
        found = _more(key, seconds, many)
    except Exception as error:  # each cache has errors of its own
        _lost(error)
        raise Away from error
    _found()
    return found


def _more(key: str, seconds: int, many: int) -> int:
    try:
        found = int(cache.incr(key, many))
    except ValueError:  # the first one; somebody else may be so at the same time
        return many if cache.add(key, many, seconds) else int(cache.incr(key, many))
    if seconds > _BRIEF_SECONDS:
        cache.touch(key, seconds)  # files and database tables forget what is counted up after their default time
    return found


def _lost(error: Exception) -> None:
    global _asked_again_at  # noqa: PLW0603  # a memory of this process
    if _asked_again_at is None:
        logger.error("the cache does not answer (%s): uncounted requests go on, those that spend do not", _kind(error))
    _asked_again_at = time.monotonic() + PAUSE_SECONDS


def _found() -> None:
    global _asked_again_at  # noqa: PLW0603
    if _asked_again_at is not None:
        logger.warning("the cache answers again")
        _asked_again_at = None


def _kind(error: Exception) -> str:
    return f"{type(error).__module__}.{type(error).__qualname__}"
