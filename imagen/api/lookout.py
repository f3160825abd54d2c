"""How the followed generations stand: one small query a second in a process, however many follow."""

from __future__ import annotations

import threading
import time
import uuid
from typing import NamedTuple

from imagen.models import Generation

FRESH_SECONDS = 0.9  # who looks once a second finds it looked up by somebody else
_FORGOTTEN_SECONDS = 5.0


class Standing(NamedTuple):
    """What tells whether there is news."""

    version: int
    status: str


class Lookout:
    """Looks for all who asked a moment ago as soon as one of them needs to know."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._asked: dict[uuid.UUID, float] = {}
        self._known: dict[uuid.UUID, Standing] = {}
        self._at = 0.0

    def standing(self, pk: uuid.UUID) -> Standing | None:
        """How it stands, or stood a second ago; ``None`` when it was deleted."""
        with self._lock:
            now = time.monotonic()
            self._asked[pk] = now
            if pk not in self._known or now - self._at >= FRESH_SECONDS:
                self._look(now)
            return self._known.get(pk)

    def _look(self, now: float) -> None:
        self._asked = {pk: at for pk, at in self._asked.items() if now - at < _FORGOTTEN_SECONDS}
        rows = Generation.objects.standing().filter(pk__in=self._asked).order_by()
        self._known = {pk: Standing(*facts) for pk, *facts in rows.values_list("pk", *Standing._fields)}
        self._at = now


lookout = Lookout()
