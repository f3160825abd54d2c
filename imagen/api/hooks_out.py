"""The events sent to webhook endpoints, as the schema's ``webhooks``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from imagen.api import examples

EVENTS: Mapping[str, str] = {
    "generation.completed": "All pictures are ready.",
    "generation.partial": "Some pictures are ready; the others did not come.",
    "generation.failed": "No picture came; `error` says why.",
    "generation.canceled": "It was cancelled before anything was made.",
    "generation.needs_review": "Nobody knows whether it was taken; somebody has to look.",
}
_SHAPE = "GenerationEvent"
_WORDS = ("prompt", "negative_prompt")
_HEADERS: Mapping[str, tuple[str, dict[str, Any]]] = {
    "webhook-id": ("The same for every try of this event: what came already is answered and left alone.", {}),
    "webhook-timestamp": ("When this try was made, in seconds since 1970.", {"pattern": r"^\d+$"}),
    "webhook-signature": (
        "One or more of `v1,` and a base64 HMAC-SHA256 of `id.timestamp.body`, parted by spaces; one has to be right.",
        {},
    ),
}
_ANSWERS = {
    "2XX": "Taken.",
    "410": "Never again: the endpoint is switched off.",
    "429": "Too many at once; `Retry-After` says when to come again.",
    "default": "Anything else, a redirect too: it is tried again, ten times within three days.",
}


def described(parts: dict[str, Any]) -> dict[str, Any]:
    """One entry for each event; their common shape is put among the ``parts``."""
    whole = parts["schemas"]["Generation"]
    parts["schemas"]["GenerationSent"] = {
        **whole,
        "description": "The generation as it was then; its words only where the endpoint asks for them.",
        "required": [name for name in whole["required"] if name not in _WORDS],
    }
    parts["schemas"][_SHAPE] = {
        "type": "object",
        "description": "What happened, and to what.",
        "required": ["type", "timestamp", "data"],
        "properties": {
            "type": {"type": "string", "enum": list(EVENTS)},
            "timestamp": {"type": "string", "format": "date-time"},
            "data": {"$ref": "#/components/schemas/GenerationSent"},
        },
    }
    return {name: {"post": _event(name, text)} for name, text in EVENTS.items()}


def _event(name: str, text: str) -> dict[str, Any]:
    word = name.partition(".")[2].title().replace("_", "")
    content = {"schema": {"$ref": f"#/components/schemas/{_SHAPE}"}, "example": _example(name)}
    return {
        "operationId": f"generation{word}",
        "summary": text.removesuffix("."),
        "description": f"{text} Signed as Standard Webhooks 1.0 says.",
        "tags": ["webhooks"],
        "security": [],
        "parameters": [
            {"in": "header", "name": known, "required": True, "description": what, "schema": {"type": "string", **more}}
            for known, (what, more) in _HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {"application/json": content}},
        "responses": {status: {"description": meaning} for status, meaning in _ANSWERS.items()},
    }


def _example(name: str) -> dict[str, Any]:
    status = name.partition(".")[2].replace("needs_review", "unconfirmed")
    data = {known: value for known, value in examples.GENERATION.items() if known not in _WORDS}
    return {"type": name, "timestamp": "2026-11-20T16:00:09Z", "data": {**data, "status": status}}
