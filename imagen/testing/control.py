"""The control door ``/__ctl/``: what a test in another process does to a gateway.

``POST script`` ``{"match": …, "steps": {…}}`` plays a script; ``POST market`` ``{"prices": {vendor: {id: price}},
"unlisted": {vendor: [id]}, "balance": {vendor: amount}, "closed": {vendor: 401 | 402 | 403 | 503 | "refuse" | null}}``
changes what the vendors charge and whether they let in; ``POST reset`` forgets everything. ``GET jobs``, ``calls``,
``served`` (SHA-256 by name) and ``rings`` tell what happened.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from imagen.testing.wire import Answer, Request

if TYPE_CHECKING:
    from imagen.testing.gateway import Gateway

PREFIX = "/__ctl/"


def control(gateway: Gateway, request: Request) -> Answer:
    """Do what the request asks, or say what is wrong with it."""
    act = _ACTS.get((request.method, request.path.removeprefix(PREFIX)))
    try:
        return Answer.of(act(gateway, request)) if act else Answer.of({"message": "not found"}, 404)
    except (AttributeError, TypeError, ValueError) as error:
        return Answer.of({"message": str(error)}, 400)


def _play(gateway: Gateway, request: Request) -> Mapping[str, Any]:
    asked = request.json
    gateway.script(str(asked.get("match", "")), **asked.get("steps", {}))
    return asked


def _trade(gateway: Gateway, request: Request) -> Mapping[str, Any]:
    gateway.market.apply(request.json)
    return request.json


def _forget(gateway: Gateway, request: Request) -> Mapping[str, Any]:
    gateway.reset()
    return {}


def _jobs(gateway: Gateway, request: Request) -> list[Mapping[str, Any]]:
    return [job.asdict() for job in gateway.jobs]


def _calls(gateway: Gateway, request: Request) -> list[Mapping[str, Any]]:
    return [{"method": call.method, "path": call.path, "headers": dict(call.headers)} for call in gateway.calls]


def _served(gateway: Gateway, request: Request) -> Mapping[str, str]:
    return {name: hashlib.sha256(body).hexdigest() for name, body in gateway.served.items()}


def _rings(gateway: Gateway, request: Request) -> list[Mapping[str, Any]]:
    return [{**asdict(ring), "body": ring.body.decode()} for ring in gateway.rings]


_ACTS: Mapping[tuple[str, str], Callable[[Gateway, Request], Any]] = {
    ("POST", "script"): _play,
    ("POST", "market"): _trade,
    ("POST", "reset"): _forget,
    ("GET", "jobs"): _jobs,
    ("GET", "calls"): _calls,
    ("GET", "served"): _served,
    ("GET", "rings"): _rings,
}
