"""The database's time, carried on by this process's steady clock: a host whose clock is wrong or jumps does no harm."""

from __future__ import annotations

import time
from datetime import datetime, timedelta

from django.utils import timezone

from imagen.models import database_now

_agreed: tuple[datetime, float] | None = None


def agree() -> datetime:
    """Ask the database what time it is, and remember that."""
    global _agreed  # noqa: PLW0603  # one for this process
    now = database_now()
    _agreed = now, time.monotonic()
    return now


def now() -> datetime:
    """The time as the database saw it last, and what has passed since; this host's before anybody asked."""
    if _agreed is None:
        return timezone.now()
    then, begun = _agreed
    return then + timedelta(seconds=time.monotonic() - begun)
