"""A database that fails in the middle of a step: no line of history, no status and no neighbour is lost with it."""

from __future__ import annotations

import asyncio
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import DataError, IntegrityError, OperationalError
from django.utils import timezone

from imagen import verdicts
from imagen.engine import loop, writer
from imagen.engine.desk import Desk
from imagen.engine.writer import Writer
from imagen.models import Event, Generation, Job, Move, database_now
from imagen.models.generation import GenerationQuerySet
from imagen.models.job import JobQuerySet
from imagen.states import JobStatus
from tests import factories


def once(monkeypatch: pytest.MonkeyPatch, kind: type, name: str, error: Exception) -> None:
    """Let this method fail the first time."""
    real, left = getattr(kind, name), [error]

    def flaky(self: Any, *args: Any, **kwargs: Any) -> Any:
        if left:
            raise left.pop()
        return real(self, *args, **kwargs)

    monkeypatch.setattr(kind, name, flaky)


def write(*moves: Move) -> list[Any]:
    """Give these to one writer at once; each answer, or the error it ended with."""

    async def all_of_them() -> list[Any]:
        desk = Writer()
        answers = await asyncio.gather(*map(desk.move, moves), return_exceptions=True)
        await desk.close()
        return answers

    return asyncio.run(all_of_them())


@pytest.fixture
def jobs(transactional_db: None) -> list[Job]:
    for _ in range(3):
        factories.leave(factories.generation(), "sending")
    return list(Job.objects.order_by("created_at"))


def accepted(job: Job, remote_id: str) -> Move:
    return Move(job=job, to=JobStatus.PROCESSING, wait=60, changes={"remote_id": remote_id})


@pytest.mark.parametrize("error", [OperationalError("deadlock detected"), IntegrityError("a rule"), DataError("NUL")])
def test_a_step_made_at_the_second_try_has_its_line_of_history_and_shows(jobs, monkeypatch, error):
    once(monkeypatch, GenerationQuerySet, "locked", error)
    assert write(accepted(jobs[0], "one")) == [True]
    assert Event.objects.filter(what="processing").count() == 1
    assert Generation.objects.get(pk=jobs[0].generation_id).status == "processing"


def test_one_id_given_twice_leaves_the_neighbours_history_whole(jobs):
    assert write(accepted(jobs[0], "one"), accepted(jobs[1], "one"), accepted(jobs[2], "two")) == [True, False, True]
    ends = [job.events.order_by("pk").last().what for job in jobs]
    assert ends == ["processing", "unconfirmed", "processing"]
    assert Generation.objects.filter(status="processing").count() == 2


def test_a_step_that_cannot_be_written_fails_alone(jobs):
    wrong = Move(job=jobs[1], to=JobStatus.PROCESSING, wait=60, changes={"price": "not a number"})
    first, second, third = write(accepted(jobs[0], "one"), wrong, accepted(jobs[2], "two"))
    assert (first, third) == (True, True)
    assert isinstance(second, Exception)


def test_two_steps_of_one_job_are_made_one_after_the_other(jobs):
    async def given_up() -> None:
        desk = Writer()
        mark = asyncio.ensure_future(desk.move(Move(job=jobs[0], to=JobStatus.SENDING, wait=60)))
        await asyncio.sleep(0)
        mark.cancel()
        assert await desk.move(Move(job=jobs[0], to=JobStatus.QUEUED, wait=0))
        await desk.close()

    jobs[:] = factories.leave(jobs[0].generation, "submitting")
    asyncio.run(given_up())
    told = Event.objects.filter(job=jobs[0]).order_by("pk").values_list("what", flat=True)
    assert list(told) == ["submitting", "sending", "queued"]


def test_a_database_that_is_away_for_long_costs_a_job_nothing(made, work, monkeypatch, imagen_gateway):
    monkeypatch.setattr(writer, "PATIENCE_SECONDS", 0.05)
    real, failures = JobQuerySet.move, iter(range(20))

    def move(self: Any, moves: Any) -> Any:
        if any(step.to == JobStatus.STORING for step in moves) and next(failures, None) is not None:
            raise OperationalError("gone for long")
        return real(self, moves)

    with monkeypatch.context() as patch:
        patch.setattr(JobQuerySet, "move", move)
        generation = made(seconds=1)
        for _ in range(6):
            Job.objects.filter(status="processing").update(due_at=timezone.now())
            work(1)
    generation.refresh_from_db()
    assert (generation.status, generation.error_code) != ("failed", "internal_error")
    Job.objects.exclude(due_at=None).update(due_at=timezone.now())
    work()
    generation.refresh_from_db()
    assert (generation.status, len(imagen_gateway.jobs)) == ("completed", 1)


