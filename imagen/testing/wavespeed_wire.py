"""WaveSpeed's wire from the other side: what the gateway answers to which call."""

from __future__ import annotations

import base64
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from imagen.offers import Offer
from imagen.providers.wavespeed import WaveSpeed
from imagen.testing.faults import BEFORE, CALLS, FILES
from imagen.testing.ledger import Job, Ledger, Script
from imagen.testing.pictures import picture, size_of
from imagen.testing.wire import Answer, Request

PATHS: Mapping[str, Offer] = {offer.id: offer for offers in WaveSpeed.offers.values() for offer in offers}
GOLDEN = (math.sqrt(5) - 1) / 2
FAILED = ("failed", "cancelled", "timeout", "deleted")
_FLAGS = {"enable_base64_output", "enable_sync_mode"}
_FILE = re.compile(r"(?P<job>[0-9a-f]{32})-(?P<index>[0-9])\.png")


@dataclass(slots=True, kw_only=True)
class WaveSpeedWire:
    """Answers requests from a ledger; ``scale`` and ``weight`` make pictures smaller or heavier.

    A job takes ``latency`` seconds, up to ``spread`` more or less.
    """

    ledger: Ledger
    url: str = ""
    key: str = "wsk_test"
    latency: float = 0.05
    spread: float = 0.0
    scale: float = 1.0
    weight: int = 0
    show_inputs: bool = False

    def answer(self, request: Request) -> Answer:
        """The answer to any request."""
        if request.path.startswith("/files/"):
            return self._send(request.path.removeprefix("/files/"))
        if request.headers.get("authorization") != f"Bearer {self.key}":
            return _error(401, "Invalid API key")
        try:
            return self._route(request)
        except ValueError as error:
            return _error(400, str(error))

    def _route(self, request: Request) -> Answer:
        for method, pattern, act in _ROUTES:
            if method == request.method and (found := re.fullmatch(pattern, request.path)):
                return act(self, request, *found.groups())
        return _error(404, "not found")

    def _submit(self, request: Request, path: str) -> Answer:
        if path not in PATHS:
            return _error(404, "product not found")
        body = request.json
        _check(body, PATHS[path])
        script = self.ledger.script(str(body["prompt"]))
        fault = self.ledger.fault("submit", script.match, script)
        if fault in BEFORE:
            return BEFORE[fault](Answer(), script)
        key, webhook = request.headers["authorization"], request.query.get("webhook", "")
        job = self.ledger.accept(Job(model=path, body=body, key=key, webhook=webhook, latency=self._duration()))
        answer = self._synchronous(job, script) if body.get("enable_sync_mode") else _good(self._news(job, "created"))
        return CALLS[fault](answer, script) if fault else answer

    def _duration(self) -> float:
        """Evenly spread, and the same in every run: the fractions of the golden ratio's multiples."""
        return self.latency + self.spread * (2 * (len(self.ledger.jobs) * GOLDEN % 1) - 1)

    def _synchronous(self, job: Job, script: Script) -> Answer:
        news = self._news(job, "failed" if script.failure else "completed")
        return replace(_good(news), delay=_latency(job, script))

    def _result(self, request: Request, remote_id: str) -> Answer:
        if (job := self.ledger.job(remote_id)) is None:
            return _error(404, "prediction not found")
        script = self.ledger.script(job.prompt)
        job.polls += 1
        fault = self.ledger.fault("poll", job.id, script)
        answer = _good(self._news(job, self._word(job, script)))
        return CALLS[fault](answer, script) if fault else answer

    def _word(self, job: Job, script: Script) -> str:
        if script.words:
            return script.words[min(job.polls, len(script.words)) - 1]
        if time.monotonic() < job.started + _latency(job, script):
            return "processing"
        return "failed" if script.failure else "completed"

    def _news(self, job: Job, word: str) -> dict[str, Any]:
        script = self.ledger.script(job.prompt)
        outputs = self._outputs(job, script) if word.lower() == "completed" else []
        failed = word.lower() in FAILED
        spent = round(_latency(job, script) * 1000) if outputs else 0
        return {
            "id": job.id,
            "model": job.model,
            "outputs": outputs,
            "urls": {"get": f"{self.url}/api/v3/predictions/{job.id}"},
            "has_nsfw_contents": _flags(script, outputs),
            "status": word,
            "created_at": datetime.fromtimestamp(job.time, UTC).isoformat().replace("+00:00", "Z"),
            "error": (script.failure or "Prediction did not complete") if failed else "",
            "executionTime": spent,
            "timings": {"inference": spent},
            **({"code": script.code} if failed and script.code is not None else {}),
        }

    def _outputs(self, job: Job, script: Script) -> list[str]:
        if script.urls:
            return list(script.urls)
        count = int(job.body.get("num_images", 1)) if script.outputs is None else script.outputs
        names = [f"{job.id}-{0 if script.repeat else index}.png" for index in range(count)]
        if script.encoding == "url" and not job.body.get("enable_base64_output"):
            return [f"{self.url}/files/{name}" for name in names]
        head = "data:image/png;base64," if script.encoding == "data" else ""
        return [head + base64.b64encode(self._file(name, job, script).body).decode() for name in names]

    def _send(self, name: str) -> Answer:
        found = _FILE.fullmatch(name)
        job = self.ledger.job(found["job"]) if found else None
        if job is None:
            return _error(404, "not found")
        return self._file(name, job, self.ledger.script(job.prompt))

    def _file(self, name: str, job: Job, script: Script) -> Answer:
        size = size_of(job.body.get("aspect_ratio", "1:1"), job.body.get("resolution", "1k"), scale=self.scale)
        answer = Answer(body=picture(name, size, weight=self.weight), content_type="image/png")
        if fault := self.ledger.fault("file", name, script):
            answer = FILES[fault](answer, script, name, size)
        self.ledger.served[name] = answer.body
        return answer

    def _history(self, request: Request) -> Answer:
        asked = request.json
        size, page = int(asked.get("page_size", 20)), int(asked.get("page", 1))
        items = [item for job in reversed(self.ledger.jobs) if _wanted(item := self._item(job), asked)]
        return _good({"page": page, "items": items[(page - 1) * size : page * size]})

    def _item(self, job: Job) -> dict[str, Any]:
        inputs = {"input": dict(job.body)} if self.show_inputs else {}
        script = self.ledger.script(job.prompt)
        return {**self._news(job, self._word(job, replace(script, words=script.words[-1:]))), **inputs}

    def _price(self, request: Request) -> Answer:
        asked = request.json
        if (offer := PATHS.get(str(asked.get("model_id")))) is None:
            return _error(404, "product not found")
        price = float(offer.cost(int(dict(asked.get("inputs") or {}).get("num_images", 1))) or 0)
        return _good({"model_id": offer.id, "price": price, "discounted_price": price, "currency": "USD"})

    def _models(self, request: Request) -> Answer:
        return _good([_model(offer) for offer in PATHS.values()])

    def _balance(self, request: Request) -> Answer:
        return _good({"balance": 156.78})


