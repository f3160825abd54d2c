"""Calls and downloads over real loopback sockets: when they leave, how they end, what an error then means."""

from __future__ import annotations

import asyncio
import datetime as dt
import errno
import io
import ipaddress
import logging
import socket
import ssl
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from imagen.exceptions import (
    Busy,
    Declined,
    EgressBlocked,
    ImagenError,
    OutputError,
    StorageError,
    TransitionError,
    Unclear,
    Unreadable,
)
from imagen.providers import sandbox
from imagen.transport import Transport
from imagen.types import Call, Reply

SHORT = 0.3
Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Gateway:
    """A raw loopback server that notes what arrives and then follows a script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.connections = 0
        self.bytes = 0
        self.heads: list[str] = []
        self.scheme = "http"
        self.port = 0

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"

    @property
    def listed(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while chunk := await reader.read(65536):
                self.bytes += len(chunk)
                self.heads.append(chunk.decode())
                await self.script(reader, writer)
        except OSError:
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def gateway(script: Script, *, tls: ssl.SSLContext | None = None) -> AsyncIterator[Gateway]:
    """The raw server, listening."""
    found = Gateway(script)
    server = await asyncio.start_server(found.serve, "127.0.0.1", 0, ssl=tls)
    found.port = server.sockets[0].getsockname()[1]
    found.scheme = "https" if tls else "http"
    try:
        yield found
    finally:
        server.close()


def says(*parts: bytes, pause: float = 0, hang: float = 0, reset: bool = False, close: bool = True) -> Script:
    """A script that writes these parts and then hangs, resets, closes or waits for more."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        await asyncio.sleep(hang)
        if reset:
            writer.transport.abort()
        elif close:
            writer.close()

    return script


