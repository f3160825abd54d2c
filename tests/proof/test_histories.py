"""A few hundred histories of requests in every run of the suite; ``python -m proof G5`` plays ten thousand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from proof import histories, play
from proof.keys import TAKEN, Ask, Change, Held, Memory, Overlap, Wait

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
RUNS = 150


def test_whatever_is_asked_in_any_order_one_key_is_answered_as_promised(tmp_path: Path) -> None:
    measured, met = histories.histories(f"sqlite:///{tmp_path}/db.sqlite3", runs=RUNS)
    assert met, measured


@pytest.mark.parametrize("overlapping", [True, False])
def test_one_history_hears_every_kind_of_answer_whatever_else_is_drawn(overlapping: bool) -> None:
    memory, heard = Memory(), set()
    for step in play.every_answer(overlapping=overlapping):
        for asked, held in _asks(step):
            wanted = memory.answer(asked, held)
            heard.add(f"{wanted.status}{' replayed' if wanted.replayed else ''}")
            if wanted is TAKEN:
                memory.keep(asked, replace(TAKEN, replayed=True))
        if isinstance(step, Change) and (kept := memory.kept(step.person, step.key)):
            kept.deleted = True
    assert heard == histories.KINDS | (histories.OVERLAPPING if overlapping else set())


def _asks(step: Ask | Overlap | Wait | Change) -> list[tuple[Ask, Held]]:
    """Who asks in this step, the first of an overlap at its end, and whose keys are held meanwhile."""
    if isinstance(step, Overlap):
        held = frozenset({(step.first.person, str(step.first.key))})
        return [*((each, held) for each in step.others), (step.first, frozenset())]
    return [(step, frozenset())] if isinstance(step, Ask) else []


@pytest.mark.service
def test_on_postgresql_also_while_the_first_is_being_taken(postgres_url: str) -> None:
    measured, met = histories.histories(postgres_url, runs=RUNS)
    assert met, measured
