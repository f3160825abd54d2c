"""G17: database, broker or storage away under load: the doors say so, nothing is lost, the pace comes back."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from imagen.testing.gateway import Gateway
from proof.books import Books, close, settle
from proof.goals import Finding, Goal
from proof.processes import family, wait
from proof.proxy import Proxy
from proof.site import GUNICORN, Place, free_port
from proof.stacks import addresses, opened
from proof.traffic import Pace, Traffic

PAUSE, HEAVY_PAUSE = 0.35, 1.5
WARM_SECONDS, COOL_SECONDS = 10.0, 45.0
PATIENCE = 240.0
LONGEST = 10.0  # of an answer
BACK = 30.0  # until as many pictures are made as before
HEAVY, LIMIT = 8_000_000, 7_000_000  # bytes of a picture, and of the largest file a full disk takes
CALM: dict[str, Any] = {"LEASE_SECONDS": 30, "SWEEP_SECONDS": 60, "RETRY_SECONDS": [1, 2, 4, 8, 16, 32, 60, 60]}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What one outage did to the doors and to the work."""

    books: Books
    traffic: Traffic
    usual: float
    meanwhile: float  # in the second half of the trouble
    back: float | None

    def finding(self, *, posts_go_on: bool = False) -> Finding:
        """All of it in one line; where ``posts_go_on``, nobody may have been refused."""
        told = self.traffic
        posts, looks = told.refused("POST"), told.refused("GET")
        answers = f"{len(told.heard)} answers, {posts} posts and {looks} looks told to wait"
        slow = f"slowest {told.slowest:.1f} s, {len(told.wrong)} wrong, {told.broken} broken off"
        again = "never" if self.back is None else f"after {self.back:.0f} s"
        pace = f"{self.usual:.1f} pictures a second, {self.meanwhile:.1f} meanwhile, as before {again}"
        good = not told.wrong and not told.broken and told.slowest <= LONGEST
        back = self.back is not None and self.back <= BACK
        first = f"; first: {told.wrong[0]}" if told.wrong else ""
        return self.books.finding(
            f"{answers}, {slow}; {pace}{first}", met=good and back and not (posts_go_on and posts)
        )


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """What goes wrong and is repaired, and what lets the time pass that some work waits afterwards."""

    breaks: Callable[[], None]
    mends: Callable[[], None]
    down: float
    pause: float = PAUSE

    @classmethod
    def on(cls, wire: Proxy, how: str, down: float) -> Trouble:
        """A wire in bad weather."""
        return cls(breaks=lambda: wire.be(how), mends=lambda: wire.be("fair"), down=down)


def ride(place: Place, dry: Place, gateway: Gateway, trouble: Trouble) -> Recovery:
    """Traffic, so many seconds of trouble, the repair, and all the work to its end."""
    traffic, pace = Traffic(place, trouble.pause), Pace(dry)
    with traffic.flowing(), pace.watched():
        wait(lambda: pace.seen and pace.seen[-1][1] > 3, seconds=60, what="pictures")
        warm = time.monotonic()
        time.sleep(WARM_SECONDS)
        broken = time.monotonic()
        trouble.breaks()
        time.sleep(trouble.down)
        trouble.mends()
        mended = time.monotonic()
        time.sleep(COOL_SECONDS)
    dry.inside("hurry_storage")
    settle(dry, seconds=PATIENCE)
    usual = pace.rate(warm, broken)
    return Recovery(
        books=close(dry, gateway),
        traffic=traffic,
        usual=usual,
        meanwhile=pace.rate(broken + trouble.down / 2, mended),
        back=pace.back_after(mended, usual),
    )


@contextmanager
def environment(extra: Mapping[str, str]) -> Iterator[None]:
    """These variables for what is built meanwhile."""
    before = {name: os.environ.get(name) for name in extra}
    os.environ.update(extra)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


@contextmanager
def wired(stack: str, **facts: Any) -> Iterator[tuple[Place, Place, Gateway, dict[str, Proxy]]]:
    """A site whose database and broker are at the other end of wires, and the same site by dry ones."""
    with ExitStack() as stacked:
        folder = Path(stacked.enter_context(tempfile.TemporaryDirectory(prefix="imagen-proof-")))
        found = stacked.enter_context(addresses(stack, folder))
        dry, gateway = stacked.enter_context(opened(folder, latency=1.0, **found, **{**CALM, **facts}))
        wires = {
            name: stacked.enter_context(Proxy(url))
            for name, url in found.items()
            if not url.startswith("sqlite")
        }  # fmt: skip
        names = {"database": "DATABASE_URL", "redis": "REDIS_URL"}
        place = replace(dry, env=dry.env | {names[name]: wire.url for name, wire in wires.items()}, running=[])
        place.insider = None
        stacked.callback(place.stop)
        place.serve(*GUNICORN)
        place.cluster()
        yield place, dry, gateway, wires