def test_waits_for_storage_do_not_count_as_poison():
    job = Job(status="storing", tries=30, error_code="storage_unavailable")
    assert verdicts.poisoned(job, now=timezone.now()).to == JobStatus.STORING


def test_a_poison_job_that_cannot_even_be_put_aside_ends_quietly(made, monkeypatch, caplog):
    monkeypatch.setattr(writer, "PATIENCE_SECONDS", 0.05)
    monkeypatch.setattr(Job, "request", property(lambda job: 1 / 0))
    monkeypatch.setattr(verdicts, "poisoned", lambda job: 1 / 0)
    made(seconds=0.5)
    assert "never retrieved" not in caplog.text
    assert Job.objects.get().due_at is not None


@pytest.mark.fault("F68")
def test_an_engine_that_starts_while_the_database_is_away_says_so_and_waits(made, monkeypatch, caplog):
    monkeypatch.setattr(writer, "PATIENCE_SECONDS", 0.0)
    monkeypatch.setattr("imagen.engine.desk.OUTAGE_SECONDS", 0.01)
    blinks = iter(range(2))
    real = Writer.run

    async def run(self: Any, work: Any, *args: Any, **kwargs: Any) -> Any:
        if next(blinks, None) is not None:
            raise OperationalError("not there yet")
        return await real(self, work, *args, **kwargs)

    monkeypatch.setattr(Writer, "run", run)
    assert made(seconds=3).status == "completed"
    assert caplog.text.count("the database did not answer; trying again") == 2


def test_a_lease_is_not_pushed_ahead_after_the_job_was_let_go(jobs):
    jobs[0].move(JobStatus.QUEUED, wait=0)
    Job.objects.hold({jobs[0].pk: jobs[0].fence}, seconds=3600)
    assert Job.objects.get(pk=jobs[0].pk).due_at <= timezone.now()


def test_an_engine_whose_clock_is_slow_still_sees_what_is_near(ask, monkeypatch):
    ask()
    real = timezone.now
    monkeypatch.setattr("django.utils.timezone.now", lambda: real() - timedelta(minutes=5))
    monkeypatch.setattr(loop, "database_now", real, raising=False)
    assert loop.work_is_near()


def test_what_is_still_under_way_after_the_grace_is_given_back(ask, site, monkeypatch, imagen_gateway):
    site(CALL_SECONDS=1.0)
    monkeypatch.setattr(loop, "GRACE_SECONDS", 0.1)

    async def slowly(self: Desk, work: Any, *args: Any, **kwargs: Any) -> Any:
        self.stopping.set()
        await asyncio.sleep(30)

    monkeypatch.setattr(Desk, "saving", slowly)
    ask()
    loop.drive(seconds=30)
    job = Job.objects.get()
    assert (job.status, job.holder) == ("storing", "")
    assert job.due_at <= database_now()


@pytest.mark.fault("F7")
@pytest.mark.by_hand("somebody else ends the call behind its worker's back")
def test_a_paid_id_that_belongs_to_no_row_of_ours_is_written_to_the_log(ask, work, monkeypatch, imagen_gateway, caplog):
    real = JobQuerySet.move

    def move(self: Any, moves: Any) -> Any:
        if any(step.changes.get("remote_id") for step in moves):
            Job.objects.update(status="failed", due_at=None, fence=99)
        return real(self, moves)

    monkeypatch.setattr(JobQuerySet, "move", move)
    ask()
    work(1)
    told = [record.getMessage() for record in caplog.records if record.levelname == "CRITICAL"]
    assert told == [f"submit_accepted_unsaved {imagen_gateway.jobs[0].id}"]
    assert uuid.UUID(hex=imagen_gateway.jobs[0].id)
