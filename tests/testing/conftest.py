"""Callers of every vendor, and a site that hears webhooks: all over real sockets."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from imagen.testing import Gateway
from imagen.testing.gateway import KEYS, SECRET
from tests.testing.callers import HEADERS, VENDORS, Caller


@pytest.fixture
def call() -> Iterator[Callable[..., Caller]]:
    """Call any vendor of any gateway."""
    clients: list[httpx.Client] = []

    def call(gateway: Gateway, vendor: str = "wavespeed") -> Caller:
        clients.append(httpx.Client(base_url=gateway.url, headers=HEADERS[vendor], timeout=5, trust_env=False))
        options = {"webhook_secret": SECRET} if vendor == "wavespeed" else {}
        return Caller(clients[-1], VENDORS[vendor](api_key=KEYS[vendor], base_url=gateway.url, **options))

    yield call
    for client in clients:
        client.close()


@pytest.fixture
def caller(imagen_gateway: Gateway, call: Callable[..., Caller]) -> Caller:
    """Call WaveSpeed at the gateway of this test."""
    return call(imagen_gateway)


@pytest.fixture
def client(caller: Caller) -> httpx.Client:
    """Say anything to WaveSpeed at the gateway of this test."""
    return caller.client


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest) -> str:
    """Each vendor in turn."""
    return str(request.param)


@pytest.fixture
def anyone(imagen_gateway: Gateway, call: Callable[..., Caller], vendor: str) -> Caller:
    """Call each vendor at the gateway of this test."""
    return call(imagen_gateway, vendor)


@dataclass
class Site:
    """A site that hears webhooks: ``answers`` are its statuses, the last one stays."""

    url: str = ""
    answers: list[int] = field(default_factory=lambda: [204])
    heard: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    def answer(self) -> int:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@pytest.fixture
def site() -> Iterator[Site]:
    """A site on loopback."""
    found = Site()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            found.heard.append((dict(self.headers), body))
            self.send_response(found.answer())
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        found.url = f"http://127.0.0.1:{server.server_port}/hooks/token/"
        yield found
        server.shutdown()
        thread.join()
