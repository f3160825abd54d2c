"""Webhook endpoints over REST: one's own alone, the secret once, nothing else can be written."""

from __future__ import annotations

import json
import socket
import uuid
from typing import Any

import pytest
from django.db import connection

from imagen import webhooks
from imagen.api.webhooks import EndpointDoor
from imagen.models import Delivery, Endpoint, IdempotencyKey
from tests import factories
from tests.api.conftest import Api
from tests.endpoints import ADDRESS, HOSTS, KEY, endpoint

LIST = "webhook-endpoints/"
SHOP = {"name": "Shop", "url": ADDRESS}
VERBS = ("rotate", "ping", "test", "enable", "disable")


@pytest.fixture(autouse=True)
def keys(settings: Any, shop: None) -> None:
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": [KEY], "ALLOWED_PRIVATE_HOSTS": HOSTS}


@pytest.fixture
def mine(ann: Api) -> Endpoint:
    return endpoint(ann.user)


def one(row: Any) -> str:
    return f"{LIST}{row.pk}/"


# Registering


def test_registering_shows_the_secret_once_and_pings_the_address(ann):
    response = ann.post(LIST, SHOP)
    told = response.json()
    assert response.status_code == 201
    assert told["secret"].startswith("whsec_")
    assert (told["state"], told["name"], told["url"]) == ("pending", "Shop", ADDRESS)
    assert told["message"].startswith("It has not answered our ping yet")
    assert response.headers["Location"] == told["urls"]["self"]
    later = ann.get(told["urls"]["self"]).json()
    assert later == {name: value for name, value in told.items() if name != "secret"}
    assert later["secret_last4"] == told["secret"][-4:]
    assert Delivery.objects.get().kind == "ping"


def test_without_events_an_endpoint_is_told_all_and_without_asking_no_descriptions(ann):
    told = ann.post(LIST, {"url": ADDRESS}).json()
    assert told["events"] == [
        f"generation.{each}" for each in ("completed", "partial", "failed", "canceled", "needs_review")
    ]
    assert (told["include_prompt"], told["name"]) == (False, "")


def test_the_secret_stands_nowhere_but_in_the_answer(ann, mine):
    secret = ann.post(LIST, SHOP, Idempotency_Key="k").json()["secret"]
    for path in (LIST, one(mine), "webhook-deliveries/"):
        assert "whsec_" not in ann.get(path).content.decode()
    kept = [*Endpoint.objects.values_list("secret", flat=True), *IdempotencyKey.objects.values_list("body", flat=True)]
    assert secret.removeprefix("whsec_") not in json.dumps(kept)


def test_the_same_key_registers_once_and_its_second_answer_has_no_secret(ann):
    first = ann.post(LIST, SHOP, Idempotency_Key="k").json()
    again = ann.post(LIST, SHOP, Idempotency_Key="k")
    assert again.status_code == 201
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.json() == {**first, "secret": None}
    assert Endpoint.objects.count() == 1


def test_the_same_key_with_another_body_is_refused(ann, problem):
    ann.post(LIST, SHOP, Idempotency_Key="k")
    problem(ann.post(LIST, {**SHOP, "name": "Other"}, Idempotency_Key="k"), 422, "idempotency_conflict")


WRONG = [
    ("url", None, "not_a_string"),
    ("url", " ", "required"),
    ("url", "x" * 2001, "too_long"),
    ("url", "http://shop.example/", "address_refused"),
    ("url", "https://10.0.0.1/", "address_refused"),
    ("url", "https://u:p@shop.example/", "address_refused"),
    ("url", "https://shop.example:22/", "address_refused"),
    ("url", "javascript:alert(1)", "address_refused"),
    ("name", 5, "not_a_string"),
    ("name", "x" * 101, "too_long"),
    ("name", "a\x00", "unstorable_text"),
    ("events", [], "not_choices"),
    ("events", "generation.completed", "not_choices"),
    ("events", ["generation.exploded"], "not_choices"),
    ("events", [["generation.completed"]], "not_choices"),
    ("events", ["generation.completed"] * 2, "given_twice"),
    ("include_prompt", 1, "not_a_boolean"),
    ("include_prompt", "true", "not_a_boolean"),
    *(
        (name, "x", "unknown_field")
        for name in (
            "user",
            "owner",
            "state",
            "reason",
            "secret",
            "last4",
            "verified_at",
            "id",
            "created_at",
            "nonsense",
        )
    ),
]


@pytest.mark.parametrize(("field", "value", "code"), WRONG)
def test_a_wrong_field_is_named_and_nothing_is_written(ann, problem, field, value, code):
    found = problem(ann.post(LIST, {**SHOP, field: value}), 400, "invalid_request")
    assert [(error["field"], error["code"]) for error in found["errors"]] == [(field, code)]
    assert not Endpoint.objects.exists()


