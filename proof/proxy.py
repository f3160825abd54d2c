"""A wire that fails on command: it stands between a client and a service on this machine."""

from __future__ import annotations

import asyncio
import ctypes
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

WEATHERS = ("fair", "refuse", "reset", "unavailable", "blackhole")
# https://www.kernel.org/doc/html/latest/networking/filter.html: a filter that keeps nothing of a segment also keeps
# the kernel from acknowledging it, which is what a cable that was pulled looks like to the other end.
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
_NOTHING = struct.pack("HBBI", 0x06, 0, 0, 0)
_RESET = struct.pack("ii", 1, 0)
_SORRY = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Proxy:
    """Passes bytes on to ``target``; ``be`` changes the weather, ``latency`` holds every piece up for so long.

    ``refuse``: nobody listens. ``reset``: whoever connects is cut off. ``unavailable``: who speaks HTTP is told to
    come back later. ``blackhole``: no segment arrives, none is answered. Connections that stand are lost, or silent
    until the weather is fair again.
    """

    def __init__(self, target: str) -> None:
        parts = urlsplit(target)
        self.target, self.latency, self.weather = (parts.hostname, parts.port), 0.0, "fair"
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.url = parts._replace(netloc=f"{parts.netloc.rpartition(':')[0]}:{self.port}").geturl()
        self._sockets: set[Any] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=f"proxy {self.url}", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.be("refuse")
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()

    def be(self, weather: str) -> None:
        """Change the weather; it is so when this returns."""
        asyncio.run_coroutine_threadsafe(self._be(WEATHERS[WEATHERS.index(weather)]), self._loop).result(10)

    @contextmanager
    def bad(self, weather: str) -> Iterator[None]:
        """Bad weather for as long as this lasts."""
        self.be(weather)
        try:
            yield
        finally:
            self.be("fair")

    async def _be(self, weather: str) -> None:
        self.weather = weather
        self._open.set() if weather == "fair" else self._open.clear()
        self._mute(weather == "blackhole")
        if weather in ("refuse", "reset", "unavailable"):
            for writer in self._writers:
                _cut(writer)
        if weather == "refuse":
            self._server.close()
        elif not self._server.is_serving():
            await self._listen()

    def _mute(self, deaf: bool) -> None:
        for found in (*self._server.sockets, *self._sockets):
            with suppress(OSError):
                _deafen(found) if deaf else found.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)

    def _run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    async def _listen(self) -> None:
        self.listener = self.listener if self.listener.fileno() >= 0 else _bind(self.port)
        self._server = await asyncio.start_server(self._talk, sock=self.listener)

    async def _serve(self) -> None:
        self._open, self._over = asyncio.Event(), asyncio.Event()
        self._open.set()
        await self._listen()
        await self._over.wait()
        self._server.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather == "unavailable":
            return await _sorry(reader, writer)
        try:
            if self.weather == "reset":
                raise ConnectionResetError
            theirs, ours = await asyncio.open_connection(*self.target)
        except OSError:
            return _cut(writer)
        found = writer.get_extra_info("socket")
        self._sockets.add(found)
        self._writers |= {writer, ours}
        try:
            await asyncio.wait(
                {asyncio.ensure_future(each) for each in (self._pass(reader, ours), self._pass(theirs, writer))},
                return_when=asyncio.FIRST_COMPLETED,
            )
        finally:
            self._sockets.discard(found)
            self._writers -= {writer, ours}
            writer.close()
            ours.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                await asyncio.sleep(self.latency)
                await self._open.wait()
                writer.write(data)
                await writer.drain()


def _bind(port: int) -> socket.socket:
    return socket.create_server(("127.0.0.1", port))


def _deafen(found: Any) -> None:
    program = ctypes.create_string_buffer(_NOTHING)
    found.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HL", 1, ctypes.addressof(program)))


async def _sorry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        await reader.read(65536)
        writer.write(_SORRY)
        await writer.drain()
    writer.close()


def _cut(writer: asyncio.StreamWriter) -> None:
    """End a connection without a goodbye."""
    found = writer.get_extra_info("socket")
    with suppress(OSError):
        found.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    writer.transport.abort()
