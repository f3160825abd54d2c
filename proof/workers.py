"""G1 beside the kill loop: one worker killed, stopped and woken beyond its lease, two clusters, a polite end."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from subprocess import Popen

from imagen.testing.gateway import Gateway
from proof import kills
from proof.books import PROVIDERS, Books, close, settle
from proof.goals import Finding, Goal
from proof.processes import family, signal_all, wait
from proof.site import Place
from proof.stacks import fresh

PATIENCE = 120.0
BREATHLESS = {"latency": 15.0, "LEASE_SECONDS": 60, "SLICE_SECONDS": 5}  # nobody else may take what is taken over
POLITE_SECONDS = 45.0  # a call under way, and what saving its answer may take
AT_ONCE_SECONDS = 1.5  # what was on its way, on a busy machine


def a_child_killed(place: Place, gateway: Gateway, *, count: int = 60, times: int = 5) -> Books:
    """The worker with work in its hands is killed; the cluster goes on without it."""
    cluster = place.cluster()
    for number in range(times):
        place.inside("ask", first=number * count // times, count=count // times, providers=PROVIDERS)
        place.inside("knock")
        wait(lambda: _busy(place, cluster), seconds=30, what="a worker at work")
        os.kill(_busy(place, cluster)[0], signal.SIGKILL)
    settle(place, seconds=PATIENCE)
    return close(place, gateway)


def _busy(place: Place, cluster: Popen[bytes]) -> list[int]:
    own = family(cluster)
    return [pid for pid in place.inside("engines") if pid in own]


def a_zombie(place: Place, gateway: Gateway, *, count: int = 20, times: int = 2) -> tuple[Books, int, int]:
    """A cluster stops breathing in the middle of sending, a worker takes over and is stopped too, the first wakes.

    Returns how many calls the other had in its hands then, and how many of their rows the first one changed. A call
    in doubt is in nobody's hands: there the answer that the first one got at last is proof, and welcome.
    """
    taken = written = 0
    for number in range(times):
        sleeper, seen = place.cluster(), len(gateway.jobs)
        place.inside("ask", first=number * count, count=count, providers=PROVIDERS)
        wait(lambda seen=seen: len(gateway.jobs) > seen, seconds=60, what="a send")
        _stop_between_transactions(place, sleeper)
        place.inside("expire")
        heir = place.start("manage.py", "imagen_worker")
        wait(lambda heir=heir: not place.inside("strange", pid=heir.pid), seconds=60, what="a worker that takes over")
        _stop_between_transactions(place, heir)
        before = place.inside("hands")
        signal_all(sleeper, signal.SIGCONT)
        sleeper.terminate()  # it may end what it has in its hands
        sleeper.wait(PATIENCE)
        taken += len(before)
        written += sum(row not in place.inside("hands") for row in before)
        signal_all(heir, signal.SIGCONT)
        settle(place, seconds=PATIENCE)
        place.kill(sleeper)
        place.kill(heir)
    return close(place, gateway), taken, written


def _stop_between_transactions(place: Place, process: Popen[bytes]) -> None:
    """One that is stopped in the middle of a transaction holds the database up for everybody."""
    signal_all(process, signal.SIGSTOP)
    while not place.inside("nobody_writes"):
        signal_all(process, signal.SIGCONT)
        time.sleep(0.05)
        signal_all(process, signal.SIGSTOP)


def two_clusters(place: Place, gateway: Gateway, *, count: int = 200, times: int = 8) -> Books:
    """One works all the time, beside it one is killed and started again."""
    place.cluster()
    return kills.loop(place, gateway, count=count, kills=times).books


def a_polite_end(place: Place, gateway: Gateway, *command: str, count: int = 40) -> tuple[Books, str]:
    """SIGTERM in the middle of the work: it sends nothing more, ends with 0, holds nothing and leaves no doubt."""
    process = place.start("manage.py", *command)
    place.inside("ask", first=0, count=count, providers=PROVIDERS)
    wait(lambda: len(gateway.jobs) > count // 4, seconds=30, what="sends")
    told = time.time()
    process.terminate()
    code = process.wait(PATIENCE)
    seconds, held = time.time() - told, place.inside("held")
    late = sum(job.time > told + AT_ONCE_SECONDS for job in gateway.jobs)
    place.kill(process)
    place.cluster()
    settle(place, seconds=PATIENCE)
    books = close(place, gateway)
    faults = {"as exit code": code, "calls held": held, "doubts": books.doubts, "sent later": late}
    fault = ", ".join(f"{count} {name}" for name, count in faults.items() if count)
    return books, fault or f"{'ended' if seconds <= POLITE_SECONDS else 'only'} in {seconds:.0f} s, nothing sent later"


def _child(stack: str) -> Finding:
    with fresh(stack) as (place, gateway):
        return a_child_killed(place, gateway).finding("5 workers killed")


def _zombie(stack: str) -> Finding:
    with fresh(stack, **BREATHLESS) as (place, gateway):
        books, taken, written = a_zombie(place, gateway)
        return books.finding(f"{written} of {taken} calls changed by it", met=taken > 0 and not written)


def _two(stack: str) -> Finding:
    with fresh(stack) as (place, gateway):
        return two_clusters(place, gateway).finding("8 kills")


def _polite(*command: str) -> Callable[[str], Finding]:
    def run(stack: str) -> Finding:
        with fresh(stack, latency=10.0) as (place, gateway):
            books, told = a_polite_end(place, gateway, *command)
            return books.finding(told, met=told.startswith("ended"))

    return run


GOALS = (
    Goal(id="G1 child", title="one worker of the cluster killed at work", wanted="as G1", run=_child),
    Goal(
        id="G1 zombie",
        title="a cluster stopped beyond its leases, then woken",
        wanted="as G1; it writes nothing and sends nothing again",
        run=_zombie,
    ),
    Goal(id="G1 two", title="two clusters at once, one killed again and again", wanted="as G1", run=_two),
    Goal(
        id="G1 end",
        title="SIGTERM to the cluster's first process in the middle of the work",
        wanted=f"as G1; exit code 0 within {POLITE_SECONDS:.0f} s, 0 sends after {AT_ONCE_SECONDS} s, 0 held, 0 doubts",
        run=_polite("qcluster"),
    ),
    Goal(
        id="G1 end worker",
        title="the same to imagen_worker",
        wanted=f"as G1; exit code 0 within {POLITE_SECONDS:.0f} s, 0 sends after {AT_ONCE_SECONDS} s, 0 held, 0 doubts",
        run=_polite("imagen_worker"),
    ),
)
