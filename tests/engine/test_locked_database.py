"""Somebody else holds the database's write lock for a moment: everybody waits, nobody fails."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

from imagen.models import Worker, database_now


@contextmanager
def locked(seconds: float) -> Iterator[None]:
    """Another writer is in the middle of a transaction for so long."""
    inside = threading.Event()

    def hold() -> None:
        with transaction.atomic():
            Worker.objects.create(name="somebody else", started_at=database_now(), beat_at=database_now())
            inside.set()
            time.sleep(seconds)
        connection.close()

    thread = threading.Thread(target=hold)
    thread.start()
    inside.wait()
    yield
    thread.join()


def test_a_request_is_taken_after_the_lock(ask):
    with locked(1.0):
        assert ask().status == "queued"


def test_an_engine_goes_on_after_the_lock(ask, work, imagen_gateway):
    generation = ask()
    with locked(1.0):
        work()
    generation.refresh_from_db()
    assert generation.status == "completed"
    assert len(imagen_gateway.jobs) == 1
