"""The events sent to webhook endpoints, as the schema's ``webhooks``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagen.api import examples, webhook_examples

EVENTS: Mapping[str, str] = {
    "generation.completed": "All pictures are ready.",
    "generation.partial": "Some pictures are ready; the others did not come.",
    "generation.failed": "No picture came; `error` says why.",
    "generation.canceled": "It was cancelled before anything was made.",
    "generation.needs_review": "Nobody knows whether it was taken; somebody has to look.",
}
NOTICES: Mapping[str, str] = {
    "endpoint.ping": "It was registered, enabled or moved; an answer of 2xx activates it.",
    "endpoint.test": "Somebody tries it out; nothing has happened.",
}
_AGAIN: Mapping[str, str] = {
    "endpoint.ping": "Anything else, a redirect too: it is tried three times.",
    "endpoint.test": "Anything else, a redirect too: it is not tried again.",
}
_SHAPE, _NOTICE = "GenerationEvent", "EndpointEvent"
_MOMENT = "2026-11-20T16:00:09Z"
_WORDS = ("prompt", "negative_prompt")
_HEADERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "webhook-id": ("The same for every try of this event: what came already is answered and left alone.", {}),
    "webhook-timestamp": ("When this try was made, in seconds since 1970.", {"pattern": r"^\d+$"}),
    "webhook-signature": (
        "One or more of `v1,` and a base64 HMAC-SHA256 of `id.timestamp.body`, parted by spaces; one has to be right.",
        {},
    ),
}
_SHAPES = "#/components/schemas/"
_ENDPOINT = {
    "type": "object",
    "description": "Which endpoint.",
    "required": ["endpoint"],
    "properties": {"endpoint": {"type": "string", "format": "uuid"}},
}
_ANSWERS = {
    "2XX": "Taken.",
    "410": "Never again: the endpoint is switched off.",
    "429": "Too many at once; `Retry-After` says when to come again.",
    "default": "Anything else, a redirect too: it is tried again, ten times within three days.",
}


def described(parts: dict[str, Any]) -> dict[str, Any]:
    """One entry for each event; their shapes are put among the ``parts``."""
    whole = parts["schemas"]["Generation"]
    parts["schemas"]["GenerationSent"] = {
        **whole,
        "description": "The generation as it was then; its words only where the endpoint asks for them.",
        "required": [name for name in whole["required"] if name not in _WORDS],
    }
    parts["schemas"][_SHAPE] = _shape("What happened, and to what.", EVENTS, {"$ref": f"{_SHAPES}GenerationSent"})
    parts["schemas"][_NOTICE] = _shape("About the endpoint itself, and no generation.", NOTICES, _ENDPOINT)
    events = {name: _event(name, text, _SHAPE, _example(name)) for name, text in EVENTS.items()}
    events |= {name: _event(name, text, _NOTICE, _notice(name)) for name, text in NOTICES.items()}
    return {name: {"post": event} for name, event in events.items()}


def _shape(text: str, names: Mapping[str, str], data: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "description": text,
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "enum": list(names)},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": data,
        },
    }


def _event(name: str, text: str, shape: str, example: dict[str, Any]) -> dict[str, Any]:
    about, _, word = name.partition(".")
    content = {"schema": {"$ref": f"{_SHAPES}{shape}"}, "example": example}
    answers = {**_ANSWERS, "default": _AGAIN.get(name, _ANSWERS["default"])}
    return {
        "operationId": f"{about}{word.title().replace('_', '')}",
        "summary": text.removesuffix("."),
        "description": f"{text} Signed as Standard Webhooks 1.0 says.",
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {"in": "header", "name": known, "required": True, "description": what, "schema": {"type": "string", **more}}
            for known, (what, more) in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {status: {"description": meaning} for status, meaning in answers.items()},
    }


def _example(name: str) -> dict[str, Any]:
    status = name.partition(".")[2].replace("needs_review", "unconfirmed")
    data = {known: value for known, value in examples.GENERATION.items() if known not in _WORDS}
    return {"type": name, "timestamp": _MOMENT, "data": {**data, "status": status}}


def _notice(name: str) -> dict[str, Any]:
    return {"type": name, "timestamp": _MOMENT, "data": {"endpoint": webhook_examples.ENDPOINT["id"]}}
