"""Webhooks out, read once more by somebody who means harm, and by somebody who has to look after them."""

from __future__ import annotations

import asyncio
import logging
import re
import socket
import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from django.views.debug import ExceptionReporter

from imagen import deliveries, engine, outbox, pipeline, vault, webhooks
from imagen.courier import Courier, Echo
from imagen.models import Alarm, Delivery
from tests import factories
from tests.mailroom import SECRET
from tests.test_egress import port_of, serve


@pytest.fixture
def announced(owner: Any) -> Any:
    """Write a message about a finished request of this person."""

    def announce(user: Any = owner) -> Delivery:
        with transaction.atomic():
            generation = factories.completed(user)
            outbox.announce(generation)
        return Delivery.objects.filter(generation=generation).first()

    return announce


# What goes wrong with us


def test_what_goes_wrong_before_a_message_leaves_is_logged_and_uses_up_a_try(listen, announced, monkeypatch, caplog):
    def stumble(*args: Any, **kwargs: Any) -> str:
        raise RuntimeError(SECRET)

    listen()
    message = announced()
    monkeypatch.setattr("imagen.engine.post.sign_standard", stumble)
    engine.drive(seconds=2)
    message.refresh_from_db()
    assert (message.status, message.tries, message.last_error) == ("failed", 3, "unsignable")
    (line, *_) = [each for each in caplog.records if each.levelno == logging.ERROR]
    assert (line.delivery, "RuntimeError" in line.getMessage()) == (str(message.pk), True)
    assert SECRET not in caplog.text
    assert "127.0.0.1" not in caplog.text


def test_a_secret_that_is_none_signs_nothing(listen, announced, sink, work):
    """Who would sign with an empty key lets anybody sign in our name."""
    listen(secret=vault.lock("no secret at all"))
    message = announced()
    work()
    message.refresh_from_db()
    assert (message.status, message.last_error, sink.messages) == ("failed", "unsignable", [])


def test_a_parcel_shows_neither_its_secrets_nor_its_words_nor_its_address(listen, announced, owner):
    listen(include_prompt=True)
    announced()
    (parcel,) = deliveries.claim(1, lease=60)
    for word in (SECRET, parcel.url, parcel.body.decode()):
        assert word not in repr(parcel)


@pytest.mark.parametrize("verb", ["register", "rotate"])
def test_an_error_report_about_a_new_secret_does_not_tell_it(listen, owner, monkeypatch, verb):
    endpoint = listen()
    monkeypatch.setattr(webhooks, "database_now", lambda: 1 / 0)
    with pytest.raises(ZeroDivisionError) as raised:
        webhooks.register(owner, url=endpoint.url) if verb == "register" else webhooks.rotate(endpoint)
    report = ExceptionReporter(None, raised.type, raised.value, raised.tb).get_traceback_html()
    assert "secret" in report
    assert not re.search(r"whsec_[A-Za-z0-9+/=]{20}", report)


def test_whose_account_is_closed_is_told_nothing_more(listen, announced, owner, sink, work):
    listen()
    waiting = announced()
    owner.is_active = False
    owner.save()
    assert announced() is None
    work()
    waiting.refresh_from_db()
    assert (waiting.status, waiting.last_error, sink.messages) == ("canceled", "endpoint_disabled", [])


# What an address says, and about which one


def test_what_the_old_address_says_is_not_about_the_new_one(listen, announced, post_office, sink):
    endpoint = listen()
    message = announced()
    (parcel,) = deliveries.claim(1, lease=60)
    webhooks.change(endpoint, url=f"{sink.url}/moved")
    deliveries.settle(parcel, Echo(status=410))
    endpoint.refresh_from_db()
    message.refresh_from_db()
    assert (endpoint.state, endpoint.failing_since) == ("pending", None)
    assert (message.status, message.tries) == ("waiting", 1)


