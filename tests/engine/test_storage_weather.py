"""Storage that fails keeps the job waiting, and the picture is kept when storage is back."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db import OperationalError
from django.utils import timezone

from imagen import files
from imagen.engine import writer
from imagen.exceptions import StorageError
from imagen.models import Job
from imagen.models.job import JobQuerySet


def failing(monkeypatch, code: str = "storage_unavailable"):
    def keep(*args: Any, **kwargs: Any) -> None:
        raise StorageError(code=code)

    monkeypatch.setattr(files, "keep", keep)


def test_a_full_storage_says_so_and_the_picture_is_kept_later(troubled, work, monkeypatch, imagen_gateway):
    with monkeypatch.context() as patch:
        failing(patch, "storage_full")
        generation = troubled("storage_full")
    assert generation.status == "processing"
    assert Job.objects.get().due_at > timezone.now() + timedelta(seconds=30)
    Job.objects.update(due_at=timezone.now())
    work()
    generation.refresh_from_db()
    assert (generation.status, generation.error_code) == ("completed", "")
    assert len(imagen_gateway.jobs) == 1


def test_storage_that_stays_away_until_the_provider_forgets_ends_it(troubled, work, monkeypatch):
    failing(monkeypatch)
    generation = troubled("storage_unavailable")
    Job.objects.update(due_at=timezone.now(), accepted_at=timezone.now() - timedelta(days=8))
    work(2)
    generation.refresh_from_db()
    assert (generation.status, generation.error_code) == ("failed", "storage_unavailable")


def test_a_database_that_is_away_for_a_moment_is_waited_for(made, monkeypatch, imagen_gateway):
    real, blinks = JobQuerySet.move, iter(range(3))

    def move(self: Any, moves: Any) -> Any:
        if next(blinks, None) is not None:
            raise OperationalError("gone for a moment")
        return real(self, moves)

    monkeypatch.setattr("imagen.models.job.JobQuerySet.move", move)
    assert made().status == "completed"
    assert len(imagen_gateway.jobs) == 1


def test_what_was_accepted_but_could_not_be_saved_is_written_to_the_log(
    site, ask, work, monkeypatch, imagen_gateway, caplog
):
    site(SWEEP_SECONDS=1)
    real = JobQuerySet.move
    monkeypatch.setattr(writer, "PATIENCE_SECONDS", 0.2)

    def move(self: Any, moves: Any) -> Any:
        if any(move.changes.get("remote_id") for move in moves):
            raise OperationalError("gone for good")
        return real(self, moves)

    with monkeypatch.context() as patch:
        patch.setattr("imagen.models.job.JobQuerySet.move", move)
        generation = ask("a secret prompt")
        work(3)
    Job.objects.update(due_at=timezone.now())  # the lease is over
    work()
    generation.refresh_from_db()
    assert generation.status == "unconfirmed"
    told = next(record for record in caplog.records if record.levelname == "CRITICAL")
    assert imagen_gateway.jobs[0].id in told.getMessage()
    assert "secret" not in caplog.text
