"""Waiting for a generation to finish, for a bounded time and a bounded number of callers."""

from __future__ import annotations

import re
import time

from imagen import pipeline
from imagen.api import places
from imagen.api.numbers import within
from imagen.exceptions import ImagenError
from imagen.models import Generation

MAX_SECONDS = 60

_PREFERENCE = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?=$|[,;])', re.IGNORECASE)


def preferred(header: str) -> int:
    """The seconds in a ``Prefer`` header, at most ``MAX_SECONDS``; 0 when it says nothing we know."""
    found = _PREFERENCE.search(header)
    return min(int(found[1]), MAX_SECONDS) if found else 0


def asked(parameter: str) -> int:
    """The seconds in ``?wait=``, or ``InvalidRequest``."""
    return within(parameter, field="wait", low=0, high=MAX_SECONDS)


def wait(generation: Generation, seconds: int) -> bool:
    """Wait until it is finished or the time is over; ``False`` at once when too many wait already."""
    if not seconds:
        return False
    try:
        place = places.here.take()
    except ImagenError:
        return False
    with place:
        pipeline.wait(generation, seconds=seconds, pause=_pause)
        return True


def _pause(seconds: float) -> None:
    places.let_go()
    time.sleep(seconds)
