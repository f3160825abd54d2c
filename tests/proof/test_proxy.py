"""The wire that fails does so as real ones do."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from proof.proxy import Proxy


@pytest.fixture
def echo() -> Iterator[str]:
    """A service that says what it hears."""
    server = socket.create_server(("127.0.0.1", 0))

    def talk(connection: socket.socket) -> None:
        with connection:
            try:
                while data := connection.recv(1024):
                    connection.sendall(data)
            except ConnectionError:
                pass

    def serve() -> None:
        while True:
            try:
                threading.Thread(target=talk, args=(server.accept()[0],), daemon=True).start()
            except OSError:
                return

    threading.Thread(target=serve, daemon=True).start()
    yield f"tcp://127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()


@pytest.fixture
def proxy(echo: str) -> Iterator[Proxy]:
    with Proxy(echo) as running:
        yield running


def call(proxy: Proxy, *, seconds: float = 5.0) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=seconds)


def said(talk: socket.socket, word: bytes = b"hello") -> bytes:
    talk.sendall(word)
    return talk.recv(1024)


def test_in_fair_weather_nothing_happens(proxy: Proxy) -> None:
    with call(proxy) as talk:
        assert said(talk) == b"hello"


def test_a_service_that_is_down_refuses_and_drops_whom_it_had(proxy: Proxy) -> None:
    with call(proxy) as talk:
        said(talk)
        with proxy.bad("refuse"):
            with pytest.raises(ConnectionError):
                said(talk) or said(talk)
            with pytest.raises(ConnectionRefusedError):
                call(proxy)
    with call(proxy) as talk:
        assert said(talk) == b"hello"


def test_a_service_that_resets_takes_nobody(proxy: Proxy) -> None:
    with proxy.bad("reset"), pytest.raises(ConnectionResetError), call(proxy) as talk:
        said(talk)


def test_a_service_that_is_overloaded_says_so_in_http(proxy: Proxy) -> None:
    with proxy.bad("unavailable"), call(proxy) as talk:
        assert said(talk).startswith(b"HTTP/1.1 503 ")


def test_a_pulled_cable_acknowledges_nothing_and_what_was_sent_arrives_later(proxy: Proxy) -> None:
    with call(proxy, seconds=0.5) as talk:
        said(talk)
        with proxy.bad("blackhole"):
            with pytest.raises(TimeoutError):
                said(talk, b"late")
            with pytest.raises(TimeoutError):
                call(proxy, seconds=0.5)
        talk.settimeout(10)
        assert talk.recv(1024) == b"late"


def test_a_pulled_cable_is_noticed_by_the_kernel_where_it_was_told_how_long_to_wait(proxy: Proxy) -> None:
    with call(proxy, seconds=10) as talk:
        said(talk)
        talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 500)
        with proxy.bad("blackhole"), pytest.raises(TimeoutError, match="110"):
            said(talk)


def test_a_wet_wire_is_only_slow(proxy: Proxy) -> None:
    with call(proxy) as talk:
        proxy.latency = 0.2
        assert said(talk) == b"hello"
