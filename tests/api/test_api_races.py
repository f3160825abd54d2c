"""Two programs or two windows do the same at the same moment, and no bound is overstepped.

On SQLite one waits for the other by itself; ``test_on_postgresql`` runs this file where they really meet.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from functools import partial

import pytest
from django.db.models import QuerySet
from django.utils import timezone

from imagen import batches, webhooks
from imagen.exceptions import InvalidRequest, Refused
from imagen.models import ApiKey, Budget, Endpoint, Generation, IdempotencyKey, Purse
from imagen.models.idempotency import REMEMBERED
from tests import endpoints, factories
from tests.api.conftest import Api
from tests.engine.test_review_races import meet, together

pytestmark = pytest.mark.django_db(transaction=True)
BOUNDS = {  # what is made, and how many a person may have of it
    "keys": (ApiKey, "imagen.keyring.MOST", factories.api_key),
    "endpoints": (Endpoint, "imagen.webhooks.LIMIT", lambda user: webhooks.register(user, url=endpoints.ADDRESS)),
}


@pytest.fixture
def counted_together(monkeypatch):
    """Two threads that both count before either writes, as far as the database lets both come so far."""
    barrier, real = threading.Barrier(2), QuerySet.count

    def count(self):
        found = real(self)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(1)
        return found

    monkeypatch.setattr(QuerySet, "count", count)


@pytest.mark.usefixtures("counted_together", "sealed")
@pytest.mark.parametrize("what", BOUNDS)
def test_of_two_that_are_made_at_once_one_is_one_too_many(monkeypatch, what):
    rows, bound, make = BOUNDS[what]
    monkeypatch.setattr(bound, 1)
    ann, said = factories.editor("ann"), []

    def ask():
        try:
            make(ann)
            said.append("made")
        except (InvalidRequest, Refused):
            said.append("refused")

    together(ask, ask)
    assert sorted(said) == ["made", "refused"]
    assert rows.objects.of(ann).count() == 1


def test_a_key_whose_day_is_over_is_renewed_by_one_of_two_who_found_it_so(monkeypatch):
    ann, meanwhile = Api(factories.editor("ann")), []
    send = partial(ann.post, "generations/", {"prompt": "x", "provider": "sandbox"}, Idempotency_Key="k")
    send()
    IdempotencyKey.objects.update(created_at=timezone.now() - 2 * REMEMBERED)

    def another_was_quicker():
        monkeypatch.undo()
        meanwhile.append(send())

    meet(monkeypatch, IdempotencyKey, "delete", another_was_quicker)
    assert send().json() == meanwhile[0].json()
    assert Generation.objects.count() == 2


def test_a_batch_cancelled_twice_at_once_is_cancelled(monkeypatch):
    ann = Api(factories.editor("ann"))
    Budget.objects.create(limit=9, scope="everybody", period="month")
    made = ann.post("batches/", {"requests": [{"prompt": "x", "provider": "wavespeed"}] * 3}).json()
    assert Purse.objects.get().reserved > 0
    barrier, answers, real = threading.Barrier(2), [], batches._under_way

    def listed(batch):
        found = real(batch)
        with suppress(threading.BrokenBarrierError):
            barrier.wait(1)
        return found

    monkeypatch.setattr(batches, "_under_way", listed)
    together(*[lambda: answers.append(ann.post(f"batches/{made['id']}/cancel/").status_code)] * 2)
    assert 200 in answers
    assert set(answers) <= {200, 409}
    assert set(Generation.objects.values_list("status", flat=True)) == {"canceled"}
    assert [purse.reserved for purse in Purse.objects.all()] == [0]
