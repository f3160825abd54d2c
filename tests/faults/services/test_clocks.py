"""The clocks of the hosts disagree, or jump: work may come later by a moment, and is never sent again."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from proof.site import GUNICORN, free_port
from tests.faults.services.conftest import POSTS, Site, Weather, is_whole, wait

pytestmark = [pytest.mark.story, pytest.mark.service, pytest.mark.timeout(180)]
SKEWED = ("-m", "tests.faults.services.skewed")
HOURS = 7200


def clock(folder: Path, seconds: int) -> str:
    """A clock that is wrong by so much; each call with the same name sets it."""
    path = folder / f"clock{abs(seconds)}{'+' if seconds > 0 else '-'}"
    path.write_text(str(seconds))
    return str(path)


def put(path: str, seconds: int) -> None:
    fresh = Path(path).with_suffix(".new")
    fresh.write_text(str(seconds))
    fresh.replace(path)


def is_punctual(made: Any) -> None:
    """Nobody was told that it took long."""
    assert {warning["code"] for warning in made["warnings"]}.isdisjoint({"late", "provider_timeout"})


def worker(site: Site, at: str) -> None:
    """A worker on a host with this clock."""
    site.place.start(*SKEWED, at, "manage", "imagen_worker")


@pytest.mark.fault("F26")
def test_f26_hosts_ten_minutes_apart_make_a_picture_at_once_and_once(weather: Weather, tmp_path: Path) -> None:
    prompt, ahead, behind = "f26", clock(tmp_path, 300), clock(tmp_path, -300)
    weather.gateway.script(prompt, submit="slow", seconds=6.0)  # longer than a lease
    door = replace(weather.place, port=free_port(), running=[])
    try:
        door.serve(*SKEWED, ahead, "gunicorn", *GUNICORN[2:])
        made = door.ask(prompt)
        worker(weather, behind)
        worker(weather, ahead)
        is_whole(weather.end(made, seconds=40))
        assert weather.bought(prompt) == 1
        assert weather.history(made).count("submitting") == 1
        health = door.call("GET", "/healthz")
        assert health.status == 200
        looked = door.call("GET", f"{POSTS}{made['id']}/?wait=1")
        assert looked.status == 200
        is_punctual(looked.json)
    finally:
        door.stop()


@pytest.mark.fault("F27")
@pytest.mark.parametrize("jump", [HOURS, -HOURS], ids=["ahead", "back"])
def test_f27_a_clock_that_jumps_by_two_hours_delays_nothing_and_sends_nothing_again(
    weather: Weather, tmp_path: Path, jump: int
) -> None:
    prompts = [f"f27 {jump} {at}" for at in ("sent", "made")]
    weather.gateway.script(prompts[0], submit="slow", seconds=3.0)
    weather.gateway.script(prompts[1], latency=4.0)
    at = clock(tmp_path, 0)
    worker(weather, at)
    asked = [weather.ask(prompt) for prompt in prompts]
    wait(lambda: weather.bought(prompts[0]) and weather.bought(prompts[1]))
    put(at, jump)
    begun = time.monotonic()
    for made in asked:
        told = weather.end(made, seconds=40)
        is_whole(told)
        is_punctual(told)
    assert time.monotonic() - begun < 40
    assert [weather.bought(prompt) for prompt in prompts] == [1, 1]
