"""Many processes at one budget at once, over real sockets: exactly as many are taken as it pays for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from imagen.testing.gateway import Gateway
from proof.money import OFFERS, prove
from proof.site import Place, build
from tests.story.conftest import opened

pytestmark = [pytest.mark.story, pytest.mark.timeout(240)]


@pytest.fixture
def shop(stack: dict[str, str], tmp_path: Path, gateway: Gateway) -> Iterator[Place]:
    yield from opened(build(tmp_path, gateway, OFFERS=OFFERS, web=(), **stack))


def test_a_race_for_what_is_left_takes_exactly_that_and_every_cent_is_accounted_for(shop: Place) -> None:
    found = prove(shop, clients=6, tries=10, places=25, rounds=2)
    assert found.met, found.measured
