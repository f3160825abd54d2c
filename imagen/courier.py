"""Messages to other people's addresses: each one POST on a connection of its own, never redirected, nothing kept."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping
from contextlib import AsyncExitStack, aclosing, suppress
from typing import NamedTuple, Self
from urllib.parse import urlsplit

import httpx

from imagen import failpoints
from imagen.conf import settings
from imagen.egress import Departure, Guard, Way, check_addresses, connections
from imagen.exceptions import EgressBlocked
from imagen.transport import HEADERS, trust

MOST_BYTES = 65_536
LAST_SECONDS = 1.0  # for what comes after the head of an answer, which is thrown away


class Echo(NamedTuple):
    """What came back: the status of the answer, 0 without one; the wait it asks for; why there was no answer."""

    status: int = 0
    retry_after: str = ""
    error: str = ""


def check_form(url: str) -> Way:
    """The way to an address as it is written, or ``EgressBlocked``; where its host leads is looked at later."""
    return _guard().check_url(url, api=False)


def check_address(url: str) -> None:
    """Refuse, with ``EgressBlocked``, an address that nothing may be sent to, or whose host cannot be found."""
    if check_form(url) is Way.PUBLIC:
        parts = urlsplit(url)  # the host as it is sent to: httpx would translate an internationalised one
        host = str(parts.hostname)
        try:
            found = socket.getaddrinfo(host, parts.port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            raise EgressBlocked("the host cannot be found", host=host) from None
        check_addresses(host, [str(entry[4][0]) for entry in found])


def _guard() -> Guard:
    return Guard(allowed_private=settings.ALLOWED_PRIVATE_HOSTS)


class Courier:
    """Delivers messages as long as it is open."""

    async def __aenter__(self) -> Self:
        self._guard, self._open = _guard(), AsyncExitStack()
        believed = trust(*map(os.environ.get, ("SSL_CERT_FILE", "SSL_CERT_DIR")))
        self._ways: dict[Way, httpx.AsyncBaseTransport] = {
            Way.TRUSTED: await self._open.enter_async_context(connections(believed, fresh=True)),
            Way.PUBLIC: await self._open.enter_async_context(connections(believed, fresh=True, public=True)),
        }
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._open.aclose()

    async def deliver(self, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float) -> Echo:
        """What an address says to a message within so many seconds; only the head of its answer counts."""
        try:
            way = self._ways[self._guard.check_url(url, api=False)]
            return await _post(way, url, body, headers, seconds=seconds)
        except EgressBlocked:
            return Echo(error="address_refused")
        except TimeoutError:
            return Echo(error="timeout")
        except Exception as error:  # the address may carry a secret, and aiohttp writes it into its errors
            return Echo(error="address_refused" if _blocked(error) else "unreachable")


async def _post(
    way: httpx.AsyncBaseTransport, url: str, body: bytes, headers: Mapping[str, str], *, seconds: float
) -> Echo:
    ours = {**HEADERS, "content-type": "application/json", **headers}
    request = httpx.Request("POST", url, content=body, headers=ours)
    Departure(request)
    async with asyncio.timeout(seconds):
        answer = await way.handle_async_request(request)
    async with aclosing(answer) as response:
        failpoints.reach("message answered")
        echo = _echo(response)
        with suppress(Exception):  # whatever it says besides
            async with asyncio.timeout(LAST_SECONDS):
                await _swallow(response)
        return echo


def _echo(response: httpx.Response) -> Echo:
    """The head of an answer; a status of 000, which a client lets pass, is none."""
    if not response.status_code:
        return Echo(error="unreachable")
    return Echo(status=response.status_code, retry_after=response.headers.get("retry-after", ""))


async def _swallow(response: httpx.Response) -> None:
    """Read a little of the body so that the other side is not cut off in its sentence, and forget it."""
    size = 0
    async for chunk in response.aiter_raw():
        size += len(chunk)
        if size >= MOST_BYTES:
            return


def _blocked(error: BaseException | None) -> bool:
    """Whether the guard stopped it, however deep the client has wrapped that."""
    while error is not None:
        if isinstance(error, EgressBlocked):
            return True
        error = error.__cause__ or error.__context__
    return False
