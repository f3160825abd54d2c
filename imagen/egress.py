"""The way out: where we may connect to, and the moment a request leaves."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from enum import Enum, auto
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any
from urllib.parse import urljoin, urlsplit

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport
from yarl import URL

from imagen import failpoints
from imagen.exceptions import Busy, EgressBlocked, Unclear, Unreadable

PORTS = frozenset({443, 8443})
SANDBOX = "sandbox:"
LOOKUPS = 32  # names looked up at once
Marker = Callable[[], Awaitable[None]]

# ``is_global`` of Python 3.11 says yes to some of these: https://docs.python.org/3/library/ipaddress.html
_DENIED = tuple(
    ip_network(network)
    for network in (
        *("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12"),
        *("192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16", "198.18.0.0/15"),
        *("198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4", "168.63.129.16/32"),
        *("::/96", "64:ff9b:1::/48", "100::/64", "2001::/32", "2001:db8::/32", "2002::/16"),
        *("3fff::/20", "5f00::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"),
    )
)
_WRAPPERS = (IPv6Network("::ffff:0:0/96"), IPv6Network("64:ff9b::/96"))
# No user, no backslash, no escape, no letter beyond ASCII: an authority every parser reads alike.
_ADDRESS = re.compile(
    r"(https?)://(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::([0-9]{1,5}))?(?:[/?#][^\x00-\x1f\x7f]*)?", re.IGNORECASE
)
_NAME = re.compile(r"(?:[a-z0-9_-]{1,63}\.)*[a-z][a-z0-9-]{0,62}")


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the public internet, whatever form it takes."""
    found = _unwrapped(ip_address(address))
    return found.is_global and not any(found in network for network in _DENIED)


def check_addresses(host: str, addresses: Iterable[str]) -> None:
    """Refuse a host when one of the addresses it resolves to is not public."""
    if not all(map(is_public, addresses)):
        raise EgressBlocked("the host resolves to a private address", host=host)


def redirected(url: str, location: str) -> str:
    """Where a redirect leads; never from https to anything less."""
    target = urljoin(url, location)
    if urlsplit(target).scheme not in ("https", urlsplit(url).scheme):
        raise EgressBlocked("a redirect leaves https")
    return target


class Way(Enum):
    """How a request leaves: answered in process, to a host the operator named, or to the public internet."""

    INSIDE = auto()
    TRUSTED = auto()
    PUBLIC = auto()


class Guard:
    """What the operator allows: origins for calls; hosts beyond the public ones, and suffixes, for outputs."""

    def __init__(
        self,
        *,
        origins: Collection[str] = (),
        allowed_private: Collection[str] = (),
        output_hosts: Collection[str] | None = None,
    ) -> None:
        self._sandbox = any(origin.startswith(SANDBOX) for origin in origins)
        self._origins = frozenset(_origin(origin) for origin in origins if not origin.startswith(SANDBOX))
        self._allowed_private = frozenset(map(str.lower, allowed_private))
        self._suffixes = None if output_hosts is None else tuple(map(_suffix, output_hosts))

    def check_url(self, url: str, *, api: bool) -> Way:
        """The way to an address, or ``EgressBlocked``; only on the trusted way may a host be private."""
        if url.startswith(SANDBOX) and self._sandbox:
            return Way.INSIDE
        origin = _origin(url)
        if api and origin not in self._origins:
            raise EgressBlocked("calls go to configured origins only", host=origin[1])
        if api or f"{origin[1]}:{origin[2]}" in self._allowed_private:
            return Way.TRUSTED
        self._check_output(*origin)
        return Way.PUBLIC

    def _check_output(self, scheme: str, host: str, port: int) -> None:
        if scheme != "https" or port not in PORTS:
            raise EgressBlocked("outputs come by https on its usual ports", host=host)
        if self._suffixes is not None and not f".{host}".endswith(self._suffixes):
            raise EgressBlocked("the host is not among OUTPUT_HOSTS", host=host)
        _check_host(host)


