"""One burst through one worker, and what it took: ours, the naive tasks, and the floor."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from typing import Any

from bench.processes import Child
from bench.site import Site, site

NAIVE_WORKERS = 8
WARM_UP = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class Drain:
    """A burst that came home."""

    count: int
    seconds: float
    cpu: float
    peak: float = 0.0
    transactions: int = 0
    polls: float = 0.0
    lags: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Pictures a second."""
        return self.count / self.seconds

    @property
    def each(self) -> float:
        """Processor milliseconds for one picture."""
        return self.cpu / self.count * 1000

    def lag(self, share: float) -> float:
        """Seconds from ready there to noticed here that this share of the pictures stayed below."""
        return sorted(self.lags)[int(share * (len(self.lags) - 1))]

    def __str__(self) -> str:
        pace = f"{self.count} in {self.seconds:.2f} s, {self.rate:.0f}/s"
        memory = f", {self.peak:.0f} MB" if self.peak else ""
        return f"{pace}, CPU {self.each:.1f} ms, {self.polls:.1f} looks each{memory}"


def ours(
    stack: str, count: int, *, latency: float = 2.0, spread: float = 0.0, plain: bool = False, rings: bool = False
) -> Drain:
    """A burst through one worker that has seen a few pictures before."""
    with site(stack, latency=latency, spread=spread, rings=rings) as place:
        if rings:
            place.serve()
        worker = place.start("-m", "bench.worker", *(["--plain"] if plain else []))
        assert worker.line() == "ready"
        asking = place.start("-m", "bench.burst", "ours")
        _whole(asking.ask(WARM_UP))
        made, spent = worker.count(), worker.cpu()
        told = _whole(asking.ask(count))
        cpu, transactions = worker.cpu() - spent, worker.count() - made
        facts = {"cpu": cpu, "peak": worker.peak(), "transactions": transactions}
        return Drain(count=count, seconds=told["seconds"], **facts, **_followed(place, told["seen"]))


def _whole(told: Any) -> Any:
    if told["completed"] != told["asked"]:
        raise RuntimeError(f"only {told['completed']} of {told['asked']} pictures came home")
    return told


def _followed(place: Site, seen: dict[str, float]) -> dict[str, Any]:
    """How often the gateway was asked after each job of the burst, and how late we noticed that it was ready."""
    jobs = [job for job in place.heard() if job["id"] in seen]
    lags = [seen[job["id"]] - job["time"] - job["latency"] for job in jobs]
    return {"polls": sum(job["polls"] for job in jobs) / len(jobs), "lags": lags}


def naive(stack: str, count: int) -> Drain:
    """A burst through a cluster of eight workers, each holding one picture."""
    with site(stack) as place:
        cluster = place.start("manage.py", "qcluster", BENCH_WORKERS=str(NAIVE_WORKERS))
        asking = place.start("-m", "bench.burst", "naive")
        _whole(asking.ask(NAIVE_WORKERS * 2))
        spent = cluster.cpu()
        told = _whole(asking.ask(count))
        cpu, polls = cluster.cpu() - spent, sum(job["polls"] for job in place.heard()[-count:]) / count
        return Drain(count=count, seconds=told["seconds"], cpu=cpu, polls=polls)


def floor(count: int, *, latency: float = 2.0, spread: float = 0.0, step: float = 0.25) -> Drain:
    """A burst through a bare script that knows the latency."""
    with site("sqlite", latency=latency, spread=spread) as place, tempfile.TemporaryDirectory() as folder:
        script = Child("-m", "bench.floor", place.gateway, folder, env=place.env)
        with script:
            asked = {"first": latency - spread, "step": step}
            script.ask({"count": WARM_UP, **asked})
            told = script.ask({"count": count, **asked})
        return Drain(count=count, seconds=told["seconds"], cpu=told["cpu"], polls=told["polls"] / count)
