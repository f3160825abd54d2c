"""What django-q2 runs, and the bell that makes it run."""

from __future__ import annotations

import threading
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
        monkeypatch.setattr("imagen.engine.drive", lambda left=left, **_: left)
        tasks.drive()
    assert rung == [1]


def test_a_slice_that_breaks_raises_nothing_into_the_queue_and_another_follows(monkeypatch, caplog):
    later: list[int] = []
    monkeypatch.setattr(queue, "knock_later", lambda: later.append(1))
    monkeypatch.setattr("imagen.engine.drive", lambda **_: 1 / 0)
    tasks.drive()
    assert "slice ended early" in caplog.text
    assert later == [1]


def test_a_sweep_cleans_and_works(monkeypatch):
    done: list[str] = []
    monkeypatch.setattr(pipeline, "sweep", lambda: done.append("sweep"))
    monkeypatch.setattr("imagen.engine.drive", lambda **_: done.append("drive"))
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


class Deaf:
    """A broker that is down for so many questions, and then there."""

    def __init__(self, times: int) -> None:
        self.left, self.asked = times, 0

    def enqueue(self, *args: object, **kwargs: object) -> int:
        self.asked += 1
        self.left -= 1
        if self.left >= 0:
            raise ConnectionError("no broker")
        return 0

    queue_size = ping = enqueue


@pytest.fixture
def deaf(monkeypatch) -> Deaf:
    """A broker that is down, and time that does not pass until the test says so."""
    broker, gate = Deaf(3), threading.Event()
    monkeypatch.setattr(queue, "_last", 0.0)
    monkeypatch.setattr(queue, "_broker", lambda: broker)
    monkeypatch.setattr(queue, "async_task", lambda *args, **options: broker.enqueue())
    monkeypatch.setattr(queue.time, "sleep", lambda seconds: gate.wait())
    broker.gate = gate
    yield broker
    gate.set()
    broker.left = 0
    if queue._knocker.ident:
        queue._knocker.join()


@pytest.mark.fault("F2")
def test_a_broker_that_is_down_is_logged_and_knocked_at_until_it_answers(deaf, caplog):
    queue.knock()
    assert "it is tried again" in caplog.text
    deaf.gate.set()
    queue._knocker.join(5)
    assert deaf.asked == 4


def test_nobody_waits_for_a_broker_that_was_away_a_moment_ago(deaf, monkeypatch):
    queue._ring()
    assert deaf.asked == 1
    monkeypatch.setattr(queue, "_last", 0.0)
    queue._ring()
    queue.knock()
    assert not queue.answers()
    assert deaf.asked == 1


def test_workers_not_heard_of_for_a_day_are_forgotten():
    now = database_now()
    Worker.objects.create(name="old", started_at=now, beat_at=now - timedelta(days=2))
    Worker.objects.create(name="new", started_at=now, beat_at=now)
    pipeline.sweep()
    assert list(Worker.objects.values_list("name", flat=True)) == ["new"]
