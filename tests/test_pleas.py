"""Asking for more money: once, answered once, both told."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import mail

from imagen import alarms, budgets, pipeline, pleas
from imagen.exceptions import BudgetExceeded, Conflict, InvalidRequest
from imagen.models import Alarm, Budget, Plea, Purse
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One gateway at 0.038 a picture, a bell nobody hears, mails that are sent before anybody looks."""
    wavespeed = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "k"}}
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": wavespeed}, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0.038"}}}}
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    monkeypatch.setattr("imagen.letters._start", lambda send, *told: send(*told))


@pytest.fixture
def ann() -> User:
    return factories.editor("ann", email="ann@example.com")


@pytest.fixture
def owner() -> User:
    return factories.person("owner", "manage_budget", email="owner@example.com")


@pytest.fixture
def short(ann: User) -> Budget:
    """Nobody may spend more than half the price of a picture."""
    return Budget.objects.create(scope="each", period="month", limit=Decimal("0.02"))


def ask(ann: User) -> Plea:
    return pleas.ask(ann, Decimal("0.05"), reason="a cover")


def test_the_owner_is_told_who_wants_how_much_and_why(ann, owner, short, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        ask(ann)
    (letter,) = [each for each in mail.outbox if each.to == ["owner@example.com"]]
    assert letter.body == "ann asks for 0.05 USD more for pictures. Reason: a cover"
    assert [alarm.cause for alarm in alarms.current()] == [pleas.WAITING]


def test_a_grant_counts_in_this_period_alone(ann, owner, short, monkeypatch):
    plea = ask(ann)
    pleas.grant(plea, actor=owner, note="all right")
    pipeline.request(user=ann, prompt="x")
    assert budgets.tightest(ann).limit == Decimal("0.07")
    assert Budget.objects.get().limit == Decimal("0.02")
    with pytest.raises(BudgetExceeded):
        pipeline.request(user=factories.editor("bob"), prompt="x")


def test_a_raised_limit_of_a_shared_budget_counts_for_all_of_it(ann, owner):
    budget = Budget.objects.create(scope="everybody", period="day", limit=Decimal("0.02"))
    pleas.raise_limit(ask(ann), actor=owner)
    budget.refresh_from_db()
    assert budget.limit == Decimal("0.07")


def test_who_only_had_what_each_has_gets_a_budget_of_their_own_and_keeps_its_purse(ann, owner, settings):
    settings.IMAGEN = {**settings.IMAGEN, "BUDGET": {"default_monthly": "0.04"}}
    pipeline.request(user=ann, prompt="x")
    pleas.raise_limit(ask(ann), actor=owner)
    least = budgets.tightest(ann)
    assert (least.limit, least.remaining, Purse.objects.count()) == (Decimal("0.09"), Decimal("0.052"), 1)
    pipeline.request(user=ann, prompt="x")
    assert Purse.objects.get().reserved == Decimal("0.076")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (pleas.grant, "You got 0.05 USD more for the period that runs now. Note: because"),
        (pleas.raise_limit, "Your limit was raised by 0.05 USD. Note: because"),
        (pleas.decline, "You did not get the 0.05 USD you asked for. Note: because"),
    ],
)
def test_whoever_asked_is_told_the_answer(ann, owner, short, answer, words, django_capture_on_commit_callbacks):
    plea = ask(ann)
    with django_capture_on_commit_callbacks(execute=True):
        answer(plea, actor=owner, note="because")
    (letter,) = [each for each in mail.outbox if each.to == ["ann@example.com"]]
    assert letter.body == words == pleas.answered(Plea.objects.get())
    assert not Alarm.objects.filter(over_at=None).exists()


def test_two_owners_answer_once(ann, owner, short):
    first, second = ask(ann), Plea.objects.get()
    pleas.grant(first, actor=owner)
    for answer in (pleas.grant, pleas.raise_limit, pleas.decline):
        with pytest.raises(Conflict):
            answer(second, actor=owner)
    assert Purse.objects.get().extra == Decimal("0.05")


def test_nobody_asks_twice_before_there_is_an_answer(ann, owner, short):
    pleas.decline(ask(ann), actor=owner)
    ask(ann)
    with pytest.raises(Conflict):
        ask(ann)


def test_without_a_budget_there_is_nothing_to_ask_for(ann):
    with pytest.raises(Conflict):
        ask(ann)


@pytest.mark.parametrize("wanted", ["0", "-1", "1000001"])
def test_an_amount_that_cannot_be_is_refused(ann, short, wanted):
    with pytest.raises(InvalidRequest):
        pleas.ask(ann, Decimal(wanted))


def test_a_grant_after_the_period_ended_counts_in_the_one_that_runs(ann, owner, short):
    plea = ask(ann)
    Purse.objects.update(starts_on="2020-01-01")
    plea.refresh_from_db()
    pleas.grant(Plea.objects.select_related("purse").get(), actor=owner)
    assert budgets.tightest(ann).limit == Decimal("0.07")
