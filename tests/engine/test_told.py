"""A slice that is told to stop behaves like a worker that hears SIGTERM."""

from __future__ import annotations

import time

from imagen import engine
from imagen.models import Job, Worker


def test_one_that_was_told_before_does_not_begin_and_says_that_work_is_left(ask, imagen_gateway):
    ask()
    assert engine.drive(seconds=10, told=lambda: True)
    assert imagen_gateway.jobs == []
    assert not Worker.objects.exists()


def test_one_that_is_told_in_the_middle_lets_go_of_what_it_has(ask, imagen_gateway):
    imagen_gateway.script(latency=60)
    ask()
    begun = time.monotonic()
    left = engine.drive(seconds=30, told=lambda: bool(imagen_gateway.jobs))
    assert time.monotonic() - begun < 10
    assert (Job.objects.get().status, Job.objects.get().holder, left) == ("processing", "", True)
    assert len(imagen_gateway.jobs) == 1


def test_one_that_nobody_tells_works_to_the_end(ask, work, imagen_gateway):
    ask()
    work()
    assert Job.objects.get().status == "completed"
