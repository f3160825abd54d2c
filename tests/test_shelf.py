"""The listings are read seldom, noticed soon, and never stand in anybody's way."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from imagen import hiring, pipeline, presentation, registry, shelf
from imagen.admin import catalogue
from imagen.models import Listing
from tests import factories

pytestmark = pytest.mark.django_db
WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "k"}}


@pytest.fixture(autouse=True)
def site(settings: Any) -> None:
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}


@pytest.fixture
def a_minute_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shelf, "FRESH_SECONDS", 0.0)


@pytest.fixture
def no_table() -> Iterator[None]:
    """A database in which the migration was not applied yet."""

    def elsewhere(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if "imagen_listing" in sql:
            return execute("SELECT 1 FROM imagen_nowhere", None, many, context)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(elsewhere):
        yield


def listed(id_: str = "google/imagen5", **fields: Any) -> Listing:
    facts = {"price": {"amount": "0.05", "unit": "USD"}, "images_per_call": 4}
    return Listing.objects.create(
        provider="wavespeed", provider_model=id_, model="imagen-5", **{"facts": facts, **fields}
    )


def sold() -> set[str]:
    return {offer.id for offer in registry.offers("wavespeed")}


def test_what_a_sync_brought_is_noticed_within_a_minute(a_minute_later: None):
    listed()
    assert "google/imagen5" not in sold()
    registry.refresh()
    assert "google/imagen5" in sold()


@pytest.mark.parametrize(
    "door",
    [
        lambda: pipeline.quote(prompt="x", model="google/imagen5"),
        lambda: pipeline.request(prompt="x", model="google/imagen5"),
        lambda: hiring.who_again(factories.generation(model="imagen-4")),
        presentation.models_json,
        catalogue.models,
    ],
    ids=["quote", "request", "retry", "models", "admin"],
)
def test_every_door_notices(a_minute_later: None, door: Callable[[], Any]):
    listed()
    door()
    assert "google/imagen5" in sold()


@pytest.mark.django_db(transaction=True)
def test_listings_cost_one_query_a_minute(django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as later, django_assert_num_queries(1):
        later.setattr(shelf, "FRESH_SECONDS", 0.0)
        registry.refresh()
    with django_assert_num_queries(0):
        for _ in range(10):
            registry.refresh()
            registry.offers("wavespeed")


def test_an_offer_somebody_already_uses_is_looked_for_at_once_and_only_once(django_assert_num_queries: Any):
    listed()
    registry.refresh(("wavespeed", "google/imagen5"))
    assert "google/imagen5" in sold()
    with django_assert_num_queries(3):  # a savepoint, the query, its release
        for _ in range(5):
            registry.refresh(("wavespeed", "google/never"), ("wavespeed", "google/imagen4"))


def test_an_offer_of_a_provider_that_is_gone_from_the_settings_is_not_looked_for(django_assert_num_queries: Any):
    with django_assert_num_queries(0):
        registry.refresh(("elsewhere", "model"))


def test_a_database_without_the_table_leaves_what_is_remembered_and_the_transaction_whole(
    a_minute_later: None, no_table: None, caplog: pytest.LogCaptureFixture
):
    with transaction.atomic(), caplog.at_level(logging.WARNING, logger="imagen"):
        registry.refresh()
        assert "google/imagen4" in sold()
        assert connection.introspection.table_names()
    assert "the listings could not be read" in caplog.text


def test_a_database_that_is_away_is_not_asked_more_often(
    no_table: None, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
):
    for _ in range(5):
        registry.refresh(("wavespeed", "google/imagen5"))
    assert caplog.text.count("could not be read") == 1
    monkeypatch.setattr(shelf, "FRESH_SECONDS", 0.5)
    time.sleep(0.51)
    for _ in range(5):
        registry.refresh()
    assert caplog.text.count("could not be read") == 2


def test_what_was_remembered_outlives_an_outage(a_minute_later: None, request: pytest.FixtureRequest):
    listed()
    registry.refresh()
    request.getfixturevalue("no_table")
    registry.refresh()
    assert "google/imagen5" in sold()


def test_an_event_loop_is_never_held_up(a_minute_later: None):
    listed()

    async def look() -> set[str]:
        registry.refresh()
        return sold()

    assert "google/imagen5" not in asyncio.run(look())


def test_a_look_that_finds_nothing_new_keeps_the_shelf(a_minute_later: None):
    listed()
    registry.refresh()
    before = registry.offers("wavespeed")
    registry.refresh()
    assert registry.offers("wavespeed") is before


def test_a_listing_that_is_gone_says_since_when(a_minute_later: None):
    now = timezone.now()
    listed(gone_since=now)
    registry.refresh()
    assert registry.gone("wavespeed") == {"google/imagen5": now}
