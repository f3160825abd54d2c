"""A site without waits: one thread, a clock that jumps to whatever comes next, the gateway's wires in memory.

Everything else is the product as it is: engine, transport, database, files. Sockets, threads and time are left out.
"""

from __future__ import annotations

import asyncio
import gc
import selectors
import time
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import httpx
from django.apps import apps
from django.utils import timezone

from imagen import failpoints
from imagen.egress import Departure
from imagen.testing.gateway import Gateway
from imagen.testing.ledger import Job
from imagen.testing.wire import Answer, Ending, Request

URL = "http://127.0.0.1:9"
FOREVER = 10.0**6


class Crash(SystemExit):
    """The process dies here: it ends a loop at once, and nothing that would tidy up after an error sees it."""


class Clock:
    """The real time, and as much more as somebody would have waited."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self._time, self._monotonic = time.time, time.monotonic

    def time(self) -> float:
        """Seconds since 1970."""
        return self._time() + self.ahead

    def monotonic(self) -> float:
        """Seconds that only grow."""
        return self._monotonic() + self.ahead

    def now(self) -> datetime:
        """The same as a moment."""
        return datetime.now(UTC) + timedelta(seconds=self.ahead)

    def jump(self, seconds: float) -> None:
        """Let time pass."""
        self.ahead += seconds

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Be the clock of this process, and of the defaults of its rows."""
        fields = [field for model in apps.get_app_config("imagen").get_models() for field in model._meta.fields]
        dated = [field for field in fields if field.default is timezone.now]
        with ExitStack() as patches:
            for target in ("time.time", "time.monotonic"):
                patches.enter_context(mock.patch(target, getattr(self, target.rpartition(".")[2])))
            for field in dated:
                patches.enter_context(mock.patch.object(field, "default", self.now))
                patches.enter_context(mock.patch.dict(vars(field), {"_get_default": self.now}))
            patches.enter_context(mock.patch.object(timezone, "now", self.now))
            yield


class _Selector(selectors.DefaultSelector):  # type: ignore[misc, valid-type]  # the class depends on the system
    """Never waits: when nothing has happened, the time has come."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        ready = super().select(0)
        if not ready:
            if timeout is None:
                raise RuntimeError("nothing will ever happen again")
            self._clock.jump(max(timeout, 0.0))
        return ready


class _Inline(ThreadPoolExecutor):
    """Does at once what a thread would; one whose process has died does nothing any more."""

    living: list[_Inline] = []

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(1)
        self._dead = False
        self.living.append(self)

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if self._dead:
            raise RuntimeError("the dead do nothing")
        done: Future[Any] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done

    @classmethod
    def bury(cls) -> None:
        """Whatever was under way is over."""
        for executor in cls.living:
            executor._dead = True
        cls.living.clear()


class _Body(httpx.AsyncByteStream):
    """The bytes of an answer, as whole as they come."""

    def __init__(self, answer: Answer) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._answer.body
        if self._answer.ending is not Ending.KEEP:
            raise ConnectionResetError


class Air(httpx.AsyncBaseTransport):
    """Carries requests to the wires of a gateway; ``heard`` is told of every job that is new there."""

    def __init__(self, gateway: Gateway, clock: Clock, heard: Callable[[Job], None]) -> None:
        self.gateway, self.clock, self.heard = gateway, clock, heard

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await Departure.current().leave()
        headers = {name.lower(): value for name, value in request.headers.items()}
        target = request.url.raw_path.decode()
        answer = self.answer(Request(method=request.method, target=target, headers=headers, body=request.content))
        await asyncio.sleep(FOREVER if answer.ending in (Ending.HANG, Ending.ENDLESS) else answer.delay)
        if answer.ending is Ending.RESET:
            raise ConnectionResetError
        said = {"Content-Type": answer.content_type, **answer.headers}
        if answer.length is not None:
            said["Content-Length"] = str(answer.length)
        return httpx.Response(answer.status, headers=said, stream=_Body(answer))

    def answer(self, request: Request) -> Answer:
        """What the gateway says."""
        if request.path.startswith("/files/"):
            return self.gateway.darkroom.send(request.path.removeprefix("/files/"))
        self.gateway.calls.append(request)
        known = len(self.gateway.jobs)
        answer = self.gateway._wire(request.path).answer(request)
        for job in self.gateway.jobs[known:]:
            job.time, job.started = self.clock.time(), self.clock.monotonic()
            self.heard(job)
        return answer


@contextmanager
def vacuum(air: Air) -> Iterator[None]:
    """Have the product work in it."""
    air.gateway.darkroom.url = URL
    patches = {
        "imagen.transport.connections": lambda *_, **__: air,
        "imagen.engine.writer.ThreadPoolExecutor": _Inline,
        "imagen.engine.desk.ThreadPoolExecutor": _Inline,
        "imagen.engine.writer.FLUSH_SECONDS": 0.0,
        "imagen.engine.loop.TICK_SECONDS": 2.0,
        "imagen.queue.knock": lambda: None,
        "sys.unraisablehook": lambda *_: None,  # the dead cannot close what they held, and say so
    }
    with ExitStack() as stack:
        for target, value in patches.items():
            stack.enter_context(mock.patch(target, value))
        stack.enter_context(mock.patch.dict("os.environ", {"DJANGO_ALLOW_ASYNC_UNSAFE": "1"}))  # there is one thread
        stack.enter_context(air.clock.telling())
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # the dead did not await everything
            yield
            gc.collect()


def run(work: Callable[[], Any], clock: Clock) -> None:
    """Run this to its end, or to the death of the process: then nobody tidies up."""
    loop = asyncio.SelectorEventLoop(_Selector(clock))
    try:
        loop.run_until_complete(work())
    finally:
        for task in asyncio.all_tasks(loop):
            task._log_destroy_pending = False  # type: ignore[attr-defined]  # asyncio knows it
        loop.set_exception_handler(lambda *_: None)
        loop.close()
        _Inline.bury()


@contextmanager
def mortal(point: str = "") -> Iterator[list[str]]:
    """Die when this place is reached; what was passed until then."""
    passed: list[str] = []

    def hook(name: str) -> None:
        passed.append(name)
        if name == point:
            raise Crash(name)

    with mock.patch.object(failpoints, "hook", hook):
        try:
            yield passed
        except Crash:
            passed.append("dead")
