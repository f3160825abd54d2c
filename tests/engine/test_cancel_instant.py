"""A cancel at the instant of sending: not a byte goes out and the money is free, or it was sent and stays paid."""

from __future__ import annotations

import threading
from decimal import Decimal

import pytest
from django.db import connection

from imagen import failpoints, pipeline
from imagen.models import Budget, Generation, Purse

BEFORE = ("claim committed",)
AFTER = ("sending committed", "departing", "answered", "processing committed")


@pytest.fixture
def cancelled_at(ask, work, monkeypatch):
    """A request that its person cancels, in a process of their own as it were, at the moment this place is reached."""

    def run(place: str) -> Generation:
        Budget.objects.create(scope="everybody", limit=Decimal(1))
        generation, pressed = ask(), threading.Event()

        def press() -> None:
            pipeline.cancel(Generation.objects.get(pk=generation.pk))
            connection.close()

        def hook(name: str) -> None:
            if name == place and not pressed.is_set():
                pressed.set()
                person = threading.Thread(target=press)
                person.start()
                person.join()

        monkeypatch.setattr(failpoints, "hook", hook)
        work()
        assert pressed.is_set()
        generation.refresh_from_db()
        return generation

    return run


@pytest.mark.parametrize("place", BEFORE)
def test_before_the_mark_nothing_is_sent_and_nothing_is_spent(cancelled_at, imagen_gateway, place):
    generation = cancelled_at(place)
    assert (generation.status, generation.warnings.count("already_submitted")) == ("canceled", 0)
    assert imagen_gateway.jobs == []
    assert (Purse.objects.get().reserved, Purse.objects.get().spent) == (0, 0)


@pytest.mark.parametrize("place", AFTER)
def test_after_it_the_picture_is_paid_for_and_kept_and_it_says_so(cancelled_at, imagen_gateway, place):
    generation = cancelled_at(place)
    assert (generation.status, generation.images.count()) == ("completed", 1)
    assert "already_submitted" in generation.warnings
    assert len(imagen_gateway.jobs) == 1
    assert (Purse.objects.get().reserved, Purse.objects.get().spent) == (0, generation.cost_actual)
