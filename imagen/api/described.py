"""What the schema says beyond shapes: the codes each call may answer with, an example of everything, the events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.utils import translation

from imagen import messages
from imagen.api import examples, hooks_out
from imagen.sentences import SENTENCES

JSON, PROBLEM = "application/json", "application/problem+json"
_BUYING = ("invalid_request", "unsupported_parameter", "model_unknown", "provider_not_configured", "prompt_blocked")
_SEALED = ("invalid_request", "webhooks_not_configured")
USUAL: Mapping[int, tuple[str, ...]] = {  # what a status means where nothing else is said
    400: ("invalid_request",),
    401: ("not_authenticated",),
    402: ("budget_exceeded", "quota_exceeded"),
    403: ("permission_denied",),
    404: ("not_found",),
    405: ("method_not_allowed",),
    406: ("not_acceptable",),
    409: ("conflict",),
    411: ("length_required",),
    413: ("payload_too_large",),
    415: ("unsupported_media_type",),
    422: ("idempotency_conflict",),
    429: ("throttled",),
    500: ("internal_error",),
    503: ("service_unavailable",),
}
CODES: Mapping[str, Mapping[int, tuple[str, ...]]] = {  # by operation, where it can say more or something else
    "createGeneration": {400: _BUYING, 409: ("idempotency_in_progress",)},
    "retryGeneration": {400: _BUYING},
    "createQuote": {400: _BUYING},
    "createBatch": {400: _BUYING, 409: ("idempotency_in_progress",)},
    "createWebhookEndpoint": {400: _SEALED, 409: ("conflict", "idempotency_in_progress")},
    "rotateWebhookSecret": {400: _SEALED},
}
_EVERYWHERE = {
    "406": "`Accept` asks for something else than JSON.",
    "500": "Our fault; it was logged under `request_id`.",
}


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """The document with everything a reader asks for next; what is the same everywhere stands in it once."""
    with translation.override("en"):
        parts = document["components"]
        parts["examples"] = {code: _told(code) for code in SENTENCES if messages.answerable(code)}
        parts["headers"], parts["responses"] = {}, {}
        for call in calls(document):
            _complete(call, parts)
            _close(call.get("requestBody"), parts["schemas"])
        document["webhooks"] = hooks_out.described(parts)
    return document


def calls(document: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every operation of the document."""
    return (call for path in document["paths"].values() for call in path.values())


def codes(operation: str, status: str) -> tuple[str, ...]:
    """The codes this operation may answer with under this status."""
    return CODES.get(operation, {}).get(int(status)) or USUAL[int(status)]


def _told(code: str) -> dict[str, Any]:
    status = messages.http_status(code)
    field = examples.FIELDS.get(code)
    value = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": messages.answer(code, **examples.BLANKS),
        "code": code,
        "request_id": examples.BLANKS["id"],
        "errors": [_wrong(*field)] if field else [],
        "next_actions": list(messages.next_actions(code)),
    }
    return {"summary": value["detail"], "value": value}


def _wrong(field: str, code: str, params: Mapping[str, Any]) -> dict[str, str]:
    return {"field": field, "code": code, "message": messages.field_sentence(code, **params)}


def _complete(call: dict[str, Any], parts: dict[str, Any]) -> None:
    name, answers = call["operationId"], call["responses"]
    for status, text in _EVERYWHERE.items():
        shape = {"$ref": "#/components/schemas/Problem"}
        answers.setdefault(status, {"content": {PROBLEM: {"schema": shape}}, "description": text})
    for status, answer in answers.items():
        _share_headers(answer, parts["headers"])
        if status >= "400":
            answers[status] = _problem(name, status, answer, parts["responses"])
        else:
            _show(answer, examples.AT.get((name, status)))
    _show(call.get("requestBody", {}), None)
    call["responses"] = dict(sorted(answers.items()))


def _close(part: Any, shapes: dict[str, Any]) -> None:
    """Say of everything that is sent that it has no other fields."""
    if isinstance(part, list):
        for each in part:
            _close(each, shapes)
    elif isinstance(part, dict):
        shape = shapes.get(str(part.get("$ref", "")).rpartition("/")[2], part)
        if "properties" in shape:
            shape.setdefault("additionalProperties", False)
        for each in shape.values() if shape is part else (shape,):
            _close(each, shapes)


def _share_headers(answer: dict[str, Any], shared: dict[str, Any]) -> None:
    for name, header in answer.get("headers", {}).items():
        if shared.setdefault(name, header) == header:
            answer["headers"][name] = {"$ref": f"#/components/headers/{name}"}


def _problem(operation: str, status: str, answer: dict[str, Any], shared: dict[str, Any]) -> dict[str, Any]:
    known = codes(operation, status)
    answer["content"][PROBLEM]["examples"] = {code: {"$ref": f"#/components/examples/{code}"} for code in known}
    answer["description"] += f" `code` is {' or '.join(f'`{code}`' for code in known)}."
    name = f"Problem{status}"
    if shared.setdefault(name, answer) == answer:
        return {"$ref": f"#/components/responses/{name}"}
    return answer


def _show(body: dict[str, Any], example: Mapping[str, Any] | None) -> None:
    """Put an example beside the shape, unless somebody has."""
    content = body.get("content", {}).get(JSON)
    if content is None or "examples" in content or "example" in content:
        return
    many = content["schema"].get("type") == "array"
    shape = content["schema"]["items"] if many else content["schema"]
    found = example or examples.EXAMPLES.get(shape.get("$ref", "").rpartition("/")[2])
    if found is not None:
        content["example"] = [found] if many else found
