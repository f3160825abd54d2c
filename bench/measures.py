"""Which runs each row of the table needs, and the figure they give; every ratio comes from one sitting."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from bench import asking, doorbell, drains, listing
from bench.drains import Drain
from bench.table import Figure

MEAN, SPREAD = 8.0, 3.0
_WITHOUT = ", without decoding"


@dataclass(slots=True, kw_only=True)
class Sitting:
    """The measurements of one stack; a run that several rows need is made once."""

    stack: str
    burst: int = 1000
    naive: int = 48
    rows: int = 1_000_000
    repeat: int = 1
    samples: int = 30
    say: Callable[[str], None] = print
    _made: dict[str, list[Drain]] = field(default_factory=dict)

    def drains(self, name: str, run: Callable[[], Drain]) -> list[Drain]:
        """The runs of this name, made when first asked for."""
        if name not in self._made:
            self._made[name] = []
            for _ in range(self.repeat):
                self._made[name].append(run())
                self.say(f"{self.stack}: {name}: {self._made[name][-1]}")
        return self._made[name]

    def ours(self, count: int, *, plain: bool = False) -> list[Drain]:
        """A burst at two seconds."""
        name = f"ours, N={count}{_WITHOUT if plain else ''}"
        return self.drains(name, lambda: drains.ours(self.stack, count, plain=plain))

    def real(self, *, plain: bool) -> list[Drain]:
        """A burst at eight seconds, three more or less."""
        name = f"ours, 8±3 s{_WITHOUT if plain else ''}"
        facts = {"latency": MEAN, "spread": SPREAD, "plain": plain}
        return self.drains(name, lambda: drains.ours(self.stack, self.burst, **facts))

    def rung(self) -> list[Drain]:
        """Two hundred at eight seconds, three more or less, with webhooks."""
        facts = {"latency": MEAN, "spread": SPREAD, "plain": True, "rings": True}
        return self.drains("ours, 8±3 s, webhooks", lambda: drains.ours(self.stack, self.burst // 5, **facts))

    def floor(self) -> list[Drain]:
        """The same burst through the bare script."""
        return self.drains("floor", lambda: drains.floor(self.burst))

    def unwise(self) -> list[Drain]:
        """A burst through the naive tasks, as long as their pace takes to show."""
        return self.drains("naive", lambda: drains.naive(self.stack, self.naive))


def median(runs: list[Drain], fact: Callable[[Drain], float]) -> float:
    """The middle one of a fact of several runs."""
    return statistics.median(map(fact, runs))


def throughput(sitting: Sitting) -> Iterator[Figure]:
    """P1: pictures a second; the naive pace is steady, so a short run of it stands for a long one."""
    slow = median(sitting.unwise(), lambda run: run.rate)
    for row, count in (("P1", sitting.burst), ("P1 small", sitting.burst // 5)):
        for name, plain in ((row, True), (f"{row} decode", False)):
            quick = median(sitting.ours(count, plain=plain), lambda run: run.rate)
            yield Figure(row=name, value=quick / slow, text=f"{quick / slow:.0f}x")


def makespan(sitting: Sitting) -> Iterator[Figure]:
    """P2."""
    least = median(sitting.floor(), lambda run: run.seconds)
    for row, plain in (("P2", True), ("P2 decode", False)):
        ratio = median(sitting.ours(sitting.burst, plain=plain), lambda run: run.seconds) / least
        yield Figure(row=row, value=ratio, text=f"{ratio:.2f}")


def processor(sitting: Sitting) -> Iterator[Figure]:
    """P3."""
    least = median(sitting.floor(), lambda run: run.each)
    for row, plain in (("P3", False), ("P3 plain", True)):
        ratio = median(sitting.ours(sitting.burst, plain=plain), lambda run: run.each) / least
        yield Figure(row=row, value=ratio, text=f"{ratio:.2f}")


def real(sitting: Sitting) -> Iterator[Figure]:
    """P4 and P5."""
    for row, plain in (("P4", True), ("P4 decode", False)):
        span = median(sitting.real(plain=plain), lambda run: run.seconds) / (MEAN + SPREAD)
        yield Figure(row=row, value=span, text=f"{span:.2f}")
    runs = sitting.real(plain=True)
    polls = median(runs, lambda run: run.polls)
    yield Figure(row="P5", value=polls, text=f"{polls:.1f}")
    for row, share in (("P5 p50", 0.5), ("P5 p95", 0.95)):
        late = median(runs, lambda run, share=share: run.lag(share)) / MEAN * 100
        yield Figure(row=row, value=late, text=f"{late:.0f} %")


def rung(sitting: Sitting) -> Iterator[Figure]:
    """P5 with webhooks: looks that nobody rang for."""
    polls = median(sitting.rung(), lambda run: run.polls) - 1
    late = median(sitting.rung(), lambda run: run.lag(0.95)) / MEAN * 100
    yield Figure(row="P5 webhooks", value=polls, text=f"{polls:.2f}")
    yield Figure(row="P5 webhooks p95", value=late, text=f"{late:.0f} %")


def memory(sitting: Sitting) -> Iterator[Figure]:
    """P6."""
    few, many = (median(sitting.ours(count), lambda run: run.peak) for count in (50, sitting.burst))
    yield Figure(row="P6", value=many / few, text=f"{many / few:.2f} ({few:.0f} to {many:.0f} MB)")


def transactions(sitting: Sitting) -> Iterator[Figure]:
    """P8."""
    each = median(sitting.ours(sitting.burst, plain=True), lambda run: run.transactions / run.count)
    yield Figure(row="P8", value=each, text=f"{each:.2f}")


def taking(sitting: Sitting) -> Iterator[Figure]:
    """P9."""
    found = asking.rates(sitting.stack, seconds=4)
    sitting.say(f"{sitting.stack}: requests a second: { ({path: round(rate) for path, rate in found.items()}) }")
    for row, path in (("P9", asking.SAME_ROWS), ("P9 one", asking.ONE_ROW)):
        ratio = found[asking.OURS] / found[path]
        yield Figure(row=row, value=ratio, text=f"{ratio:.2f}")


def pages(sitting: Sitting) -> Iterator[Figure]:
    """P10."""
    for name, (few, many) in listing.ages(sitting.stack, rows=sitting.rows).items():
        yield Figure(row=f"P10 {name}", value=many / few, text=f"{many / few:.2f} ({few:.0f} to {many:.0f} ms)")


def bell(sitting: Sitting) -> Iterator[Figure]:
    """P13."""
    found = doorbell.delays(sitting.stack, samples=sitting.samples)
    middle, late = found[len(found) // 2] * 1000, found[int(0.95 * (len(found) - 1))] * 1000
    yield Figure(row="P13", value=late, text=f"{late:.0f} ms (p50 {middle:.0f})")


MEASURES: dict[str, Callable[[Sitting], Iterator[Figure]]] = {
    "P1": throughput, "P2": makespan, "P3": processor, "P4": real, "P5": real, "P5w": rung, "P6": memory,
    "P8": transactions, "P9": taking, "P10": pages, "P13": bell,
}  # fmt: skip
