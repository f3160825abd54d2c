"""The address guard: what may be connected to, and that nothing else ever is."""

from __future__ import annotations

import asyncio
import errno
import io
import socket
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest

from imagen import egress
from imagen.egress import Guard, GuardedResolver, Way, check_addresses, is_public, redirected
from imagen.exceptions import EgressBlocked, OutputError
from imagen.transport import Transport
from imagen.types import Call

PRIVATE = (
    *("0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.1.2.3"),
    *("127.255.255.254", "169.254.0.1", "169.254.169.254", "169.254.170.2", "172.16.0.1", "172.31.255.255"),
    *("192.0.0.1", "192.0.0.8", "192.0.0.170", "192.0.0.192", "192.0.2.1", "192.88.99.1", "192.168.0.1"),
    *("192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "224.0.1.1"),
    *("239.255.255.255", "240.0.0.1", "255.255.255.255", "168.63.129.16"),
    *("::", "::1", "::2", "::127.0.0.1", "::7f00:1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:7f00:1"),
    *("::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:0.0.0.0", "64:ff9b::127.0.0.1", "64:ff9b::7f00:1"),
    *(
        "64:ff9b::a9fe:a9fe",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "64:ff9b:1::808:808",
        "100::1",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
    ),
    *("2001:0:7f00:1::", "2001:db8::1", "2002:7f00:1::", "2002:a9fe:a9fe::1", "2002:808:808::1", "3fff::1"),
    *("5f00::1", "fc00::1", "fd00:ec2::254", "fd12:3456::1", "fe80::1", "fe80::1%1", "febf::1", "fec0::1"),
    *("feff::1", "ff02::1", "ff0e::1", "0:0:0:0:0:0:0:1", "0:0:0:0:0:ffff:7f00:0001"),
)
PUBLIC = (
    *("8.8.8.8", "1.1.1.1", "93.184.215.14", "172.32.0.1", "100.128.0.1", "168.63.129.17", "223.255.255.255"),
    *("2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "::ffff:8.8.8.8", "64:ff9b::808:808"),
)
# Hosts that libc, browsers or other parsers read as 127.0.0.1, 169.254.169.254 or ::1, or that no one should trust.
DISGUISED = (
    *("2130706433", "0x7f000001", "0X7F000001", "017700000001", "0177.0.0.1", "0x7f.0.0.1", "0x7f.1", "127.1"),
    *("127.0.1", "127.00.00.01", "127.0.0.01", "0177.0.0.0x1", "0", "0.0", "1", "00000000", "4294967295"),
    *("4294967296", "9999999999", "127.0.0.1.", "127.1.", "2852039166", "0xa9fea9fe", "0251.0376.0251.0376"),
    *("169.254.43518", "0xa9.254.0xa9.254", "localhost.", "example.com.", ".example.com", "example..com", "-"),
    *("1.2.3", "1.2.3.4.5", "256.256.256.256", "999.1.1.1", "1e3", "0x", "0x.0x.0x.0x", "example.0x7f", "example.1"),
    *("127。0。0。1", "①②⑦.⓪.⓪.①", "localhost%00.example.com", "127.0.0.1%2f", "loc\talhost", "local\nhost"),
    *("%6c%6fcalhost", "%31%32%37.0.0.1", "ｌocalhost", "[::1", "::1", "[::1%25lo]", "[fe80::1%25eth0]", "[v1.x]"),
    *("[127.0.0.1]", "[::ffff:127.1]", "[]", "[:]", "*", "a b", "", "a" * 64 + ".example.com"),
)
SHAPES = (
    *("http://8.8.8.8/a.png", "http://example.com/", "HTTP://example.com/", "ftp://example.com/", "file:///etc/passwd"),
    *(
        "gopher://127.0.0.1:6379/_INFO",
        "ws://example.com/",
        "data:image/png;base64,AAAA",
        "javascript:alert(1)",
        "//h/",
    ),
    *("https:/example.com/", "https:example.com", "https:///example.com/", "example.com/a.png", "", " ", "https://"),
    *("https://user@example.com/", "https://user:pw@example.com/", "https://example.com@127.0.0.1/", "https://@h.com/"),
    *(
        "https://example.com\\@127.0.0.1/",
        "https://127.0.0.1\\.example.com/",
        "https:\\\\127.0.0.1/",
        "\thttps://h.com/",
    ),
    *("https://example.com:22/", "https://example.com:80/", "https://example.com:6379/", "https://example.com:0/"),
    *("https://example.com:65536/", "https://example.com:99999/", "https://example.com:443443/", "https://h.com:/"),
    *("https://example.com:-1/", "https://example.com:８443/", "https://example.com:443:80/", "https://h.com:a/"),
    *(
        "https://example.com/\r\nHost: 127.0.0.1",
        "https://example.com/\x00",
        "https://example.com/\x7f",
        "https://h.com\n",
    ),
    *("sandbox://files/1", "SANDBOX://files/1", "unix:///var/run/docker.sock", "https://[::1]x/", "https://h.com;x/"),
)
BLOCKED = (
    *(f"https://[{host}]/a.png" if ":" in host else f"https://{host}/a.png" for host in PRIVATE),
    *(f"https://{host}/a.png" for host in DISGUISED),
    *SHAPES,
)


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Every address a socket was asked to connect to; only loopback is let through."""
    asked: list[str] = []
    connect = socket.socket.connect

    def record(self: socket.socket, address: Any) -> None:
        asked.append(address[0])
        if address[0] not in ("127.0.0.1", "::1"):
            raise OSError(errno.ENETUNREACH, "no way out of this test")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", record)
    monkeypatch.setattr(socket.socket, "connect_ex", record)
    return asked


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> dict[str, list[list[str]]]:
    """The answers of the name server, one list of addresses for each question; ``*`` is any other name."""
    known: dict[str, list[list[str]]] = {}

    def getaddrinfo(host: str, port: int, *_args: Any, **_options: Any) -> list[Any]:
        answers = known.get(host) or list(known.get("*", []))
        if not answers:
            raise socket.gaierror(socket.EAI_NONAME, "no such name")
        six, four = socket.AF_INET6, socket.AF_INET
        return [
            (six, socket.SOCK_STREAM, 6, "", (text, port, 0, 0))
            if ":" in text
            else (four, socket.SOCK_STREAM, 6, "", (text, port))
            for text in answers.pop(0)
        ]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)
    return known


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_recognised_in_every_form(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_let_through(address):
    assert is_public(address)


def test_there_are_at_least_150_blocked_forms():
    assert len(set(BLOCKED)) >= 150


@pytest.mark.parametrize("url", BLOCKED)
def test_the_guard_blocks_an_output_address(url):
    with pytest.raises(EgressBlocked):
        Guard().check_url(url, api=False)


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com",
        "https://cdn.example.com/a.png",
        "HTTPS://CDN.Example.COM/a.png?sig=%2F~#x",
        "https://example.com:443/a.png",
        "https://example.com:8443/a.png",
        "https://8.8.8.8/a.png",
        "https://[2606:4700:4700::1111]/a.png",
        "https://my_bucket.s3-eu-west-1.example.com/ä b.png",
        "https://example.com?q=1",
        "https://localhost/a.png",  # a name: its addresses decide
    ],
)
def test_the_guard_lets_a_public_output_address_through(url):
    assert Guard().check_url(url, api=False) is Way.PUBLIC


def serve(script: Callable[[asyncio.StreamWriter], Awaitable[None]], host: str = "127.0.0.1") -> Any:
    """A raw server that reads one request head and then does what the script says."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await script(writer)
        writer.close()

    return asyncio.start_server(answer, host, 0)


def port_of(server: asyncio.Server) -> int:
    return int(server.sockets[0].getsockname()[1])


async def outcome(transport: Transport, url: str) -> str:
    try:
        await transport.fetch(url, io.BytesIO())
    except EgressBlocked:
        return "blocked"
    except OutputError:
        return "failed"
    return "fetched"


def test_no_blocked_form_ever_reaches_a_socket(attempts, names, monkeypatch):
    called: list[int] = []
    names["*"] = [["127.0.0.1", "::1"]]

    async def canary(_writer: asyncio.StreamWriter) -> None:
        called.append(1)

    async def story() -> list[str]:
        async with AsyncExitStack() as stack:
            ports = [
                port_of(await stack.enter_async_context(await serve(canary, host))) for host in ("127.0.0.1", "::1")
            ]
            monkeypatch.setattr(egress, "PORTS", {443, 8443, *ports})  # so that the address alone protects them
            transport = await stack.enter_async_context(Transport(call_seconds=2))
            aimed = [url.replace("/a.png", f":{port}/a.png", 1) for url in BLOCKED for port in ports]
            return [url for url in (*BLOCKED, *aimed) if await outcome(transport, url) != "blocked"]

    assert asyncio.run(story()) == []
    assert attempts == []
    assert called == []


@pytest.mark.parametrize("target", [url for url in BLOCKED if ":" in url])
def test_a_redirect_to_a_blocked_form_is_not_followed(target, attempts, names):
    names["*"] = [["127.0.0.1"]]

    async def redirect(writer: asyncio.StreamWriter) -> None:
        where = target.encode("latin-1", "replace").translate(None, b"\r\n\x00")
        writer.write(b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + where + b"\r\n\r\n")

    async def story() -> str:
        async with await serve(redirect) as server:
            listed = f"127.0.0.1:{port_of(server)}"
            async with Transport(allowed_private=[listed], call_seconds=2) as transport:
                return await outcome(transport, f"http://{listed}/")

    assert asyncio.run(story()) in ("blocked", "failed")  # failed: no parser can read it
    assert attempts == ["127.0.0.1"]


@pytest.mark.parametrize(
    ("url", "location", "target"),
    [
        ("https://h.com/a/b.png?s=1", "/c.png", "https://h.com/c.png"),
        ("https://h.com/a/b.png", "c.png?t=%2F", "https://h.com/a/c.png?t=%2F"),
        ("https://h.com/a", "//cdn.h.com/c", "https://cdn.h.com/c"),
        ("http://127.0.0.1:1/a", "https://h.com/c", "https://h.com/c"),
        ("http://127.0.0.1:1/a", "/c", "http://127.0.0.1:1/c"),
    ],
)
def test_a_redirect_is_read_relative_to_where_it_came_from(url, location, target):
    assert redirected(url, location) == target


@pytest.mark.parametrize("location", ["http://h.com/", "sandbox://files/1", "file:///etc/passwd", "data:,x"])
def test_a_redirect_never_leaves_https(location):
    with pytest.raises(EgressBlocked):
        redirected("https://h.com/a", location)


@pytest.mark.parametrize(
    "answer",
    [
        *([address] for address in PRIVATE if "%" not in address),
        ["8.8.8.8", "127.0.0.1"],
        ["127.0.0.1", "8.8.8.8"],
        ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::1"],
    ],
    ids=" ".join,
)
def test_one_private_address_among_its_answers_rejects_a_name(answer, attempts, names):
    names["cdn.example.com"] = [answer]

    async def story() -> str:
        async with Transport(call_seconds=2) as transport:
            return await outcome(transport, "https://cdn.example.com/a.png")

    assert asyncio.run(story()) == "blocked"
    assert attempts == []


def test_a_name_is_resolved_once_and_the_checked_address_is_the_one_connected_to(attempts, names):
    names["cdn.example.com"] = [["8.8.8.8"], ["127.0.0.1"], ["8.8.4.4"]]

    async def story() -> list[str]:
        async with Transport(call_seconds=2) as transport:
            return [await outcome(transport, "https://cdn.example.com/a.png") for _ in range(3)]

    assert asyncio.run(story()) == ["failed", "blocked", "failed"]
    assert attempts == ["8.8.8.8", "8.8.4.4"]
    assert names["cdn.example.com"] == []


def test_a_name_that_does_not_exist_may_be_asked_again(attempts, names):
    async def story() -> None:
        async with Transport(call_seconds=2) as transport:
            await transport.fetch("https://nowhere.example.com/a.png", io.BytesIO())

    with pytest.raises(OutputError) as caught:
        asyncio.run(story())
    assert caught.value.tries > 1
    assert attempts == []


def test_the_resolver_hands_on_public_addresses(names):
    names["cdn.example.com"] = [["8.8.8.8", "1.1.1.1"]]

    async def story() -> list[str]:
        resolver = GuardedResolver()
        found = await resolver.resolve("cdn.example.com", 443)
        await resolver.close()
        return [entry["host"] for entry in found]

    assert asyncio.run(story()) == ["8.8.8.8", "1.1.1.1"]


def test_the_error_names_the_host_and_not_the_address():
    with pytest.raises(EgressBlocked) as caught:
        check_addresses("cdn.example.com", ["10.0.0.1"])
    assert caught.value.params == {"host": "cdn.example.com"}
    with pytest.raises(EgressBlocked) as caught:
        Guard().check_url("https://10.0.0.1/a.png?signature=topsecret", api=False)
    assert "topsecret" not in f"{caught.value!r}{caught.value.params}"


ORIGINS = ("https://api.example.com/api/v3", "http://127.0.0.1:9400", "http://gateway_1")


@pytest.mark.parametrize(
    "url",
    [
        *("https://api.example.com/x", "https://API.example.com:443/x?y", "http://127.0.0.1:9400/x"),
        *("http://gateway_1/x", "http://gateway_1:80/x"),
    ],
)
def test_a_call_goes_to_a_configured_origin(url):
    assert Guard(origins=ORIGINS).check_url(url, api=True) is Way.TRUSTED


@pytest.mark.parametrize(
    "url",
    [
        *("http://api.example.com/x", "https://api.example.com:8443/x", "https://example.com/x", "http://127.0.0.1/x"),
        *("http://127.0.0.1:9401/x", "https://127.0.0.1:9400/x", "http://localhost:9400/x", "https://8.8.8.8/"),
        *("https://api.example.com@evil.example/", "https://api.example.com.evil.example/", "sandbox://jobs"),
    ],
)
def test_a_call_goes_nowhere_else(url):
    with pytest.raises(EgressBlocked):
        Guard(origins=ORIGINS).check_url(url, api=True)


def test_a_blocked_call_opens_no_connection_and_keeps_its_key(attempts, names):
    async def story() -> None:
        async with Transport(origins=ORIGINS) as transport:
            await transport.send(Call(method="GET", url="http://127.0.0.1:9401/", headers={"authorization": "key"}))

    with pytest.raises(EgressBlocked):
        asyncio.run(story())
    assert attempts == []


def test_an_output_at_the_gateways_own_private_host_is_blocked_unless_listed():
    url = "http://127.0.0.1:9400/a.png"
    with pytest.raises(EgressBlocked):
        Guard(origins=ORIGINS).check_url(url, api=False)
    assert Guard(origins=ORIGINS, allowed_private=["127.0.0.1:9400"]).check_url(url, api=False) is Way.TRUSTED


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("127.0.0.1:9400", "http://127.0.0.1:9400/a.png"),
        ("Gateway.local:9400", "http://gateway.LOCAL:9400/a.png"),
        ("[::1]:9400", "https://[::1]:9400/a.png"),
        ("files.internal:443", "https://files.internal/a.png"),
        ("files.internal:80", "http://files.internal/a.png"),
    ],
)
def test_a_listed_private_host_is_allowed(listed, url):
    assert Guard(allowed_private=[listed]).check_url(url, api=False) is Way.TRUSTED


