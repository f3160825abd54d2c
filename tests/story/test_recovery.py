"""The proof of recovery in short: the database is away under load, people are told to come again, nothing is lost."""

from __future__ import annotations

import pytest

from proof import recovery

pytestmark = [pytest.mark.story, pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(240)]


def test_an_outage_under_load_loses_nothing_and_every_answer_is_good_or_says_when_to_come_again(
    postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recovery, "WARM_SECONDS", 3.0)
    monkeypatch.setattr(recovery, "COOL_SECONDS", 10.0)
    found = recovery.an_outage("postgresql+redis", of="database", how="refuse", down=4.0)
    assert found.traffic.wrong == []
    assert found.traffic.broken == 0
    assert found.traffic.refused("POST") > 0
    assert found.books.kept, str(found.books)
