"""G3 and G4: bells lost, a broker that is down, bells rung three times, a cluster that hears none any more."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from imagen.testing.gateway import Gateway
from proof.books import PROVIDERS, Books, close, settle
from proof.goals import Finding, Goal
from proof.processes import wait, workers
from proof.site import Place, free_port
from proof.stacks import fresh

PATIENCE = 180.0
SWEEP = 60.0  # the default, and the finest that django-q2 schedules
NARROW = {"OPTIONS": {"max_in_flight": 25, "per_minute": 0}}
WAITING: dict[str, Any] = {"SWEEP_SECONDS": SWEEP, "PROVIDERS": dict.fromkeys(PROVIDERS, NARROW)}
IN_FLIGHT, COUNT = 50, 250
DOWN_SECONDS = 15.0


def a_queue_wiped(place: Place, gateway: Gateway) -> tuple[Books, float]:
    """Every bell is lost with 200 waiting and 50 at the gateways; seconds until the work moves again."""
    cluster = place.cluster()
    place.inside("ask", first=0, count=COUNT, providers=PROVIDERS)
    wait(lambda: len(gateway.jobs) >= IN_FLIGHT, seconds=60, what="calls in flight")
    place.kill(cluster)
    place.inside("wipe")
    place.cluster()
    moving = _moving(gateway)
    settle(place, seconds=PATIENCE)
    return close(place, gateway), moving


def _moving(gateway: Gateway) -> float:
    before = len(gateway.calls)
    return wait(lambda: len(gateway.calls) > before, seconds=3 * SWEEP, what="work that moves")


def a_broker_down(place: Place, gateway: Gateway, broker: Broker) -> tuple[Books, float]:
    """The broker dies with 50 at the gateways, 200 are asked without it, it comes back; seconds until all moves."""
    cluster = place.cluster()
    place.inside("ask", first=0, count=IN_FLIGHT, providers=PROVIDERS)
    wait(lambda: len(gateway.jobs) >= IN_FLIGHT // 2, seconds=60, what="calls in flight")
    broker.stop()
    place.inside("ask", first=IN_FLIGHT, count=COUNT - IN_FLIGHT, providers=PROVIDERS)
    time.sleep(DOWN_SECONDS)
    broker.start()
    if cluster.poll() is not None:  # whoever started it starts it again
        place.cluster()
    moving = _moving(gateway)
    settle(place, seconds=PATIENCE)
    return close(place, gateway), moving


class Broker:
    """A Redis server of our own, to be stopped."""

    def __init__(self, folder: str) -> None:
        self.port, self._folder = free_port(), folder
        self.start()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it, empty."""
        command = [shutil.which("redis-server") or "redis-server", "--port", str(self.port), "--bind", "127.0.0.1"]
        command += ["--save", "", "--appendonly", "no", "--dir", self._folder]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, start_new_session=True)
        wait(self._answers, seconds=10, what="a Redis server")

    def _answers(self) -> bool:
        import redis  # noqa: PLC0415

        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False

    def stop(self) -> None:
        """End it without a word."""
        self._process.kill()
        self._process.wait()


@contextmanager
def own_broker() -> Iterator[Broker]:
    """A Redis server that is ours alone."""
    with tempfile.TemporaryDirectory(prefix="imagen-redis-") as folder:
        broker = Broker(folder)
        try:
            yield broker
        finally:
            broker.stop()


def every_bell_thrice(place: Place, gateway: Gateway, *, count: int = 100) -> tuple[Books, int]:
    """Two clusters and a worker, each bell rung three times; how many sends there were too many."""
    for command in ("qcluster", "qcluster", "imagen_worker"):
        place.start("manage.py", command)
    for number in range(count):
        place.inside("ask", first=number, count=1, providers=PROVIDERS)
        place.inside("knock", times=3)
    settle(place, seconds=PATIENCE)
    return close(place, gateway), sum(map(_sends, gateway.calls)) - count


def _sends(call: Any) -> bool:
    asks = call.path.endswith(("/predictions", "/price", "/pricing"))
    return call.method == "POST" and not asks and not call.path.startswith("/__ctl/")


def a_deaf_cluster(place: Place, gateway: Gateway, *, count: int = 5) -> tuple[Books, dict[str, Any]]:
    """Idle workers are killed, and with them the lock of the cluster's queue: is it noticed, does a worker help?"""
    cluster = place.cluster()
    place.serve()
    wait(lambda: workers(cluster), seconds=30, what="workers")
    time.sleep(1)  # they wait for bells now, one of them with the lock
    for pid in workers(cluster):
        os.kill(pid, signal.SIGKILL)
    place.inside("ask", first=0, count=count, providers=PROVIDERS)
    found: dict[str, Any] = {"noticed": wait(lambda: _health(place) == 503, seconds=60, what="a 503")}
    found["deaf"] = not gateway.calls
    found["doctor"] = _doctor(place)
    place.start("manage.py", "imagen_worker")
    wait(lambda: not place.inside("left"), seconds=PATIENCE, what="the worker's work")
    found["well"] = _health(place) == 200
    place.kill(cluster)  # it would not hear SIGTERM either
    return close(place, gateway), found


def _health(place: Place) -> int:
    return place.call("GET", "/healthz").status


def _doctor(place: Place) -> list[str]:
    """What the doctor calls an error."""
    told = json.loads(place.manage("imagen_doctor", "--json", code=1))
    return [finding["subject"] for finding in told["findings"] if finding["level"] == "error"]


def _wiped(stack: str) -> Finding:
    with fresh(stack, latency=5.0, **WAITING) as (place, gateway):
        books, moving = a_queue_wiped(place, gateway)
        return books.finding(f"moving after {moving:.0f} s", met=moving <= 2 * SWEEP)


def _down(stack: str) -> Finding:
    facts = {**WAITING, "SLICE_SECONDS": 5}  # no slice outlasts the outage
    with own_broker() as broker, fresh(stack, latency=5.0, redis=broker.url, **facts) as (place, gateway):
        books, moving = a_broker_down(place, gateway, broker)
        return books.finding(f"moving {moving:.0f} s after the repair", met=moving <= 2 * SWEEP)


def _thrice(stack: str) -> Finding:
    with fresh(stack) as (place, gateway):
        books, extra = every_bell_thrice(place, gateway)
        return books.finding(f"{extra} extra sends", met=not extra)


def _deaf(stack: str) -> Finding:
    with fresh(stack) as (place, gateway):
        books, found = a_deaf_cluster(place, gateway)
        met = found["deaf"] and "waiting work" in found["doctor"] and found["well"]
        text = f"healthz 503 after {found['noticed']:.0f} s, doctor: {', '.join(found['doctor'])}"
        return books.finding(text, met=met)


GOALS = (
    Goal(
        id="G3 wiped",
        title="every bell lost with 200 waiting and 50 in flight",
        wanted=f"as G1; moving within two sweeps ({2 * SWEEP:.0f} s)",
        run=_wiped,
    ),
    Goal(
        id="G3 broker",
        title=f"the broker down for {DOWN_SECONDS:.0f} s, 200 asked meanwhile",
        wanted=f"as G1; moving within two sweeps ({2 * SWEEP:.0f} s) of its repair",
        run=_down,
        stacks=("postgresql+redis",),
    ),
    Goal(
        id="G4 thrice", title="every bell rung three times to three workers", wanted="as G1; 0 extra sends", run=_thrice
    ),
    Goal(
        id="G4 deaf",
        title="a cluster that hangs because idle workers were killed",
        wanted="as G1; healthz 503 and the doctor say so, imagen_worker does the work",
        run=_deaf,
    ),
)
