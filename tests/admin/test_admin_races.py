"""Two people do the same in the admin at the same moment: the second is told in plain words, and led to what is there.

On SQLite one waits for the other by itself; ``test_on_postgresql`` runs this file where they really meet.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.constraints import UniqueConstraint
from django.test import Client
from django.urls import reverse

from imagen.admin.budget import BudgetAdmin
from imagen.admin.budget_forms import BudgetForm
from imagen.models import Budget, Plea
from tests.admin.conftest import EDITOR
from tests.admin.test_admin_budgets import text
from tests.engine.test_review_races import meet, together

pytestmark = pytest.mark.django_db(transaction=True)
BUDGETS, ADD = reverse("admin:imagen_budget_changelist"), reverse("admin:imagen_budget_add")
ASK = reverse("admin:imagen_plea_add")
EVERYBODY = {"scope": "everybody", "group": "", "user": "", "period": "month", "limit": "5"}


@pytest.fixture
def both(monkeypatch):
    """Two threads that wait for each other there, as far as the database lets both come so far."""
    barrier = threading.Barrier(2)

    def rendezvous() -> None:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(1)

    return lambda kind, name: meet(monkeypatch, kind, name, rendezvous)


def at_once(*calls: Any) -> list[Any]:
    """What these are answered."""
    found: list[Any] = []
    together(*(lambda call=call: found.append(call()) for call in calls))
    return sorted(found, key=lambda answer: answer.status_code)


def test_of_two_owners_who_make_the_same_budget_at_once_one_sees_the_others(sign_in, both):
    owners = [sign_in(name, "manage_budget") for name in ("one", "two")]
    both(BudgetAdmin, "save_model")
    second, first = at_once(*(lambda owner=owner: owner.post(ADD, EVERYBODY) for owner in owners))
    assert (first.status_code, first["Location"], second.status_code) == (302, BUDGETS, 200)
    assert "Somebody has just made this budget. Open it" in text(second)
    where = reverse("admin:imagen_budget_change", args=[Budget.objects.get().pk])
    assert f'<a href="{where}">Open it</a>' in second.content.decode()
    assert "Save" in second.content.decode()  # the form is there again


def test_a_save_that_the_database_refuses_leaves_a_page_that_still_reads_from_it(sign_in, monkeypatch):
    """The check sees the other's budget only the second time, as when both begin before either ends."""
    owner, budget = sign_in("owner", "manage_budget"), Budget.objects.create(limit=Decimal(1))
    honest, looks = BudgetForm._same, []
    monkeypatch.setattr(UniqueConstraint, "validate", lambda *args, **kwargs: None)
    monkeypatch.setattr(BudgetForm, "_same", lambda *args: looks.append(1) or (honest(*args) if looks[1:] else None))
    answer = owner.post(ADD, EVERYBODY)
    assert (answer.status_code, len(looks)) == (200, 2)
    assert f"/{budget.pk}/change/" in answer.content.decode()
    assert owner.get(BUDGETS).status_code == 200


def test_a_budget_that_was_there_for_long_is_linked_too(sign_in):
    owner, budget = sign_in("owner", "manage_budget"), Budget.objects.create(limit=Decimal(1))
    Budget.objects.update(created_at="2001-01-01T00:00:00Z")
    told = text(answer := owner.post(ADD, EVERYBODY))
    assert "There is such a budget already. Open it" in told
    assert f"/{budget.pk}/change/" in answer.content.decode()


def test_who_asks_for_more_money_twice_at_once_is_led_to_what_waits_for_an_answer(sign_in, both):
    Budget.objects.create(limit=Decimal(1), scope="each")
    ann, windows = sign_in("ann", *EDITOR), [Client(), Client()]  # two: what is told travels in a cookie
    for window in windows:
        window.force_login(User.objects.get(pk=ann.session["_auth_user_id"]))
    both(Plea, "save")
    answers = at_once(*[lambda window=each: window.post(ASK, {"wanted": "1", "reason": ""}) for each in windows])
    waits = reverse("admin:imagen_plea_change", args=[Plea.objects.get().pk])
    assert [(answer.status_code, answer["Location"]) for answer in answers] == [(302, waits)] * 2
    told = [text(window.get(waits)) for window in windows]
    assert ["already asked for, and not answered yet" in each for each in told].count(True) == 1
