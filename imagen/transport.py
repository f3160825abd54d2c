"""Calls to gateways and downloads of outputs: the one module that sends."""

from __future__ import annotations

import asyncio
import errno
import os
import ssl
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import AsyncExitStack, aclosing, suppress
from functools import cache
from typing import IO, Self, TypeVar

import httpx

from imagen import __version__, failpoints
from imagen.egress import Departure, Guard, Marker, Stopped, Way, connections, redirected
from imagen.exceptions import Declined, ImagenError, NotFound, OutputError, StorageError, Unreadable
from imagen.providers import sandbox
from imagen.types import Call, Reply

HEADERS = {"accept-encoding": "identity", "user-agent": f"imagen/{__version__}"}
MAX_REDIRECTS = 3
GONE = frozenset({403, 404, 410})
BROKEN_TRIES, GONE_TRIES = 5, 3  # rounds in which an output that broke off, or whose address has expired, may come
T = TypeVar("T")
FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@cache
def trust(*places: str | None) -> ssl.SSLContext:
    """The authorities we believe, by where they are named; reading them takes as long as a call."""
    return httpx.create_ssl_context()


class Transport:
    """Sends calls and fetches outputs, each within a time, a size and a number of slots."""

    def __init__(
        self,
        *,
        origins: Collection[str] = (),
        allowed_private: Collection[str] = (),
        output_hosts: Collection[str] | None = None,
        call_seconds: float = 30,
        max_bytes: int = 67_108_864,
        call_slots: int = 64,
        download_slots: int = 16,
    ) -> None:
        self._guard = Guard(origins=origins, allowed_private=allowed_private, output_hosts=output_hosts)
        self._call_seconds = call_seconds
        self._max_bytes = max_bytes
        self._call_slots = asyncio.Semaphore(call_slots)
        self._download_slots = asyncio.Semaphore(download_slots)
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        believed = trust(*map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")))
        self._fresh = await self._open.enter_async_context(connections(believed, fresh=True))
        self._ways: dict[Way, httpx.AsyncBaseTransport] = {
            Way.INSIDE: _Sandbox(),
            Way.TRUSTED: await self._open.enter_async_context(connections(believed)),
            Way.PUBLIC: await self._open.enter_async_context(connections(believed, public=True)),
        }
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    async def send(self, call: Call, *, limit: int = 1_000_000, before_first_byte: Marker | None = None) -> Reply:
        """The answer to a call; ``before_first_byte`` is awaited on a fresh connection, before anything is written.

        Raises ``Busy`` when certainly nothing was sent, ``Unclear`` when something may have been.
        """
        way = self._guard.check_url(call.url, api=True)
        wire = self._fresh if before_first_byte and way is Way.TRUSTED else self._ways[way]
        request = _written(call)
        async with self._call_slots:
            departure = Departure(request, before_first_byte)
            try:
                async with asyncio.timeout(self._call_seconds):
                    return await _exchange(wire, request, limit)
            except ImagenError:
                raise
            except Stopped as stopped:
                raise stopped.error from stopped.error.__cause__
            except Exception as error:  # not chained: aiohttp writes the address, which may be signed, into its errors
                raise departure.verdict(error) from None

    async def ask(self, calls: Sequence[Call], read: Callable[[Reply], T]) -> T:
        """What the first of these calls says that is found there; ``NotFound`` when none is."""
        for call in calls:
            with suppress(NotFound):
                return read(await self.send(call))
        raise NotFound("none of the known addresses is there")

    async def fetch(self, url: str, into: IO[bytes]) -> int:
        """Write the output at an address into a file and return its size in bytes; no key goes along.

        Raises ``EgressBlocked``, ``OutputError`` or, when the file does not take it, ``StorageError``.
        """
        async with self._download_slots:
            try:
                async with asyncio.timeout(self._call_seconds):
                    return await self._follow(url, into)
            except ImagenError:
                raise
            except Exception as error:  # not chained, as above
                raise OutputError(f"the download broke off: {type(error).__name__}", tries=BROKEN_TRIES) from None

    async def _follow(self, url: str, into: IO[bytes]) -> int:
        for _ in range(MAX_REDIRECTS + 1):
            wire = self._ways[self._guard.check_url(url, api=False)]
            request = httpx.Request("GET", url, headers=HEADERS, extensions={"call": Call(method="GET", url=url)})
            Departure(request)
            async with aclosing(await wire.handle_async_request(request)) as response:
                if not response.has_redirect_location:
                    return await self._take(response, into)
                url = redirected(url, response.headers["location"])
        raise OutputError("the address redirects too often", tries=BROKEN_TRIES)

    async def _take(self, response: httpx.Response, into: IO[bytes]) -> int:
        if response.status_code in GONE:
            raise OutputError("the address has expired", code="output_expired", tries=GONE_TRIES)
        if response.status_code != 200:
            raise OutputError(f"the address answered {response.status_code}", tries=BROKEN_TRIES)
        if not _plain(response):
            raise OutputError("the output came compressed")
        if int(response.headers.get("content-length", 0)) > self._max_bytes:
            raise OutputError("the output is too large", code="output_too_large")
        size = 0
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > self._max_bytes:
                raise OutputError("the output is too large", code="output_too_large")
            _write(into, chunk)
        return size


class _Sandbox(httpx.AsyncBaseTransport):
    """Answers ``sandbox://`` calls in process, in a thread because it paints."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The sandbox's reply, announced like any other."""
        await Departure.current().leave()
        reply = await asyncio.to_thread(sandbox.answer, request.extensions["call"], now=time.time())
        return httpx.Response(reply.status, headers=dict(reply.headers), stream=httpx.ByteStream(reply.body))


def _written(call: Call) -> httpx.Request:
    """The request a call stands for; a call that cannot be written is declined."""
    if not all(map(str.isprintable, call.headers.values())):
        raise Declined("a header of the call cannot be written")  # aiohttp would object after the first byte
    try:
        url = httpx.URL(call.url)
        url = url.copy_merge_params(dict(call.params)) if call.params else url
        extensions = {"call": call}
        request = httpx.Request(call.method, url, headers=dict(call.headers), json=call.json, extensions=extensions)
    except (TypeError, ValueError, httpx.InvalidURL) as error:
        raise Declined("the call cannot be written") from error
    request.headers.update(HEADERS)
    return request


async def _exchange(wire: httpx.AsyncBaseTransport, request: httpx.Request, limit: int) -> Reply:
    async with aclosing(await wire.handle_async_request(request)) as response:
        failpoints.reach("answering")
        if not _plain(response):
            raise Unreadable("the answer came compressed")
        body = bytearray()
        async for chunk in response.aiter_raw():
            body += chunk
            if len(body) > limit:
                raise Unreadable("the answer is too long")
        return Reply(status=response.status_code, headers=dict(response.headers), body=bytes(body))


def _plain(response: httpx.Response) -> bool:
    return response.headers.get("content-encoding", "identity").strip().lower() in ("identity", "")


def _write(into: IO[bytes], chunk: bytes) -> None:
    try:
        into.write(chunk)
    except OSError as error:
        code = "storage_full" if error.errno in FULL else "storage_unavailable"
        raise StorageError("the temporary file could not be written", code=code) from error