@pytest.mark.parametrize(
    ("listed", "url"),
    [
        ("127.0.0.1:9400", "http://127.0.0.1:9401/a.png"),
        ("127.0.0.1:9400", "http://127.0.0.1/a.png"),
        ("127.0.0.1:9400", "http://127.0.0.2:9400/a.png"),
        ("127.0.0.1:9400", "http://127.1:9400/a.png"),
        ("127.0.0.1:9400", "http://2130706433:9400/a.png"),
        ("127.0.0.1:9400", "http://127.0.0.1:9400@evil.example/a.png"),
        ("127.0.0.1:9400", "http://localhost:9400/a.png"),
        ("127.0.0.1", "http://127.0.0.1/a.png"),
        ("internal:443", "https://files.internal/a.png:443"),
    ],
)
def test_a_private_host_is_allowed_exactly_as_listed(listed, url):
    guard = Guard(allowed_private=[listed], output_hosts=[])
    with pytest.raises(EgressBlocked):
        guard.check_url(url, api=False)


@pytest.mark.parametrize("url", ["https://example.com/a", "https://cdn.example.com/a", "https://a.b.Example.NET/a"])
def test_outputs_may_be_limited_to_suffixes(url):
    assert Guard(output_hosts=["Example.com", ".example.net"]).check_url(url, api=False) is Way.PUBLIC


@pytest.mark.parametrize("url", ["https://badexample.com/a", "https://example.com.evil.org/", "https://8.8.8.8/a"])
def test_outputs_outside_the_suffixes_are_blocked(url):
    with pytest.raises(EgressBlocked):
        Guard(output_hosts=["example.com", ".example.net"]).check_url(url, api=False)


def test_the_sandbox_is_there_only_when_it_is_configured():
    assert Guard(origins=["sandbox://"]).check_url("sandbox://files/1", api=False) is Way.INSIDE
    assert Guard(origins=["sandbox:"]).check_url("sandbox://jobs", api=True) is Way.INSIDE
