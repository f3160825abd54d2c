"""One of many clients at once: ``python -m proof.buyer`` answers each line of JSON with the statuses it got."""

from __future__ import annotations

import http.client
import json
import time
from typing import Any

from bench.processes import answer

PATH = "/api/imagen/v1/generations/"


def buy(asked: dict[str, Any]) -> list[int]:
    """Post so many requests, beginning at this moment; the HTTP status of each."""
    time.sleep(max(asked["at"] - time.time(), 0.0))
    body = json.dumps({"prompt": "a lighthouse", "provider": "wavespeed"})
    return [_post(asked["port"], asked["token"], body) for _ in range(asked["times"])]


def _post(port: int, token: str, body: str) -> int:
    with_token = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        line.request("POST", PATH, body, with_token)
        return line.getresponse().status
    finally:
        line.close()


if __name__ == "__main__":
    answer(buy)
