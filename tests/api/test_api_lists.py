"""Lists: pages, filters, and a constant number of queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from imagen.api.pagination import Cursor
from imagen.models import Generation, Tempo
from tests import factories

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def ids(response):
    return [row["id"] for row in response.json()["results"]]


@pytest.fixture
def seven(ann):
    """Seven requests, three of them at the same moment; newest first."""
    times = [NOON + timedelta(minutes=minute) for minute in (0, 1, 2, 2, 2, 3, 4)]
    for at in times:
        factories.generation(ann.user, created_at=at)
    return [str(pk) for pk in Generation.objects.order_by("-created_at", "-pk").values_list("pk", flat=True)]


def test_a_list_is_newest_first(ann, seven):
    page = ann.get("generations/").json()
    assert [row["id"] for row in page["results"]] == seven
    assert page["next"] is page["previous"] is None


@pytest.mark.parametrize("size", [1, 2, 3, 6])
def test_pages_lead_through_everything_once_and_back(ann, seven, size):
    walked, page = [], ann.get(f"generations/?page_size={size}").json()
    while True:
        walked += [row["id"] for row in page["results"]]
        if page["next"] is None:
            break
        page = ann.get(page["next"]).json()
    assert walked == seven
    back = [row["id"] for row in page["results"]]
    while page["previous"]:
        page = ann.get(page["previous"]).json()
        back = [row["id"] for row in page["results"]] + back
    assert back == seven


def test_a_page_stays_where_it_was_when_something_new_comes(ann, seven):
    page = ann.get("generations/?page_size=3").json()
    factories.generation(ann.user, created_at=NOON + timedelta(hours=1))
    assert ids(ann.get(page["next"])) == seven[3:6]


def test_links_keep_the_filters(ann, seven):
    page = ann.get("generations/?page_size=3&status=queued").json()
    assert "status=queued" in page["next"]
    assert "page_size=3" in page["next"]


def test_a_page_past_the_end_is_empty(ann, seven):
    end = Cursor(at=NOON - timedelta(days=1), pk=Generation.objects.earliest("created_at").pk)
    page = ann.get(f"generations/?cursor={end}").json()
    assert page == {"next": None, "previous": None, "results": []}


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=-1", "page_size"),
        ("page_size=x", "page_size"),
        ("page_size=", "page_size"),
        ("page_size=%D9%A3", "page_size"),
        ("page_size=0000000019999", "page_size"),
        ("cursor=junk", "cursor"),
        ("cursor=", "cursor"),
        ("cursor=W10=", "cursor"),
        ("cursor=%C3%A9", "cursor"),
        ("cursor=bnVsbA==", "cursor"),
        ("cursor=WyJ4IiwgInkiLCB0cnVlXQ==", "cursor"),
        ("cursor=WyIwMDAxLTAxLTAxVDAwOjAwOjAwKzIzOjAwIiwgIngiLCAwXQ==", "cursor"),
        ("status=ready", "status"),
        ("status=", "status"),
        ("created_after=yesterday", "created_after"),
        ("created_before=2026-13-01", "created_before"),
        ("created_after=0001-01-01T00:00:00%2B23:00", "created_after"),
        ("format=json", "format"),
        ("offset=3", "offset"),
        ("search=a%00b", "search"),
        ("status=queued&status=failed", "status"),
    ],
)
def test_a_wrong_query_is_refused_by_name(ann, problem, query, field):
    found = problem(ann.get(f"generations/?{query}"), 400, "invalid_request")
    assert [error["field"] for error in found["errors"]] == [field]


def test_filters_narrow_the_list(ann):
    old = factories.generation(ann.user, created_at=NOON - timedelta(days=2), prompt="A red Fox")
    done = factories.completed(ann.user, created_at=NOON, model="imagen-4-fast")
    other = factories.generation(ann.user, created_at=NOON + timedelta(days=1), provider="wavespeed", status="failed")
    expected = {
        "status=completed": [done],
        "status=failed": [other],
        "model=imagen-4-fast": [done],
        "model=nobody": [],
        "provider=wavespeed": [other],
        "created_after=2026-11-20T12:00:00Z": [other, done],
        "created_after=2026-11-20": [other, done],
        "created_before=2026-11-20T12:00:00Z": [done, old],
        "created_before=2026-11-20T13:00:00%2B01:00": [done, old],
        "search=red+fox": [old],
        "search=lighthouse&provider=wavespeed": [other],
    }
    for query, rows in expected.items():
        assert ids(ann.get(f"generations/?{query}")) == [str(row.pk) for row in rows], query


def test_a_search_looks_at_ones_own_prompts_even_for_those_who_see_all(ann, boss):
    factories.generation(ann.user, prompt="a secret")
    assert len(ids(boss.get("generations/"))) == 1
    assert ids(boss.get("generations/?search=secret")) == []


def test_deleted_ones_are_not_listed(ann):
    factories.generation(ann.user, deleted_at=NOON)
    assert ids(ann.get("generations/")) == []


def queries(api, path):
    with CaptureQueriesContext(connection) as seen:
        assert api.get(path).status_code == 200
    return len(seen)


@pytest.mark.parametrize("path", ["generations/?page_size=50", "images/?page_size=50"])
def test_a_long_list_costs_no_more_queries_than_a_short_one(ann, path):
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=8, deviation=2)
    factories.completed(ann.user, images=2)
    factories.generation(ann.user)
    few = queries(ann, path)
    for _ in range(6):
        factories.completed(ann.user, images=3)
        factories.generation(ann.user, status="processing", job={"error_code": "provider_rate_limited"})
    assert queries(ann, path) == few
