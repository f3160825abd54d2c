"""Places for those who stay: whoever waits or follows holds a thread, and these are as many as may be held at once."""

from __future__ import annotations

import threading
from collections import Counter

from django.db import connections

from imagen.conf import settings
from imagen.exceptions import ImagenError

WAITERS = 4  # half of the threads the README recommends: the rest stay for everybody else
STREAMS = 2  # of one person


class Places:
    """Those of one process."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()  # by person; "" counts everybody
        self._lock = threading.RLock()  # the garbage collector may leave a place in the middle of anything

    def take(self, whose: str = "") -> Place:
        """One of them; ``throttled`` when none is left, or this person has enough."""
        with self._lock:
            if self._full("", "waiters", WAITERS) or (whose and self._full(whose, "streams", STREAMS)):
                raise ImagenError(code="throttled")
            self.taken.update({"", whose})
            return Place(self, {"", whose})

    def _full(self, whose: str, name: str, usual: int) -> bool:
        return self.taken[whose] >= int(settings.API.get(name, usual))

    def leave(self, names: set[str]) -> None:
        """One is free again; leaving it twice is leaving it once."""
        with self._lock:
            self.taken.subtract(names)
            for name in names:
                if not self.taken[name]:
                    del self.taken[name]
            names.clear()


class Place:
    """One place, until it is left."""

    def __init__(self, places: Places, names: set[str]) -> None:
        self._places, self._names = places, names

    def leave(self) -> None:
        """Give it to the next."""
        self._places.leave(self._names)

    def __enter__(self) -> Place:
        return self

    def __exit__(self, *error: object) -> None:
        self.leave()


def let_go() -> None:
    """Hold no connection while nothing happens, however long the site keeps them otherwise."""
    for connection in connections.all(initialized_only=True):
        if not connection.in_atomic_block:
            connection.close()


here = Places()
