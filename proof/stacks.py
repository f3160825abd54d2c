"""Fresh sites to prove things on: SQLite, PostgreSQL, and PostgreSQL with Redis as the broker."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.stacks import postgres, spare_redis, there
from imagen.testing.gateway import Gateway
from proof.site import Place, build

STACKS = ("sqlite", "postgresql", "postgresql+redis")
UNLIMITED = {"OPTIONS": {"max_in_flight": 0, "per_minute": 0}}
QUICK: dict[str, Any] = {  # a minute of the default settings passes in a few seconds
    "SWEEP_SECONDS": 2,
    "LEASE_SECONDS": 10,  # an engine that has to wait for the processor for longer loses what it holds, and begins anew
    "MAX_IN_FLIGHT": 200,
    "POLL_SECONDS": 0.2,
    "RETRY_SECONDS": [0.5, 1, 2, 4, 4, 4, 4, 4],
    "PROVIDERS": {"wavespeed": UNLIMITED, "apiframe": UNLIMITED},
}


def runs_here(stack: str) -> bool:
    """Whether this machine has what the stack needs."""
    return there("sqlite" if stack == "sqlite" else "postgresql")


@contextmanager
def addresses(stack: str, folder: Path) -> Iterator[dict[str, str]]:
    """Where a site on this stack keeps its rows and its bells: empty, and gone afterwards."""
    if stack == "sqlite":
        yield {"database": f"sqlite:///{folder}/db.sqlite3"}
    elif stack == "postgresql":
        with postgres() as database:
            yield {"database": database}
    else:
        with postgres() as database, spare_redis() as redis:
            yield {"database": database, "redis": redis}


@contextmanager
def opened(folder: Path, *, latency: float = 2.0, answer: float = 0.4, **facts: Any) -> Iterator[tuple[Place, Gateway]]:
    """A site with WaveSpeedAI, which knows no keys, and Apiframe, which does; sends are answered ``answer`` late."""
    with Gateway(scale=1 / 8, latency=latency, show_inputs=True) as gateway:
        gateway.script(submit="slow", seconds=answer)
        chosen = {"vendors": ("wavespeed", "apiframe"), "web": (), **QUICK, **facts}
        place = build(folder, gateway, **chosen)
        try:
            yield place, gateway
        finally:
            place.stop()


@contextmanager
def fresh(stack: str, **facts: Any) -> Iterator[tuple[Place, Gateway]]:
    """The same on a stack of its own."""
    with ExitStack() as stacked:
        folder = Path(stacked.enter_context(tempfile.TemporaryDirectory(prefix="imagen-proof-")))
        found = stacked.enter_context(addresses(stack, folder))
        yield stacked.enter_context(opened(folder, **{**found, **facts}))
