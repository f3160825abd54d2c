"""Outputs that fail in different ways at once: each gets its own tries, the good ones are kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from imagen import files, hauls, pipeline, queue, tasks, verdicts
from imagen.exceptions import EgressBlocked, OutputError
from imagen.models import Generation, Job, Move
from imagen.states import JobStatus
from imagen.types import Snapshot, State


def collected(*errors: Exception, tries: int = 0, error_code: str = "") -> Move:
    job = Job(generation=Generation(), status="storing", slots=[0, 1], tries=tries, error_code=error_code)
    haul = hauls.Haul(errors=errors, there=0, came=2)
    return hauls.collected(job, haul, snapshot=Snapshot(state=State.DONE), retention=3600, now=job.created_at)


def test_an_output_that_never_comes_does_not_take_the_tries_of_one_that_may():
    late = OutputError("expired", code="output_expired", tries=3)
    assert collected(EgressBlocked("private"), late).to == JobStatus.STORING
    assert collected(EgressBlocked("private"), late, tries=2).to == JobStatus.FAILED
    assert collected(EgressBlocked("private")).to == JobStatus.FAILED


def test_what_may_come_soonest_says_when_to_try_again(monkeypatch):
    monkeypatch.setattr(hauls, "EXPIRED_STEPS", (60.0, 240.0))
    late, broken = OutputError("expired", code="output_expired", tries=3), OutputError("broken", tries=5)
    assert [collected(late, tries=tries).wait for tries in (0, 1)] == [60.0, 240.0]
    assert collected(late, broken).wait == verdicts.delay(1)


def test_waits_for_storage_use_up_no_try_of_an_output():
    broken = OutputError("broken", tries=5)
    assert collected(broken, tries=7, error_code="storage_full").changes == {"tries": 1}
    assert collected(broken, tries=4).to == JobStatus.FAILED


def test_a_picture_that_waits_for_storage_is_watched_as_long_as_the_provider_keeps_it():
    now, day = timezone.now(), timedelta(days=1)
    job = Job(status="storing", accepted_at=now - 2 * day, error_code="storage_unavailable")
    assert verdicts.overdue(job, retention=7 * day.total_seconds(), now=now).to == JobStatus.STORING
    assert verdicts.overdue(job, retention=day.total_seconds(), now=now).to == JobStatus.FAILED
    job.status = "processing"
    assert verdicts.overdue(job, retention=7 * day.total_seconds(), now=now).to == JobStatus.FAILED


def test_an_output_that_breaks_the_decoder_takes_no_other_with_it(made, monkeypatch, imagen_gateway):
    real, broken = files.prepare, []

    def prepare(data: bytes, **options: Any) -> files.Ready:
        if not broken:
            broken.append(data)
        if data == broken[0]:
            raise MemoryError("a hostile picture")
        return real(data, **options)

    monkeypatch.setattr(files, "prepare", prepare)
    generation = made(num_images=2)
    assert (generation.status, generation.images.count()) == ("partial", 1)
    assert Job.objects.get().error_code == "output_invalid"


@pytest.mark.parametrize(("waiting", "rings"), [(0, 1), (99, 1), (100, 0)])
def test_no_bell_is_added_where_enough_are_waiting(transactional_db, monkeypatch, waiting, rings):
    rung: list[int] = []
    broker = type("Broker", (), {"queue_size": lambda self: waiting})
    monkeypatch.setattr(queue, "_broker", broker)
    monkeypatch.setattr(queue, "_QUIET_SECONDS", 0)
    monkeypatch.setattr(queue, "knock", lambda: rung.append(1))
    queue.ring()
    assert len(rung) == rings


def test_a_sweep_that_cannot_clean_up_still_works(monkeypatch):
    done: list[str] = []
    monkeypatch.setattr(pipeline, "sweep", lambda: 1 / 0)
    monkeypatch.setattr("imagen.engine.drive", lambda **_: done.append("drive"))
    tasks.sweep()
    assert done == ["drive"]
