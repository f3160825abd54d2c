"""Somebody who asks over real sockets, and what of theirs is on the site then: all of it real."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from http.client import HTTPConnection
from typing import Any, Self

from tests.api.addresses import TEXTS, WORDS, Anchor, written
from tests.api.strangers import Answer

API = "/api/imagen/v1/"
REQUEST = {"prompt": WORDS, "negative_prompt": f"no {WORDS}", "num_images": 2, "metadata": {"swordfish": "yes"}}
PATIENCE = 90.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Sends these headers, and wants to be told of what happens at ``hook``."""

    port: int
    headers: Mapping[str, str] = field(repr=False)
    hook: str

    def __call__(self, verb: str, path: str, body: Any = None) -> Answer:
        """What one request is answered, on a connection of its own."""
        there = {"url": self.hook} if body and "url" in body else {}  # no name of the table is looked up anywhere
        data = None if body is None else json.dumps({**body, **there})
        sent = {"Content-Type": "application/json", "Connection": "close", **self.headers}
        with closing(HTTPConnection("127.0.0.1", self.port, timeout=70)) as line:
            line.request(verb.upper(), path, data, sent)
            found = line.getresponse()
            headers = {name.lower(): value for name, value in found.getheaders()}
            return Answer(status=found.status, headers=headers, body=found.read())

    def json(self, verb: str, path: str, body: Any = None) -> Any:
        """What a good answer of the interface says."""
        answer = self(verb, f"{API}{path}", body)
        assert answer.status < 300, (verb, path, answer.body)
        return json.loads(answer.body)

    def rows(self, path: str) -> list[dict[str, Any]]:
        """What is in a list."""
        found: list[dict[str, Any]] = self.json("get", path)["results"]
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Belongings:
    """What of somebody's there is: one of each kind, where filters are pointed at, and what nobody else may read."""

    things: Mapping[str, str]
    anchor: Anchor
    traces: frozenset[str]

    @classmethod
    def of(cls, owner: Caller) -> Self:
        """Pictures that the sandbox made, the batch they came in, an endpoint, and what it was told of them."""
        endpoint = owner.json("post", "webhook-endpoints/", {"url": owner.hook, "name": WORDS})["id"]
        _until(lambda: owner.json("get", f"webhook-endpoints/{endpoint}/")["state"] == "active")
        batch = owner.json("post", "batches/", {"requests": [REQUEST]})["id"]
        made = owner.json("get", f"generations/{owner.rows('generations/')[0]['id']}/?wait=60")
        _until(lambda: _arrived(owner))
        return cls._found(owner, made, {"batches": batch, "webhook-endpoints": endpoint, "generations": made["id"]})

    @classmethod
    def _found(cls, owner: Caller, made: dict[str, Any], known: dict[str, str]) -> Self:
        images, sent = owner.rows("images/"), owner.rows("webhook-deliveries/")
        event = next(row["id"] for row in sent if row["kind"] == "event")  # a ping is not sent again
        owner.json("patch", f"images/{images[0]['id']}/", TEXTS)
        things = {**known, "images": images[0]["id"], "webhook-deliveries": event}
        ids = {*things.values(), *(row["id"] for row in (*images, *sent))}
        return cls(things=things, anchor=_anchor(made, things), traces=frozenset(written(map(uuid.UUID, ids))))


def _arrived(owner: Caller) -> bool:
    """Whether everything that was to be told was told."""
    sent = owner.rows("webhook-deliveries/")
    return {"ping", "event"} <= {row["kind"] for row in sent} and {row["status"] for row in sent} == {"delivered"}


def _anchor(made: dict[str, Any], things: Mapping[str, str]) -> Anchor:
    facts = {name: made[name] for name in ("status", "model", "provider")}
    beside = {"batch": things["batches"], "endpoint": things["webhook-endpoints"]}
    return Anchor(pk=uuid.UUID(made["id"]), created_at=datetime.fromisoformat(made["created_at"]), **facts, **beside)


def _until(so: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not so():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)