@pytest.mark.parametrize(("field", "value", "code"), WRONG)
def test_a_change_is_as_strict(ann, problem, mine, field, value, code):
    before = Endpoint.objects.values().get()
    found = problem(ann.patch(one(mine), {field: value}), 400, "invalid_request")
    assert [(error["field"], error["code"]) for error in found["errors"]] == [(field, code)]
    assert Endpoint.objects.values().get() == before


def test_an_address_is_needed(ann, problem):
    found = problem(ann.post(LIST, {"name": "Shop"}), 400)
    assert [(error["field"], error["code"]) for error in found["errors"]] == [("url", "required")]


def test_everybody_has_five_endpoints_at_most(ann, problem):
    for number in range(webhooks.LIMIT):
        assert ann.post(LIST, {"url": f"{ADDRESS}/{number}"}).status_code == 201
    found = problem(ann.post(LIST, SHOP), 400)
    assert found["errors"][0]["message"] == "You have 5 endpoints already. Remove one first."


def test_without_encryption_keys_nothing_is_registered(ann, problem, settings):
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": []}
    found = problem(ann.post(LIST, SHOP), 400, "webhooks_not_configured")
    assert found["next_actions"] == ["ask_administrator"]


@pytest.mark.parametrize("headers", [{}, {"Idempotency_Key": "k"}])
def test_a_name_is_looked_up_once_and_never_while_a_transaction_is_open(ann, monkeypatch, headers):
    asked: list[tuple[str, int]] = []
    outside = len(connection.savepoint_ids)

    def looked_up(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append((host, len(connection.savepoint_ids) - outside))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]

    monkeypatch.setattr("imagen.courier.socket.getaddrinfo", looked_up)
    assert ann.post(LIST, {"url": "https://public.example/x"}, **headers).status_code == 201
    assert asked == [("public.example", 0)]


# Whose


def test_lists_hold_ones_own_alone_whoever_else_may_see_everything(ann, bob, boss, mine):
    assert [row["id"] for row in ann.get(LIST).json()["results"]] == [str(mine.pk)]
    for other in (bob, boss, Api(factories.editor("eve", "view_all", "view_endpoint", "change_endpoint"))):
        assert other.get(LIST).json()["results"] == []


@pytest.mark.parametrize(
    "call", [("get", ""), ("patch", ""), ("delete", ""), *(("post", f"{verb}/") for verb in VERBS)], ids=" ".join
)
def test_somebody_elses_is_as_unknown_as_a_made_up_id(bob, boss, anonymous, problem, mine, call):
    method, verb = call
    before = Endpoint.objects.values().get(), Delivery.objects.count()
    body = {"name": "mine now"} if method == "patch" else None
    for other in (bob, boss):
        foreign = problem(other.send(method, f"{one(mine)}{verb}", body), 404, "not_found")
        made_up = problem(other.send(method, f"{LIST}{uuid.uuid4()}/{verb}", body), 404, "not_found")
        assert {**foreign, "request_id": ""} == {**made_up, "request_id": ""}
    problem(anonymous.send(method, f"{one(mine)}{verb}", body), 401, "not_authenticated")
    assert (Endpoint.objects.values().get(), Delivery.objects.count()) == before


def test_the_list_asks_the_anonymous_who_they_are(anonymous, problem):
    problem(anonymous.get(LIST), 401)
    problem(anonymous.post(LIST, SHOP), 401)


def test_who_may_not_generate_looks_switches_off_and_deletes_and_has_nothing_sent(db, problem):
    reader = Api(factories.person("reader"))
    row = endpoint(reader.user)
    problem(reader.post(LIST, SHOP), 403, "permission_denied")
    for verb in ("ping", "test", "enable"):
        problem(reader.post(f"{one(row)}{verb}/"), 403, "permission_denied")
    assert reader.get(one(row)).status_code == 200
    assert reader.post(f"{one(row)}disable/").status_code == 200
    assert reader.delete(one(row)).status_code == 204


# What can be done


def test_a_change_keeps_what_was_not_named(ann, mine):
    told = ann.patch(one(mine), {"include_prompt": True, "events": ["generation.failed"]}).json()
    assert (told["include_prompt"], told["events"], told["name"], told["state"]) == (
        *(True, ["generation.failed"], "Shop", "active"),
    )


def test_another_address_has_to_answer_before_it_works(ann, mine):
    told = ann.patch(one(mine), {"url": "https://other.example/x"}).json()
    assert (told["url"], told["state"]) == ("https://other.example/x", "pending")


def test_a_new_secret_is_shown_once_and_nothing_else_changes(ann, mine):
    told = ann.post(f"{one(mine)}rotate/").json()
    assert told["secret_last4"] == told["secret"][-4:] != mine.last4
    assert told["rotated_at"]
    assert "secret" not in ann.get(one(mine)).json()


