"""Webhooks out: what happened is told to whoever listens, signed, again and again until it has arrived."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.utils import timezone
from standardwebhooks import Webhook

from imagen import deliveries, engine, outbox, pipeline, vault, webhooks
from imagen.models import Alarm, Delivery, Endpoint, Job
from imagen.testing.sink import RESET, Sink, Way
from tests import factories
from tests.mailroom import SECRET

MOVED = Way(307, (("location", "/elsewhere"),))


@pytest.fixture
def tell(owner, work):
    """Write a message about a finished request to whoever listens, and let the engine work."""

    def tell(**fields) -> Delivery:
        generation = factories.completed(owner, **fields)
        outbox.announce(generation)
        work()
        return Delivery.objects.filter(generation=generation).first()

    return tell


def test_the_end_of_a_request_is_told_once_signed_and_without_its_description(listen, made, owner, sink):
    listen()
    generation = made("a lighthouse", user=owner, metadata={"order": 7})
    (message,) = sink.messages
    told = Webhook(SECRET).verify(message.body, message.headers)
    assert (told["type"], told["data"]["id"]) == ("generation.completed", str(generation.pk))
    assert (told["data"]["status"], told["data"]["metadata"]) == ("completed", {"order": 7})
    assert len(told["data"]["images"]) == 1
    assert b"lighthouse" not in message.body
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.tries, delivery.last_code) == ("delivered", 1, 204)
    assert message.headers["webhook-id"] == delivery.webhook_id
    assert message.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("way", "error", "code"),
    [
        (Way(500), "answered", 500),
        (MOVED, "redirected", 307),
        (Way(404), "answered", 404),
        (RESET, "unreachable", None),
    ],
)
def test_what_did_not_arrive_is_sent_again_under_its_id_with_the_same_bytes(listen, tell, sink, way, error, code):
    listen()
    sink.ways = [way, way, Way()]
    delivery = tell()
    assert (delivery.status, delivery.tries, delivery.last_error) == ("delivered", 3, "")
    assert len({(message.path, message.headers["webhook-id"], message.body) for message in sink.messages}) == 1
    sink.ways = [way]
    delivery = tell()
    assert (delivery.status, delivery.tries) == ("failed", 3)
    assert (delivery.last_error, delivery.last_code) == (error, code)
    assert Endpoint.objects.get().state == "active"


def test_an_answer_that_comes_too_late_is_none(listen, tell, sink, post_office):
    post_office(WEBHOOK_SECONDS=0.5, WEBHOOK_RETRY_SECONDS=[0])
    listen()
    sink.ways = [Way(204, seconds=1)]
    delivery = tell()
    assert (delivery.status, delivery.last_error, delivery.last_code) == ("failed", "timeout", None)


def test_an_answer_that_asks_for_time_is_given_it_but_no_more_than_a_day(listen, owner, work, sink):
    listen()
    for asked, waits in (("120", 120), ("999999999", 86_400), ("-5", 0), ("soon", 0), ("Sun, 06 Nov 1994", 0)):
        sink.ways = [Way(503, (("retry-after", asked),))]
        outbox.announce(factories.completed(owner))
        engine.drive(seconds=0.3)
        delivery = Delivery.objects.latest("created_at")
        if waits:
            assert timedelta(seconds=waits - 5) < delivery.due_at - timezone.now() <= timedelta(seconds=waits)
        else:
            assert delivery.tries > 1


def test_an_address_that_is_gone_is_switched_off_and_its_owner_is_told(listen, tell, sink, mailoutbox, owner):
    endpoint = listen(name="our shop")
    sink.ways = [Way(410)]
    outbox.announce(*[factories.completed(owner) for _ in range(6)])
    delivery = tell()
    assert Delivery.objects.filter(status="failed", last_error="gone").exists()
    assert set(Delivery.objects.values_list("status", flat=True)) == {"failed", "canceled"}
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.reason) == ("disabled", "gone")
    _wait_for(mailoutbox)
    assert (mailoutbox[0].to, "our shop" in mailoutbox[0].body) == (["olga@example.com"], True)
    assert delivery.tries <= 1


def test_an_address_that_fails_for_three_days_is_switched_off_and_its_owner_is_told(listen, tell, sink, mailoutbox):
    endpoint = listen()
    sink.ways = [Way(500)]
    tell()
    endpoint.refresh_from_db()
    assert timezone.now() - endpoint.failing_since < timedelta(minutes=1)
    Endpoint.objects.update(failing_since=timezone.now() - timedelta(days=3))
    tell()
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.reason) == ("disabled", "failing")
    _wait_for(mailoutbox)


def test_an_address_that_takes_a_message_again_is_not_failing_any_more(listen, tell):
    endpoint = listen(failing_since=timezone.now() - timedelta(days=2))
    tell()
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.failing_since) == ("active", None)


def test_for_a_day_after_a_new_secret_both_sign(listen, tell, sink):
    endpoint = listen()
    secret = webhooks.rotate(endpoint)
    tell()
    for known in (SECRET, secret):
        Webhook(known).verify(sink.messages[-1].body, sink.messages[-1].headers)
    Endpoint.objects.update(rotated_at=timezone.now() - timedelta(hours=25))
    tell()
    assert sink.messages[-1].headers["webhook-signature"].count("v1,") == 1
    Webhook(secret).verify(sink.messages[-1].body, sink.messages[-1].headers)


def test_nothing_but_a_ping_goes_to_an_address_that_has_not_answered_one(owner, post_office, tell, sink, work):
    sink.ways = [Way(404)]
    endpoint, secret = webhooks.register(owner, url=sink.url)
    tell()
    assert {webhooks.PING} == {Webhook(secret).verify(each.body, each.headers)["type"] for each in sink.messages}
    assert (len(sink.messages), Endpoint.objects.get().state) == (3, "pending")
    sink.ways = []
    webhooks.ping(endpoint)
    work()
    assert Endpoint.objects.get().state == "active"
    tell()
    assert Webhook(secret).verify(sink.messages[-1].body, sink.messages[-1].headers)["type"] == "generation.completed"


def test_what_happens_while_a_new_address_is_asked_waits_for_its_answer(listen, owner, work, sink, post_office):
    endpoint = listen()
    with Sink() as other:
        hosts = [f"127.0.0.1:{sink.port}", f"127.0.0.1:{other.port}"]
        post_office(ALLOWED_PRIVATE_HOSTS=hosts)
        webhooks.change(endpoint, url=other.url)
        outbox.announce(factories.completed(owner))
        work()
        told = [Webhook(SECRET).verify(each.body, each.headers)["type"] for each in other.messages]
    assert (told, sink.messages) == ([webhooks.PING, "generation.completed"], [])


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1"])
def test_a_name_that_leads_inside_meanwhile_is_not_connected_to(listen, tell, monkeypatch, address):
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: [(2, 1, 6, "", (address, 443))])
    listen(url="https://receiver.example/hooks")
    delivery = tell()
    assert (delivery.status, delivery.last_error) == ("failed", "address_refused")


def test_of_a_long_answer_only_the_beginning_is_read_and_nothing_kept(listen, tell, sink):
    listen()
    sink.ways = [Way(200, body=b"x" * 30_000_000)]
    delivery = tell()
    assert (delivery.status, delivery.last_error) == ("delivered", "")


def test_a_slow_address_leaves_room_for_others(listen, owner, post_office):
    listen()
    outbox.announce(*[factories.completed(owner) for _ in range(9)])
    other = listen(user=factories.editor("paul"), name="paul's")
    outbox.announce(factories.completed(other.user))
    parcels = deliveries.claim(16, lease=60)
    assert len(parcels) == deliveries.AT_ONCE + 1
    assert other.pk in {parcel.endpoint for parcel in parcels}
    assert not deliveries.claim(16, lease=60, under_way=parcels)


def test_an_answer_to_a_message_that_somebody_else_has_taken_counts_for_nothing(listen, owner):
    listen()
    outbox.announce(factories.completed(owner))
    (late,) = deliveries.claim(1, lease=0.01)
    time.sleep(0.02)
    (mine,) = deliveries.claim(1, lease=60)
    deliveries.settle(late, deliveries.Echo(status=410))
    deliveries.settle(mine, deliveries.Echo(status=204))
    assert Delivery.objects.get().status == "delivered"
    assert Endpoint.objects.get().state == "active"


def test_a_message_whose_secret_cannot_be_read_waits_and_an_administrator_is_told(listen, tell, post_office, sink):
    listen()
    post_office(ENCRYPTION_KEYS=[Fernet.generate_key().decode()])
    delivery = tell()
    assert (delivery.status, delivery.tries, delivery.last_error) == ("waiting", 0, "unsignable")
    assert Alarm.objects.get(over_at=None).cause == "webhooks_unsigned"
    post_office()
    Delivery.objects.update(due_at=timezone.now())
    engine.drive(seconds=1)
    delivery.refresh_from_db()
    assert delivery.status == "delivered"
    assert not Alarm.objects.filter(over_at=None).exists()


def test_a_message_is_sent_again_by_hand_under_its_id(listen, tell, sink, work):
    listen()
    sink.ways = [Way(500)]
    delivery = tell()
    sink.ways = []
    webhooks.redeliver(delivery)
    work()
    delivery.refresh_from_db()
    assert (delivery.status, delivery.tries) == ("delivered", 1)
    assert {each.headers["webhook-id"] for each in sink.messages} == {delivery.webhook_id}


def test_of_a_deleted_request_nothing_is_sent_any_more_and_nothing_kept(listen, owner, sink, work):
    listen(include_prompt=True)
    generation = factories.completed(owner, prompt="a secret lighthouse")
    outbox.announce(generation)
    assert "secret lighthouse" in Delivery.objects.get().body
    pipeline.erase(generation)
    work()
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.last_error, delivery.body) == ("canceled", "erased", "")
    assert not sink.messages


def test_a_cancelled_request_is_told_though_nothing_else_is_to_be_done(listen, ask, owner, sink, work):
    listen()
    pipeline.cancel(ask(user=owner))
    work()
    (message,) = sink.messages
    assert Webhook(SECRET).verify(message.body, message.headers)["type"] == "generation.canceled"
    assert not Job.objects.free().exists()


def test_secrets_are_kept_as_ciphertext_only(listen):
    endpoint = listen()
    assert SECRET not in endpoint.secret
    assert vault.unlock(endpoint.secret) == SECRET


def _wait_for(mails) -> None:
    until = time.monotonic() + 5
    while not mails and time.monotonic() < until:
        time.sleep(0.01)
    assert mails
