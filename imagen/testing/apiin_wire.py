"""API in One's wire from the other side; of a finished task no document shows the body, so it has many shapes."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any

from imagen.testing.darkroom import Stage
from imagen.testing.ledger import Job, Script
from imagen.testing.vendor_wire import Refused, VendorWire, moment
from imagen.testing.wire import Answer, Request

MODELS = ("imagen4", "imagen4-fast", "imagen4-ultra")
RATIOS = ("1:1", "4:3", "3:4", "16:9", "9:16")
MAX_IMAGES = 4
PROMPT = (3, 5000)  # characters, at least and at most
_KNOWN = {"model", "prompt", "aspect_ratio", "negative_prompt", "num_images", "seed", "callback_url"}
_TYPES = {
    400: "invalid_request",
    401: "authentication_error",
    402: "insufficient_credits",
    404: "not_found",
    429: "rate_limit_exceeded",
}
# The first is the likeliest; the others are seen at gateways of its kind.
SHAPES: Mapping[str, Callable[[list[str]], dict[str, Any]]] = {
    "": lambda urls: {"output": {"image_urls": urls}},
    "images": lambda urls: {"images": [{"url": url} for url in urls]},
    "output-images": lambda urls: {"output": {"images": [{"url": url} for url in urls]}},
    "output-list": lambda urls: {"output": urls},
    "output-text": lambda urls: {"output": urls[0]},
    "outputs": lambda urls: {"outputs": urls},
    "urls": lambda urls: {"urls": urls},
    "image-url": lambda urls: {"image_url": urls[0]},
    "result": lambda urls: {"result": {"images": urls}},
    "nothing": lambda urls: {},
}
ENVELOPES: Mapping[str, Callable[[int, str], dict[str, Any]]] = {
    "": lambda status, message: {"error": {"code": status, "message": message, "type": _type(status)}},
    "flat": lambda status, message: {"code": status, "message": message},
    "text": lambda status, message: {"error": message},
}


class ApiinWire(VendorWire):
    """Success and error have different envelopes; there is no list, no balance and no signature."""

    vendor = "apiin"
    prefix = "/api/v1/"
    words = {
        Stage.QUEUED: "IN_PROGRESS",
        Stage.RUNNING: "IN_PROGRESS",
        Stage.DONE: "completed",
        Stage.FAILED: "failed",
    }
    finals = {
        **dict.fromkeys(("completed", "complete", "success", "succeeded"), Stage.DONE),
        **dict.fromkeys(("failed", "failure", "error", "cancelled"), Stage.FAILED),
    }
    closings = {
        401: "Invalid API key",
        402: "Insufficient credits",
        403: "Account suspended",
        503: "Service unavailable",
    }
    shapes = SHAPES

    def admit(self, request: Request) -> None:
        """Only the key as a bearer token lets in."""
        if request.headers.get("authorization") != f"Bearer {self.key}":
            raise Refused(401, self.closings[401])

    def told(self, status: int, message: str, script: Script) -> dict[str, Any]:
        """The error in the envelope the script wants; the documented one unless it says."""
        return ENVELOPES[script.envelope](status, message)

    def accepted(self, job: Job) -> Answer:
        """The task that was created; ``flat`` is the shape on the first page of the docs."""
        if self.ledger.script(job.prompt).flat:
            made = {"model": job.model, "created_at": moment(job.time)}
            return Answer.of({"id": job.id, "status": self.cased(job, "pending"), **made})
        return Answer.of(_envelope({"task_id": job.id, "status": self.cased(job, "IN_PROGRESS")}))

    def news(self, job: Job, word: str) -> dict[str, Any]:
        """The task, its outputs where the script wants them."""
        script = self.ledger.script(job.prompt)
        outputs, reason = self.outputs(job, word), self.reason(job, word)
        made = SHAPES.get(script.shape, SHAPES[""])(outputs) if outputs else {}
        said = {"status": word, **made, **({"error": reason} if reason else {})}
        return {"id": job.id, **said} if script.flat else _envelope({"task_id": job.id, **said})

    def delivery(self, job: Job, word: str) -> dict[str, Any]:
        """The task as a look shows it."""
        return self.news(job, word)

    def sign(self, job: Job, word: str, body: bytes, *, forged: bool = False) -> dict[str, str]:
        """Nothing: no page of the docs names a signature."""
        return {}

    # Calls

    def _submit(self, request: Request) -> Answer:
        body = request.json
        if any(_wrong(body)):
            raise Refused(400, "Invalid parameters")
        job = Job(
            id=f"n{uuid.uuid4().hex[:20]}_{body.get('model', MODELS[0])}",
            model=body.get("model", MODELS[0]),
            body=body,
            key=request.headers["authorization"],
            webhook=body.get("callback_url", ""),
            ratio=body.get("aspect_ratio", RATIOS[0]),
            count=body.get("num_images", 1),
        )
        return self.take(job)

    def _task(self, request: Request, remote_id: str) -> Answer:
        return self.look(remote_id, "Task not found")

    routes = (
        ("POST", r"/api/v1/images/generations", _submit),
        ("GET", r"/api/v1/tasks/([^/]+)", _task),
    )


def _envelope(data: Any) -> dict[str, Any]:
    return {"code": 200, "message": "success", "data": data}


def _type(status: int) -> str:
    return _TYPES.get(status, "server_error" if status >= 500 else "invalid_request")


def _wrong(body: Mapping[str, Any]) -> tuple[bool, ...]:
    """Whether each of the things that may be wrong with a body is."""
    prompt, images, seed = body.get("prompt"), body.get("num_images", 1), body.get("seed", 0)
    least, most = PROMPT
    return (
        not body.keys() <= _KNOWN,
        body.get("model", MODELS[0]) not in MODELS,
        not isinstance(prompt, str) or not least <= len(prompt) <= most,
        body.get("aspect_ratio", RATIOS[0]) not in RATIOS,
        type(images) is not int or not 1 <= images <= MAX_IMAGES,
        type(seed) is not int,
        not all(isinstance(body.get(name, ""), str) for name in ("negative_prompt", "callback_url")),
    )
