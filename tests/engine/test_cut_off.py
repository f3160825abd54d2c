"""An engine that is cut off, as by Ctrl-C, ends in good order all the same."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db.backends.signals import connection_created

from imagen.engine import desk
from imagen.engine.loop import Engine
from imagen.engine.writer import Writer
from imagen.models import Job


@pytest.fixture
def still_open() -> Iterator[Callable[[], list[Any]]]:
    """The database connections other threads opened during the test and did not close."""
    opened: list[Any] = []

    def note(connection: Any, **_: Any) -> None:
        if threading.current_thread() is not threading.main_thread():
            opened.append(connection)

    connection_created.connect(note)
    yield lambda: [each for each in opened if each.connection is not None]
    connection_created.disconnect(note)


def cut_off(*, after: Callable[[], bool]) -> None:
    """Let an engine work until this is so, and cancel it there."""

    async def story() -> None:
        engine = asyncio.create_task(Engine().run())
        while not after():
            await asyncio.sleep(0.01)
        engine.cancel()
        await asyncio.gather(engine, return_exceptions=True)

    asyncio.run(story())


def test_a_call_under_way_is_heard_out_before_the_engine_ends(ask, imagen_gateway, still_open):
    imagen_gateway.script(submit="slow", latency=0.2)
    ask()
    cut_off(after=lambda: bool(imagen_gateway.calls))
    job = Job.objects.get()
    assert (job.status, job.holder, job.remote_id) == ("processing", "", imagen_gateway.jobs[0].id)
    assert still_open() == []


def test_an_engine_cut_off_while_it_starts_leaves_no_connection_open(ask, monkeypatch, still_open):
    known, asked = desk._known_tempi, threading.Event()

    def slowly() -> Any:
        found = known()
        asked.set()
        time.sleep(0.2)
        return found

    monkeypatch.setattr(desk, "_known_tempi", slowly)
    ask()
    cut_off(after=asked.is_set)
    assert still_open() == []


def test_nothing_opens_the_connection_again_after_it_was_let_go(transactional_db, still_open):
    async def story() -> None:
        writer = Writer()
        await writer.run(Job.objects.exists)
        closing = asyncio.create_task(writer.close())
        await asyncio.sleep(0)
        with pytest.raises(RuntimeError):
            await writer.run(Job.objects.exists)
        await closing

    asyncio.run(story())
    assert still_open() == []
