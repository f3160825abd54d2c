"""A webhook or a person names an id: it is looked up before it counts, and is not lost whatever else happens."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.request import Request, urlopen

import pytest
from django.urls import clear_url_caches
from django.utils import timezone

from imagen import resolution
from imagen.engine import rhythm
from imagen.exceptions import Conflict
from imagen.models import Gateway as Mood
from imagen.models import Job, Tempo
from imagen.testing.apiin_wire import ApiinWire
from imagen.testing.darkroom import Stage
from imagen.testing.gateway import SECRET, Gateway
from imagen.testing.ledger import Job as Made
from imagen.testing.wavespeed_wire import WaveSpeedWire

HOURS = timedelta(hours=1)


@pytest.fixture
def ringing(site: Any, live_server: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """A site the gateways can ring at, which has little patience."""
    monkeypatch.setattr(rhythm, "LEAST_PATIENCE", 0.5)
    facts = {"options": {"webhook_secret": SECRET}, "PUBLIC_URL": live_server.url, "POLL_MAX_SECONDS": 0.5}
    return lambda vendor, **changes: site(vendors=(vendor,), **{**facts, **changes})


def ring(gateway: Gateway, made: Made, *, about: str = "") -> None:
    """Ring at the address of this job, about it or about another one."""
    wire = gateway.wires[made.vendor]
    word = wire.words[Stage.DONE]
    body = json.dumps(wire.delivery(made, word)).replace(made.id, about or made.id).encode()
    headers = {"Content-Type": "application/json", **wire.sign(made, word, body)}
    with urlopen(Request(made.webhook, body, headers)) as answer:
        assert answer.status == 204


def once(monkeypatch: pytest.MonkeyPatch, wire: type, name: str, act: Callable[[], None]) -> None:
    """Let this happen at the gateway just before it does this for the first time, while we wait for its answer."""
    real, left = getattr(wire, name), [act]

    def meanwhile(self: Any, *args: Any, **kwargs: Any) -> Any:
        if left:
            left.pop()()
        return real(self, *args, **kwargs)

    monkeypatch.setattr(wire, name, meanwhile)


@pytest.fixture
def lost(ask: Any, reach: Any, imagen_gateway: Gateway) -> Callable[..., Job]:
    """A call that was taken, though nobody here knows, and that has not rung."""

    def lose(prompt: str = "a lighthouse") -> Job:
        imagen_gateway.script(submit="reset-after", webhook="none", latency=0.1)
        job = reach(ask(prompt), "unconfirmed")
        imagen_gateway.script(webhook="none")
        return job

    return lose


def status(job: Job) -> str:
    return Job.objects.get(pk=job.pk).status


# What rang was taken.


@pytest.mark.parametrize("vendor", ["wavespeed", "apiin"])
@pytest.mark.parametrize("refusal", [429, 401, 402, 422])
def test_a_send_that_rang_is_neither_repeated_nor_written_off_whatever_was_answered(
    ringing, made, imagen_gateway, vendor, refusal
):
    ringing(vendor)
    imagen_gateway.script(submit="status-after", status=refusal, webhook="early", first=1)
    generation = made(seconds=6)
    assert [ring.status for ring in imagen_gateway.rings] == [204]
    assert (generation.status, len(imagen_gateway.jobs)) == ("completed", 1)
    assert generation.cost_actual == generation.jobs.get().price


@pytest.mark.parametrize("vendor", ["wavespeed", "apiin"])
def test_one_look_without_an_answer_does_not_drop_what_a_webhook_named(ringing, lost, work, imagen_gateway, vendor):
    ringing(vendor)
    job = lost()
    imagen_gateway.script(poll="status", status=404, webhook="none", first=1)
    ring(imagen_gateway, imagen_gateway.jobs[0])
    work(3)
    assert status(job) == "completed"


@pytest.mark.parametrize("decide", [resolution.resend, resolution.release])
def test_nobody_decides_about_a_call_that_has_just_rung(ringing, lost, imagen_gateway, decide):
    ringing("wavespeed")
    job = lost()
    ring(imagen_gateway, imagen_gateway.jobs[0])
    with pytest.raises(Conflict):
        decide(job, actor=None)


# What rings in the middle of something.


@pytest.mark.by_hand("a clock is moved")
def test_a_ring_is_not_lost_while_a_wrong_id_is_looked_up(ringing, lost, work, imagen_gateway, monkeypatch):
    ringing("apiin")
    job = lost()
    resolution.adopt(job, "typed-wrongly", actor=None)
    Job.objects.update(tries=2, sent_at=timezone.now() - HOURS)  # the next "unknown" is the last
    once(monkeypatch, ApiinWire, "look", lambda: ring(imagen_gateway, imagen_gateway.jobs[0]))
    work(3)
    assert (status(job), Job.objects.get().remote_id) == ("completed", imagen_gateway.jobs[0].id)


def test_a_ring_in_the_middle_of_a_search_says_which_of_two_twins_is_ours(
    ringing, lost, work, imagen_gateway, monkeypatch
):
    ringing("wavespeed")
    monkeypatch.setattr(imagen_gateway.wires["wavespeed"], "show_inputs", True)
    first, second = lost(), lost()
    Job.objects.filter(pk=first.pk).update(due_at=timezone.now())
    once(monkeypatch, WaveSpeedWire, "bent", lambda: ring(imagen_gateway, imagen_gateway.jobs[0]))
    work(2)
    assert Job.objects.get(pk=first.pk).remote_id == imagen_gateway.jobs[0].id
    assert (status(first), status(second)) == ("completed", "unconfirmed")


@pytest.mark.parametrize("meanwhile", ["unconfirmed", "sending"])
@pytest.mark.by_hand("another worker is invented")
def test_an_id_a_callback_names_for_another_request_is_not_taken_from_its_own(
    ringing, lost, ask, work, imagen_gateway, monkeypatch, meanwhile
):
    ringing("apiin")
    thief = lost("a thief")
    if meanwhile == "sending":
        Job.objects.update(status="sending", holder="another worker", due_at=timezone.now() + HOURS)
    Mood.objects.all().delete()  # or the lost send counts as the one that finds out whether it works again
    own = ask("an honest one").jobs.get()

    def steal() -> None:
        theirs, mine = imagen_gateway.jobs
        ring(imagen_gateway, theirs, about=mine.id)

    once(monkeypatch, ApiinWire, "accepted", steal)
    work(2)
    assert thief.events.filter(what="webhook").exists()
    assert (status(own), status(thief)) == ("completed", meanwhile)
    assert Job.objects.get(pk=thief.pk).remote_id == ""


# What a ring teaches.


def test_a_ring_that_nobody_heard_for_hours_does_not_teach_that_the_model_takes_hours(
    ringing, ask, reach, work, imagen_gateway
):
    ringing("wavespeed", POLL_MAX_SECONDS=8.0)
    imagen_gateway.script(webhook="none", latency=0.1)
    reach(ask(), "processing")
    ring(imagen_gateway, imagen_gateway.jobs[0])
    then = timezone.now() - 3 * HOURS
    Job.objects.update(sent_at=then, accepted_at=then, due_at=then + timedelta(seconds=4))
    work(2)
    assert Job.objects.get().status == "completed"
    assert 3 < Tempo.objects.get().mean < 10


def test_what_was_only_found_later_teaches_nothing(lost, work, imagen_gateway):
    job = lost()
    Job.objects.update(sent_at=timezone.now() - 6 * HOURS)
    resolution.adopt(job, imagen_gateway.jobs[0].id, actor=None)
    work(3)
    assert status(job) == "completed"
    assert not Tempo.objects.exists()


def test_however_long_a_model_takes_its_webhook_is_late_at_the_deadline(ringing, ask, reach, imagen_gateway):
    ringing("wavespeed", DEADLINE_SECONDS=600)
    Tempo.objects.create(provider="wavespeed", provider_model="google/imagen4", mean=10_800, deviation=60)
    imagen_gateway.script(webhook="none", latency=60)
    job = reach(ask(), "processing")
    assert 590 < (job.due_at - job.accepted_at).total_seconds() < 610


# A site that cannot be rung.


def test_an_engine_whose_site_has_a_broken_urlconf_works_without_webhooks(site, made, imagen_gateway, settings):
    site(options={"webhook_secret": SECRET}, PUBLIC_URL="https://example.com")
    settings.ROOT_URLCONF = "there.is.no.such.module"
    clear_url_caches()
    assert made(seconds=3).status == "completed"
    assert imagen_gateway.jobs[0].webhook == ""
