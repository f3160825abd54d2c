"""Webhooks in: a ring makes us ask at once, and nothing else in it is believed."""

from __future__ import annotations

import time

import pytest

from imagen import hooks
from imagen.engine import rhythm
from imagen.models import Alarm, Gateway, Generation
from imagen.testing.gateway import SECRET

VENDORS = ("wavespeed", "apiframe", "apiin")
MANY = {"wavespeed": 200, "apiframe": 100, "apiin": 100}


@pytest.fixture(params=VENDORS)
def vendor(request) -> str:
    return request.param


@pytest.fixture
def patience() -> float:
    """Seconds until the site asks by itself: too many to be taken for a ring."""
    return 8.0


asks_soon = pytest.mark.parametrize("patience", [1.0])  # where it is the asking that brings the picture


@pytest.fixture
def ringing(site, vendor, live_server, patience, monkeypatch):
    """A site the gateway can ring at, which asks by itself when its patience is over."""
    monkeypatch.setattr(rhythm, "LEAST_PATIENCE", patience)
    options = {} if vendor == "apiin" else {"webhook_secret": SECRET}
    pace = {"POLL_SECONDS": patience, "POLL_MAX_SECONDS": patience}
    site(vendors=(vendor,), options=options, PUBLIC_URL=live_server.url, **pace)


def looks(gateway) -> int:
    return sum(job.polls for job in gateway.jobs)


def listen(gateway) -> None:
    """Wait until the gateway has rung."""
    until = time.monotonic() + 5
    while not gateway.rings and time.monotonic() < until:
        time.sleep(0.02)


def test_a_ring_brings_the_picture_with_a_single_look(ringing, made, imagen_gateway, vendor):
    imagen_gateway.script(latency=0.5)
    generation = made(seconds=6)
    assert generation.status == "completed"
    assert (looks(imagen_gateway), [ring.status for ring in imagen_gateway.rings]) == (1, [204])
    assert generation.events.filter(what="webhook").count() == 1


@asks_soon
def test_webhooks_that_never_come_are_noticed_and_asking_takes_over(ringing, made, imagen_gateway, vendor, monkeypatch):
    monkeypatch.setattr("imagen.models.gateway.DEAF_AFTER", 1)
    imagen_gateway.script(webhook="none")
    assert made(seconds=6).status == "completed"
    assert Gateway.objects.get(pk=vendor).deaf


@asks_soon
def test_a_ring_is_heard_again_after_silence(ringing, made, imagen_gateway, vendor):
    Gateway.objects.create(alias=vendor, missed=9)
    assert made(seconds=6).status == "completed"
    assert Gateway.objects.get(pk=vendor).missed == 0


def test_an_address_nobody_gave_out_is_not_found(ringing, client, vendor, ask):
    job = ask().jobs.get()
    good = hooks.token(job)
    other = "apiin" if vendor != "apiin" else "wavespeed"
    wrong = [good[:-1] + ("0" if good[-1] != "0" else "1"), good[:32], "x" * 64, good + "00", "é" * 32]
    for path in [*(f"/imagen/hooks/{vendor}/{token}/" for token in wrong), f"/imagen/hooks/{other}/{good}/"]:
        assert client.post(path, "{}", "application/json").status_code == 404


@pytest.mark.parametrize("method", ["get", "put", "delete", "patch", "head"])
def test_only_a_post_rings(ringing, client, vendor, ask, method):
    address = f"/imagen/hooks/{vendor}/{hooks.token(ask().jobs.get())}/"
    assert getattr(client, method)(address).status_code == 405


def test_the_address_outlives_a_change_of_the_secret_key(ringing, client, vendor, ask, settings):
    job = ask().jobs.get()
    address = f"/imagen/hooks/{vendor}/{hooks.token(job)}/"
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert client.post(address, "{}", "application/json").status_code == 401  # the place is known, the proof is missing
    assert hooks.token(job) not in address


def test_no_address_is_given_out_where_a_ring_could_not_be_believed(site, made, imagen_gateway, live_server):
    site(PUBLIC_URL=live_server.url)  # WaveSpeed without its secret
    assert made().status == "completed"
    assert imagen_gateway.jobs[0].webhook == ""


def test_no_address_is_given_out_where_nobody_can_reach_us(site, made, imagen_gateway):
    site(vendors=("apiframe",))
    assert made().status == "completed"
    assert imagen_gateway.jobs[0].webhook == ""


def test_a_long_run_needs_a_look_each_and_hardly_a_poll(ringing, ask, work, imagen_gateway, vendor):
    imagen_gateway.script(latency=1.0)
    many = MANY[vendor]
    for number in range(many):
        ask(f"picture {number}")
    work(60)
    assert Generation.objects.filter(status="completed").count() == many
    assert looks(imagen_gateway) - many <= 0.2 * many


def test_nobody_is_alarmed_about_an_unknown_send_before_its_ring_is_late(ringing, ask, work, imagen_gateway):
    imagen_gateway.script(submit="reset-after", webhook="none", first=1)
    ask()
    work(1)
    assert not Alarm.objects.exists()