Route = Callable[..., Answer]
_ROUTES: tuple[tuple[str, str, Route], ...] = (
    ("GET", r"/api/v3/balance", WaveSpeedWire._balance),
    ("GET", r"/api/v3/models", WaveSpeedWire._models),
    ("POST", r"/api/v3/model/price", WaveSpeedWire._price),
    ("POST", r"/api/v3/predictions", WaveSpeedWire._history),
    ("GET", r"/api/v3/predictions/([^/]+)(?:/result)?", WaveSpeedWire._result),
    ("POST", r"/api/v3/(.+)", WaveSpeedWire._submit),
)


def _latency(job: Job, script: Script) -> float:
    return job.latency if script.latency is None else script.latency


def _good(data: Any) -> Answer:
    return Answer.of({"code": 200, "message": "success", "data": data})


def _error(status: int, message: str) -> Answer:
    return Answer.of({"code": status, "message": message, "data": None}, status)


def _flags(script: Script, outputs: list[str]) -> list[bool] | None:
    if script.flags is None:
        return None
    return [False] * len(outputs) if isinstance(script.flags, str) else list(script.flags)


def _wanted(item: Mapping[str, Any], asked: Mapping[str, Any]) -> bool:
    early, late = asked.get("created_after", ""), asked.get("created_before", "~")
    same = all(asked.get(name) in (None, item[name]) for name in ("model", "status"))
    return same and early <= item["created_at"] <= late


def _check(body: Mapping[str, Any], offer: Offer) -> None:
    """Refuse what the model's own schema refuses, so that a client that sends too much is found out."""
    known = {name: schema for name, schema in offer.parameters["properties"].items() if name in _sold(offer)}
    if unknown := sorted(body.keys() - known.keys() - _FLAGS):
        raise ValueError(f"unknown parameter: {', '.join(unknown)}")
    if not str(body.get("prompt") or "").strip():
        raise ValueError("prompt is required")
    for name, value in body.items():
        _check_bounds(name, value, known.get(name, {}))


def _sold(offer: Offer) -> set[str]:
    """The parameters this path has: a model of one image per call does not know ``num_images``."""
    return set(offer.parameters["properties"]) - ({"num_images"} if offer.images_per_call == 1 else set())


def _check_bounds(name: str, value: Any, schema: Mapping[str, Any]) -> None:
    if "enum" in schema and value not in schema["enum"]:
        raise ValueError(f"{name} must be one of {', '.join(schema['enum'])}")
    if "minimum" in schema and not (type(value) is int and schema["minimum"] <= value <= schema["maximum"]):
        raise ValueError(f"{name} must be between {schema['minimum']} and {schema['maximum']}")


def _model(offer: Offer) -> dict[str, Any]:
    """One line of the list of models, with the schema of what may be sent."""
    run = {"type": "model_run", "method": "POST", "api_path": f"/api/v3/{offer.id}", "request_schema": offer.parameters}
    price = float(offer.price.amount or 0)
    schemas = {"api_schemas": [run]}
    return {
        "model_id": offer.id,
        "name": offer.model,
        "type": "text-to-image",
        "base_price": price,
        "api_schema": schemas,
    }
