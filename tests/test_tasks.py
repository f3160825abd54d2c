"""What django-q2 runs, and the bell that makes it run."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django_q.models import OrmQ, Schedule

from imagen import pipeline, queue, tasks
from imagen.models import Worker, database_now

pytestmark = pytest.mark.django_db


def test_the_sweep_is_on_the_schedule_once():
    tasks.schedule_sweep()
    tasks.schedule_sweep()
    schedule = Schedule.objects.get(name="imagen sweep")
    assert (schedule.func, schedule.minutes, schedule.repeats) == ("imagen.tasks.sweep", 1, -1)


def test_a_slower_sweep_is_scheduled_slower(settings):
    settings.IMAGEN = {"SWEEP_SECONDS": 600}
    tasks.schedule_sweep()
    assert Schedule.objects.get(name="imagen sweep").minutes == 10


def test_a_database_without_the_queues_tables_has_no_schedule(monkeypatch):
    Schedule.objects.all().delete()
    monkeypatch.setattr("django_q.models.Schedule._meta.db_table", "not_there")
    tasks.schedule_sweep()
    monkeypatch.undo()
    assert not Schedule.objects.exists()


def test_a_slice_that_leaves_work_rings_again(monkeypatch):
    rung: list[int] = []
    monkeypatch.setattr(queue, "knock", lambda: rung.append(1))
    for left in (True, False):
        monkeypatch.setattr("imagen.engine.drive", lambda seconds, left=left: left)
        tasks.drive()
    assert rung == [1]


def test_a_slice_that_breaks_raises_nothing_into_the_queue(monkeypatch, caplog):
    monkeypatch.setattr("imagen.engine.drive", lambda seconds: 1 / 0)
    tasks.drive()
    assert "slice ended early" in caplog.text


def test_a_sweep_cleans_and_works(monkeypatch):
    done: list[str] = []
    monkeypatch.setattr(pipeline, "sweep", lambda: done.append("sweep"))
    monkeypatch.setattr("imagen.engine.drive", lambda seconds: done.append("drive"))
    tasks.sweep()
    assert done == ["sweep", "drive"]


def test_the_bell_carries_nothing():
    queue.knock()
    task = OrmQ.objects.get().task
    assert (task["func"], task["args"]) == ("imagen.tasks.drive", ())


def test_the_bell_rings_at_most_twice_a_second(monkeypatch):
    rung: list[int] = []
    monkeypatch.setattr(queue, "knock", lambda: rung.append(1))
    monkeypatch.setattr(queue, "_last", 0.0)
    for _ in range(50):
        queue._ring()
    assert rung == [1]


def test_a_broker_that_is_down_is_only_logged(monkeypatch, caplog):
    def refuse(*args: object, **kwargs: object) -> None:
        raise ConnectionError("no broker")

    monkeypatch.setattr(queue, "async_task", refuse)
    with caplog.at_level(logging.WARNING):
        queue.knock()
    assert "the sweep will" in caplog.text


def test_workers_not_heard_of_for_a_day_are_forgotten():
    now = database_now()
    Worker.objects.create(name="old", started_at=now, beat_at=now - timedelta(days=2))
    Worker.objects.create(name="new", started_at=now, beat_at=now)
    pipeline.sweep()
    assert list(Worker.objects.values_list("name", flat=True)) == ["new"]
