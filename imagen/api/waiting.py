"""Waiting for a generation to finish, for a bounded time and a bounded number of callers."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from imagen import pipeline
from imagen.conf import settings
from imagen.exceptions import FieldError, InvalidRequest
from imagen.models import Generation

MAX_SECONDS = 60
WAITERS = 4  # half of the threads the README recommends: the rest stay for everybody else

_PREFERENCE = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?=$|[,;])', re.IGNORECASE)
_lock = threading.Lock()
_waiting = 0


def preferred(header: str) -> int:
    """The seconds in a ``Prefer`` header, at most ``MAX_SECONDS``; 0 when it says nothing we know."""
    found = _PREFERENCE.search(header)
    return min(int(found[1]), MAX_SECONDS) if found else 0


def asked(parameter: str) -> int:
    """The seconds in ``?wait=``, or ``InvalidRequest``."""
    if not (parameter.isascii() and parameter.isdecimal() and int(parameter[:9]) <= MAX_SECONDS):
        bounds = {"low": 0, "high": MAX_SECONDS}
        raise InvalidRequest(errors=(FieldError(field="wait", code="out_of_range", params=bounds),))
    return int(parameter)


def wait(generation: Generation, seconds: int) -> bool:
    """Wait until it is finished or the time is over; ``False`` at once when too many wait already."""
    if not seconds:
        return False
    with _place() as found:
        if found:
            pipeline.wait(generation, seconds=seconds)
        return found


@contextmanager
def _place() -> Iterator[bool]:
    global _waiting  # noqa: PLW0603  # the bound is this process's
    with _lock:
        found = _waiting < int(settings.API.get("waiters", WAITERS))
        _waiting += found
    try:
        yield found
    finally:
        with _lock:
            _waiting -= found
