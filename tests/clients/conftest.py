"""One live site for all programs of this folder: gunicorn with threads, a real cluster, the sandbox."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagen.testing.gateway import Gateway
from imagen.testing.sink import Sink
from proof.fuzz import SEALED, WEB
from proof.site import Place, build
from proof.stacks import addresses, runs_here
from tests.conftest import _lacks
from tests.story.conftest import opened

SCOPES = ("--scope", "read", "--scope", "generate")  # those the how-tos name
PATIENT = 10  # seconds a worker may have to wait for the processor before another takes over
KEY = ("imagen_key", "create", "how-tos", "--user", "ann", *SCOPES, "--json")


@pytest.fixture(scope="module")
def sink() -> Iterator[Sink]:
    """A receiver of webhooks that the site may send to."""
    with Sink() as running:
        yield running


@pytest.fixture(scope="module", params=["sqlite", pytest.param("postgresql+redis", marks=pytest.mark.service)])
def site(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sink: Sink) -> Iterator[Place]:
    """The site; every program of a module talks to the same."""
    if not runs_here(request.param):
        _lacks("PostgreSQL")
    folder: Path = tmp_path_factory.mktemp("site")
    with addresses(request.param, folder) as where, Gateway() as gateway:
        facts = {"vendors": (), "web": WEB, "neighbours": (sink.port,), "LEASE_SECONDS": PATIENT, **SEALED, **where}
        for place in opened(build(folder, gateway, **facts)):
            place.token = json.loads(place.manage(*KEY))["key"]
            place.cluster()
            yield place
