"""WaveSpeed's wire from the other side: what the gateway answers to which call."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from imagen import signatures
from imagen.offers import Offer
from imagen.providers.wavespeed import WaveSpeed
from imagen.testing.darkroom import Stage
from imagen.testing.ledger import Job, Script
from imagen.testing.vendor_wire import Refused, VendorWire, moment
from imagen.testing.wire import Answer, Request

PATHS: Mapping[str, Offer] = {offer.id: offer for offers in WaveSpeed.offers.values() for offer in offers}
FAILED = ("failed", "cancelled", "timeout", "deleted")
_FLAGS = {"enable_base64_output", "enable_sync_mode"}
_AGES = {"created_after": datetime.min, "created_before": datetime.max}


class WaveSpeedWire(VendorWire):
    """Envelopes of ``code``, ``message`` and ``data``; a model is a path; webhooks are signed with a secret."""

    vendor = "wavespeed"
    prefix = "/api/v3/"
    words = {Stage.QUEUED: "created", Stage.RUNNING: "processing", Stage.DONE: "completed", Stage.FAILED: "failed"}
    finals = {"completed": Stage.DONE, **dict.fromkeys(FAILED, Stage.FAILED)}
    closings = {
        401: "Invalid API key",
        402: "Insufficient credits. Please top up your account.",
        403: "Your account may be suspended",
        503: "service unavailable",
    }
    webhook_tries = 4  # https://wavespeed.ai/docs/docs-api/webhooks: up to three retries

    def admit(self, request: Request) -> None:
        """Only the key as a bearer token lets in."""
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused(401, self.closings[401])

    def told(self, status: int, message: str, script: Script) -> dict[str, Any]:
        """An envelope without data."""
        return {"code": status, "message": message, "data": None}

    def accepted(self, job: Job) -> Answer:
        """The task that was created, or, in the synchronous mode, the finished one."""
        if job.body.get("enable_sync_mode"):
            answer = _good(self._task(job, self.words[self.darkroom.end(job)]))
            return replace(answer, delay=self.darkroom.seconds(job))
        return _good(self._task(job, "created"))

    def news(self, job: Job, word: str) -> dict[str, Any]:
        """The task in its envelope."""
        return _envelope(self._task(job, word))

    def delivery(self, job: Job, word: str) -> dict[str, Any]:
        """The task without an envelope, and what was asked."""
        return {**self._task(job, word), "input": dict(job.body)}

    def sign(self, job: Job, word: str, body: bytes, *, forged: bool = False) -> dict[str, str]:
        """HMAC over id, time and body; the key is the text after ``whsec_``."""
        key = b"another" if forged else self.secret.removeprefix("whsec_").encode()
        sent_at = str(int(time.time()))
        digest = signatures.hex_digest(key, sent_id=job.id, sent_at=sent_at, body=body)
        return {"webhook-id": job.id, "webhook-timestamp": sent_at, "webhook-signature": f"v3,{digest}"}

    def _task(self, job: Job, word: str) -> dict[str, Any]:
        script = self.ledger.script(job.prompt)
        outputs = self.outputs(job, word)
        failed = self.stage(word) is Stage.FAILED
        spent = round(self.darkroom.seconds(job) * 1000) if outputs else 0
        return {
            "id": job.id,
            "model": job.model,
            "outputs": outputs,
            "urls": {"get": f"{self.darkroom.url}/api/v3/predictions/{job.id}"},
            "has_nsfw_contents": _flags(script, outputs),
            "status": word,
            "created_at": moment(job.time, digits=9),
            "error": self.reason(job, word),
            "executionTime": spent,
            "timings": {"inference": spent},
            **({"code": script.code} if failed and script.code is not None else {}),
        }

    # Calls

    def _submit(self, request: Request, path: str) -> Answer:
        if (offer := self._sold().get(path)) is None:
            raise Refused(404, "product not found")
        body = request.json
        _check(body, offer)
        job = Job(
            model=path,
            body=body,
            key=request.headers["authorization"],
            webhook=request.query.get("webhook", ""),
            ratio=body.get("aspect_ratio", "1:1"),
            resolution=body.get("resolution", "1k"),
            count=int(body.get("num_images", 1)),
            inline=bool(body.get("enable_base64_output")),
        )
        return self.take(job)

    def _result(self, request: Request, remote_id: str) -> Answer:
        return self.look(remote_id, "prediction not found")

    def _history(self, request: Request) -> Answer:
        asked = request.json
        size, page = int(asked.get("page_size", 20)), int(asked.get("page", 1))
        found = [job for job in self.ledger.of(self.vendor) if self._wanted(job, asked)]
        items = [self._item(job) for job in found[(page - 1) * size : page * size]]
        return self.bent("history", self.vendor, _good({"page": page, "items": items}))

    def _wanted(self, job: Job, asked: Mapping[str, Any]) -> bool:
        early, late = (_read(asked.get(name), unsaid) for name, unsaid in _AGES.items())
        made_at = datetime.fromtimestamp(job.time, UTC)
        return (
            asked.get("model") in (None, job.model)
            and asked.get("status") in (None, self.word(job))
            and early <= made_at <= late
        )

    def _item(self, job: Job) -> dict[str, Any]:
        inputs = {"input": dict(job.body)} if self.show_inputs else {}
        return {**self._task(job, self.word(job)), **inputs}

    def _sold(self) -> dict[str, Offer]:
        """Every path with its offer; one that is new is like the others of its family."""
        novelties = {path: _like(path) for path in self.novelties(PATHS)}
        return {**PATHS, **novelties}

    def _price(self, request: Request) -> Answer:
        offer, price = self._quoted(request)
        found = {"model_id": offer.id, "price": price, "discounted_price": price, "currency": "USD"}
        return self.bent("catalogue", self.vendor, _good(found))

    def _pricing(self, request: Request) -> Answer:
        offer, price = self._quoted(request)
        return self.bent(
            "catalogue", self.vendor, _good({"model_id": offer.id, "unit_price": price, "currency": "USD"})
        )

    def _quoted(self, request: Request) -> tuple[Offer, Any]:
        asked = request.json
        if (offer := self._sold().get(str(asked.get("model_id")))) is None:
            raise Refused(404, "product not found")
        images = int(dict(asked.get("inputs") or {}).get("num_images", 1))
        return offer, _times(self.priced(offer.id, offer.price.amount), images)

    def _models(self, request: Request) -> Answer:
        listed = self.shown(self._sold())
        models = [_model(offer, _times(self.priced(path, offer.price.amount))) for path, offer in listed.items()]
        return self.bent("catalogue", self.vendor, _good(models))

    def _balance(self, request: Request) -> Answer:
        return self.bent("catalogue", self.vendor, _good({"balance": self.market.balance.get(self.vendor)}))

    def _account(self, request: Request) -> Answer:
        found = {"balance": self.market.balance.get(self.vendor), "currency": "USD"}
        return self.bent("catalogue", self.vendor, _good(found))

    def _secret(self, request: Request) -> Answer:
        return _good({"secret": self.secret})

    routes = (
        ("GET", r"/api/v3/balance", _balance),
        ("GET", r"/api/v3/account/balance", _account),
        ("GET", r"/api/v3/webhook/secret", _secret),
        ("GET", r"/api/v3/models", _models),
        ("POST", r"/api/v3/model/price", _price),
        ("POST", r"/api/v3/model/pricing", _pricing),
        ("POST", r"/api/v3/predictions", _history),
        ("GET", r"/api/v3/predictions/([^/]+)(?:/result)?", _result),
        ("POST", r"/api/v3/(.+)", _submit),
    )


def _envelope(data: Any) -> dict[str, Any]:
    return {"code": 200, "message": "success", "data": data}


def _good(data: Any) -> Answer:
    return Answer.of(_envelope(data))


def _flags(script: Script, outputs: list[str]) -> list[bool] | None:
    if script.flags is None:
        return None
    return [False] * len(outputs) if isinstance(script.flags, str) else list(script.flags)


def _read(text: str | None, unsaid: datetime) -> datetime:
    return datetime.fromisoformat(text) if text else unsaid.replace(tzinfo=UTC)


def _times(price: Any, images: int = 1) -> Any:
    """A price as JSON can say it; what is no number stays as it is."""
    return float(price * images) if isinstance(price, Decimal | float | int) else price


def _like(path: str) -> Offer:
    family = [offer for offer in PATHS.values() if ("banana" in offer.id) is ("banana" in path)]
    return replace(family[0], id=path)


def _check(body: Mapping[str, Any], offer: Offer) -> None:
    """Refuse what the model's own schema refuses, so that a client that sends too much is found out."""
    known = _taken(offer)
    if unknown := sorted(body.keys() - known.keys() - _FLAGS):
        raise ValueError(f"unknown parameter: {', '.join(unknown)}")
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        raise ValueError("prompt is required")
    for name, value in body.items():
        _check_bounds(name, value, known.get(name, {}))


def _taken(offer: Offer) -> dict[str, Any]:
    """The parameters this path has: a model of one image per call does not know ``num_images``."""
    without = "num_images" if offer.images_per_call == 1 else ""
    return {name: schema for name, schema in offer.parameters["properties"].items() if name != without}


def _check_bounds(name: str, value: Any, schema: Mapping[str, Any]) -> None:
    if "enum" in schema and value not in schema["enum"]:
        raise ValueError(f"{name} must be one of {', '.join(schema['enum'])}")
    if "minimum" in schema and not (type(value) is int and schema["minimum"] <= value <= schema["maximum"]):
        raise ValueError(f"{name} must be between {schema['minimum']} and {schema['maximum']}")


def _model(offer: Offer, price: Any) -> dict[str, Any]:
    """One line of the list of models, with the schema of what may be sent."""
    run = {"type": "model_run", "method": "POST", "api_path": f"/api/v3/{offer.id}"}
    schema = {**offer.parameters, "properties": _taken(offer)}
    listed = {"model_id": offer.id, "name": offer.model, "type": "text-to-image", "base_price": price}
    return {**listed, "api_schema": {"api_schemas": [{**run, "request_schema": schema}]}}
