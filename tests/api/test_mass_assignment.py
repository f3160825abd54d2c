"""Nobody sets what is not theirs to set: no write takes a field, a parameter or a header that nobody reads."""

from __future__ import annotations

import json

import pytest

from tests.api.addresses import BODIES, FOR_EVERYBODY, THINGS, addresses
from tests.api.test_isolation import rows

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sealed")]
FORBIDDEN = {
    "id": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    "pk": 1,
    "version": 9,
    "uuid": "x",
    "user": 1,
    "user_id": 1,
    "owner": "bob",
    "tenant": "other",
    "actor": 1,
    "is_staff": True,
    "is_superuser": True,
    "state": "completed",
    "status": "completed",
    "review": "released",
    "flagged": False,
    "deleted_at": None,
    "cost": "0",
    "cost_actual": "0",
    "cost_estimated": "0",
    "price": "0",
    "stake": "0",
    "budget": 1,
    "rate": "0",
    "provider_job_id": "x",
    "remote_id": "x",
    "job": 1,
    "outputs": [],
    "images": [],
    "file": "x",
    "sha256": "0" * 64,
    "created_at": "2020-01-01T00:00:00Z",
    "completed_at": None,
    "due_at": None,
    "error_code": "",
    "warnings": [],
    "__proto__": {},
    "generation__user": 1,
    "secret": "x",
    "verified_at": "2020-01-01T00:00:00Z",
}
WRITES = [
    (address, verb)
    for address in addresses()
    if address.name not in FOR_EVERYBODY
    for verb in address.verbs
    if verb in ("post", "put", "patch")
]  # fmt: skip
ALL = [(address, verb) for address in addresses() if address.name not in FOR_EVERYBODY for verb in address.verbs]


def ids(cases):
    return [f"{verb} {address.name}" for address, verb in cases]


@pytest.mark.parametrize(("address", "verb"), WRITES, ids=ids(WRITES))
def test_fields_that_nobody_may_set_are_refused_by_their_names_and_nothing_changes(ann, problem, address, verb):
    own = THINGS[address.name](ann.user) if address.of_one else None
    path = address.path(own and own.pk)
    known = BODIES.get((address.name, verb), {})
    before = rows()
    found = problem(ann.send(verb, path, {**known, **FORBIDDEN}), 400, "invalid_request")
    assert {(error["field"], error["code"]) for error in found["errors"]} <= {
        (field, code) for field in FORBIDDEN for code in ("unknown_field", "read_only")
    }
    assert {error["field"] for error in found["errors"]} == FORBIDDEN.keys()
    for field in ("user", "status"):
        problem(ann.send(verb, path, {**known, field: FORBIDDEN[field]}), 400, "invalid_request")
    assert rows() == before


@pytest.mark.parametrize(("address", "verb"), ALL, ids=ids(ALL))
def test_a_parameter_that_would_make_somebody_else_of_the_caller_is_refused(ann, problem, address, verb):
    own = THINGS[address.name](ann.user) if address.of_one else None
    before = rows()
    for name in ("user", "owner", "user_id", "tenant", "generation__user", "ordering", "format"):
        path = f"{address.path(own and own.pk)}?{name}=1"
        read = verb in ("get", "head")
        response = getattr(ann.client, verb)(path) if read else ann.send(verb, path, BODIES.get((address.name, verb)))
        assert response.status_code == 400, name
        if verb != "head":
            errors = [(error["field"], error["code"]) for error in json.loads(response.content)["errors"]]
            assert errors == [(name, "unknown_parameter")]
    assert rows() == before


def test_a_header_makes_nobody_somebody_else(ann, bob):
    for name in ("X-User", "X-Forwarded-User", "Remote-User", "X-Original-User", "X-Tenant", "From"):
        made = ann.post("generations/", {"prompt": "a tower"}, **{name: bob.user.username})
        assert made.status_code == 202
    assert bob.get("generations/").json()["results"] == []
    assert len(ann.get("generations/").json()["results"]) == 6
