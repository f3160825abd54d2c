"""G9 of ``make proof`` in short: a receiver that fails, workers that are killed, and every event arrives."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof import mail
from proof.stacks import opened

pytestmark = [pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(240)]


def test_what_happens_is_told_under_one_id_whoever_is_killed_and_however_often_the_receiver_fails(
    stack: dict[str, str], tmp_path: Path
) -> None:
    with (
        mail.receivers() as (flaky, gone),
        opened(tmp_path, latency=0.5, neighbours=(flaky.port, gone.port), **mail.HASTE, **stack) as (place, _),
    ):
        found = mail.loop(place, flaky, gone, count=40, kills=1)
    assert found.kept, found
    assert found.events == 40
