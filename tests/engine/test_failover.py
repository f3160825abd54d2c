"""Fail-over: what waits for a broken provider, and was never taken, is made elsewhere; the broken one comes back."""

from __future__ import annotations

import socket
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from imagen import claims, pipeline
from imagen.models import Alarm, Gateway, Generation, Job
from tests.workshop import BACKENDS

BROKEN = {401: "provider_auth", 402: "provider_insufficient_credits"}


@pytest.fixture
def three(site):
    """All three gateways, in the usual order."""
    site(vendors=("wavespeed", "apiframe", "apiin"))


def bought(imagen_gateway) -> dict[str, int]:
    found: dict[str, int] = {}
    for job in imagen_gateway.jobs:
        found[job.vendor] = found.get(job.vendor, 0) + 1
    return found


@pytest.mark.parametrize("closed", BROKEN)
def test_a_refused_request_is_made_elsewhere_and_the_price_difference_is_shown(three, made, imagen_gateway, closed):
    imagen_gateway.closed["wavespeed"] = closed
    generation = made(num_images=2, seconds=8)
    assert (generation.status, generation.provider, bought(imagen_gateway)) == (
        "completed",
        "apiframe",
        {"apiframe": 2},
    )
    assert (generation.cost_unit, generation.cost_estimated, generation.cost_actual) == ("credits", 14, 14)
    moved = generation.events.get(what="moved")
    assert (moved.code, moved.note) == (
        BROKEN[closed],
        "WaveSpeedAI (0.076 USD) → Apiframe (14 credits)",
    )
    assert "provider_changed" in generation.warnings


def test_a_gateway_that_is_down_for_a_while_loses_its_queue_to_the_next(
    three, made, imagen_gateway, monkeypatch, settings
):
    monkeypatch.setattr("imagen.models.gateway.DOWN_AFTER", 2)
    with socket.create_server(("127.0.0.1", 0)) as server:
        nobody = f"http://127.0.0.1:{server.getsockname()[1]}"
    away = {"BACKEND": BACKENDS["wavespeed"], "OPTIONS": {"api_key": "wsk_test", "base_url": nobody}}
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {**settings.IMAGEN["PROVIDERS"], "wavespeed": away}}
    generation = made(seconds=8)
    assert (generation.status, generation.provider, bought(imagen_gateway)) == (
        "completed",
        "apiframe",
        {"apiframe": 1},
    )
    assert generation.events.get(what="moved").code == "provider_unavailable"


def test_a_gateway_that_fails_is_given_one_at_a_time_and_then_left_alone(site, ask, work, imagen_gateway, monkeypatch):
    site(vendors=("wavespeed", "apiframe"), options={"max_in_flight": 4})
    monkeypatch.setattr("imagen.models.gateway.DOWN_AFTER", 2)
    imagen_gateway.closed["wavespeed"] = 503
    for number in range(30):
        ask(f"picture {number}")
    for _slice in range(20):
        work(4)
        if not Generation.objects.filter(status__in=("queued", "processing")).exists():
            break
    ended = list(Generation.objects.values_list("status", flat=True))
    assert set(ended) == {"completed", "unconfirmed"}
    assert ended.count("unconfirmed") <= 6  # four that were being sent when it began, and a probe or two
    assert bought(imagen_gateway) == {"apiframe": ended.count("completed")}


def test_what_named_its_provider_stays_and_waits(three, made, ask, work, imagen_gateway):
    imagen_gateway.closed["wavespeed"] = 401
    made("first", seconds=6)
    named = ask("second", provider="wavespeed")
    work(3)
    named.refresh_from_db()
    assert (named.status, named.provider, bought(imagen_gateway)) == ("queued", "wavespeed", {"apiframe": 1})
    assert named.error_code == "provider_auth"


def test_what_nobody_else_can_do_stays_and_waits(three, made, ask, work, imagen_gateway):
    imagen_gateway.closed["wavespeed"] = 401
    made("first", seconds=6)
    special = ask("second", model="nano-banana-2.1")
    work(3)
    special.refresh_from_db()
    assert (special.status, special.provider) == ("queued", "wavespeed")


def test_with_nobody_else_a_refused_key_fails_one_and_the_rest_wait(site, ask, work, imagen_gateway):
    imagen_gateway.closed["wavespeed"] = 401
    first, second = ask("first"), ask("second")
    work(3)
    assert sorted(Generation.objects.values_list("status", flat=True)) != ["completed", "completed"]
    assert not imagen_gateway.jobs
    assert {first.events.filter(what="moved").exists(), second.events.filter(what="moved").exists()} == {False}


