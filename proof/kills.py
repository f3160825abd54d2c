"""G1 and G2: the whole worker group killed again and again, and nothing is lost, bought twice or left over."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from functools import cache

from imagen.testing.gateway import Gateway
from proof.books import PROVIDERS, Books, close, settle
from proof.goals import Finding, Goal
from proof.site import Place
from proof.stacks import fresh

COUNT, KILLS = 1000, 60
PAUSE = (1.0, 3.0)
AWAKE_SECONDS = 15.0
LONGEST = 360.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One kill loop: how often, how long, and the books afterwards."""

    kills: int
    seconds: float
    books: Books


def loop(place: Place, gateway: Gateway, *, count: int, kills: int, seed: int = 7, patience: float = 60) -> Run:
    """Ask all the time; kill one to three seconds after the cluster has gone to work; in the end let it finish."""
    begun, dice = time.monotonic(), random.Random(seed)
    for number in range(kills):
        cluster = place.cluster()
        first, last = (count * step // kills for step in (number, number + 1))
        _ask(place, first, 1)
        _awake(gateway, place)
        _ask_on(place, first + 1, last, seconds=dice.uniform(*PAUSE))
        place.kill(cluster)
    place.cluster()
    settle(place, seconds=patience)
    seconds = time.monotonic() - begun
    return Run(kills=kills, seconds=seconds, books=close(place, gateway))


def _ask(place: Place, first: int, count: int) -> None:
    place.inside("ask", first=first, count=count, providers=PROVIDERS)


def _ask_on(place: Place, first: int, last: int, *, seconds: float) -> None:
    """One request after the other, so that a kill finds some in every state."""
    begun, count = time.monotonic(), max(last - first, 1)
    for number in range(first, last):
        _ask(place, number, 1)
        time.sleep(max(begun + seconds * (number + 1 - first) / count - time.monotonic(), 0))
    time.sleep(max(begun + seconds - time.monotonic(), 0))


def _awake(gateway: Gateway, place: Place) -> None:
    """Wait until the new cluster calls the gateway."""
    before, until = len(gateway.calls), time.monotonic() + AWAKE_SECONDS
    place.inside("knock")
    while len(gateway.calls) == before and time.monotonic() < until:
        time.sleep(0.05)


@cache
def run(stack: str) -> Run:
    """The loop as promised, once for both goals."""
    with fresh(stack) as (place, gateway):
        return loop(place, gateway, count=COUNT, kills=KILLS)


def nothing_is_lost(stack: str) -> Finding:
    """G1."""
    found = run(stack)
    more = f"{found.kills} kills, {found.seconds:.0f} s"
    return found.books.finding(more, met=found.seconds <= LONGEST)


def few_false_alarms(stack: str) -> Finding:
    """G2."""
    books = run(stack).books
    share = books.false_alarms / books.doubts * 100 if books.doubts else 0.0
    text = f"{books.false_alarms} of {books.doubts} doubts ({share:.0f} %)"
    return Finding(measured=text, met=share <= 5)


GOALS = (
    Goal(
        id="G1 kills",
        title="1,000 pictures, the whole worker group killed 60 times",
        wanted="0 lost, 0 twice, 0 orphans, 0 unfinished, 0 without file; ≤ 360 s",
        run=nothing_is_lost,
    ),
    Goal(
        id="G2",
        title="calls in doubt that the gateway never saw",
        wanted="≤ 5 % of all doubts",
        run=few_false_alarms,
    ),
)
