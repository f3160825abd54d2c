"""Two programs or two windows do the same at the same moment, and no bound is overstepped.

On SQLite one waits for the other by itself; ``test_on_postgresql`` runs this file where they really meet.
"""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest
from django.db.models import QuerySet

from imagen import webhooks
from imagen.exceptions import InvalidRequest, Refused
from imagen.models import ApiKey, Endpoint
from tests import endpoints, factories
from tests.engine.test_review_races import together

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