def test_an_endpoint_is_tried_out_and_the_answer_leads_to_what_becomes_of_it(ann, problem, mine):
    response = ann.post(f"{one(mine)}test/")
    told = response.json()
    assert (response.status_code, told["kind"], told["event"]) == (202, "test", "endpoint.test")
    assert ann.get(response.headers["Location"]).json() == told
    problem(ann.post(f"{one(mine)}test/"), 409, "conflict")


def test_switched_off_it_is_sent_nothing_until_it_is_enabled_and_has_answered(ann, problem, mine):
    off = ann.post(f"{one(mine)}disable/").json()
    assert (off["state"], off["reason"]) == ("disabled", "by_hand")
    assert off["message"] == "Somebody switched it off. Nothing is sent until you enable it."
    problem(ann.post(f"{one(mine)}disable/"), 409, "conflict")
    problem(ann.post(f"{one(mine)}test/"), 409, "conflict")
    on = ann.post(f"{one(mine)}enable/").json()
    assert (on["state"], on["reason"]) == ("pending", None)
    problem(ann.post(f"{one(mine)}enable/"), 409, "conflict")


def test_one_that_has_not_answered_can_be_pinged_again(ann, problem):
    row = endpoint(ann.user, state="pending", verified_at=None)
    response = ann.post(f"{one(row)}ping/")
    assert (response.status_code, response.json()["kind"]) == (202, "ping")
    problem(ann.post(f"{one(row)}ping/"), 409, "conflict")


@pytest.mark.parametrize("verb", VERBS)
def test_nothing_is_sent_along_where_nothing_is_read(ann, problem, mine, verb):
    found = problem(ann.post(f"{one(mine)}{verb}/", {"force": True}), 400)
    assert found["errors"][0]["code"] == "unknown_field"
    problem(ann.get(f"{one(mine)}{verb}/"), 405)


@pytest.mark.parametrize(
    "call", [("patch", ""), ("delete", ""), *(("post", f"{verb}/") for verb in VERBS)], ids=" ".join
)
def test_what_somebody_removes_while_the_request_comes_in_is_not_there(ann, problem, mine, monkeypatch, call):
    method, verb = call
    found = EndpointDoor.found

    def then_removed(self: EndpointDoor, request: Any, pk: uuid.UUID) -> Endpoint:
        row = found(self, request, pk)
        Endpoint.objects.all().delete()
        return row

    monkeypatch.setattr(EndpointDoor, "found", then_removed)
    response = ann.send(method, f"{one(mine)}{verb}", {"name": "Mine"} if method == "patch" else None)
    if method == "delete":
        assert response.status_code == 204
    else:
        problem(response, 404, "not_found")


def test_a_host_that_no_resolver_could_read_is_refused_and_no_accident(ann, problem):
    for host in ("xn--zzzzzzz99999.example", "xn--.example", "xn--a.example"):
        found = problem(ann.post(LIST, {**SHOP, "url": f"https://{host}/x"}), 400, "invalid_request")
        assert [(error["field"], error["code"]) for error in found["errors"]] == [("url", "address_refused")]


def test_a_host_is_looked_up_as_it_is_sent_to(ann, monkeypatch):
    asked: list[str] = []

    def looked_up(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]

    monkeypatch.setattr("imagen.courier.socket.getaddrinfo", looked_up)
    assert ann.post(LIST, {"url": "https://xn--strae-oqa.example/x"}).status_code == 201
    assert asked == ["xn--strae-oqa.example"]


def test_deleting_takes_the_log_along(ann, problem, mine):
    assert ann.delete(one(mine)).status_code == 204
    assert not Delivery.objects.exists()
    problem(ann.get(one(mine)), 404)


def test_every_address_works_without_its_last_slash(ann, mine):
    assert ann.get(LIST.rstrip("/")).json() == ann.get(LIST).json() | {"results": ann.get(LIST).json()["results"]}
    assert ann.get(one(mine).rstrip("/")).json() == ann.get(one(mine)).json()
    assert ann.post(f"{one(mine)}rotate").status_code == 200


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "It works."),
        ({"failing_since": True}, "After three days it is switched off."),
        ({"state": "disabled", "reason": "gone"}, "It answered 410"),
        ({"state": "disabled", "reason": "failing"}, "Nothing arrived there for too long."),
    ],
)
def test_an_endpoint_says_how_it_stands_and_what_to_do(ann, mine, facts, said):
    facts = {name: mine.created_at if value is True else value for name, value in facts.items()}
    Endpoint.objects.filter(pk=mine.pk).update(**facts)
    assert said in ann.get(one(mine)).json()["message"]
