"""A whole site on loopback for one test: ``proof.site`` builds it, the checker looks at what is left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagen.testing.gateway import Gateway
from proof.site import Place, build


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    with Gateway(scale=1 / 8, latency=0.5) as running:
        yield running


@pytest.fixture(params=["sqlite", pytest.param("postgresql+redis", marks=pytest.mark.service)])
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """Where the site keeps its rows and its bells: each of the two stacks."""
    if request.param == "sqlite":
        return {"database": f"sqlite:///{tmp_path}/db.sqlite3"}
    return {"database": request.getfixturevalue("postgres_url"), "redis": request.getfixturevalue("redis_url")}


@pytest.fixture
def place(stack: dict[str, str], tmp_path: Path, gateway: Gateway) -> Iterator[Place]:
    """The site with WaveSpeedAI alone."""
    yield from opened(build(tmp_path, gateway, **stack))


def opened(site: Place) -> Iterator[Place]:
    """A site to work with; afterwards its rows and files are as they have to be."""
    yield site
    site.stop()
    site.manage("shell", "--no-imports", "-c", "from imagen.testing import invariants; invariants.check()")
