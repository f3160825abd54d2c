"""The interface call by call, from the schema."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from manual import schema
from manual.marks import table

HEAD = """# REST

<!-- Written by `make schema` from docs/reference/openapi.yaml. -->

The same as [OpenAPI 3.1](openapi.yaml), for programs; a running site shows it at `/api/imagen/v1/docs/`. How to begin:
[curl](../howto/curl.md), [Python](../howto/python.md), [TypeScript](../howto/typescript.md). What a code means: [errors](errors.md).

Everything is JSON in UTF-8. Unknown fields and parameters are refused, never ignored. Addresses work with and without their last slash.
What the web server in front refuses by itself comes in its words: gunicorn answers 414 to an address of more than 4,094 bytes.

Every call may answer 401, 406, 429, 500 and 503 too, and needs one of these:
"""
EVERYWHERE = frozenset({"401", "406", "429", "500", "503"})
EVENTS = """## Webhooks

Sent by a site to addresses that asked for it, as a `POST` signed by [Standard Webhooks](https://www.standardwebhooks.com) 1.0.
"""


def text() -> str:
    """The whole page."""
    document = schema.document()
    return "\n".join((HEAD, *_parts(document)))


def _parts(document: Mapping[str, Any]) -> Iterator[str]:
    schemes = document["components"]["securitySchemes"]
    yield table(("way in", "how"), ((f"`{name}`", _way(scheme)) for name, scheme in schemes.items()))
    yield "## Calls\n"
    rows = ((f"[{call['summary']}](#{_anchor(call)})", f"`{verb} {path}`") for verb, path, call in _calls(document))
    yield table(("to", "call"), rows)
    for verb, path, call in _calls(document):
        yield from _call(document, verb, path, call)
    yield EVENTS
    events = document["webhooks"].items()
    yield table(("event", "when"), ((f"`{name}`", event["post"]["summary"] + ".") for name, event in events))
    yield "## Shapes\n"
    for name, shape in sorted(document["components"]["schemas"].items()):
        yield from _shape(name, shape)


def _calls(document: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, calls in document["paths"].items():
        for verb, call in calls.items():
            yield verb.upper(), path, call


def _way(scheme: Mapping[str, Any]) -> str:
    if scheme["type"] == "http":
        return f"header `Authorization: {scheme['scheme'].title()} …`. {scheme.get('description', '')}"
    return f"{scheme['in']} `{scheme['name']}`. {scheme.get('description', '')}"


def _anchor(call: Mapping[str, Any]) -> str:
    return call["summary"].lower().replace(" ", "-").replace("’", "").replace(",", "")


def _call(document: Mapping[str, Any], verb: str, path: str, call: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {call['summary']}\n"
    yield f"`{verb} {path}` (`{call['operationId']}`)\n"
    yield f"{call['description']}\n"
    if parameters := call.get("parameters"):
        yield table(("parameter", "in", "takes", "what"), map(_parameter, parameters))
    if body := call.get("requestBody"):
        yield f"Takes {_kinds(body['content'])}.\n"
    own = ((status, answer) for status, answer in call["responses"].items() if status not in EVERYWHERE)
    answers = ((status, _resolved(document, answer)) for status, answer in own)
    yield table(("answer", "meaning", "with"), (_answer(status, answer) for status, answer in answers))


def _parameter(known: Mapping[str, Any]) -> tuple[str, ...]:
    name = f"`{known['name']}`" + (" (required)" if known.get("required") and known["in"] != "path" else "")
    return name, known["in"], kind(known["schema"]), known.get("description", "")


def _answer(status: str, answer: Mapping[str, Any]) -> tuple[str, ...]:
    return status, answer["description"], _kinds(answer.get("content", {})) or "–"


def _kinds(content: Mapping[str, Any]) -> str:
    return ", ".join(kind(each["schema"]) if "json" in name else f"`{name}`" for name, each in content.items())


def _resolved(document: Mapping[str, Any], part: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = part
    if "$ref" in part:
        found = document
        for name in part["$ref"].removeprefix("#/").split("/"):
            found = found[name]
    return found


def _shape(name: str, shape: Mapping[str, Any]) -> Iterator[str]:
    yield f"### {name}\n"
    if told := shape.get("description"):
        yield f"{told}\n"
    needed = shape.get("required", ())
    yield table(
        ("field", "is", "what"),
        (
            (f"`{field}`" + ("" if field in needed else " (may be missing)"), kind(known), _what(known))
            for field, known in shape.get("properties", {}).items()
        ),
    )


def _what(known: Mapping[str, Any]) -> str:
    return str(known.get("description", "")).replace("\n", " ")


def kind(shape: Mapping[str, Any]) -> str:
    """A type in words, as short as it can be said."""
    if "$ref" in shape:
        name = shape["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    for word in ("oneOf", "anyOf", "allOf"):
        if word in shape:
            return " or ".join(kind(each) for each in shape[word])
    if "enum" in shape:
        return " ".join(f"`{'null' if each is None else each}`" for each in shape["enum"])
    if shape.get("type") == "array":
        return f"list of {kind(shape['items'])}"
    return f"{_words(shape.get('type', 'anything'))}{_limits(shape)}"


def _words(named: str | Iterable[str]) -> str:
    return named if isinstance(named, str) else " or ".join(named)


def _limits(shape: Mapping[str, Any]) -> str:
    told = [
        str(shape["format"]) if "format" in shape else "",
        f"{shape.get('minimum', '…')} to {shape.get('maximum', '…')}" if {"minimum", "maximum"} & shape.keys() else "",
        f"at most {shape['maxLength']} characters" if "maxLength" in shape else "",
        f"{shape['default']!r} without it" if shape.get("default") not in (None, "", {}) else "",
    ]
    found = ", ".join(filter(None, told))
    return f" ({found})" if found else ""
