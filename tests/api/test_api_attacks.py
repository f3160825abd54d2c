"""Attacks on the interface as a whole, at every address: what it says of itself, to whom, and what may be kept."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError

from imagen.api import schema
from imagen.api.urls import documented
from imagen.exceptions import ImagenError
from tests.api.addresses import BODIES, FOR_EVERYBODY, THINGS, Address, addresses
from tests.api.conftest import Api

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sealed")]
OURS = [each for each in addresses() if each.name not in FOR_EVERYBODY]
API = [each for each in OURS if each.route.startswith("api/")]
INSIDE = "SELECT secret FROM imagen_endpoint WHERE id=7; /srv/site/imagen/vault.py; whsec_swordfish"
ELSEWHERE = {"Origin": "https://evil.example", "Access-Control-Request-Method": "POST"}
KEPT_SECRET = (
    "api_key",
    "password",
    "email",
    "payload",
    "raw",
    "traceback",
    "remote_id",
    "is_staff",
    "holder",
    "fence",
)


def at(address: Address, api: Api) -> str:
    return address.path(THINGS[address.name](api.user).pk if address.of_one else None)


def names(cases: list[Address]) -> list[str]:
    return [each.name for each in cases]


@pytest.mark.parametrize("address", API, ids=names(API))
def test_an_error_nobody_expected_tells_nothing_of_the_inside(ann, problem, monkeypatch, caplog, address):
    path = at(address, ann)
    for verb in (verb for verb in address.verbs if verb != "head"):
        monkeypatch.setattr(address.view, verb, _fails(RuntimeError(INSIDE)))
        response = ann.client.generic(verb.upper(), path, content_type="application/json")
        found = problem(response, 500, "internal_error")
        assert found["request_id"] in found["detail"]
        assert not any(word in f"{response.headers}{json.dumps(found)}" for word in ("SELECT", "/srv", "swordfish"))
    assert "swordfish" not in caplog.text


def _fails(error: BaseException) -> Any:
    def handler(self: Any, request: Any, **named: Any) -> Any:
        raise error

    return handler


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError(INSIDE), 500),
        (KeyError(INSIDE), 500),
        (RecursionError(INSIDE), 500),
        (MemoryError(INSIDE), 500),
        (NotImplementedError(INSIDE), 500),
        (AssertionError(INSIDE), 500),
        (FileNotFoundError(2, INSIDE), 500),
        (UnicodeDecodeError("utf-8", INSIDE.encode(), 0, 1, INSIDE), 500),
        (DatabaseError(INSIDE), 500),
        (OperationalError(INSIDE), 503),
        (ImagenError(INSIDE), 500),
    ],
    ids=lambda value: type(value).__name__,
)
@pytest.mark.parametrize("debug", [False, True])
def test_no_exception_repeats_its_own_words(ann, problem, monkeypatch, settings, error, status, debug):
    settings.DEBUG = debug
    view = next(each.view for each in API if each.name == "models")
    monkeypatch.setattr(view, "get", _fails(error))
    found = problem(ann.get("models/"), status)
    assert not any(word in json.dumps(found) for word in ("SELECT", "/srv", "swordfish"))


@pytest.mark.parametrize("address", OURS, ids=names(OURS))
def test_no_answer_may_be_kept_by_others_or_read_by_another_site(ann, address):
    for verb in address.verbs:
        path = at(address, ann)
        body = json.dumps(BODIES[address.name, verb]) if (address.name, verb) in BODIES else ""
        response = ann.client.generic(verb.upper(), path, body, content_type="application/json", headers=ELSEWHERE)
        for close in response._resource_closers:
            close()
        kept = response.headers["Cache-Control"]
        assert "private" in kept, verb
        assert "public" not in kept
        assert {"Authorization", "Cookie"} <= set(response.headers["Vary"].split(", ")), verb
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert not [name for name in response.headers if name.startswith("Access-Control-")]
        assert not response.cookies


@pytest.mark.parametrize("address", OURS, ids=names(OURS))
def test_another_site_is_not_told_that_it_may_ask(ann, problem, address):
    response = ann.client.options(at(address, ann), headers=ELSEWHERE)
    problem(response, 405, "method_not_allowed")
    assert not [name for name in response.headers if name.startswith("Access-Control-")]


def _properties(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        yield from (name for each in part for name in _properties(each))
    elif isinstance(part, dict):
        yield from part.get("properties", {}) if isinstance(part.get("properties"), dict) else ()
        yield from (name for each in part.values() for name in _properties(each))


def test_no_shape_has_a_field_for_what_stays_inside():
    shapes = schema.document(documented)["components"]["schemas"]
    for shape, part in shapes.items():
        told = set(_properties(part))
        assert not told & set(KEPT_SECRET), shape
        assert not any("secret" in name for name in told - {"secret_last4"}) or shape == "WebhookEndpointWithSecret"


LISTS = [each for each in API if not each.of_one and getattr(each.view, "parameters", None)]


@pytest.mark.parametrize("address", LISTS, ids=names(LISTS))
def test_no_query_makes_a_list_larger_or_asks_the_database_something_else(ann, problem, address):
    for query in (
        *("page_size=1000000000", "page_size=101", "page_size=0", "page_size=-1", "page_size=1e2", "page_size=١٢"),
        *("offset=1000000000000", "page=2", "limit=5", "ordering=prompt", "fields=*", "created_at__gte=2020"),
        *("user__password__regex=^a", "id__in=1,2", "search__regex=(a%2B)%2B$", "cursor=x", "cursor=WzFd", "cursor="),
        "&".join(f"filter{number}=x" for number in range(200)),
        "page_size=1&page_size=2",
    ):
        problem(ann.client.get(f"{address.path()}?{query}"), 400, "invalid_request")
