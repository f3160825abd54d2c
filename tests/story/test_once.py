"""Many programs ask with one key at the same moment: one picture is made, everybody hears the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagen.testing.gateway import Gateway
from proof import once
from proof.site import build
from tests.story.conftest import opened

pytestmark = [pytest.mark.story, pytest.mark.timeout(180)]


def test_eighty_posts_with_one_key_from_several_processes_buy_one_picture(
    stack: dict[str, str], tmp_path: Path, gateway: Gateway
) -> None:
    for place in opened(build(tmp_path, gateway, **stack, web=once.web(3))):
        place.start("manage.py", "imagen_worker")
        found = once.rush(place, gateway, name="eighty", posts=80, processes=4)
        assert (found.generations, found.submits, found.bodies) == (1, 1, 1)
        assert found.statuses.keys() <= {202, 409}
        assert sum(found.statuses.values()) == 80
        assert found.patient
        assert found.other == once.CONFLICT
        assert found.met
