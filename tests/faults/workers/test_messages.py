"""A worker killed while it tells others what happened, F13: told again under the same id, and nothing is lost."""

from __future__ import annotations

import pytest
from django.utils import timezone
from standardwebhooks import Webhook

from imagen import outbox
from imagen.models import Delivery, Job
from tests.mailroom import SECRET, listen, owner, post_office, sink
from tests.workshop import facts

__all__ = ["listen", "owner", "post_office", "sink"]
pytestmark = pytest.mark.usefixtures("transactional_db")


def heal(work) -> None:
    """The leases of the dead run out, and a healthy worker does what is due."""
    Delivery.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    Job.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    work()


@pytest.mark.fault("F13")
@pytest.mark.parametrize(("point", "times"), [("message claimed", 1), ("message answered", 2), ("message written", 2)])
def test_a_message_whose_sender_was_killed_comes_again_under_its_id(
    mortal, listen, made, owner, sink, settings, work, point, times
):
    generation = made(user=owner)
    listen()
    outbox.announce(generation)
    mortal.die("work", point, **facts(settings))
    left = Delivery.objects.get()
    assert (left.status, left.tries, left.fence) == ("sending", 0, 1)
    heal(work)
    left.refresh_from_db()
    assert (left.status, left.tries, left.fence) == ("delivered", 1, 2)
    told = [Webhook(SECRET).verify(each.body, each.headers) for each in sink.messages]
    assert [each["data"]["id"] for each in told] == [str(generation.pk)] * times
    assert {each.headers["webhook-id"] for each in sink.messages} == {left.webhook_id}


@pytest.mark.fault("F13")
@pytest.mark.parametrize("point", ["completed written", "completed committed"])
def test_what_happened_is_told_once_wherever_who_saw_it_dies(
    mortal, listen, ask, owner, sink, settings, work, site, post_office, point
):
    site(vendors=("apiframe",), SWEEP_SECONDS=1)
    post_office()
    listen()
    ask(user=owner)
    mortal.die("work", point, **facts(settings))
    assert Delivery.objects.count() == (point == "completed committed")
    heal(work)
    (message,) = sink.messages
    assert Webhook(SECRET).verify(message.body, message.headers)["type"] == "generation.completed"