def test_a_good_answer_at_a_requests_own_address_does_not_hide_that_the_endpoint_fails(listen, owner, ask, sink):
    since = timezone.now() - timedelta(days=2)
    endpoint = listen(events=["generation.failed"], failing_since=since)
    pipeline.cancel(ask(user=owner, webhook_url=sink.url.replace("/hooks", "/orders/7")))
    (parcel,) = deliveries.claim(1, lease=60)
    deliveries.settle(parcel, Echo(status=204))
    endpoint.refresh_from_db()
    assert (endpoint.failing_since, Delivery.objects.get().status) == (since, "delivered")


def test_an_answer_that_came_in_time_counts_though_the_rest_of_it_does_not(listen, announced, post_office, work):
    async def dawdle(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(0.5)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        await asyncio.sleep(1.2)

    assert raw(post_office, dawdle, seconds=1) == Echo(status=200)


def test_a_status_that_is_none_is_no_answer(post_office):
    async def nothing(writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n")

    assert raw(post_office, nothing, seconds=5) == Echo(error="unreachable")


def raw(post_office: Any, answer: Any, *, seconds: float) -> Echo:
    """What comes back from a receiver that does this."""

    async def story() -> Echo:
        async with await serve(answer) as server:
            host = f"127.0.0.1:{port_of(server)}"
            post_office(ALLOWED_PRIVATE_HOSTS=[host])
            async with Courier() as courier:
                echo = await courier.deliver(f"http://{host}/", b"{}", {}, seconds=seconds)
            await asyncio.sleep(0.5)  # so that the receiver comes to its end
        return echo

    return asyncio.run(story())


# What it does to others


def test_an_alarm_about_a_secret_ends_with_the_messages_that_waited_for_it(listen, announced, post_office):
    endpoint = listen(secret="not to be read")
    announced()
    assert deliveries.claim(1, lease=60) == []
    assert Alarm.objects.get(over_at=None).cause == "webhooks_unsigned"
    pipeline.sweep()
    assert Alarm.objects.filter(over_at=None).exists()
    webhooks.remove(endpoint)
    pipeline.sweep()
    assert not Alarm.objects.filter(over_at=None).exists()


def test_one_person_with_many_slow_addresses_leaves_room_for_others(listen, announced, owner):
    for _ in range(webhooks.LIMIT):
        listen()
    for _ in range(6):
        announced()
    sending = deliveries.claim(16, lease=60)
    assert not deliveries.claim(16 - len(sending), lease=60, under_way=sending)
    other = listen(user=factories.editor("paul"))
    message = announced(other.user)
    (parcel,) = deliveries.claim(16 - len(sending), lease=60, under_way=sending)
    assert parcel.pk == message.pk


def test_four_messages_go_to_one_address_at_once_however_few_are_taken_at_a_time(listen, announced):
    listen()
    for _ in range(9):
        announced()
    sending = deliveries.claim(3, lease=60)
    sending += deliveries.claim(13, lease=60, under_way=sending)
    assert len(sending) == deliveries.AT_ONCE


def test_who_has_the_fewest_under_way_comes_first(listen, announced, owner):
    listen()
    for _ in range(3):
        announced()
    sending = deliveries.claim(1, lease=60)
    other = listen(user=factories.editor("paul"))
    announced(other.user)
    assert [each.owner for each in deliveries.claim(1, lease=60, under_way=sending)] == [other.user_id]


def test_a_name_server_that_dawdles_holds_up_nobody_else(post_office, monkeypatch):
    """The names of gateways are found in the same process."""
    enough = threading.Event()

    def found(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        if host == "slow.example":
            enough.wait(5)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 443))]

    monkeypatch.setattr(socket, "getaddrinfo", found)

    async def story() -> float:
        async with Courier() as courier:
            slow = [courier.deliver("https://slow.example/", b"{}", {}, seconds=3) for _ in range(40)]
            waiting = asyncio.gather(*slow)
            await asyncio.sleep(0.2)
            begun = asyncio.get_running_loop().time()
            await asyncio.get_running_loop().getaddrinfo("gateway.example", 443)
            took = asyncio.get_running_loop().time() - begun
            enough.set()
            assert {echo.error for echo in await waiting} == {"address_refused"}
            return took

    assert asyncio.run(story()) < 1
