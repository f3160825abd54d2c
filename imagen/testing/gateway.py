"""A gateway on loopback that speaks WaveSpeed's wire over real sockets and misbehaves on command.

In Python: ``with Gateway() as gateway: …``. As a process: ``python -m imagen.testing.gateway --port 9400``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

from imagen.testing.faults import CALLS, FILES
from imagen.testing.ledger import Job, Ledger, Script
from imagen.testing.wavespeed_wire import WaveSpeedWire
from imagen.testing.wire import Answer, Ending, Request, deliver, read_request

_KINDS = {"submit": CALLS, "poll": CALLS, "file": FILES}
BACKLOG = 4096


class Gateway:
    """A running server: ``url`` to call, ``jobs``, ``calls`` and ``served`` to look at, ``script`` to misbehave."""

    def __init__(self, *, host: str = "127.0.0.1", port: int = 0, **wire: Any) -> None:
        self.ledger = Ledger()
        self.wire = WaveSpeedWire(ledger=self.ledger, **wire)
        self._address = (host, port)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def start(self) -> None:
        """Listen, or raise ``OSError``; ``url`` says where."""
        self._socket = socket.create_server(self._address, backlog=BACKLOG)
        self.host, self.port = self._socket.getsockname()[:2]
        self.url = self.wire.url = f"http://{self.host}:{self.port}"
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()
        self._thread = threading.Thread(target=self._run, name=f"gateway {self.url}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Drop every connection and stop listening; once is enough, twice does no harm."""
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._over.set)
            self._thread.join()

    @property
    def jobs(self) -> list[Job]:
        """The accepted jobs, oldest first: what would be billed."""
        return self.ledger.jobs

    @property
    def calls(self) -> list[Request]:
        """Every request, oldest first."""
        return self.ledger.calls

    @property
    def served(self) -> dict[str, bytes]:
        """What was sent as which file."""
        return self.ledger.served

    def script(self, match: str = "", **steps: Any) -> None:
        """Behave like this for prompts that contain ``match``; without one, for all that nothing else names."""
        script = Script.build({**steps, "match": match})
        for kind, known in _KINDS.items():
            if (name := getattr(script, kind)) and name not in known:
                raise ValueError(f"no {kind} fault is called {name}; there are {', '.join(known)}")
        self.ledger.play(script)

    def reset(self) -> None:
        """Behave well again and forget everything."""
        self.ledger.reset()

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._talk, sock=self._socket, backlog=BACKLOG)
        await self._over.wait()
        server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while request := await read_request(reader):
                answer = self._answer(request)
                await deliver(answer, reader, writer)
                if answer.ending is not Ending.KEEP or request.headers.get("connection", "").lower() == "close":
                    break
            writer.close()
        except ConnectionError:
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()

    def _answer(self, request: Request) -> Answer:
        if request.path.startswith("/__ctl/"):
            return self._control(request)
        self.ledger.calls.append(request)
        return self.wire.answer(request)

    def _control(self, request: Request) -> Answer:
        act = _CONTROLS.get((request.method, request.path.removeprefix("/__ctl/")))
        try:
            return Answer.of(act(self, request)) if act else Answer.of({"message": "not found"}, 404)
        except (TypeError, ValueError) as error:
            return Answer.of({"message": str(error)}, 400)

    def _play(self, request: Request) -> Mapping[str, Any]:
        asked = request.json
        self.script(str(asked.get("match", "")), **asked.get("steps", {}))
        return asked

    def _forget(self, request: Request) -> Mapping[str, Any]:
        self.reset()
        return {}

    def _list_jobs(self, request: Request) -> list[Mapping[str, Any]]:
        return [job.asdict() for job in self.jobs]

    def _list_calls(self, request: Request) -> list[Mapping[str, Any]]:
        return [{"method": call.method, "path": call.path, "headers": dict(call.headers)} for call in self.calls]

    def _list_served(self, request: Request) -> Mapping[str, str]:
        return {name: hashlib.sha256(body).hexdigest() for name, body in self.served.items()}


_CONTROLS: Mapping[tuple[str, str], Callable[[Gateway, Request], Any]] = {
    ("POST", "script"): Gateway._play,
    ("POST", "reset"): Gateway._forget,
    ("GET", "jobs"): Gateway._list_jobs,
    ("GET", "calls"): Gateway._list_calls,
    ("GET", "served"): Gateway._list_served,
}


def main(arguments: list[str] | None = None) -> int:
    """Run a gateway until a signal ends it."""
    options = argparse.ArgumentParser(prog="python -m imagen.testing.gateway", description=__doc__)
    options.add_argument("--port", type=int, default=9400)
    options.add_argument("--latency", type=float, default=0.05, help="seconds until a job is finished")
    options.add_argument("--spread", type=float, default=0.0, help="seconds by which that may differ, either way")
    options.add_argument("--scale", type=float, default=1.0, help="size of the pictures, 1 is the model's own")
    options.add_argument("--weight", type=int, default=0, help="bytes a picture weighs at least")
    options.add_argument("--key", default="wsk_test")
    options.add_argument("--show-inputs", action="store_true", help="show what was asked in the history")
    ends = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, ends)  # before the thread starts, so that only sigwait sees them
    with Gateway(**vars(options.parse_args(arguments))) as gateway:
        sys.stdout.write(f"{gateway.url}\n")
        sys.stdout.flush()
        signal.sigwait(ends)
    return 0


if __name__ == "__main__":
    sys.exit(main())
