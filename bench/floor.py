"""The least that can be done: submit, poll, download, hash, write, with asyncio and aiohttp and nothing else.

It knows how long the gateway takes, remembers nothing and survives nothing. ``python -m bench.floor URL FOLDER``.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys
import time
from pathlib import Path
from typing import Any

import aiohttp

from bench.processes import answer

HEADERS = {"Authorization": "Bearer wsk_test"}


class Floor:
    """One burst, with as many slots as the engine has."""

    def __init__(self, session: aiohttp.ClientSession, url: str, folder: Path) -> None:
        self.session = session
        self.url = url
        self.folder = folder
        self.calls = asyncio.Semaphore(64)
        self.downloads = asyncio.Semaphore(16)
        self.polls = 0

    async def one(self, number: int, first: float, step: float) -> None:
        """One picture: the first look after so many seconds, the next ones in even steps."""
        news = await self._call("POST", "google/imagen4", json={"prompt": "a lighthouse at dusk"})
        path = f"predictions/{news['id']}/result"
        await asyncio.sleep(first)
        while (news := await self._poll(path))["status"] != "completed":
            await asyncio.sleep(step)
        async with self.downloads:
            await self._save(news["outputs"][0], self.folder / f"{number}.png")

    async def _poll(self, path: str) -> Any:
        self.polls += 1
        return await self._call("GET", path)

    async def _call(self, method: str, path: str, **rest: Any) -> Any:
        url = f"{self.url}/api/v3/{path}"
        async with self.calls, self.session.request(method, url, headers=HEADERS, **rest) as got:
            return (await got.json())["data"]

    async def _save(self, url: str, path: Path) -> None:
        digest = hashlib.sha256()
        async with self.session.get(url) as got:
            with path.open("wb") as file:
                async for chunk in got.content.iter_any():
                    digest.update(chunk)
                    file.write(chunk)


async def run(url: str, folder: Path, *, count: int, first: float, step: float) -> dict[str, Any]:
    """Seconds, processor seconds and polls of one burst."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        floor, start, cpu = Floor(session, url, folder), time.monotonic(), time.process_time()
        await asyncio.gather(*(floor.one(number, first, step) for number in range(count)))
        return {"seconds": time.monotonic() - start, "cpu": time.process_time() - cpu, "polls": floor.polls}


if __name__ == "__main__":
    answer(lambda asked: asyncio.run(run(sys.argv[1], Path(sys.argv[2]), **asked)))