def an_outage(stack: str, *, of: str, how: str, down: float = 20.0) -> Recovery:
    """The database or the broker is away for so long."""
    with wired(stack) as (place, dry, gateway, wires):
        return ride(place, dry, gateway, Trouble.on(wires[of], how, down))


def a_bucket_away(stack: str, *, how: str, down: float = 60.0) -> Recovery:
    """The pictures lie in a bucket, and that is away for so long."""
    with bucket() as (wire, extra), environment(extra), wired(stack) as (place, dry, gateway, _):
        return ride(place, dry, gateway, Trouble.on(wire, how, down))


@contextmanager
def bucket() -> Iterator[tuple[Proxy, dict[str, str]]]:
    """A bucket at the other end of a wire, and the variables that lead there."""
    port = free_port()
    command = [sys.executable, "-W", "ignore", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as server, Proxy(f"http://127.0.0.1:{port}") as wire:
        try:
            wait(lambda: _bucket(port), seconds=60, what="an S3 server")
            keys = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "S3_BUCKET": "pictures"}
            yield wire, {**keys, "S3_ENDPOINT_URL": wire.url}
        finally:
            server.terminate()


def _bucket(port: int) -> bool:
    import boto3  # noqa: PLC0415

    keys = {"aws_access_key_id": "id", "aws_secret_access_key": "secret", "region_name": "us-east-1"}
    with suppress(Exception):
        boto3.resource("s3", endpoint_url=f"http://127.0.0.1:{port}", **keys).create_bucket(Bucket="pictures")
        return True
    return False


def a_full_disk(stack: str, *, down: float = 60.0) -> Recovery:
    """No process of the cluster may write a file as large as a picture for so long."""
    with wired(stack) as (place, dry, gateway, _):
        gateway.darkroom.weight, cluster = HEAVY, place.running[-1]
        no_more, as_before = lambda: _limit(cluster, LIMIT), lambda: _limit(cluster, resource.RLIM_INFINITY)
        return ride(place, dry, gateway, Trouble(breaks=no_more, mends=as_before, down=down, pause=HEAVY_PAUSE))


def _limit(cluster: subprocess.Popen[bytes], limit: int) -> None:
    for pid in family(cluster):
        with suppress(ProcessLookupError):
            resource.prlimit(pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))


WANTED = f"as G1; 503 with Retry-After, no answer later than {LONGEST:.0f} s, the pace back within {BACK:.0f} s"
GOES_ON = f"{WANTED}; every post is taken"
POSTGRESQL, BOTH = ("postgresql", "postgresql+redis"), ("postgresql+redis",)


def _goal(name: str, title: str, run: Callable[[str], Recovery], stacks: tuple[str, ...], *, goes_on: bool) -> Goal:
    return Goal(
        id=f"G17 {name}",
        title=title,
        wanted=GOES_ON if goes_on else WANTED,
        run=lambda stack: run(stack).finding(posts_go_on=goes_on),
        stacks=stacks,
    )


GOALS = (
    _goal(
        "database",
        "PostgreSQL refuses for 20 s",
        partial(an_outage, of="database", how="refuse"),
        POSTGRESQL,
        goes_on=False,
    ),
    _goal(
        "cable",
        "PostgreSQL is silent for 20 s",
        partial(an_outage, of="database", how="blackhole"),
        BOTH,
        goes_on=False,
    ),
    _goal("redis", "Redis refuses for 20 s", partial(an_outage, of="redis", how="refuse"), BOTH, goes_on=True),
    _goal(
        "redis cable", "Redis is silent for 20 s", partial(an_outage, of="redis", how="blackhole"), BOTH, goes_on=True
    ),
    _goal(
        "bucket", "S3 answers 503 for 60 s", partial(a_bucket_away, how="unavailable"), ("sqlite", *BOTH), goes_on=True
    ),
    _goal("disk", "no picture fits on the disk for 60 s", a_full_disk, ("sqlite", *BOTH), goes_on=True),
)
