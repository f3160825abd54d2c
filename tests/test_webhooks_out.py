"""What can be done with webhook endpoints, and who is told what, without a worker."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.utils import timezone

from imagen import deliveries, duties, outbox, pipeline, vault, webhooks
from imagen.exceptions import Conflict, InvalidRequest, VaultClosed
from imagen.models import Delivery, Endpoint, Generation
from tests import factories
from tests.mailroom import KEY, SECRET, listen, owner, post_office, sink
from tests.test_egress import DISGUISED, PRIVATE, SHAPES
from tests.workshop import ask, site

__all__ = ["ask", "listen", "owner", "post_office", "sink", "site"]


@pytest.fixture(autouse=True)
def quiet(impatient, site):
    """Nobody rings, and there is a gateway."""


def refused(call, *args, **kwargs) -> tuple[str, str]:
    """The field and the code that a verb objects to."""
    with pytest.raises(InvalidRequest) as told:
        call(*args, **kwargs)
    (error,) = told.value.errors
    return error.field, error.code


def test_a_new_endpoint_shows_its_secret_once_and_waits_for_the_answer_to_a_ping(owner, post_office, sink):
    endpoint, secret = webhooks.register(owner, url=sink.url, name="shop", events=["generation.failed"])
    assert (endpoint.state, endpoint.events, endpoint.include_prompt) == ("pending", ["generation.failed"], False)
    assert secret.startswith("whsec_")
    assert secret.endswith(endpoint.last4)
    assert vault.unlock(endpoint.secret) == secret
    ping = Delivery.objects.get()
    assert (ping.kind, ping.event, json.loads(ping.body)["data"]) == (
        "ping",
        "endpoint.ping",
        {"endpoint": str(endpoint.pk)},
    )


def test_an_address_that_may_not_be_sent_to_is_no_endpoint(owner, post_office, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda host, *args, **kwargs: [(2, 1, 6, "", ("8.8.8.8", 443))])
    hosts = [*(f"[{host}]" if ":" in host else host for host in PRIVATE), *DISGUISED]
    forms = [*(f"https://{host}/hooks" for host in hosts), *SHAPES, "sandbox://x", f"https://h.com/{'x' * 2000}"]
    assert len(forms) >= 150
    for form in forms:
        assert refused(webhooks.register, owner, url=form) == ("url", "address_refused"), form
    assert webhooks.register(owner, url="https://receiver.example:8443/hooks")


@pytest.mark.parametrize("found", [["10.0.0.1"], ["8.8.8.8", "127.0.0.1"], []])
def test_a_name_that_leads_inside_or_nowhere_is_no_endpoint(owner, post_office, monkeypatch, found):
    def resolve(*args, **kwargs):
        if not found:
            raise OSError("no such name")
        return [(2, 1, 6, "", (address, 443)) for address in found]

    monkeypatch.setattr("socket.getaddrinfo", resolve)
    assert refused(webhooks.register, owner, url="https://receiver.example/") == ("url", "address_refused")


def test_one_person_has_five_endpoints_at_most(owner, post_office, sink):
    for _ in range(5):
        webhooks.register(owner, url=sink.url)
    assert refused(webhooks.register, owner, url=sink.url) == ("url", "too_many_endpoints")
    webhooks.register(factories.person("paul"), url=sink.url)


@pytest.mark.parametrize("events", [[], ["generation.made"], ["endpoint.ping"]])
def test_an_endpoint_is_told_of_what_there_is(owner, post_office, sink, events):
    assert refused(webhooks.register, owner, url=sink.url, events=events) == ("events", "not_a_choice")


@pytest.mark.parametrize("keys", [[], ["no key"], [7]])
def test_without_a_key_to_encrypt_with_there_are_no_endpoints(owner, post_office, sink, keys):
    post_office(ENCRYPTION_KEYS=keys)
    assert not vault.is_open()
    with pytest.raises(VaultClosed) as told:
        webhooks.register(owner, url=sink.url)
    assert told.value.code == "webhooks_not_configured"


def test_without_cryptography_there_are_no_endpoints(owner, post_office, sink, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography.fernet", None)
    with pytest.raises(VaultClosed):
        webhooks.register(owner, url=sink.url)


def test_what_leaves_in_a_dump_is_ciphertext(listen, capsys):
    webhooks.rotate(listen())
    call_command("dumpdata", "imagen.endpoint")
    dump = capsys.readouterr().out
    assert '"last4"' in dump
    assert "whsec_" not in dump


def test_secrets_move_to_a_new_key_by_command(listen, post_office, capsys):
    endpoint, new = listen(), Fernet.generate_key().decode()
    post_office(ENCRYPTION_KEYS=[new, KEY])
    call_command("imagen_rekey")
    assert "1" in capsys.readouterr().out
    post_office(ENCRYPTION_KEYS=[new])
    endpoint.refresh_from_db()
    assert vault.unlock(endpoint.secret) == SECRET


def test_a_replaced_secret_is_forgotten_after_a_day(listen):
    endpoint = listen()
    webhooks.rotate(endpoint)
    pipeline.sweep()
    endpoint.refresh_from_db()
    assert endpoint.previous_secret
    Endpoint.objects.update(rotated_at=timezone.now() - timedelta(hours=25))
    pipeline.sweep()
    endpoint.refresh_from_db()
    assert not endpoint.previous_secret


def test_verbs_that_have_nothing_to_do_say_so(listen, owner):
    endpoint = listen()
    with pytest.raises(Conflict):
        webhooks.ping(endpoint)
    with pytest.raises(Conflict):
        webhooks.enable(endpoint)
    delivery = webhooks.test(endpoint)
    with pytest.raises(Conflict):
        webhooks.test(endpoint)
    with pytest.raises(Conflict):
        webhooks.redeliver(delivery)
    webhooks.disable(endpoint)
    for verb in (webhooks.disable, webhooks.test, webhooks.ping):
        with pytest.raises(Conflict):
            verb(endpoint)


def test_switching_off_cancels_what_waits_and_switching_on_asks_again(listen, owner):
    endpoint = listen()
    outbox.announce(factories.completed(owner))
    webhooks.disable(endpoint)
    delivery = Delivery.objects.get()
    assert (delivery.status, delivery.last_error) == ("canceled", "endpoint_disabled")
    with pytest.raises(Conflict):
        webhooks.redeliver(delivery)
    webhooks.enable(endpoint)
    assert (endpoint.state, endpoint.reason) == ("pending", "")
    assert Delivery.objects.get(kind="ping").status == "waiting"


def test_a_ping_that_was_meant_for_another_address_proves_nothing(listen, post_office, sink):
    endpoint = listen()
    webhooks.disable(endpoint)
    webhooks.enable(endpoint)
    post_office(ALLOWED_PRIVATE_HOSTS=[f"127.0.0.1:{sink.port}", "127.0.0.1:9"])
    webhooks.change(endpoint, url="http://127.0.0.1:9/", name="moved", events=["generation.failed"])
    assert (endpoint.name, endpoint.events, endpoint.state) == ("moved", ["generation.failed"], "pending")
    assert sorted(Delivery.objects.values_list("status", flat=True)) == ["canceled", "waiting"]
    with pytest.raises(TypeError):
        webhooks.change(endpoint, secret="mine")


@pytest.mark.parametrize(
    ("status", "event"),
    [("failed", "failed"), ("canceled", "canceled"), ("unconfirmed", "needs_review"), ("completed", "failed")],
)
def test_each_end_has_its_event_and_who_did_not_ask_for_it_is_not_told(listen, owner, status, event):
    wanted = listen(events=[f"generation.{event}"])
    listen(events=["generation.partial"])
    listen(user=factories.person("paul"))
    listen(state="disabled", reason="by_hand")
    listen(state="pending", verified_at=None)
    generation = factories.generation(owner)
    factories.leave(generation, status)  # a call that is complete and has no picture is a failure
    told = Delivery.objects.get()
    generation.refresh_from_db()
    assert (told.endpoint, told.event, told.generation) == (wanted, f"generation.{event}", generation)
    assert json.loads(told.body)["data"]["status"] == generation.status


def test_a_doubt_that_ends_late_is_a_second_event_with_an_id_of_its_own(listen, owner):
    listen()
    generation = factories.generation(owner)
    factories.leave(generation, "unconfirmed")
    factories.leave(generation, "failed")
    events = list(Delivery.objects.order_by("created_at").values_list("event", flat=True))
    assert events == ["generation.needs_review", "generation.failed"]
    assert Delivery.objects.values("webhook_id").distinct().count() == 2


def test_an_event_that_is_rolled_back_was_never_written(listen, owner, monkeypatch):
    listen()
    generation = factories.generation(owner)
    monkeypatch.setattr("imagen.models.ledger.EntryQuerySet.post", _stumble)
    with pytest.raises(RuntimeError):
        pipeline.cancel(generation)
    generation.refresh_from_db()
    assert (generation.status, Delivery.objects.count()) == ("queued", 0)


def _stumble(*args, **kwargs):
    raise RuntimeError


def test_a_request_that_cannot_be_put_into_words_is_told_nevertheless(listen, owner, monkeypatch):
    monkeypatch.setattr("imagen.presentation.story", _stumble)
    listen()
    generation = factories.generation(owner)
    pipeline.cancel(generation)
    assert json.loads(Delivery.objects.get().body)["data"] == {"id": str(generation.pk), "status": "canceled"}


def test_the_description_goes_along_where_the_endpoint_asks_for_it(listen, owner):
    listen(include_prompt=True)
    pipeline.cancel(factories.generation(owner, prompt="ein Leuchtturm", negative_prompt="fog"))
    told = json.loads(Delivery.objects.get().body)["data"]
    assert (told["prompt"], told["negative_prompt"]) == ("ein Leuchtturm", "fog")


@pytest.mark.parametrize(("words", "fits"), [(4_000, True), (25_000, False)])
def test_no_message_has_twenty_thousand_bytes(listen, owner, words, fits):
    listen(include_prompt=True)
    pipeline.cancel(factories.generation(owner, prompt="é" * (words // 2), metadata={"order": 7}))
    body = Delivery.objects.get().body
    assert len(body.encode()) < 20_000
    assert ("é" in body) == fits
    assert json.loads(body)["data"]["metadata"] == {"order": 7}


def test_a_request_may_name_an_address_at_an_active_endpoint_of_its_person(listen, owner, sink, settings, ask):
    endpoint = listen(events=["generation.failed"])
    own = sink.url.replace("/hooks", "/orders/7")
    generation = ask(user=owner, webhook_url=own)
    pipeline.cancel(generation)
    told = Delivery.objects.get()
    assert (told.endpoint, told.url, told.address, told.event) == (endpoint, own, own, "generation.canceled")


def test_a_request_is_told_once_where_its_address_is_the_endpoints(listen, owner, sink, ask):
    listen()
    pipeline.cancel(ask(user=owner, webhook_url=sink.url))
    assert Delivery.objects.get().url == ""


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/hooks", "https://example.com/", "https://h.com:77/", "nonsense"])
def test_an_address_elsewhere_is_refused(listen, owner, ask, url, monkeypatch):
    monkeypatch.setattr("socket.getaddrinfo", lambda *args, **kwargs: [(2, 1, 6, "", ("8.8.8.8", 443))])
    listen()
    assert refused(ask, user=owner, webhook_url=url) == ("webhook_url", "not_your_endpoint")
    assert not Generation.objects.exists()


def test_somebody_elses_endpoint_is_no_address_for_a_request(listen, sink, ask):
    listen()
    assert refused(ask, user=factories.editor("paul"), webhook_url=sink.url) == ("webhook_url", "not_your_endpoint")


def test_what_was_told_a_month_ago_is_forgotten_and_a_persons_endpoints_go_with_the_rest(listen, owner, capsys):
    endpoint = listen()
    pipeline.cancel(factories.generation(owner))
    webhooks.disable(endpoint)
    call_command("imagen_prune")
    assert Delivery.objects.exists()
    Delivery.objects.update(created_at=timezone.now() - timedelta(days=31))
    call_command("imagen_prune")
    assert not Delivery.objects.exists()
    call_command("imagen_prune", user=owner.username)
    assert not Endpoint.objects.exists()


def test_an_endpoint_that_is_removed_takes_its_messages_along(listen, owner):
    endpoint = listen()
    pipeline.cancel(factories.generation(owner))
    webhooks.remove(endpoint)
    assert not Delivery.objects.exists()


def test_who_owns_an_endpoint_that_was_switched_off_finds_it_among_what_needs_them(listen, owner, rf):
    listen(name="our shop", state="disabled", reason="failing")
    listen(name="my own decision", state="disabled", reason="by_hand")
    request = rf.get("/")
    request.user = owner
    (duty,) = duties.of(request)
    assert "our shop" in duty.text
    request = rf.get("/")
    request.user = factories.editor("paul")
    assert not duties.of(request)


def test_who_leaves_takes_their_endpoints_along_and_the_end_of_what_was_under_way(listen, owner):
    listen(include_prompt=True)
    generation = factories.generation(owner)
    owner.delete()
    generation.refresh_from_db()
    assert generation.status == "canceled"
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()


def test_where_the_key_is_lost_a_new_secret_signs_alone_and_at_once(listen, post_office, owner):
    endpoint = listen()
    post_office(ENCRYPTION_KEYS=[Fernet.generate_key().decode()])
    secret = webhooks.rotate(endpoint)
    pipeline.cancel(factories.generation(owner))
    (parcel,) = deliveries.claim(1, lease=60)
    assert parcel.secrets == (secret,)


def test_the_fields_of_a_request_are_not_looked_up_in_the_name_service(listen, owner, ask, monkeypatch, site):
    listen(url="https://receiver.example/hooks")
    monkeypatch.setattr("socket.getaddrinfo", _stumble)
    assert ask(user=owner, webhook_url="https://receiver.example/orders/7").webhook_url


def test_the_end_of_a_deleted_request_is_told_to_nobody(listen, owner):
    listen()
    generation = factories.generation(owner, status="processing", started_at=timezone.now())
    pipeline.erase(generation)
    factories.leave(generation, "failed")
    generation.refresh_from_db()
    assert (generation.status, Delivery.objects.count()) == ("failed", 0)


@pytest.mark.parametrize(("status", "since"), [(410, None), (500, timedelta(days=4))])
def test_a_requests_own_address_says_nothing_about_the_endpoint(listen, owner, ask, sink, status, since):
    endpoint = listen(events=["generation.failed"], failing_since=since and timezone.now() - since)
    pipeline.cancel(ask(user=owner, webhook_url=sink.url.replace("/hooks", "/orders/7")))
    (parcel,) = deliveries.claim(1, lease=60)
    deliveries.settle(parcel, deliveries.Echo(status=status))
    endpoint.refresh_from_db()
    assert (endpoint.state, Delivery.objects.get().last_code) == ("active", status)


def test_an_endpoint_that_is_asked_again_is_sent_nothing_else(listen, owner):
    listen(state="pending")
    pipeline.cancel(factories.generation(owner))
    assert Delivery.objects.get().status == "waiting"
    assert not deliveries.claim(16, lease=60)
    assert not deliveries.near(60)
