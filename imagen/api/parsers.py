"""What a body may be: one JSON object, small, flat enough, every name once, every text storable."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import IO, Any, NoReturn

from django.http import HttpRequest
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from imagen.exceptions import FieldError, InvalidRequest, Refused
from imagen.types import storable

MAX_BYTES = 262_144  # the longest texts and metadata, every character escaped
MAX_MANY_BYTES = 2_621_440  # of many requests at once; as much as Django takes by itself
MAX_DEPTH = 32
BODY = "body"

_LONGEST_LENGTH = 9  # digits: more are too many, or zeros in front to hide them
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"?', re.DOTALL)  # one without an end runs to the end: linear


class StrictJson(BaseParser):
    """Reads what ``read`` allows, in UTF-8."""

    media_type = "application/json"

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """The object in the body, or the refusal that says what is wrong with it."""
        if "charset" in (media_type or "").lower() and "utf-8" not in str(media_type).lower():
            raise UnsupportedMediaType(str(media_type))
        most = most_bytes(parser_context["request"]) if parser_context else MAX_BYTES
        return read(stream.read(most + 1), most=most)


def most_bytes(request: HttpRequest | Request) -> int:
    """How large the body of this request may be."""
    return MAX_MANY_BYTES if request.path_info.rstrip("/").endswith("/batches") else MAX_BYTES


def too_large(request: HttpRequest) -> bool:
    """Whether the body says it is larger than we read."""
    length = request.META.get("CONTENT_LENGTH") or "0"
    return len(length) > _LONGEST_LENGTH or not length.isdecimal() or int(length) > most_bytes(request)


def refusal(request: HttpRequest) -> str:
    """The code why the body is refused before anybody reads it; empty when it is not."""
    if not request.META.get("CONTENT_LENGTH") and "HTTP_TRANSFER_ENCODING" in request.META:
        return "length_required"  # Django reads no body of unknown length: it would look empty
    return "payload_too_large" if too_large(request) else ""


def read(body: bytes, *, most: int = MAX_BYTES) -> dict[str, Any]:
    """The JSON object in these bytes, or ``Refused``."""
    if len(body) > most:
        raise Refused(code="payload_too_large")
    if _depth(body) > MAX_DEPTH:
        raise _refusal("too_deep", limit=MAX_DEPTH)
    try:
        found = json.loads(
            body.decode(), object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite
        )  # fmt: skip
    except (ValueError, RecursionError) as error:
        raise _refusal("invalid_json") from error
    if not isinstance(found, dict):
        raise _refusal("not_an_object")
    _refuse_unstorable(found)
    return found


def _refusal(code: str, field: str = BODY, **params: Any) -> InvalidRequest:
    return InvalidRequest(errors=(FieldError(field=field, code=code, params=params),))


def _depth(body: bytes) -> int:
    deepest = depth = 0
    for byte in _STRING.sub(b"", body):
        if byte in b"{[":
            depth += 1
            deepest = max(deepest, depth)
        elif byte in b"}]":
            depth -= 1
    return deepest


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise _refusal("given_twice", field=clean(name))
        found[name] = value
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _finite(text: str) -> float:
    found = float(text)
    if not math.isfinite(found):
        raise ValueError(text)
    return found


def _refuse_unstorable(found: dict[str, Any]) -> None:
    if wrong := [where for name, value in found.items() for where in _unstorable(name, value)]:
        errors = (FieldError(field=clean(name), code="unstorable_text") for name in wrong)
        raise InvalidRequest(errors=tuple(errors))


def _unstorable(name: str, value: Any) -> Iterator[str]:
    """Where in this field a text no database can keep stands; in a list of objects also in which of theirs."""
    if not isinstance(value, list):
        yield from () if storable(name) and _all_storable(value) else (name,)
        return
    for number, item in enumerate(value):
        inner = item.items() if isinstance(item, dict) else ()
        yield from (f"{name}[{number}].{field}" for field, each in inner if not _all_storable({field: each}))
        yield from () if inner or _all_storable(item) else (f"{name}[{number}]",)


def _all_storable(value: Any) -> bool:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return all(storable(name) and _all_storable(item) for name, item in value.items())
    return not isinstance(value, list) or all(map(_all_storable, value))


def clean(name: str) -> str:
    """A name somebody sent, fit to be repeated to them."""
    return name.replace("\x00", "�").encode("utf-8", "replace").decode()