def answer(body: bytes = b"{}", *, status: str = "200 OK", headers: str = "") -> bytes:
    """One complete HTTP response."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n".encode() + body


def endless(head: bytes, piece: bytes, *, pause: float = 0) -> Script:
    """A script that never stops writing."""

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        while True:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(pause)

    return script


class Marker:
    """What has to happen before the first byte, and whether it did."""

    def __init__(self, error: Exception | None = None, seconds: float = 0) -> None:
        self.error = error
        self.seconds = seconds
        self.calls = 0
        self.done = 0

    async def __call__(self) -> None:
        self.calls += 1
        await asyncio.sleep(self.seconds)
        if self.error:
            raise self.error
        self.done += 1


def submit_to(origin: str, **options: Any) -> Call:
    return Call(method="POST", url=f"{origin}/api/submit", json={"prompt": "a lighthouse"}, **options)


async def sent(server: Gateway, marker: Marker | None = None, *, limit: int = 1000, **options: Any) -> Reply:
    """Send one submit to a server."""
    async with Transport(origins=[server.origin], **{"call_seconds": 5, **options}) as transport:
        return await transport.send(submit_to(server.origin), limit=limit, before_first_byte=marker)


async def fetched(server: Gateway, path: str = "/a.png", into: Any = None, **options: Any) -> int:
    """Fetch one output from a server that is listed."""
    async with Transport(allowed_private=[server.listed], **{"call_seconds": 5, **options}) as transport:
        return await transport.fetch(server.origin + path, into or io.BytesIO())


def test_a_call_arrives_as_it_was_built_and_its_reply_comes_back():
    async def story() -> tuple[Reply, Gateway]:
        replies = says(answer(b'{"id": "1"}', status="201 Created", headers="X-Left: 7\r\n"))
        async with gateway(replies) as server, Transport(origins=[server.origin]) as transport:
            call = submit_to(server.origin, headers={"X-API-Key": "k"}, params={"webhook": "https://us.example/h?a=1"})
            return await transport.send(call, before_first_byte=Marker()), server

    reply, server = asyncio.run(story())
    assert (reply.status, reply.body, reply.headers["x-left"]) == (201, b'{"id": "1"}', "7")
    head, _, body = "".join(server.heads).partition("\r\n\r\n")
    lines = head.lower().splitlines()
    assert lines[0] == "post /api/submit?webhook=https%3a%2f%2fus.example%2fh%3fa%3d1 http/1.1"
    assert {"x-api-key: k", "content-type: application/json", "accept-encoding: identity"} <= set(lines)
    assert body == '{"prompt":"a lighthouse"}'


def test_parameters_join_those_the_address_already_has():
    async def story() -> str:
        async with gateway(says(answer())) as server, Transport(origins=[server.origin]) as transport:
            await transport.send(Call(method="GET", url=f"{server.origin}/x?a=1", params={"b": "2"}))
            return server.heads[0]

    assert asyncio.run(story()).startswith("GET /x?a=1&b=2 HTTP/1.1\r\n")


def test_the_address_of_a_call_arrives_unchanged():
    path = "/jobs/a%2Fb?cursor=x%2Fy%7E~"

    async def story() -> str:
        async with gateway(says(answer())) as server, Transport(origins=[server.origin]) as transport:
            await transport.send(Call(method="GET", url=server.origin + path))
            return server.heads[0]

    assert asyncio.run(story()).startswith(f"GET {path} HTTP/1.1\r\n")


@pytest.mark.parametrize("status", ["302 Found", "307 Temporary Redirect"])
def test_a_call_is_never_redirected(status):
    async def story() -> tuple[Reply, int]:
        async with gateway(says(answer(status=status, headers="Location: /elsewhere\r\n"))) as server:
            return await sent(server, Marker()), server.connections

    reply, connections = asyncio.run(story())
    assert reply.status in (302, 307)
    assert connections == 1


def test_polls_share_a_connection_and_submits_never_do():
    async def story() -> tuple[int, int]:
        async with gateway(says(answer(), close=False)) as server, Transport(origins=[server.origin]) as transport:
            for _ in range(3):
                await transport.send(Call(method="GET", url=f"{server.origin}/job"))
            polls = server.connections
            for _ in range(3):
                await transport.send(submit_to(server.origin), before_first_byte=Marker())
            return polls, server.connections - polls

    assert asyncio.run(story()) == (1, 3)


def test_no_cookie_is_kept_and_no_key_goes_to_an_output():
    async def story() -> list[str]:
        script = says(answer(headers="Set-Cookie: session=1; Path=/\r\n"), close=False)
        async with (
            gateway(script) as server,
            Transport(origins=[named := f"http://localhost:{server.port}"], allowed_private=[named[7:]]) as transport,
        ):
            for _ in range(2):  # by name: cookies of an IP address are seldom kept anyway
                await transport.send(submit_to(named, headers={"Authorization": "Bearer key"}))
            await transport.fetch(f"{named}/a.png", io.BytesIO())
            return server.heads

    first, second, output = (head.lower() for head in asyncio.run(story()) if " HTTP/1.1" in head)
    assert "authorization: bearer key" in first
    assert "cookie" not in second + output
    assert "authorization" not in output
    assert "accept-encoding: identity" in output


def test_a_proxy_of_the_environment_is_not_used(monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def story() -> int:
        async with gateway(says(answer())) as server:
            return (await sent(server)).status

    assert asyncio.run(story()) == 200


# The moment before the first byte


def test_not_one_byte_is_on_the_wire_while_the_marker_is_pending():
    async def story() -> tuple[list[tuple[int, int]], int]:
        async with gateway(says(answer())) as server:
            seen = []

            async def look() -> None:
                for _ in range(5):
                    await asyncio.sleep(0.02)
                    seen.append((server.connections, server.bytes))

            await sent(server, look)  # type: ignore[arg-type]
            return seen, server.bytes

    seen, total = asyncio.run(story())
    assert seen[-1] == (1, 0)
    assert {count for _, count in seen} == {0}
    assert total > 0


@pytest.mark.parametrize(
    "error",
    [RuntimeError("database"), TransitionError("lost"), OSError("disk"), TimeoutError("late"), Unclear(), ValueError()],
    ids=repr,
)
def test_a_marker_that_fails_sends_nothing_and_comes_out_as_itself(error):
    cause = KeyError("why")
    error.__cause__ = cause

    async def story() -> tuple[int, int, BaseException]:
        async with gateway(says(answer())) as server:
            with pytest.raises(type(error)) as caught:
                await sent(server, Marker(error))
            await asyncio.sleep(0.02)
            return server.connections, server.bytes, caught.value

    connections, count, found = asyncio.run(story())
    assert (connections, count) == (1, 0)
    assert found is error
    assert found.__cause__ is cause


def test_a_marker_that_takes_too_long_sends_nothing():
    async def story() -> int:
        async with gateway(says(answer())) as server:
            with pytest.raises(Busy) as caught:
                await sent(server, Marker(seconds=5), call_seconds=0.1)
            assert caught.value.code == "provider_unavailable"
            await asyncio.sleep(0.02)
            return server.bytes

    assert asyncio.run(story()) == 0


def test_a_call_cancelled_before_its_first_byte_sends_nothing_and_hangs_up():
    async def story() -> tuple[int, int]:
        gone = asyncio.Event()

        async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            server.bytes += len(await reader.read())
            gone.set()
            writer.close()

        server = Gateway(says())
        async with await asyncio.start_server(accept, "127.0.0.1", 0) as listener:
            server.port = listener.sockets[0].getsockname()[1]
            async with Transport(origins=[server.origin]) as transport:
                marker = Marker(seconds=5)
                task = asyncio.create_task(transport.send(submit_to(server.origin), before_first_byte=marker))
                while not marker.calls:
                    await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                await asyncio.wait_for(gone.wait(), 2)  # while the transport is still open
                return server.bytes, marker.done

    assert asyncio.run(story()) == (0, 0)


def test_the_marker_belongs_to_its_own_call_among_many():
    async def story() -> list[int]:
        async with gateway(says(answer(), pause=0.01)) as server, Transport(origins=[server.origin]) as transport:
            markers = [Marker(seconds=0.01 * (index % 3)) for index in range(12)]
            calls = [transport.send(submit_to(server.origin), before_first_byte=marker) for marker in markers]
            await asyncio.gather(*calls, *[transport.send(Call(method="GET", url=f"{server.origin}/x")) for _ in calls])
            return [marker.done for marker in markers]

    assert asyncio.run(story()) == [1] * 12


# What an error means


def closed_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("with_marker", [True, False])
def test_a_refused_connection_means_nothing_was_sent(with_marker):
    marker = Marker()

    async def story() -> None:
        server = Gateway(says())
        server.port = closed_port()
        await sent(server, marker if with_marker else None)

    with pytest.raises(Busy) as caught:
        asyncio.run(story())
    assert caught.value.code == "provider_unavailable"
    assert marker.calls == 0


def test_a_name_that_does_not_resolve_means_nothing_was_sent(monkeypatch):
    def unknown(*_args: Any, **_options: Any) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "no such name")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    marker = Marker()

    async def story() -> None:
        async with Transport(origins=["https://api.example.com"]) as transport:
            await transport.send(submit_to("https://api.example.com"), before_first_byte=marker)

    with pytest.raises(Busy):
        asyncio.run(story())
    assert marker.calls == 0


def test_a_connection_that_never_stands_means_nothing_was_sent(monkeypatch):
    async def never(*_args: Any) -> None:
        await asyncio.sleep(5)

    async def story() -> None:
        monkeypatch.setattr(asyncio.get_running_loop(), "sock_connect", never)
        server = Gateway(says())
        server.port = 9
        await sent(server, marker, call_seconds=0.1)

    marker = Marker()
    with pytest.raises(Busy):
        asyncio.run(story())
    assert marker.calls == 0


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
LONG = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"
BROKEN = {
    "closed without a word": (says(), Unclear),
    "reset without a word": (says(reset=True), Unclear),
    "silent": (says(hang=5), Unclear),
    "closed within the head": (says(b"HTTP/1.1 200 OK\r\nContent-Le"), Unclear),
    "hanging within the head": (says(b"HTTP/1.1 200 OK\r\nContent-Le", hang=5), Unclear),
    "dripping head": (endless(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a", pause=0.02), Unclear),
    "dripping body": (endless(LONG, b" ", pause=0.05), Unclear),
    "dripping chunks": (endless(CHUNKED, b"1\r\n \r\n", pause=0.05), Unclear),
    "truncated": (says(LONG), Unclear),
    "reset within the body": (says(LONG, reset=True, hang=0.02), Unclear),
    "hanging within the body": (says(LONG, hang=5), Unclear),
    "broken chunks": (says(CHUNKED + b"zz\r\n{}\r\n0\r\n\r\n"), Unreadable),
    "broken later chunks": (says(CHUNKED + b"2\r\n{}\r\n", b"zz\r\n{}\r\n0\r\n\r\n", pause=0.02), Unclear),
    "garbled": (says(b"\x00\x01\x02 this is not HTTP\r\n\r\n"), Unreadable),
    "another protocol": (says(b"SSH-2.0-OpenSSH_9.6\r\n"), Unreadable),
    "garbled header": (says(b"HTTP/1.1 200 OK\r\nno colon here\r\n\r\n"), Unreadable),
    "two lengths": (says(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} "), Unreadable),
    "endless header": (endless(b"HTTP/1.1 200 OK\r\nX-Long: ", b"a" * 4096), Unreadable),
    "too long by length": (says(answer(b" " * 1001)), Unreadable),
    "endless body": (endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 512), Unreadable),
    "gzip": (says(answer(b"\x1f\x8b", headers="Content-Encoding: gzip\r\n")), Unreadable),
    "several encodings": (says(answer(headers="Content-Encoding: identity, br\r\n")), Unreadable),
}


def seconds_for(case: str) -> float:
    """Little time where only the time ends a call, plenty where something else should."""
    return SHORT if case.startswith(("silent", "hanging", "dripping")) else 10


async def broken(case: str, marker: Marker | None) -> Reply:
    async with gateway(BROKEN[case][0]) as server:
        return await asyncio.wait_for(sent(server, marker, call_seconds=seconds_for(case)), seconds_for(case) + 2)


@pytest.mark.parametrize("case", BROKEN)
def test_a_submit_that_breaks_after_its_first_byte_is_unclear(case):
    marker = Marker()
    with pytest.raises(Unclear) as caught:
        asyncio.run(broken(case, marker))
    assert type(caught.value) is BROKEN[case][1]
    assert marker.done == 1


@pytest.mark.parametrize("case", ["closed without a word", "silent", "garbled", "truncated"])
def test_a_poll_that_breaks_is_unclear_too(case):
    with pytest.raises(Unclear) as caught:
        asyncio.run(broken(case, None))
    assert type(caught.value) is BROKEN[case][1]


def test_an_unclear_submit_is_not_sent_again():
    async def story() -> int:
        async with gateway(says(reset=True)) as server:
            with pytest.raises(Unclear):
                await sent(server, Marker())
            return sum(head.startswith("POST ") for head in server.heads)

    assert asyncio.run(story()) == 1


@pytest.mark.parametrize("size", [999, 1000])
def test_a_reply_may_be_as_long_as_its_limit(size):
    async def story() -> int:
        async with gateway(says(answer(b" " * size, headers="Content-Encoding: Identity\r\n"))) as server:
            return len((await sent(server)).body)

    assert asyncio.run(story()) == size


def test_a_server_that_does_not_read_the_call_is_left_in_time():
    async def story() -> float:
        async def deaf(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.transport.pause_reading()  # type: ignore[attr-defined]
            writer.write(LONG)
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(1)
            writer.transport.abort()

        narrow = socket.create_server(("127.0.0.1", 0))
        narrow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with await asyncio.start_server(deaf, sock=narrow, limit=1024):
            origin = f"http://127.0.0.1:{narrow.getsockname()[1]}"
            begun, call = time.monotonic(), Call(method="POST", url=origin, json="x" * 1_000_000)
            async with Transport(origins=[origin], call_seconds=SHORT) as transport:
                with pytest.raises(Unclear):
                    await transport.send(call, before_first_byte=Marker())
            return time.monotonic() - begun  # before the server ends: from Python 3.12 it waits for ``deaf``

    assert asyncio.run(story()) < 0.9


@pytest.mark.parametrize(
    "wrong",
    [
        {"headers": {"x-api-key": "secret\n"}},
        {"headers": {"x-api-key": "a\r\nhost: b"}},
        {"headers": {"x-api-key": "schlüssel—"}},
        {"json": {"prompt": float("nan")}},
        {"json": {"prompt": "\ud800"}},
        {"json": {"prompt": object()}},
        {"url": "/" + "a" * 70_000},
    ],
)
def test_a_call_that_cannot_be_written_is_declined_before_anything_happens(wrong):
    marker = Marker()
    origin = "http://127.0.0.1:9"
    parts = {"method": "POST", **wrong, "url": origin + wrong.get("url", "/")}

    async def story() -> None:
        async with Transport(origins=[origin]) as transport:
            await transport.send(Call(**parts), before_first_byte=marker)

    with pytest.raises(Declined):
        asyncio.run(story())
    assert marker.calls == 0


# TLS


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A fresh certificate for 127.0.0.1 that nobody but itself has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    now = dt.datetime.now(dt.UTC)
    alternative = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(alternative, critical=False)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = tmp_path / "certificate.pem"
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


def tls_server(certificate: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_certificate_nobody_vouches_for_means_nothing_was_sent(certificate):
    marker = Marker()

    async def story() -> int:
        async with gateway(says(answer()), tls=tls_server(certificate)) as server:
            with pytest.raises(Busy):
                await sent(server, marker)
            with pytest.raises(OutputError):
                await fetched(server)
            return server.bytes

    assert asyncio.run(story()) == 0
    assert marker.calls == 0


def test_the_marker_waits_for_tls_and_still_comes_before_the_first_byte(certificate, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def story() -> tuple[int, list[tuple[int, int]]]:
        async with gateway(says(answer()), tls=tls_server(certificate)) as server:
            seen = []

            async def look() -> None:
                await asyncio.sleep(0.05)
                seen.append((server.connections, server.bytes))  # connected only after the handshake

            return (await sent(server, look)).status, seen  # type: ignore[arg-type]

    assert asyncio.run(story()) == (200, [(1, 0)])


# Downloads


def test_an_output_is_streamed_into_the_file_and_hashed():
    body = bytes(range(256)) * 4000
    into = io.BytesIO()

    async def story() -> int:
        async with gateway(says(answer(body, headers="Content-Type: text/html\r\n"))) as server:
            return await fetched(server, into=into)

    assert asyncio.run(story()) == len(body)
    assert into.getvalue() == body


def test_a_chunked_output_is_whole():
    async def story() -> int:
        async with gateway(says(CHUNKED + b"3\r\nabc\r\n", b"2\r\nde\r\n0\r\n\r\n", pause=0.01)) as server:
            return await fetched(server)

    assert asyncio.run(story()) == 5


def test_a_signed_address_arrives_as_it_was_signed():
    path = "/a%2Fb/c%20d~%7E.png?X-Credential=AK%2F2026%2Feu&s=%3D%26%2B+%20~%7E&t=%5B1%5D&p=[1]&q='!(x)*;:@$,"

    async def story() -> str:
        async with gateway(says(answer())) as server:
            await fetched(server, path)
            return server.heads[0]

    assert asyncio.run(story()).splitlines()[0] == f"GET {path} HTTP/1.1"


FAILED_DOWNLOADS = {
    "403": (says(answer(status="403 Forbidden")), "output_expired", True),
    "404": (says(answer(status="404 Not Found")), "output_expired", True),
    "410": (says(answer(status="410 Gone")), "output_expired", True),
    "400": (says(answer(status="400 Bad Request")), "output_invalid", True),
    "206": (says(answer(status="206 Partial Content")), "output_invalid", True),
    "204": (says(b"HTTP/1.1 204 No Content\r\n\r\n"), "output_invalid", True),
    "304": (says(b"HTTP/1.1 304 Not Modified\r\n\r\n"), "output_invalid", True),
    "302 to nowhere": (says(answer(status="302 Found")), "output_invalid", True),
    "500": (says(answer(status="500 Oh")), "output_invalid", True),
    "503": (says(answer(status="503 Later")), "output_invalid", True),
    "closed": (says(), "output_invalid", True),
    "reset": (says(reset=True), "output_invalid", True),
    "silent": (says(hang=5), "output_invalid", True),
    "garbled": (says(b"\x00\x01\x02 this is not HTTP\r\n\r\n"), "output_invalid", True),
    "truncated": (says(LONG), "output_invalid", True),
    "truncated chunks": (says(CHUNKED + b"5\r\nabc"), "output_invalid", True),
    "dripping": (endless(LONG, b" ", pause=0.05), "output_invalid", True),
    "gzip": (says(answer(b"\x1f\x8b", headers="Content-Encoding: gzip\r\n")), "output_invalid", False),
    "ten gigabytes by its own word": (
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", hang=5),
        "output_too_large",
        False,
    ),
    "one byte too many": (says(answer(b" " * 1001)), "output_too_large", False),
    "endless chunks": (endless(CHUNKED, b"100\r\n" + b" " * 256 + b"\r\n"), "output_too_large", False),
    "endless": (endless(b"HTTP/1.1 200 OK\r\n\r\n", b" " * 65536), "output_too_large", False),
}


@pytest.mark.parametrize("case", FAILED_DOWNLOADS)
def test_a_download_that_fails_says_why_and_whether_to_try_again(case):
    script, code, again = FAILED_DOWNLOADS[case]
    into = io.BytesIO()

    async def story() -> None:
        async with gateway(script) as server:
            await fetched(server, into=into, call_seconds=seconds_for(case), max_bytes=1000)

    with pytest.raises(OutputError) as caught:
        asyncio.run(asyncio.wait_for(story(), seconds_for(case) + 2))
    assert (caught.value.code, caught.value.tries > 1) == (code, again)
    assert len(into.getvalue()) <= 1000


def test_an_output_may_have_as_many_bytes_as_allowed():
    async def story() -> int:
        async with gateway(says(answer(b" " * 1000))) as server:
            return await fetched(server, max_bytes=1000)

    assert asyncio.run(story()) == 1000


def test_an_address_that_no_client_can_read_fails_without_a_connection():
    async def story() -> int:
        async with gateway(says(answer())) as server:
            with pytest.raises(OutputError):
                await fetched(server, "/" + "a" * 70_000)
            return server.connections

    assert asyncio.run(story()) == 0


def redirects(times: int) -> Script:
    """A script that redirects so often and then answers."""
    left = [times]

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        left[0] -= 1
        found = answer(status="302 Found", headers=f"Location: /{left[0]}\r\n") if left[0] >= 0 else answer(b"done")
        await says(found)(reader, writer)

    return script


@pytest.mark.parametrize("times", [1, 2, 3])
def test_up_to_three_redirects_are_followed(times):
    async def story() -> tuple[int, list[str]]:
        async with gateway(redirects(times)) as server:
            return await fetched(server), [head.split()[1] for head in server.heads]

    size, paths = asyncio.run(story())
    assert size == 4
    assert paths == ["/a.png", *[f"/{left}" for left in reversed(range(times))]]


def test_a_fourth_redirect_is_not_followed():
    async def story() -> tuple[OutputError, int]:
        async with gateway(redirects(4)) as server:
            with pytest.raises(OutputError) as caught:
                await fetched(server)
            return caught.value, len(server.heads)

    error, requests = asyncio.run(story())
    assert (error.code, error.tries, requests) == ("output_invalid", 5, 4)


def test_a_redirect_to_a_host_that_is_not_listed_reaches_nobody():
    async def story() -> int:
        async with gateway(says(answer())) as canary:
            leads = answer(status="301 Moved", headers=f"Location: {canary.origin}/\r\n")
            async with gateway(says(leads)) as server:
                with pytest.raises(EgressBlocked):
                    await fetched(server)
            return canary.connections

    assert asyncio.run(story()) == 0


@pytest.mark.parametrize(
    ("number", "code"),
    [(errno.ENOSPC, "storage_full"), (errno.EDQUOT, "storage_full"), (errno.EIO, "storage_unavailable")],
)
def test_a_file_that_takes_no_more_is_the_storages_fault(number, code):
    class Full(io.BytesIO):
        def write(self, _data: Any) -> int:
            raise OSError(number, "no")

    async def story() -> None:
        async with gateway(says(answer())) as server:
            await fetched(server, into=Full())

    with pytest.raises(StorageError) as caught:
        asyncio.run(story())
    assert caught.value.code == code


# Slots


async def most_at_once(calls: Callable[[Transport, Gateway], list[Awaitable[Any]]], **slots: int) -> int:
    """How many requests a server ever had open at the same time."""
    open_now, most = 0, 0

    async def script(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        await asyncio.sleep(0.02)
        open_now -= 1
        writer.write(answer())
        writer.close()

    async with gateway(script) as server:
        options: dict[str, Any] = {"origins": [server.origin], "allowed_private": [server.listed], **slots}
        async with Transport(**options) as transport:
            await asyncio.gather(*calls(transport, server))
    return most


def test_calls_and_downloads_keep_to_their_slots():
    def calls(transport: Transport, server: Gateway) -> list[Awaitable[Any]]:
        return [transport.send(submit_to(server.origin), before_first_byte=Marker()) for _ in range(8)]

    def downloads(transport: Transport, server: Gateway) -> list[Awaitable[Any]]:
        return [transport.fetch(f"{server.origin}/a.png", io.BytesIO()) for _ in range(8)]

    assert asyncio.run(most_at_once(calls, call_slots=3, download_slots=1)) == 3
    assert asyncio.run(most_at_once(downloads, call_slots=1, download_slots=2)) == 2


def test_a_submit_holds_its_slot_while_its_marker_is_pending():
    async def story() -> list[int]:
        async with (
            gateway(says(answer())) as server,
            Transport(origins=[server.origin], call_slots=1) as transport,
        ):
            first, second = Marker(seconds=0.3), Marker()
            calls = [
                asyncio.create_task(transport.send(submit_to(server.origin), before_first_byte=marker))
                for marker in (first, second)
            ]
            while not first.calls:
                await asyncio.sleep(0.005)
            early = [first.calls, second.calls]
            await asyncio.gather(*calls)
            return [*early, second.calls]

    assert asyncio.run(story()) == [1, 0, 1]


def test_waiting_for_a_slot_does_not_use_up_the_time_of_a_call():
    async def story() -> int:
        async with (
            gateway(says(b"HTTP/1.1 200 OK\r\n", b"Content-Length: 0\r\n\r\n", pause=0.06)) as server,
            Transport(origins=[server.origin], call_slots=1, call_seconds=0.3) as transport,
        ):
            calls = [transport.send(submit_to(server.origin), before_first_byte=Marker()) for _ in range(6)]
            return len(await asyncio.gather(*calls))

    assert asyncio.run(story()) == 6


# Secrets


SECRETS = {"key": "canary-1", "token": "canary-2", "signature": "canary-3"}


@pytest.mark.parametrize("script", [says(reset=True), says(b"nonsense\r\n\r\n"), says(answer()), says(hang=5)])
def test_neither_logs_nor_tracebacks_carry_what_an_address_or_a_header_hides(script, caplog):
    caplog.set_level(logging.DEBUG)
    told: list[str] = []

    async def story() -> None:
        async with gateway(script) as server:
            options: dict[str, Any] = {"origins": [server.origin], "allowed_private": [server.listed]}
            async with Transport(**options, call_seconds=0.1) as transport:
                key, token, signature = SECRETS.values()
                call = submit_to(server.origin, headers={"x-api-key": key}, params={"webhook": token})
                for attempt in (
                    transport.send(call, before_first_byte=Marker()),
                    transport.fetch(f"{server.origin}/a.png?signature={signature}", io.BytesIO()),
                ):
                    try:
                        told.append(repr(await attempt))
                    except ImagenError as error:
                        told.append("".join(traceback.format_exception(error)))

    asyncio.run(story())
    assert len(told) == 2
    assert "canary" not in caplog.text + "".join(told)


# The sandbox answers in process


INSIDE = "sandbox://files/1"


async def inside(call: Callable[[Transport], Awaitable[Any]], **options: Any) -> Any:
    async with Transport(origins=["sandbox://"], **options) as transport:
        return await call(transport)


def plays(monkeypatch: pytest.MonkeyPatch, reply: Reply | Exception) -> list[tuple[Call, float]]:
    """Let the sandbox answer with this, and note what it was asked."""
    asked: list[tuple[Call, float]] = []

    def answer_with(call: Call, *, now: float) -> Reply:
        asked.append((call, now))
        if isinstance(reply, Exception):
            raise reply
        return reply

    monkeypatch.setattr(sandbox, "answer", answer_with)
    return asked


def test_the_sandbox_gets_the_call_itself_after_the_marker(monkeypatch):
    asked = plays(monkeypatch, Reply(status=200, headers={"x-a": "b"}, body=b"{}"))
    call = Call(method="POST", url="sandbox://Jobs", params={"a": "b"}, json={"prompt": "p"})
    marker = Marker()
    reply = asyncio.run(inside(lambda transport: transport.send(call, before_first_byte=marker)))
    assert (reply.status, reply.body, reply.headers["x-a"]) == (200, b"{}", "b")
    assert asked[0][0] is call
    assert marker.done == 1


def test_a_marker_that_fails_keeps_the_call_from_the_sandbox_too(monkeypatch):
    asked = plays(monkeypatch, Reply(status=200))
    call = Call(method="POST", url="sandbox://jobs")
    with pytest.raises(RuntimeError, match="database"):
        asyncio.run(inside(lambda transport: transport.send(call, before_first_byte=Marker(RuntimeError("database")))))
    assert asked == []


@pytest.mark.parametrize("error", [Busy(code="provider_unavailable"), Unclear("lost"), Declined("no")], ids=repr)
def test_an_error_the_sandbox_plays_comes_out_as_itself(monkeypatch, error):
    plays(monkeypatch, error)
    with pytest.raises(type(error)) as caught:
        asyncio.run(inside(lambda transport: transport.send(Call(method="GET", url="sandbox://jobs/1"))))
    assert caught.value is error


def test_a_sandbox_that_breaks_is_unclear(monkeypatch):
    plays(monkeypatch, KeyError("bug"))
    with pytest.raises(Unclear):
        asyncio.run(inside(lambda transport: transport.send(Call(method="GET", url="sandbox://jobs/1"))))


def test_a_picture_of_the_sandbox_is_fetched_like_any_other(monkeypatch):
    asked = plays(monkeypatch, Reply(status=200, headers={"content-type": "image/png"}, body=b"abcde"))
    into = io.BytesIO()
    found = asyncio.run(inside(lambda transport: transport.fetch(INSIDE, into)))
    assert found == 5
    assert into.getvalue() == b"abcde"
    assert (asked[0][0].method, asked[0][0].url) == ("GET", INSIDE)


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(status=404), "output_expired"),
        (Reply(status=500), "output_invalid"),
        (Reply(status=200, headers={"content-length": "2000000000"}), "output_too_large"),
        (Reply(status=200, body=b" " * 1001), "output_too_large"),
    ],
)
def test_a_picture_the_sandbox_spoils_fails_like_any_other(monkeypatch, reply, code):
    plays(monkeypatch, reply)
    with pytest.raises(OutputError) as caught:
        asyncio.run(inside(lambda transport: transport.fetch(INSIDE, io.BytesIO()), max_bytes=1000))
    assert caught.value.code == code


def test_a_gateway_cannot_reach_the_sandbox_by_a_redirect(monkeypatch):
    asked = plays(monkeypatch, Reply(status=200))

    async def story() -> None:
        async with gateway(says(answer(status="302 Found", headers=f"Location: {INSIDE}\r\n"))) as server:
            await fetched(server, origins=["sandbox://"])

    with pytest.raises(EgressBlocked):
        asyncio.run(story())
    assert asked == []
