"""What many jobs share: memory, statements, transactions."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest
from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.test.utils import CaptureQueriesContext

from imagen import files
from imagen.engine import writer
from imagen.engine.desk import Desk
from imagen.engine.writer import Writer
from imagen.models import Anomaly, Generation, Job, Move
from imagen.states import JobStatus
from tests import factories


@pytest.fixture
def jobs(transactional_db: None) -> list[Job]:
    for _ in range(12):
        factories.generation()
    return list(Job.objects.all())


def back(job: Job, wait: float = 60) -> Move:
    return Move(job=job, to=JobStatus.QUEUED, wait=wait)


def test_no_more_pictures_are_in_memory_than_there_are_download_slots(site, ask, work, monkeypatch, imagen_gateway):
    site(DOWNLOAD_SLOTS=2, DECODE_SLOTS=1)
    held: list[int] = []
    prepare, keep = files.prepare, files.keep

    def slowly(data: bytes, **options: Any) -> files.Ready:
        time.sleep(0.05)
        held.append(len(imagen_gateway.served) - kept)
        return prepare(data, **options)

    def counted(*args: Any, **options: Any) -> files.Kept:
        nonlocal kept
        done = keep(*args, **options)
        kept += 1
        return done

    kept = 0
    monkeypatch.setattr(files, "prepare", slowly)
    monkeypatch.setattr(files, "keep", counted)
    for _ in range(6):
        ask()
    work()
    assert Generation.objects.filter(status="completed").count() == 6
    assert max(held) <= 2


@pytest.mark.parametrize("outputs", [1, 2])
def test_where_nothing_is_odd_nothing_is_asked_about_oddities(made, imagen_gateway, monkeypatch, outputs):
    said: list[str] = []  # by every thread
    real = CursorWrapper.execute
    monkeypatch.setattr(CursorWrapper, "execute", lambda self, sql, *rest: said.append(sql) or real(self, sql, *rest))
    imagen_gateway.script("", outputs=outputs)
    assert made().status == "completed"
    assert any("imagen_event" in sql for sql in said)
    assert any("imagen_anomaly" in sql for sql in said) is (outputs > 1)


def test_steps_that_change_alike_cost_the_same_for_few_and_for_many(jobs):
    costs = []
    for some in (jobs[:2], jobs[2:]):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            assert Job.objects.move([back(job) for job in some]) == {job.pk for job in some}
        costs.append(len(queries))
    assert costs[0] == costs[1]


def test_steps_that_differ_in_one_batch_are_all_made(jobs):
    steps = [back(jobs[0], 10), back(jobs[1], 5000), Move(job=jobs[2], to=JobStatus.CANCELED)]
    assert Job.objects.move(steps) == {job.pk for job in jobs[:3]}
    first, second, third = (Job.objects.get(pk=job.pk) for job in jobs[:3])
    assert first.due_at < second.due_at
    assert (third.status, third.due_at, third.generation.status) == ("canceled", None, "canceled")


def test_only_the_steps_of_whoever_holds_the_fence_are_made(jobs):
    Job.objects.filter(pk=jobs[0].pk).update(fence=7)
    assert Job.objects.move([back(jobs[0]), back(jobs[1])]) == {jobs[1].pk}


def test_a_step_alone_does_not_wait_for_company(jobs, monkeypatch):
    monkeypatch.setattr(writer, "FLUSH_SECONDS", 0.8)

    async def story() -> float:
        desk, start = Writer(), time.monotonic()
        assert await desk.move(back(jobs[0]))
        took = time.monotonic() - start
        await desk.close()
        return took

    assert asyncio.run(story()) < 0.6


def test_steps_that_come_meanwhile_share_a_transaction(jobs):
    async def story() -> int:
        desk = Writer()
        assert all(await asyncio.gather(*(desk.move(back(job)) for job in jobs)))
        await desk.close()
        return desk.transactions

    assert asyncio.run(story()) <= 2


def test_a_word_nobody_knows_is_noted_once_a_day_however_long_the_engine_lives(site, transactional_db):
    async def live() -> None:
        async with Desk(asyncio.Event()) as desk:
            for word in ("thawing", "warming-up"):
                desk.providers["wavespeed"].state(word)
                await desk.wonder()
            assert desk.providers["wavespeed"].puzzles == set()

    asyncio.run(live())
    assert list(Anomaly.objects.values_list("code", "provider", "note", "times")) == [
        ("unknown_word", "wavespeed", "thawing", 1)
    ]
