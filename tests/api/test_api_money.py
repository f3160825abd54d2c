"""Prices, limits and what was used, as programs see them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from imagen.models import Budget, Generation
from tests import factories
from tests.api.conftest import Api

ASKED = {"prompt": "x", "provider": "wavespeed"}


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr("imagen.queue.knock", lambda: None)


def limit(amount: str, **facts) -> Budget:
    return Budget.objects.create(limit=Decimal(amount), **{"scope": "everybody", "period": "month", **facts})


def test_a_request_beyond_the_budget_is_402_and_says_what_is_left(ann, problem):
    limit("0.05", period="day")
    found = problem(ann.post("generations/", {**ASKED, "num_images": 2}), 402, "budget_exceeded")
    assert found["next_actions"] == ["reduce", "ask_for_more"]
    assert "0.076 USD" in found["detail"]
    assert "0.05 USD" in found["detail"]
    resets = found["budget"].pop("resets_at")
    assert resets.endswith("T00:00:00Z")
    assert found["budget"] == {"limit": "0.0500", "remaining": "0.0500", "unit": "USD", "period": "day"}
    assert not Generation.objects.exists()


def test_a_refusal_is_not_remembered_under_its_key(ann, problem):
    budget = limit("0.01")
    problem(ann.post("generations/", ASKED, Idempotency_Key="k"), 402)
    Budget.objects.filter(pk=budget.pk).update(limit=Decimal(1))
    assert ann.post("generations/", ASKED, Idempotency_Key="k").status_code == 202


def test_a_retry_beyond_the_budget_is_402(ann, problem):
    limit("0.01")
    made = factories.generation(ann.user, status="failed", provider="wavespeed", provider_named=True)
    problem(ann.post(f"generations/{made.pk}/retry/"), 402, "budget_exceeded")


def test_a_quote_says_whether_the_budget_allows_it_and_what_is_left(ann):
    limit("0.05", scope="each")
    quotes = [ann.post("quotes/", {**ASKED, "num_images": count}).json() for count in (1, 2)]
    assert [(quote["allowed"], quote["remaining"]) for quote in quotes] == [(True, "0.0500"), (False, "0.0500")]
    assert quotes[0]["budget"]["period"] == "month"


def test_what_is_left_is_told_in_the_unit_of_the_price_or_not_at_all(ann, settings):
    apiframe = {"BACKEND": "imagen.providers.apiframe.Apiframe", "OPTIONS": {"api_key": "k"}}
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {"apiframe": apiframe}}
    limit("5")
    asked = {"prompt": "x", "provider": "apiframe"}
    quote = ann.post("quotes/", asked).json()
    assert (quote["unit"], quote["remaining"], quote["budget"]["unit"]) == ("credits", None, "USD")
    settings.IMAGEN = {**settings.IMAGEN, "CREDIT_RATES": {"apiframe": "0.01"}}
    quote = ann.post("quotes/", asked).json()
    assert (quote["unit"], quote["estimated"], quote["remaining"]) == ("USD", "0.0700", "5.0000")


def test_usage_adds_up(ann):
    limit("1", scope="person", user=ann.user)
    ann.post("generations/", {**ASKED, "num_images": 2})
    ann.post("generations/", {"prompt": "x", "provider": "sandbox"})
    found = ann.get("usage/").json()
    assert (found["unit"], found["spent"], found["reserved"]) == ("USD", "0.0000", "0.0760")
    assert (found["limit"], found["remaining"]) == ("1.0000", "0.9240")
    assert found["by_provider"] == [{"provider": "wavespeed", "spent": "0.0000", "reserved": "0.0760"}]
    assert found["by_model"] == [{"model": "imagen-4", "spent": "0.0000", "reserved": "0.0760"}]
    assert found["budgets"][0]["scope"] == "person"
    assert found["resets_at"] == found["budgets"][0]["resets_at"]


def test_usage_without_a_budget_or_any_use_is_nothing(ann):
    found = ann.get("usage").json()
    assert (found["spent"], found["limit"], found["budgets"], found["by_day"]) == ("0.0000", None, [], [])


def test_usage_is_ones_own_unless_one_may_see_everybodys(ann, bob, boss):
    ann.post("generations/", ASKED)
    assert bob.get("usage/").json()["reserved"] == "0.0000"
    assert boss.get("usage/").json()["reserved"] == "0.0380"


def test_nobody_anonymous_sees_usage(anonymous, problem):
    problem(anonymous.get("usage/"), 401)
    problem(Api(factories.person("reader")).post("usage/", {}), 405)
