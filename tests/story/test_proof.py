"""The proofs of ``make proof`` in short: kills, zombies, lost bells, deaf clusters, in real processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from proof import bells, doors, kills, workers
from proof.stacks import opened

pytestmark = [pytest.mark.story, pytest.mark.slow, pytest.mark.timeout(240)]


def test_the_whole_worker_group_killed_again_and_again_loses_nothing_and_buys_nothing_twice(
    stack: dict[str, str], tmp_path: Path
) -> None:
    with opened(tmp_path, **stack) as (place, gateway):
        books = kills.loop(place, gateway, count=60, kills=5).books
    assert books.kept, books
    assert books.completed + books.unconfirmed == 60


def test_a_worker_killed_at_work_does_not_stop_its_cluster(stack: dict[str, str], tmp_path: Path) -> None:
    with opened(tmp_path, **stack) as (place, gateway):
        books = workers.a_child_killed(place, gateway, count=20, times=2)
    assert books.kept, books


def test_a_worker_that_wakes_after_its_lease_writes_nothing_and_sends_nothing_again(
    stack: dict[str, str], tmp_path: Path
) -> None:
    with opened(tmp_path, **stack, **workers.BREATHLESS) as (place, gateway):
        books, taken, written = workers.a_zombie(place, gateway, times=1)
    assert books.kept, books
    assert taken
    assert not written


def test_posts_repeated_while_the_web_server_dies_make_one_generation_each(
    stack: dict[str, str], tmp_path: Path
) -> None:
    with opened(tmp_path, **stack) as (place, gateway):
        books, strangers = doors.posts_interrupted(place, gateway, count=40, times=3)
    assert books.kept, books
    assert (books.asked, strangers) == (40, 0)


def test_a_bell_rung_three_times_sends_once(stack: dict[str, str], tmp_path: Path) -> None:
    with opened(tmp_path, latency=0.5, **stack) as (place, gateway):
        books, extra = bells.every_bell_thrice(place, gateway, count=20)
    assert books.kept, books
    assert not extra


def test_a_cluster_that_hears_no_bell_is_noticed_and_a_worker_does_its_work(
    stack: dict[str, str], tmp_path: Path
) -> None:
    with opened(tmp_path, **stack) as (place, gateway):
        books, found = bells.a_deaf_cluster(place, gateway)
    assert books.kept, books
    assert (found["deaf"], found["doctor"], found["well"]) == (True, ["waiting work"], True)
