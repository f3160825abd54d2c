"""A receiver of webhooks on loopback: it keeps what comes, and answers as it is told."""

from __future__ import annotations

import random
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, NamedTuple, Self


class Message(NamedTuple):
    """One message as it came, and what it was answered, at once or not; 0 is no answer at all."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float
    answer: int = 0
    quick: bool = True


class Way(NamedTuple):
    """How to answer: a status, or none; what else to say, and after how many seconds."""

    status: int = 204
    headers: Sequence[tuple[str, str]] = ()
    seconds: float = 0.0
    body: bytes = b""


RESET = Way(status=0)
Choose = Callable[[Message], Way]


class Sink:
    """A receiver that answers ``ways`` one after the other, the last for good, or as ``choose`` says."""

    def __init__(self, *ways: Way, choose: Choose | None = None) -> None:
        self.messages: list[Message] = []
        self.ways, self.choose = list(ways), choose
        self._lock = threading.Lock()
        self._server = _Server(("127.0.0.1", 0), _Handler)
        self._server.sink = self
        self.port = self._server.server_port
        self.url = f"http://127.0.0.1:{self.port}/hooks"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def take(self, path: str, headers: dict[str, str], body: bytes) -> Way:
        """Keep a message and say how it is answered."""
        with self._lock:
            message = Message(path=path, headers=headers, body=body, at=time.time())
            way = self.choose(message) if self.choose else self._next()
            self.messages.append(message._replace(answer=way.status, quick=not way.seconds))
        return way

    def _next(self) -> Way:
        if not self.ways:
            return Way()
        return self.ways.pop(0) if len(self.ways) > 1 else self.ways[0]


def unreliable(*, share: float, seed: int, patience: float) -> Choose:
    """Fail this share of all messages: with an error, too late, with a redirect or a cut connection."""
    dice = random.Random(seed)  # noqa: S311  # chance that can be repeated
    moved = (("location", "http://127.0.0.1:1/elsewhere"),)
    bad = (Way(500), Way(503, (("retry-after", "0"),)), Way(302, moved), RESET, Way(204, seconds=patience))
    return lambda message: dice.choice(bad) if dice.random() < share else Way()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    sink: Sink

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who hangs up is no news."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_POST(self) -> None:
        """Answer as the sink says."""
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        way = self.server.sink.take(self.path, {name.lower(): text for name, text in self.headers.items()}, body)
        time.sleep(way.seconds)
        if not way.status:
            self._cut()
            return
        self.send_response(way.status)
        for name, text in (*way.headers, ("content-length", str(len(way.body)))):
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(way.body)

    def _cut(self) -> None:
        """End the connection so that the other side sees a reset."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True
        self.rfile = self.wfile = _Nowhere()  # type: ignore[assignment]  # the server would flush into the closed one

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's word
        """Nothing is printed."""


class _Nowhere:
    closed = True

    def flush(self) -> None:
        """There is nothing."""

    def close(self) -> None:
        """There is nothing."""
