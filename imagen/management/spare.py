"""A worker of our own for the time that nobody else works."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from threading import Event, Thread
from types import TracebackType
from typing import Self

from django.db import connection

from imagen.engine import Engine
from imagen.models import Generation, Worker, database_now

ALIVE = timedelta(seconds=30)
PATIENCE = {"never": timedelta(0), "quiet": timedelta(seconds=2), "alive": timedelta(seconds=5)}


def deserted(generation: Generation) -> bool:
    """Whether a call of this request has been due for longer than the workers heard of would leave it."""
    beat, now = Worker.last_beat(), database_now()
    heard = "never" if beat is None else "quiet" if now - beat > ALIVE else "alive"
    return generation.jobs.filter(due_at__lte=now - PATIENCE[heard]).exists()


class Spare:
    """An engine in a thread of this process; leaving the ``with`` block ends it in good order."""

    def __init__(self) -> None:
        self._thread: Thread | None = None
        self._ready = Event()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._thread is not None and self._ready.wait(1) and self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()

    def help(self, generation: Generation) -> None:
        """Start to work when nobody else does, or no longer does."""
        if (self._thread is None or not self._thread.is_alive()) and deserted(generation):
            self._ready.clear()
            self._thread = Thread(target=self._work, name="imagen-engine", daemon=True)
            self._thread.start()

    def _work(self) -> None:
        engine = Engine()
        try:
            asyncio.run(self._run(engine))
            Worker.objects.filter(name=engine.name).delete()  # or the next command would wait for this one
        finally:
            connection.close()

    async def _run(self, engine: Engine) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await engine.run(self._stopping)
