"""What is wrong with a field is said of that field, at every address that takes a body; the schema names the fields."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from imagen.api import schema
from imagen.api.urls import documented
from tests.api.addresses import BODIES, THINGS, addresses
from tests.api.test_isolation import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sealed")]
DOCUMENT = schema.document(documented)
WRONG: dict[str, list[Any]] = {  # by what a field is: nothing of this is that
    "string": [1, True, 1.5, [], {}, "a\x00b", "a\ud800b"],
    "integer": ["4", 4.0, 4.5, True, "", [], {}, 10**12, -(10**12), 10**400],
    "boolean": ["true", 1, 0, "", [], {}],
    "array": ["x", 1, {}, True, [1], [None], [[]]],
    "object": ["x", 1, [], True],
}


def _fields() -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """Address, verb, field and its shape, of everything that can be sent."""
    for address in addresses():
        for verb in ("post", "patch", "put"):
            call = DOCUMENT["paths"].get(f"/{address.route.replace('<uuid:pk>', '{id}')}", {}).get(verb, {})
            body = call.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema", {})
            shape = DOCUMENT["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], {})
            for field, known in shape.get("properties", {}).items():
                yield address.name, verb, field, known


FIELDS = list(_fields())
NAMED = {address.name: address for address in addresses()}


def _wrong(known: dict[str, Any]) -> list[Any]:
    kinds = [known["type"]] if isinstance(known.get("type"), str) else list(known.get("type", ["string"]))
    found = [value for value in WRONG[kinds[0]] if not (value is None and "null" in kinds)]
    if "maxLength" in known:
        found.append("x" * (known["maxLength"] + 1))
    if "maximum" in known:
        found += [known["maximum"] + 1, known["minimum"] - 1]
    return [*found, "nope", "1:1 "] if "enum" in known else found


def test_every_body_of_the_schema_is_looked_at():
    taken = {
        call["operationId"] for path in DOCUMENT["paths"].values() for call in path.values() if "requestBody" in call
    }
    assert len({(name, verb) for name, verb, *_ in FIELDS}) == len(taken)


@pytest.mark.parametrize(
    ("name", "verb", "field", "known"), FIELDS, ids=[f"{verb} {name} {field}" for name, verb, field, _ in FIELDS]
)
def test_a_value_of_the_wrong_kind_or_size_is_refused_by_the_name_of_its_field(ann, problem, name, verb, field, known):
    address = NAMED[name]
    own = THINGS[name](ann.user) if address.of_one else None
    before = rows()
    for value in _wrong(known):
        body = json.dumps({**BODIES.get((name, verb), {}), field: value}).encode()
        response = ann.send(verb, address.path(own and own.pk), body)
        if response.status_code == 403 and field == "webhook_url":  # needs a key that may
            continue
        found = problem(response, 400)
        named = {error["field"].partition("[")[0].partition(".")[0] for error in found["errors"]}
        assert named in ({field}, {"body"}), (value, found["errors"])
    assert rows() == before
