"""People who ask and look all the time, and a watcher who counts the pictures they get."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from proof.books import PROVIDERS
from proof.site import Answer, Place

POSTS = "/api/imagen/v1/generations/"
CLIENTS = 2
PROBLEM = "application/problem+json"


@dataclass
class Traffic:
    """What people asked and heard: (second, method, answer, how long it took)."""

    place: Place
    pause: float  # of each between two requests: the site has to keep up on any machine
    heard: list[tuple[float, str, Answer, float]] = field(default_factory=list)
    broken: int = 0
    asked: int = 0
    _over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """People ask and look for as long as this lasts."""
        threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()

    def _ask(self) -> None:
        while not self._over.wait(self.pause):
            with self._lock:
                number, self.asked = self.asked, self.asked + 1
            provider = PROVIDERS[number % len(PROVIDERS)]
            self._call("POST", POSTS, {"prompt": f"picture {number:05}", "provider": provider})
            self._call("GET", POSTS)

    def _call(self, method: str, path: str, body: Any = None) -> None:
        begun = time.monotonic()
        try:
            answer = self.place.call(method, path, body)
        except OSError:
            self.broken += 1
            return
        self.heard.append((begun, method, answer, time.monotonic() - begun))

    @property
    def slowest(self) -> float:
        """How long anybody waited at most."""
        return max(seconds for *_, seconds in self.heard)

    def refused(self, method: str) -> int:
        """How many were told to come again."""
        return sum(answer.status == 503 for _, asked, answer, _ in self.heard if asked == method)

    @property
    def wrong(self) -> list[str]:
        """Every answer that is neither good nor a good refusal."""
        good = {("POST", 202), ("GET", 200)}
        bad = [answer for _, method, answer, _ in self.heard if (method, answer.status) not in good]
        return [f"{answer.status} {answer.body[:80]!r}" for answer in bad if not _is_refusal(answer)]


def _is_refusal(answer: Answer) -> bool:
    told = answer.headers.get("Content-Type") == PROBLEM and answer.headers.get("Retry-After")
    return bool(answer.status == 503 and told and answer.json["code"] == "service_unavailable")


@dataclass
class Pace:
    """How many pictures there are, second by second."""

    place: Place
    seen: list[tuple[float, int]] = field(default_factory=list)
    _over: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count for as long as this lasts."""
        thread = threading.Thread(target=self._watch)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _watch(self) -> None:
        while not self._over.wait(1.0):
            done = sum(call["status"] == "completed" for call in self.place.inside("calls"))
            self.seen.append((time.monotonic(), done))

    def rate(self, since: float, until: float) -> float:
        """Pictures a second between two moments."""
        during = [point for point in self.seen if since <= point[0] <= until]
        if len(during) < 2:
            return 0.0
        (first, had), (last, has) = during[0], during[-1]
        return (has - had) / (last - first)

    def back_after(self, since: float, usual: float) -> float | None:
        """Seconds from that moment until, for five seconds, pictures were made at four fifths of the usual rate."""
        for moment, _ in self.seen:
            if moment >= since and self.rate(moment - 0.1, moment + 5.5) >= 0.8 * usual:
                return max(moment - since, 0.0)
        return None
