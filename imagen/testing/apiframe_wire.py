"""Apiframe's wire from the other side: a closed schema, one picture a job, keys that make a repeat harmless."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

from imagen import signatures
from imagen.testing.darkroom import Stage
from imagen.testing.ledger import Job, Script
from imagen.testing.vendor_wire import Refused, VendorWire, moment
from imagen.testing.wire import Answer, Request

MAX_PROMPT = 2000
RATIOS = ("1:1", "9:16", "16:9", "3:4", "4:3")
EVENTS = {Stage.DONE: "completed", Stage.FAILED: "failed", Stage.RUNNING: "progress", Stage.QUEUED: "progress"}
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_RATIO = re.compile(r"[1-9]\d?:[1-9]\d?")
_ENVELOPE = {"prompt", "model", "webhookUrl", "webhookEvents"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Family:
    """The models that take the same parameters: under which name, and which values; the first is the default."""

    params: str
    size: str  # the parameter that names the resolution
    choices: Mapping[str, tuple[str, ...]]  # an empty one is any text


# https://github.com/apiframe-ai/apiframe-nodejs-sdk: openapi.json
IMAGEN = Family(
    params="imagenParams",
    size="image_size",
    choices={"aspect_ratio": RATIOS, "image_size": ("1K", "2K"), "output_format": ("jpg", "png")},
)
BANANA = Family(
    params="nanoBananaParams",
    size="resolution",
    choices={"aspect_ratio": (), "resolution": ("1K", "512px", "2K", "4K"), "output_format": ("jpg", "png", "webp")},
)
FAMILIES = {"imagen": IMAGEN, "nano-banana": BANANA}
MODELS: Mapping[str, int | None] = {  # credits an image; None where no document says
    "imagen-4": 7,
    **dict.fromkeys(("imagen-4-fast", "imagen-4-ultra", "imagen-3", "imagen-3-fast")),
    **dict.fromkeys(("nano-banana", "nano-banana-pro", "nano-banana-2", "nano-banana-2-lite")),
}


class ApiframeWire(VendorWire):
    """Flat documents in camel case; errors are ``error`` and, for what was sent wrong, ``details``."""

    vendor = "apiframe"
    prefix = "/v2/"
    words = {Stage.QUEUED: "QUEUED", Stage.RUNNING: "PROCESSING", Stage.DONE: "COMPLETED", Stage.FAILED: "FAILED"}
    finals = {"completed": Stage.DONE, "failed": Stage.FAILED, "cancelled": Stage.FAILED}
    closings = {
        401: "Invalid API key",
        402: "Insufficient credits",
        403: "API key is inactive",
        503: "Service temporarily unavailable",
    }
    shapes = {"": lambda urls: {"images": urls}, "string": lambda urls: urls[0] if urls else None}

    def admit(self, request: Request) -> None:
        """The key is in a header of its own; the list of models is public."""
        given = request.headers.get("x-api-key")
        if given == self.key or request.path == "/v2/models":
            return
        raise Refused(401, "Invalid API key" if given else "API key is required")

    def told(self, status: int, message: str, script: Script) -> dict[str, Any]:
        """One text."""
        return {"error": message}

    def lack(self, job: Job) -> dict[str, Any]:
        """What the job costs, and what is there."""
        return {"creditsRequired": self._cost(job.model), "creditsAvailable": self.market.balance.get(self.vendor)}

    def accepted(self, job: Job) -> Answer:
        """The id and how far the job is: a repeat hears how far it is now."""
        fresh = self.darkroom.stage(job) is Stage.RUNNING
        return Answer.of({"jobId": job.id, "status": "QUEUED" if fresh else self.word(job)}, 202)

    def news(self, job: Job, word: str) -> dict[str, Any]:
        """The job as it is."""
        script = self.ledger.script(job.prompt)
        over = self.stage(word) is not Stage.RUNNING
        pending = "pending" if job.webhook else None
        return {
            "id": job.id,
            "status": word,
            "model": job.model,
            "progress": 100 if over else 0,
            "result": self._result(job, word),
            "error": self.reason(job, word) or None,
            "creditCost": self._charged(job, word),
            "webhookStatus": job.rung or pending,
            "createdAt": moment(job.time),
            "completedAt": moment(self.ended(job)) if over else None,
            **({"expired": True} if script.expired and over else {}),
            **({"input": dict(job.body)} if self.show_inputs else {}),
        }

    def delivery(self, job: Job, word: str) -> dict[str, Any]:
        """The event with what there is to say about it."""
        job_now = self.news(job, word)
        facts = {name: job_now[name] for name in ("result", "error", "creditCost", "completedAt")}
        event = EVENTS[self.stage(word)]
        said = {name: fact for name, fact in facts.items() if fact is not None}
        return {"event": event, "jobId": job.id, "status": word, "model": job.model, **said}

    def sign(self, job: Job, word: str, body: bytes, *, forged: bool = False) -> dict[str, str]:
        """HMAC over the body alone; the key is the hash of the API key."""
        key = hashlib.sha256(b"another" if forged else self.key.encode()).digest()
        digest = signatures.body_digest(key, body)
        return {"X-Webhook-Signature": f"sha256={digest}", "X-Webhook-Event": EVENTS[self.stage(word)]}

    def wants(self, job: Job, word: str) -> bool:
        """Whether the submit named this event; one that named none hears of both ends."""
        return EVENTS[self.stage(word)] in job.body.get("webhookEvents", ("completed", "failed"))

    def _result(self, job: Job, word: str) -> Any:
        script = self.ledger.script(job.prompt)
        if self.stage(word) is not Stage.DONE or script.expired:
            return None
        return self.shapes.get(script.shape, self.shapes[""])(self.outputs(job, word))

    def _charged(self, job: Job, word: str) -> Any:
        if (cost := self.ledger.script(job.prompt).cost) != "listed":
            return cost
        return 0 if self.stage(word) is Stage.FAILED else self._cost(job.model)

    def _cost(self, model: str) -> Any:
        cost = self.priced(model, MODELS.get(model))
        return float(cost) if isinstance(cost, Decimal) else cost

    # Calls

    def _submit(self, request: Request) -> Answer:
        body = request.json
        key = request.headers.get("idempotency-key", "")
        family = self._family(body.get("model"))
        if wrong := _wrong(body, family, len(key)):
            raise Refused(400, "Validation failed", details=wrong)
        asked = body.get(family.params, {})
        job = Job(
            id=str(uuid.uuid4()),
            model=body["model"],
            body=body,
            key=request.headers["x-api-key"],
            webhook=body.get("webhookUrl", ""),
            repeat_key=key,
            ratio=asked.get("aspect_ratio", "1:1"),
            resolution=asked.get(family.size, "1K").lower(),
            form={"jpg": "JPEG"}.get(asked.get("output_format", "jpg"), asked.get("output_format", "").upper()),
        )
        return self.take(job)

    def _family(self, model: Any) -> Family:
        if model not in MODELS and model not in self.novelties(MODELS):
            raise Refused(400, "Validation failed", details={"model": ["Invalid enum value"]})
        return next(family for start, family in FAMILIES.items() if str(model).startswith(start))

    def _job(self, request: Request, remote_id: str) -> Answer:
        if not _UUID.fullmatch(remote_id):
            raise Refused(400, "Invalid job id")
        return self.look(remote_id, "Job not found")

    def _jobs(self, request: Request) -> Answer:
        limit, cursor = int(request.query.get("limit", "20")), request.query.get("cursor", "")
        if not 1 <= limit <= 100:
            raise Refused(400, "Validation failed", details={"limit": ["Number must be between 1 and 100"]})
        mine = [self.news(job, self.word(job)) for job in self.ledger.of(self.vendor)]
        found = [item for item in mine if all(request.query.get(n) in (None, item[n]) for n in ("status", "model"))]
        ids = [item["id"] for item in found]
        start = ids.index(cursor) + 1 if cursor else 0
        page = found[start : start + limit]
        more = page[-1]["id"] if start + limit < len(found) else None
        return self.bent("history", self.vendor, Answer.of({"jobs": page, "nextCursor": more}))

    def _models(self, request: Request) -> Answer:
        sold = {**MODELS, **dict.fromkeys(self.novelties(MODELS))}
        models = [self._model(model) for model in self.shown(sold)]
        listed = models if request.query.get("modality", "image") == "image" else []
        return self.bent("catalogue", self.vendor, Answer.of({"models": listed}))

    def _model(self, model: str) -> dict[str, Any]:
        cost = self._cost(model)
        costs = {"costMin": cost, "costMax": cost, "pricingMode": "flat"}
        return {"id": model, "label": model.replace("-", " ").title(), "modality": "image", **costs}

    def _me(self, request: Request) -> Answer:
        team = {"name": "Team", "credits": self.market.balance.get(self.vendor), "plan": "pro"}
        found = {"user": {"email": "dev@example.com"}, "team": team, "apiKey": {"name": "test"}}
        return self.bent("catalogue", self.vendor, Answer.of(found))

    routes = (
        ("POST", r"/v2/images/generate", _submit),
        ("GET", r"/v2/jobs", _jobs),
        ("GET", r"/v2/jobs/([^/]+)", _job),
        ("GET", r"/v2/models", _models),
        ("GET", r"/v2/me", _me),
    )


def _wrong(body: Mapping[str, Any], family: Family, key_length: int) -> dict[str, list[str]]:
    """What the closed schema has against a body, by field."""
    events, asked, address = (
        body.get("webhookEvents", ["completed"]),
        body.get(family.params, {}),
        body.get("webhookUrl"),
    )
    said = {
        "": _strangers(body, _ENVELOPE | {family.params}),
        family.params: _strangers(asked, family.choices.keys()),
        "prompt": _prompt(body.get("prompt")),
        "webhookUrl": "" if address is None or urlsplit(str(address)).netloc else "Invalid url",
        "webhookEvents": "" if events and set(events) <= set(EVENTS.values()) else "Invalid enum value",
        "Idempotency-Key": "" if key_length <= 255 else "String must contain at most 255 character(s)",
        **{f"{family.params}.{name}": _choice(asked, name, allowed) for name, allowed in family.choices.items()},
    }
    return {name: [words] for name, words in said.items() if words}


def _strangers(found: Mapping[str, Any], known: Any) -> str:
    unknown = ", ".join(f"'{name}'" for name in sorted(found.keys() - set(known)))
    return f"Unrecognized key(s) in object: {unknown}" if unknown else ""


def _prompt(prompt: Any) -> str:
    if not isinstance(prompt, str) or not prompt:
        return "String must contain at least 1 character(s)"
    return "" if len(prompt) <= MAX_PROMPT else f"String must contain at most {MAX_PROMPT} character(s)"


def _choice(asked: Mapping[str, Any], name: str, allowed: tuple[str, ...]) -> str:
    value = asked.get(name, allowed[0] if allowed else "1:1")
    good = value in allowed or (not allowed and isinstance(value, str) and _RATIO.fullmatch(value))
    return "" if good else "Invalid enum value"
