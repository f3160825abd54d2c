"""Two workers, a person and a worker at one message or one endpoint: whoever comes second sees what the first one did.

On SQLite one waits for the other by itself; ``test_on_postgresql`` runs this file where they really meet.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from imagen import deliveries, outbox, pipeline, webhooks
from imagen.courier import Echo
from imagen.exceptions import Conflict, InvalidRequest
from imagen.models import Delivery, Endpoint
from imagen.models.webhook import DeliveryQuerySet
from tests import factories
from tests.engine.test_review_races import together

PAUSE = 1.0
NO, YES = Echo(status=500), Echo(status=204)


@pytest.fixture
def message(listen: Any, owner: Any) -> Delivery:
    """A message that is due."""
    listen()
    with transaction.atomic():
        outbox.announce(factories.completed(owner))
    return Delivery.objects.get()


def held_up(monkeypatch: pytest.MonkeyPatch, where: Any, name: str, until: threading.Event) -> threading.Event:
    """The first to have done this waits for ``until``, no longer than a pause; set once it is there."""
    real, here = getattr(where, name), threading.Event()

    def waited(*args: Any, **kwargs: Any) -> Any:
        found = real(*args, **kwargs)
        if not here.is_set():
            here.set()
            until.wait(PAUSE)
        return found

    monkeypatch.setattr(where, name, waited)
    return here


def after(here: threading.Event, deed: Callable[[], Any], done: threading.Event) -> Callable[[], None]:
    """Do this once the other one is there, and say so."""

    def do() -> None:
        here.wait(PAUSE * 5)
        with suppress(Conflict):
            deed()
        done.set()

    return do


@pytest.mark.parametrize("says", [NO, YES])
def test_a_worker_that_comes_too_late_never_writes_over_the_one_that_has_it_now(monkeypatch, message, says):
    (late,) = deliveries.claim(1, lease=0.01)
    time.sleep(0.02)
    taken, mine = threading.Event(), []
    here = held_up(monkeypatch, deliveries, "database_now", taken)
    again = after(here, lambda: mine.extend(deliveries.claim(1, lease=60)), taken)
    together(lambda: deliveries.settle(late, says), again)
    message.refresh_from_db()
    left = {NO: "waiting", YES: "delivered"}[says]
    assert (message.status, message.tries) == (("sending", 0) if mine else (left, 1))


def test_what_is_sent_again_while_its_endpoint_is_switched_off_is_not_left_waiting(monkeypatch, message):
    (parcel,) = deliveries.claim(1, lease=60)
    deliveries.settle(parcel, YES)
    done = threading.Event()
    here = held_up(monkeypatch, webhooks, "database_now", done)
    off = after(here, lambda: webhooks.disable(Endpoint.objects.get()), done)
    together(lambda: webhooks.redeliver(Delivery.objects.get()), off)
    assert Endpoint.objects.get().state == "disabled"
    assert Delivery.objects.get().status != "waiting"


def test_what_is_sent_again_while_its_request_is_deleted_is_not_sent_without_a_word(monkeypatch, message):
    (parcel,) = deliveries.claim(1, lease=60)
    deliveries.settle(parcel, YES)
    done = threading.Event()
    here = held_up(monkeypatch, DeliveryQuerySet, "call_off", done)
    again = after(here, lambda: webhooks.redeliver(Delivery.objects.get()), done)
    together(lambda: pipeline.erase(message.generation), again)
    assert (Delivery.objects.get().body, Delivery.objects.get().due_at) == ("", None)


def test_an_address_that_never_answered_is_not_slipped_in_by_who_read_before(listen, post_office, sink):
    """The body of a request may come as slowly as its sender likes, after the endpoint was read."""
    other = f"{sink.url}/somebody-elses"
    endpoint = listen()
    webhooks.change(endpoint, url=other)
    read_before = Endpoint.objects.get()
    webhooks.change(endpoint, url=sink.url)
    Endpoint.objects.update(state="active", verified_at=timezone.now())
    webhooks.change(read_before, url=other)
    assert (Endpoint.objects.get().url, Endpoint.objects.get().state) == (other, "pending")


def test_two_that_register_at_once_count_each_other(listen, owner, sink, monkeypatch):
    for _ in range(webhooks.LIMIT - 1):
        listen()
    counted, refused = threading.Event(), []
    held_up(monkeypatch, Endpoint.objects.all().__class__, "count", counted)

    def register() -> None:
        try:
            webhooks.register(owner, url=sink.url)
        except InvalidRequest as error:
            refused.append(error)

    together(register, register)
    assert (Endpoint.objects.count(), len(refused)) == (webhooks.LIMIT, 1)