class GuardedResolver(AbstractResolver):
    """Resolves a name once and hands on its addresses only when all of them are public.

    In threads of its own: a stranger's name server that dawdles must not hold up who looks for a gateway.
    """

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="imagen-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """The addresses of a public host."""
        look_up = partial(socket.getaddrinfo, host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
        found = await asyncio.get_running_loop().run_in_executor(self._threads, look_up)
        check_addresses(host, [str(entry[4][0]) for entry in found])
        return [_resolved(host, entry) for entry in found]

    async def close(self) -> None:
        """Let the threads go; one that still waits for its answer is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _resolved(host: str, entry: tuple[Any, ...]) -> ResolveResult:
    family, _kind, proto, _name, address = entry
    flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
    return ResolveResult(hostname=host, host=address[0], port=address[1], family=family, proto=proto, flags=flags)


class Stopped(Exception):
    """What had to happen before the first byte failed, so nothing was sent."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Departure:
    """The moment before a request's first byte: what must happen then, and whether it did."""

    def __init__(self, request: httpx.Request, before: Marker | None = None) -> None:
        self.url = str(request.url)
        self._before = before
        self._left = False
        _departure.set(self)

    @classmethod
    def current(cls) -> Departure:
        """The departure of the request that this task is about to send."""
        return _departure.get()

    async def leave(self) -> None:
        """Do what must happen first; from here on something may have been sent."""
        if self._before is not None:
            try:
                await self._before()
            except Exception as error:
                raise Stopped(error) from error
            failpoints.reach("departing")
        self._left = True

    def verdict(self, error: Exception) -> Busy | Unclear:
        """What a failure means, by whether something may have been sent and not by the class httpx gives it."""
        if not self._left:
            return Busy(f"the provider cannot be reached: {type(error).__name__}", code="provider_unavailable")
        if isinstance(error, aiohttp.ClientResponseError):
            return Unreadable("the answer is not HTTP")
        late = isinstance(error, TimeoutError)  # ours; what httpx calls ConnectTimeout may be a dropped connection
        return Unclear("no answer came in time" if late else "the connection broke off before an answer came")


_departure: ContextVar[Departure] = ContextVar("imagen_departure")


class _Connector(aiohttp.TCPConnector):
    """Lets a request leave only after its departure was announced."""

    async def connect(
        self, req: aiohttp.ClientRequest, traces: list[aiohttp.tracing.Trace], timeout: aiohttp.ClientTimeout
    ) -> aiohttp.connector.Connection:
        connection = await super().connect(req, traces, timeout)
        try:
            await Departure.current().leave()
        except BaseException:
            connection.close()
            raise
        return connection

    async def close(self, *, abort_ssl: bool = False) -> None:
        """Also the resolver: aiohttp closes only one that it made itself."""
        await super().close(abort_ssl=abort_ssl)
        await self._resolver.close()


def connections(trust: ssl.SSLContext, *, fresh: bool = False, public: bool = False) -> httpx.AsyncBaseTransport:
    """Verified connections without proxy or cookies: new for each request, or to public hosts only, if so wished."""
    resolver = GuardedResolver() if public else None
    connector = _Connector(limit=0, ssl=trust, resolver=resolver, use_dns_cache=not public, force_close=fresh)
    jar = aiohttp.DummyCookieJar()
    session = aiohttp.ClientSession(connector=connector, cookie_jar=jar, middlewares=(_verbatim,), trust_env=False)
    return AiohttpTransport(verify=trust, client=session)


async def _verbatim(request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """Send the address as it was signed: aiohttp would rewrite its escapes."""
    # https://docs.aiohttp.org/en/stable/client_quickstart.html#passing-parameters-in-urls
    request.url = URL(Departure.current().url, encoded=True)
    return await send(request)


def _origin(url: str) -> tuple[str, str, int]:
    """Scheme, host and port in lower case, of an address that can be read in one way only."""
    match = _ADDRESS.fullmatch(url)
    if match is None:
        raise EgressBlocked("the address has no plain http or https origin")
    scheme, host = match[1].lower(), match[2].lower()
    return scheme, host, int(match[3] or (443 if scheme == "https" else 80))


def _suffix(host: str) -> str:
    return "." + host.lower().lstrip(".")


def _check_host(host: str) -> None:
    """Refuse a private IP address and a number in disguise; a name is the resolver's affair."""
    try:
        public = is_public(host.strip("[]"))
    except ValueError:
        public = _NAME.fullmatch(host) is not None
    if not public:
        raise EgressBlocked("the host is not a public one", host=host)


def _unwrapped(address: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
    """The IPv4 address that an IPv4-mapped or NAT64 address stands for."""
    if any(address in network for network in _WRAPPERS):
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address
