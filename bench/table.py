"""The promises, as data, and how a measured table is written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """One promise: what the naive design reaches, what the prototype of ours reached, what we want."""

    what: str
    naive: str = "–"
    prototype: str = "–"
    target: str
    least: float | None = None
    most: float | None = None

    def met(self, figure: float) -> bool:
        """Whether this figure keeps it."""
        return (self.least is None or figure >= self.least) and (self.most is None or figure <= self.most)


GOALS: dict[str, Goal] = {
    "P1": Goal(
        what="throughput of one worker against 8 naive workers, N=1000, without decoding",
        naive="1", prototype="51–57x", target="≥ 50x", least=50,
    ),
    "P1 small": Goal(
        what="the same, N=200", naive="1", prototype="18x", target="≥ 18x", least=18,
    ),
    "P1 decode": Goal(
        what="N=1000 with decoding, marks and previews", naive="1", target="–",
    ),
    "P1 small decode": Goal(
        what="N=200 with decoding, marks and previews", naive="1", target="≥ 12x", least=12,
    ),
    "P2": Goal(
        what="makespan against the floor, N=1000, without decoding",
        prototype="1.07–1.10 / 1.12–1.16", target="≤ 1.10 / ≤ 1.15", most=1.10,
    ),
    "P2 decode": Goal(
        what="the same with decoding, marks and previews", target="–",
    ),
    "P3": Goal(
        what="CPU for one picture against the floor, decoding, marks and preview included",
        naive="~17x", target="≤ 2.0", most=2.0,
    ),
    "P3 plain": Goal(
        what="the same without decoding", prototype="1.23 / 1.31", target="≤ 1.35", most=1.35,
    ),
    "P4": Goal(
        what="makespan against the slowest picture (11 s), N=1000, 8±3 s, without decoding",
        naive="~18 min", prototype="1.10", target="≤ 1.10", most=1.10,
    ),
    "P4 decode": Goal(
        what="the same with decoding, marks and previews", naive="~18 min", target="–",
    ),
    "P5": Goal(
        what="looks for one picture, 8±3 s, without decoding", naive="8.3", prototype="4.0", target="≤ 4.0", most=4.0,
    ),
    "P5 p50": Goal(
        what="ready there to noticed here, share of 8 s, p50", prototype="6 %", target="≤ 8 %", most=8,
    ),
    "P5 p95": Goal(
        what="the same, p95", prototype="19 %", target="≤ 20 %", most=20,
    ),
    "P5 webhooks": Goal(
        what="N=200 with webhooks: looks beyond the one that each ring asks for", target="≤ 0.2", most=0.2,
    ),
    "P5 webhooks p95": Goal(
        what="the same: ready there to noticed here, share of 8 s, p95", target="–",
    ),
    "P6": Goal(
        what="memory of the worker, N=1000 against N=50", prototype="1.23", target="≤ 1.25", most=1.25,
    ),
    "P7": Goal(
        what="kill -9 at any moment: bought twice", naive="171", prototype="0", target="0",
    ),
    "P8": Goal(
        what="database transactions for one picture, N=1000",
        naive="≥ 6", prototype="0.03–0.1", target="≤ 0.15", most=0.15,
    ),
    "P9": Goal(
        what="POST generations/ against a plain view inserting the same rows",
        naive=".43 / .30", prototype=".61 / .39", target="≥ .60 / ≥ .50", least=0.6,
    ),
    "P9 one": Goal(
        what="the same against a plain view inserting a single row", target="–",
    ),
    "P10 page": Goal(
        what="1 M rows against 1 k: page of the REST list", naive="21x", prototype=".75", target="≤ 1.2", most=1.2,
    ),
    "P10 admin": Goal(
        what="1 M rows against 1 k: list of the admin", naive="9.4x", prototype="1.05", target="≤ 1.2", most=1.2,
    ),
    "P11": Goal(
        what="throughput against Procrastinate's async worker, PostgreSQL", prototype="1.85–2.4x", target="≥ 2x",
    ),
    "P12": Goal(
        what="two worker machines against one", target="≥ 1.9x",
    ),
    "P13": Goal(
        what="POST to the first byte at the provider, idle cluster, p95",
        naive="196 ms", prototype="200 ms", target="≤ 250 ms / ≤ 30 ms", most=250,
    ),
}  # fmt: skip

# What PostgreSQL and Redis are measured against where it differs.
OTHERWISE: dict[str, dict[str, float]] = {
    "P2": {"most": 1.15}, "P9": {"least": 0.5}, "P13": {"most": 30},
}  # fmt: skip
ELSEWHERE = {"P7": "tests/story", "P11": "not measured", "P12": "not measured"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One measured row: the figure that is judged, and how it is written."""

    row: str
    value: float
    text: str


def line(key: str, figures: Iterable[str]) -> str:
    """One row of the table."""
    goal = GOALS[key]
    cells = (key, goal.what, goal.naive, goal.prototype, goal.target, *figures)
    return f"| {' | '.join(cells)} |"


def head(stacks: Iterable[str]) -> str:
    """The two lines above the rows."""
    names = ("#", "goal", "naive", "prototype", "target", *stacks)
    return f"| {' | '.join(names)} |\n|{'---|' * len(names)}"
