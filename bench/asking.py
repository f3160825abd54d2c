"""How many requests a second the web server takes: ``POST generations/`` against a plain view that inserts rows."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Mapping

from bench.site import site

CONNECTIONS = 8
ROUNDS = 3
OURS = "/api/imagen/v1/generations/"
ONE_ROW, SAME_ROWS = "/bench/one-row/", "/bench/same-rows/"


def rates(stack: str, *, seconds: float) -> Mapping[str, float]:
    """Requests a second by path, the median of several turns taken one after the other."""
    with site(stack) as place:
        token, port = place.token(), place.serve()
        found: dict[str, list[float]] = {path: [] for path in (ONE_ROW, SAME_ROWS, OURS)}
        for path in found:
            asyncio.run(_storm(port, path, token, 1.0))
        for _ in range(ROUNDS):
            for path, seen in found.items():
                seen.append(asyncio.run(_storm(port, path, token, seconds)))
        return {path: statistics.median(seen) for path, seen in found.items()}


async def _storm(port: int, path: str, token: str, seconds: float) -> float:
    until = time.monotonic() + seconds
    counts = await asyncio.gather(*(_client(port, path, token, until) for _ in range(CONNECTIONS)))
    return sum(counts) / seconds


async def _client(port: int, path: str, token: str, until: float) -> int:
    """One connection that asks again as soon as it was answered; how often it was."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request, count = _request(port, path, token), 0
    while time.monotonic() < until:
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        if " 202 " not in head.partition("\r\n")[0]:
            raise RuntimeError(f"{path} answered {head.partition(chr(13))[0]}")
        await reader.readexactly(int(head.partition("content-length:")[2].partition("\r\n")[0]))
        count += 1
    writer.close()
    return count


def _request(port: int, path: str, token: str) -> bytes:
    body = json.dumps({"prompt": "a lighthouse at dusk"}).encode()
    lines = {
        "Host": f"127.0.0.1:{port}",
        "Authorization": f"Token {token}",
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"POST {path} HTTP/1.1\r\n{head}\r\n".encode() + body