def test_new_requests_are_priced_at_the_provider_that_will_make_them(three, made, imagen_gateway):
    imagen_gateway.closed["wavespeed"] = 402
    made("first", seconds=6)
    assert pipeline.quote(prompt="second").provider == "apiframe"
    assert pipeline.quote(prompt="second", provider="wavespeed").provider == "wavespeed"


def test_a_broken_provider_is_probed_once_a_minute_for_nothing_and_comes_back(
    three, made, ask, work, imagen_gateway, monkeypatch
):
    monkeypatch.setattr(claims, "PROBE_SECONDS", 2.0)
    monkeypatch.setattr("imagen.engine.loop.DETOUR_SECONDS", 0.2)
    imagen_gateway.closed["wavespeed"] = 401
    made("first", seconds=6)
    named = ask("second", provider="wavespeed")
    work(5)
    probes = [call for call in imagen_gateway.calls if call.path.endswith("balance")]
    assert 1 <= len(probes) <= 3
    assert Alarm.objects.get(over_at=None).about == "wavespeed"
    del imagen_gateway.closed["wavespeed"]
    work(8)
    named.refresh_from_db()
    assert (named.status, Gateway.objects.get(pk="wavespeed").pause_code) == ("completed", "")
    assert not Alarm.objects.filter(over_at=None).exists()
    assert pipeline.quote(prompt="third").provider == "wavespeed"


def test_an_account_stays_empty_until_it_holds_something(three, made, work, ask, imagen_gateway, monkeypatch):
    monkeypatch.setattr(claims, "PROBE_SECONDS", 1.0)
    monkeypatch.setattr("imagen.engine.loop.DETOUR_SECONDS", 0.2)
    imagen_gateway.closed["wavespeed"] = 402
    made("first", seconds=6)
    del imagen_gateway.closed["wavespeed"]
    imagen_gateway.balance["wavespeed"] = 0
    ask("second", provider="wavespeed")
    work(4)
    assert Gateway.objects.get(pk="wavespeed").broken
    imagen_gateway.balance["wavespeed"] = 10
    work(6)
    assert not Gateway.objects.get(pk="wavespeed").broken


def test_administrators_are_told_once_however_many_requests_it_hits(three, ask, work, imagen_gateway, settings, told):
    imagen_gateway.closed["wavespeed"] = 401
    for number in range(5):
        ask(f"picture {number}")
    work(8)
    assert [subject for subject, _ in told] == ["Pictures need you"]
    assert told[0][1].startswith("WaveSpeedAI refuses our key.")


@pytest.fixture
def told(monkeypatch) -> list[tuple[str, str]]:
    """What the administrators were mailed, in the thread that asked for it."""
    mails: list[tuple[str, str]] = []
    monkeypatch.setattr("imagen.letters.mail_admins", lambda subject, text: mails.append((subject, text)))
    return mails


def test_a_request_paid_for_in_part_keeps_its_currency(three, ask, work, imagen_gateway):
    imagen_gateway.closed["wavespeed"] = 402
    generation = ask("a lighthouse", provider="apiframe", num_images=2)
    Generation.objects.update(provider_named=False)
    job = Job.objects.order_by("created_at").last()
    imagen_gateway.script(latency=0.3)
    work(4)
    generation.refresh_from_db()
    assert (generation.cost_unit, generation.cost_actual, job.provider) == ("credits", Decimal(14), "apiframe")


def test_a_request_cancelled_while_it_waits_is_not_moved(three, made, ask, work, imagen_gateway):
    imagen_gateway.closed["wavespeed"] = 401
    made("first", seconds=6)
    second = ask("second", provider="wavespeed")
    Generation.objects.filter(pk=second.pk).update(provider_named=False)
    pipeline.cancel(second)
    work(3)
    second.refresh_from_db()
    assert (second.status, second.jobs.count()) == ("canceled", 1)


def test_a_probe_that_hangs_holds_nobody_up(three, made, ask, work, imagen_gateway, monkeypatch, settings):
    monkeypatch.setattr(claims, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr("imagen.engine.loop.DETOUR_SECONDS", 0.1)
    imagen_gateway.closed["wavespeed"] = 401
    made("first", seconds=6)
    del imagen_gateway.closed["wavespeed"]
    settings.IMAGEN = {**settings.IMAGEN, "CALL_SECONDS": 4}
    imagen_gateway.script(catalogue="hang", latency=0.5)
    second = ask("second", provider="apiframe")
    Job.objects.filter(generation=second).update(due_at=timezone.now() + timedelta(seconds=0.6))
    work(6)
    sent = next(call.at for call in imagen_gateway.calls if b"second" in call.body)
    assert sent - second.created_at.timestamp() < 3
    assert any(call.path.endswith("balance") for call in imagen_gateway.calls)
