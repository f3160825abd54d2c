"""API in One: sells Imagen 4 for credits; what a finished task looks like is documented nowhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import repeat
from typing import Any
from urllib.parse import quote

from imagen.exceptions import Unreadable
from imagen.offers import Offer, Price, catalogue
from imagen.providers.base import Provider, first
from imagen.types import Call, ImageRequest, Output, Reply, Snapshot, State

_ADDRESS = re.compile(r"https?://\S+|data:image/\S+", re.IGNORECASE)
_SHOWN = re.compile(r"output|image|url|result", re.IGNORECASE)
_HIDDEN = re.compile(
    r"error|input|prompt|param|request|reference|callback|hook|thumb|preview|status|cancel|^get$|^self$", re.IGNORECASE
)
_DEPTH = 8


def _offer(model: str, name: str, price: str) -> Offer:
    whole = Offer(model=model, id=name, negative_prompt=True, seed=True, images_per_call=4, min_prompt=3)
    return replace(whole, price=Price.of(price, "credits"))


class ApiInOne(Provider):
    """The gateway at apiin.one, experimental; it has no idempotency, so nothing is ever sent twice."""

    slug = "apiin"
    label = "API in One"
    origin = "https://apiin.one"
    webhooks = True
    offers = catalogue(
        _offer("imagen-4", "imagen4", "8"),  # one row of its table says "imagen-4", every sample this
        _offer("imagen-4-fast", "imagen4-fast", "4"),
        _offer("imagen-4-ultra", "imagen4-ultra", "12"),
    )
    # Its pages say IN_PROGRESS, pending, completed and failed; other clients of it know the rest.
    words = {
        **dict.fromkeys(("pending", "queued", "in_progress", "processing", "running"), State.PENDING),
        **dict.fromkeys(("completed", "complete", "success", "succeeded"), State.DONE),
        **dict.fromkeys(("failed", "failure", "error", "cancelled"), State.FAILED),
    }

    def submit(self, request: ImageRequest, *, offer: Offer, key: str, callback: str = "") -> Call:
        """The call that creates a task; there is no place for ``key``."""
        body = {"model": offer.id, "prompt": request.prompt, "aspect_ratio": request.aspect_ratio}
        rings = {"callback_url": callback} if callback else {}
        return self._call("POST", "images/generations", json={**body, **offer.said(request), **rings})

    def check(self, remote_id: str) -> Call:
        """The call that asks how a task is doing."""
        return self._call("GET", f"tasks/{quote(remote_id, safe='')}")

    def parse(self, document: dict[str, Any]) -> Snapshot:
        """What a task says; it is done when it says so, and its pictures are wherever they may be."""
        task = self._task(document)
        state = self.state(str(task.get("status")))
        return Snapshot(
            state=state,
            remote_id=_named(task),
            outputs=Output.read_all(list(dict.fromkeys(_shown(document)))) if state is State.DONE else (),
            failure=self.failure(self.message(task)) if state is State.FAILED else None,
            model=str(task.get("model") or ""),
        )

    def message(self, document: dict[str, Any]) -> str:
        """The words in an error, which is an object of its own, a text or the envelope's message."""
        error = document.get("error")
        words = (error.get("message") or error.get("type")) if isinstance(error, dict) else error
        return str(words or super().message({**document, "error": ""}))

    def ring(self, headers: Mapping[str, str], body: bytes) -> str:
        """The id a callback names, without proof: nothing is signed, and only we and they know its address."""
        return self.named(body)

    def about(self, delivery: Any) -> Any:
        """The id in a callback, whose body is documented nowhere, in either shape of an answer."""
        return _named(self._task(delivery))

    def probe(self) -> tuple[Call, ...]:
        """The call that asks after a task that is not there: who says so has taken our key."""
        return (self.check("none"),)

    def works(self, reply: Reply) -> bool:
        """Whether the key is taken; what is left on the account is told nowhere."""
        return reply.status == 404 or bool(self.accept(reply))

    def _task(self, document: dict[str, Any]) -> dict[str, Any]:
        """The task in an envelope or without one; where there is none, an error or a code other than 200 is said."""
        data, error, code = document.get("data"), document.get("error"), document.get("code")
        bad = bool(error) or (type(code) is int and code != 200)
        if isinstance(data, dict) and (_named(data) or ("status" in data and not bad)):
            return data
        if _named(document) and ("status" in document or not error):
            return document
        if bad:
            said = error.get("code", code) if isinstance(error, dict) else code
            raise self.refusal(said if type(said) is int else 0, self.message(document))
        raise Unreadable(f"{self.label} answered without a task")

    def _call(self, method: str, path: str, **rest: Any) -> Call:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return Call(method=method, url=f"{self.url}/api/v1/{path}", headers=headers, **rest)


def _named(task: dict[str, Any]) -> Any:
    return first(task, "task_id", "id") or ""


def _shown(value: Any, *, named: bool = False, depth: int = _DEPTH) -> Iterator[str]:
    """Every address under a key that speaks of a picture, in order, except where it is of something else."""
    if named and isinstance(value, str) and _ADDRESS.fullmatch(value):
        yield value
    for key, item in _inside(value) if depth else ():
        if not _HIDDEN.search(key):
            yield from _shown(item, named=named or bool(_SHOWN.search(key)), depth=depth - 1)


def _inside(value: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(value, dict):
        return value.items()
    return zip(repeat(""), value) if isinstance(value, list) else ()
