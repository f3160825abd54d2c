"""HTTP over raw sockets: read a request, deliver an answer as well or as badly as it asks for."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_BODY = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as it arrived; header names are in lower case, ``at`` is Unix time."""

    method: str
    target: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    at: float = field(default_factory=time.time)

    @property
    def path(self) -> str:
        """The path without the query, unquoted."""
        return unquote(urlsplit(self.target).path)

    @property
    def query(self) -> dict[str, str]:
        """The query parameters."""
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def json(self) -> dict[str, Any]:
        """The JSON object in the body, or ``ValueError``."""
        found = json.loads(self.body)
        if not isinstance(found, dict):
            raise ValueError("the body is not a JSON object")
        return found


class Ending(StrEnum):
    """What happens after the last byte of an answer."""

    KEEP = "keep"  # the connection stays open for the next request
    CLOSE = "close"  # closed, even when bytes are missing
    RESET = "reset"  # not a byte of the answer, a TCP reset
    HANG = "hang"  # not a byte of the answer, silence until the client leaves
    ENDLESS = "endless"  # the body over and over again, until the client leaves


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One response, and how it is to be delivered."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    content_type: str = "application/json"
    delay: float = 0.0
    rate: int = 0  # bytes a second; 0 is all at once
    length: int | None = None  # the Content-Length to claim; None is the truth
    ending: Ending = Ending.KEEP

    @classmethod
    def of(cls, document: Any, status: int = 200) -> Answer:
        """An answer that says this in JSON."""
        return cls(status=status, body=json.dumps(document).encode())

    @property
    def head(self) -> bytes:
        """Status line and headers."""
        claimed = len(self.body) if self.length is None else self.length
        chunked = self.ending is Ending.ENDLESS and self.length is None
        lines = {
            "Content-Type": self.content_type,
            **({"Transfer-Encoding": "chunked"} if chunked else {"Content-Length": str(claimed)}),
            **({"Connection": "close"} if self.ending is not Ending.KEEP else {}),
            **self.headers,
        }
        text = f"HTTP/1.1 {self.status} {_phrase(self.status)}\r\n"
        return (text + "".join(f"{name}: {value}\r\n" for name, value in lines.items()) + "\r\n").encode()


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "Unnamed"


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """The next request on a connection, or ``None`` when the client has left."""
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        method, target, _ = first.split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = min(int(headers.get("content-length") or 0), MAX_BODY)
        body = await reader.readexactly(length) if length else b""
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, ValueError):
        return None
    return Request(method=method, target=target, headers=headers, body=body)


async def deliver(answer: Answer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Write an answer in the way it asks for."""
    if answer.delay:
        await asyncio.sleep(answer.delay)
    if answer.ending is Ending.RESET:
        _reset(writer)
    elif answer.ending is Ending.HANG:
        await reader.read()
    elif answer.ending is Ending.ENDLESS:
        await _repeat(answer, writer)
    elif answer.rate:
        await _drip(answer, writer)
    else:
        writer.write(answer.head + answer.body)
        await writer.drain()


def _reset(writer: asyncio.StreamWriter) -> None:
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


async def _drip(answer: Answer, writer: asyncio.StreamWriter) -> None:
    payload = answer.head + answer.body
    step = max(1, answer.rate // 20)
    for start in range(0, len(payload), step):
        writer.write(payload[start : start + step])
        await writer.drain()
        await asyncio.sleep(step / answer.rate)


async def _repeat(answer: Answer, writer: asyncio.StreamWriter) -> None:
    writer.write(answer.head)
    chunk = answer.body if answer.length is not None else b"%x\r\n%s\r\n" % (len(answer.body), answer.body)
    while True:
        writer.write(chunk)
        await writer.drain()
