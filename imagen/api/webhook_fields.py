"""What may be written to an endpoint: each field by its name, type and bounds; the address is weighed by the verb."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from imagen.api.door import unknown_fields
from imagen.exceptions import FieldError, InvalidRequest
from imagen.models.webhook import Happening
from imagen.webhooks import LONGEST

LENGTHS: Mapping[str, int] = {"name": 100, "url": LONGEST}


def registration(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a new endpoint is made of; without ``events`` it is told all of them, without prompts unless asked."""
    missing = () if "url" in body else (FieldError(field="url", code="required"),)
    return {"name": "", "events": Happening.values, "include_prompt": False, **_checked(body, missing)}


def change(body: Mapping[str, Any]) -> dict[str, Any]:
    """What shall be different."""
    return _checked(body)


def _checked(body: Mapping[str, Any], missing: tuple[FieldError, ...] = ()) -> dict[str, Any]:
    wrong = [error for name, check in CHECKS.items() if name in body and (error := check(name, body[name]))]
    if errors := (*unknown_fields(body, frozenset(CHECKS)), *missing, *wrong):
        raise InvalidRequest(errors=errors)
    return {name: value.strip() if isinstance(value, str) else value for name, value in body.items()}


def _text(name: str, value: Any) -> FieldError | None:
    limit = LENGTHS[name]
    if not isinstance(value, str):
        return FieldError(field=name, code="not_a_string")
    if not value.strip() and name == "url":
        return FieldError(field=name, code="required")
    if len(value.strip()) > limit:
        return FieldError(field=name, code="too_long", params={"limit": limit})
    return None


def _events(name: str, value: Any) -> FieldError | None:
    if not isinstance(value, list) or not value or not all(each in Happening.values for each in value):
        return FieldError(field=name, code="not_choices", params={"choices": ", ".join(Happening.values)})
    return FieldError(field=name, code="given_twice") if len(set(value)) < len(value) else None


def _flag(name: str, value: Any) -> FieldError | None:
    return None if isinstance(value, bool) else FieldError(field=name, code="not_a_boolean")


CHECKS: Mapping[str, Callable[[str, Any], FieldError | None]] = {
    "name": _text,
    "url": _text,
    "events": _events,
    "include_prompt": _flag,
}
