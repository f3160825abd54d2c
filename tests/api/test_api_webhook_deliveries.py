"""Webhook deliveries over REST: the log of one's own endpoints, what became of each, and sending again."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from imagen.models import Delivery
from tests import factories
from tests.api.conftest import Api
from tests.endpoints import ADDRESS, HOSTS, KEY, delivery, endpoint

LIST = "webhook-deliveries/"
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture(autouse=True)
def keys(settings: Any, shop: None) -> None:
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": [KEY], "ALLOWED_PRIVATE_HOSTS": HOSTS}


@pytest.fixture
def shop_of_ann(ann: Api) -> Any:
    return endpoint(ann.user)


def one(row: Any) -> str:
    return f"{LIST}{row.pk}/"


def ids(response: Any) -> list[str]:
    return [row["id"] for row in response.json()["results"]]


def test_a_delivery_says_what_it_is_where_it_goes_and_what_became_of_it(ann, shop_of_ann):
    asked = factories.completed(ann.user)
    row = delivery(shop_of_ann, generation=asked, status="delivered")
    told = ann.get(one(row)).json()
    urls = told.pop("urls")
    assert told == {
        "id": str(row.pk),
        "webhook_id": row.webhook_id,
        "endpoint": str(shop_of_ann.pk),
        "url": ADDRESS,
        "kind": "event",
        "event": "generation.completed",
        "generation": str(asked.pk),
        "status": "delivered",
        "tries": 1,
        "next_try_at": None,
        "last_code": 204,
        "last_error": None,
        "message": "It arrived; the address answered 204.",
        "created_at": told["created_at"],
        "delivered_at": told["delivered_at"],
    }
    assert ann.get(urls["self"]).json()["urls"] == urls


def test_a_request_with_an_address_of_its_own_is_told_there(ann, shop_of_ann):
    row = delivery(shop_of_ann, url="https://shop.example/mine", generation=factories.completed(ann.user))
    assert ann.get(one(row)).json()["url"] == "https://shop.example/mine"


def test_the_body_is_not_part_of_the_log(ann, shop_of_ann):
    row = delivery(shop_of_ann, body='{"secret": "canary"}')
    assert b"canary" not in ann.get(one(row)).content + ann.get(LIST).content


def test_a_delivery_that_failed_says_when_it_is_tried_again(ann, shop_of_ann):
    due = timezone.now() + timedelta(minutes=5)
    row = delivery(shop_of_ann, tries=2, last_code=500, last_error="answered", due_at=due)
    told = ann.get(one(row)).json()
    assert told["message"].startswith("The address answered 500. We try again at ")
    assert told["message"].endswith("(try 3 of 10).")
    assert datetime.fromisoformat(told["next_try_at"]) == due.replace(microsecond=due.microsecond)


# Whose


def test_the_log_holds_ones_own_alone_whoever_else_may_see_everything(ann, bob, boss, shop_of_ann):
    mine = delivery(shop_of_ann)
    assert str(mine.pk) in ids(ann.get(LIST))
    for other in (bob, boss, Api(factories.editor("eve", "view_all", "view_delivery"))):
        assert ids(other.get(LIST)) == []
        assert ids(other.get(f"{LIST}?endpoint={shop_of_ann.pk}")) == []


@pytest.mark.parametrize("call", [("get", ""), ("post", "redeliver/")], ids=" ".join)
def test_somebody_elses_is_as_unknown_as_a_made_up_id(bob, boss, anonymous, problem, shop_of_ann, call):
    method, verb = call
    row = delivery(shop_of_ann, status="failed", tries=10, last_error="timeout")
    for other in (bob, boss):
        foreign = problem(other.send(method, f"{one(row)}{verb}", None), 404, "not_found")
        made_up = problem(other.send(method, f"{LIST}{uuid.uuid4()}/{verb}", None), 404, "not_found")
        assert {**foreign, "request_id": ""} == {**made_up, "request_id": ""}
    problem(anonymous.send(method, f"{one(row)}{verb}", None), 401, "not_authenticated")
    row.refresh_from_db()
    assert row.status == "failed"


@pytest.mark.parametrize("method", ["post", "patch", "delete", "put"])
def test_the_log_is_never_edited(ann, problem, shop_of_ann, method):
    row = delivery(shop_of_ann)
    before = Delivery.objects.filter(pk=row.pk).values().get()
    problem(ann.send(method, one(row), {"status": "delivered"}), 405)
    problem(ann.send(method, LIST, {"status": "delivered"}), 405)
    assert Delivery.objects.filter(pk=row.pk).values().get() == before


# The list


def test_pages_lead_through_everything_once(ann, shop_of_ann):
    for minute in range(5):
        delivery(shop_of_ann, created_at=NOON + timedelta(minutes=minute))
    walked, page = [], ann.get(f"{LIST}?page_size=2").json()
    while True:
        walked += [row["id"] for row in page["results"]]
        if page["next"] is None:
            break
        page = ann.get(page["next"]).json()
    assert walked == [str(pk) for pk in Delivery.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)]


def test_the_log_is_narrowed_by_what_is_asked(ann, shop_of_ann):
    asked = factories.completed(ann.user)
    other = endpoint(ann.user, url="https://other.example/x")
    first = delivery(shop_of_ann, generation=asked, status="delivered", created_at=NOON)
    second = delivery(other, event="generation.failed", created_at=NOON + timedelta(hours=1))
    only = {
        f"endpoint={shop_of_ann.pk}&event=generation.completed": first,
        f"generation={asked.pk}": first,
        "event=generation.failed": second,
        f"endpoint={other.pk}&status=waiting": second,
        "created_before=2026-11-20T12:00:00Z": first,
        "created_after=2026-11-20T12:30:00Z&created_before=2026-11-20T14:00:00Z": second,
    }
    for query, row in only.items():
        assert ids(ann.get(f"{LIST}?{query}")) == [str(row.pk)], query
    assert len(ids(ann.get(f"{LIST}?event=endpoint.ping"))) == 2
    assert ids(ann.get(f"{LIST}?endpoint={uuid.uuid4()}")) == []


@pytest.mark.parametrize(
    ("query", "field", "code"),
    [
        ("endpoint=5", "endpoint", "not_a_uuid"),
        ("generation=../x", "generation", "not_a_uuid"),
        ("event=generation.exploded", "event", "not_a_choice"),
        ("status=lost", "status", "not_a_choice"),
        ("created_after=noon", "created_after", "not_a_time"),
        ("status=waiting&status=failed", "status", "given_twice"),
        ("endpoint__user=1", "endpoint__user", "unknown_parameter"),
        ("page_size=101", "page_size", "out_of_range"),
        ("cursor=junk", "cursor", "invalid"),
        ("body=%00", "body", "unknown_parameter"),
    ],
)
def test_a_filter_nobody_knows_or_can_read_is_named(ann, problem, query, field, code):
    found = problem(ann.get(f"{LIST}?{query}"), 400, "invalid_request")
    assert [(error["field"], error["code"]) for error in found["errors"]] == [(field, code)]


def test_the_list_stays_at_a_few_queries(ann, shop_of_ann, django_assert_max_num_queries):
    for _ in range(20):
        delivery(shop_of_ann)
    ann.get(LIST)
    with django_assert_max_num_queries(4):
        assert len(ids(ann.get(LIST))) == 20


# Sending again


def test_a_delivery_is_sent_again_under_the_same_id(ann, problem, shop_of_ann):
    row = delivery(shop_of_ann, status="failed", tries=10, last_error="answered", last_code=500)
    response = ann.post(f"{one(row)}redeliver/")
    told = response.json()
    assert (response.status_code, told["status"], told["tries"]) == (202, "waiting", 0)
    assert told["webhook_id"] == row.webhook_id
    problem(ann.post(f"{one(row)}redeliver/"), 409, "conflict")


def test_nothing_is_sent_again_to_an_endpoint_that_is_switched_off(ann, problem, shop_of_ann):
    row = delivery(shop_of_ann, status="failed", tries=10, last_error="timeout")
    ann.post(f"webhook-endpoints/{shop_of_ann.pk}/disable/")
    problem(ann.post(f"{one(row)}redeliver/"), 409, "conflict")


def test_sending_again_takes_no_body_and_the_permission_to_generate(db, ann, problem, shop_of_ann):
    row = delivery(shop_of_ann, status="failed", tries=10, last_error="timeout")
    problem(ann.post(f"{one(row)}redeliver/", {"status": "x"}), 400)
    reader = Api(factories.person("reader"))
    theirs = delivery(endpoint(reader.user), status="failed", tries=10, last_error="timeout")
    problem(reader.post(f"{one(theirs)}redeliver/"), 403, "permission_denied")
