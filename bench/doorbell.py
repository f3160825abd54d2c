"""How long asking takes with nobody at work: from ``POST`` to the first byte at the provider."""

from __future__ import annotations

import http.client
import json
import time

from bench.asking import OURS
from bench.site import site

QUIET_SECONDS = 2.5  # an engine lingers for a second


def delays(stack: str, *, samples: int) -> list[float]:
    """Seconds, shortest first, each asked of an idle cluster."""
    with site(stack, latency=0.05) as place:
        token, port = place.token(), place.serve()
        place.start("manage.py", "qcluster")
        time.sleep(QUIET_SECONDS)
        asked = [_ask(port, token) for _ in range(samples + 2)]
        heard = [float(job["time"]) for job in place.heard()]
    return sorted(there - here for here, there in zip(asked[2:], heard[2:], strict=True))  # the first ones warm up


def _ask(port: int, token: str) -> float:
    body = json.dumps({"prompt": "a lighthouse at dusk"})
    headers = {"Authorization": f"Token {token}", "Content-Type": "application/json"}
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    start = time.time()
    client.request("POST", OURS, body, headers)
    if client.getresponse().status != 202:
        raise RuntimeError("the request was not taken")
    client.close()
    time.sleep(QUIET_SECONDS)
    return start
