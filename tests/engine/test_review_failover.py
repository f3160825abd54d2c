"""What is broken stops nobody else, comes back with one request first, and is told for as long as it lasts."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from imagen import alarms, claims, detours, pipeline, verdicts
from imagen.models import Gateway, Generation, Job
from imagen.models.gateway import DOWN_AFTER

BROKEN = ("provider_auth", "provider_insufficient_credits", "provider_unavailable")
TWO = ("wavespeed", "apiframe")


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the broken one works again is found out after half a second, not after a minute."""
    monkeypatch.setattr(claims, "PROBE_SECONDS", 0.5)
    monkeypatch.setattr("imagen.engine.loop.DETOUR_SECONDS", 0.1)


@pytest.fixture
def broken(transactional_db: None) -> Callable[..., None]:
    """A provider that is known to be broken, and the administrators know it; it is probed after so many seconds."""

    def breaks(alias: str, code: str = "provider_auth", *, seconds: float = 60.0) -> None:
        until = timezone.now() + timedelta(seconds=seconds)
        facts = {"pause_code": code, "pauses": 4, "paused_until": until}
        Gateway.objects.update_or_create(alias=alias, defaults=facts)
        alarms.sound(code, about=alias)

    return breaks


def told() -> set[tuple[str, str]]:
    """What administrators are told now."""
    return {(alarm.cause, alarm.about) for alarm in alarms.current()}


def now(generation: Generation) -> Generation:
    generation.refresh_from_db()
    return generation


# It comes back.


@pytest.mark.parametrize(("status", "code"), [(401, BROKEN[0]), (402, BROKEN[1]), (503, BROKEN[2])])
def test_of_a_queue_that_waits_for_recovery_one_goes_first(brisk, broken, ask, work, imagen_gateway, status, code):
    imagen_gateway.balance["wavespeed"] = 0.01  # too little for a picture, and more than nothing
    imagen_gateway.script(submit="status", status=status)
    broken("wavespeed", code, seconds=0)
    for number in range(20):
        ask(f"picture {number}", provider="wavespeed")
    work(2)
    assert 1 <= Job.objects.exclude(status__in=("queued", "submitting", "sending")).count() <= 5


def test_a_provider_that_is_probed_for_nothing_is_not_quoted_when_its_probe_is_due(site, broken):
    site(vendors=TWO)
    broken("wavespeed", seconds=-5)
    assert pipeline.quote(prompt="a lighthouse").provider == "apiframe"


# What waits for it moves.


def test_what_can_move_does_not_wait_behind_what_cannot(site, ask, broken, monkeypatch):
    site(vendors=TWO)
    monkeypatch.setattr(detours, "MOST_AT_ONCE", 3)
    for seed in range(4):
        ask("a special one", seed=seed)  # Apiframe has no seed
    plain = ask("a plain one")
    broken("wavespeed")
    detours.take()
    assert now(plain).provider == "wavespeed"
    detours.take()
    assert now(plain).provider == "apiframe"


def test_what_cannot_move_costs_next_to_nothing_and_is_then_let_be(site, ask, broken, django_assert_max_num_queries):
    site(vendors=TWO)
    for seed in range(40):
        ask("a special one", seed=seed)
    broken("wavespeed")
    with django_assert_max_num_queries(10):
        assert detours.take() == 0
    with django_assert_max_num_queries(3):
        assert detours.take() == 0


def test_what_could_not_move_is_tried_again_after_a_while(site, ask, broken, monkeypatch):
    monkeypatch.setattr(detours, "PATIENCE_SECONDS", 0.2)
    site(vendors=TWO)
    ask("a special one", seed=7)
    broken("wavespeed")
    assert detours.take() == 0
    Generation.objects.update(seed=None)
    assert detours.take() == 0
    time.sleep(0.25)
    assert detours.take() == 1


@pytest.mark.by_hand("its doubt has no history")
def test_what_waits_beside_a_call_that_may_have_been_paid_in_credits_stays(site, ask, broken):
    site(vendors=("apiframe", "apiin"))
    generation = ask(num_images=2)
    first = generation.jobs.order_by("pk")[0]
    Job.objects.filter(pk=first.pk).update(status="unconfirmed", sent_at=timezone.now(), due_at=None)
    with transaction.atomic():
        Generation.objects.refresh_outcomes([generation.pk])
    broken("apiframe", "provider_insufficient_credits")
    assert detours.take() == 0
    assert now(generation).provider == "apiframe"


def test_a_request_paid_in_part_whose_rest_is_refused_ends_as_partial(site, ask, work, imagen_gateway):
    site(vendors=("apiframe", "apiin"))
    generation = ask(num_images=2)
    second = Job.objects.filter(pk=generation.jobs.order_by("pk")[1].pk)
    second.update(due_at=timezone.now() + timedelta(hours=1))
    work(2)
    imagen_gateway.closed["apiframe"] = 402
    imagen_gateway.balance["apiframe"] = 0
    second.update(due_at=timezone.now())
    work(2)
    assert (now(generation).status, generation.images.count(), generation.provider) == ("partial", 1, "apiframe")
    assert second.get().error_code == "provider_insufficient_credits"
    assert {job.vendor for job in imagen_gateway.jobs} == {"apiframe"}


# What counts as broken.


def test_rests_it_asked_for_are_no_outage(transactional_db):
    for _ in range(DOWN_AFTER):
        claims.pause("wavespeed", "provider_rate_limited", seconds=1, steps=[1])
        Gateway.objects.update(paused_until=timezone.now())
    assert not claims.pause("wavespeed", "provider_unavailable", seconds=None, steps=[1]).broken


def test_rests_of_an_outage_count_once_each_and_not_once_a_call(transactional_db):
    for _ in range(2 * DOWN_AFTER):
        gateway = claims.pause("wavespeed", "provider_unavailable", seconds=None, steps=[60])
    assert (gateway.pauses, gateway.broken) == (1, False)


def test_a_late_too_many_requests_does_not_hide_that_the_key_is_refused(transactional_db):
    claims.pause("wavespeed", "provider_auth", seconds=None, steps=[1])
    claims.pause("wavespeed", "provider_rate_limited", seconds=1, steps=[1])
    assert claims.broken() == {"wavespeed": "provider_auth"}


# What administrators are told.


def test_a_provider_that_was_taken_away_is_no_alarm_but_its_unknown_sends_are(site, broken):
    site(vendors=("wavespeed", "apiin"))
    broken("apiin")
    alarms.sound("submit_unknown", about="apiin")
    assert told() == {("provider_auth", "apiin"), ("submit_unknown", "apiin")}
    site()
    assert told() == {("submit_unknown", "apiin")}


def test_the_alarm_of_a_provider_that_works_again_ends_though_nobody_is_sent_there(site, brisk, broken, ask, work):
    site(vendors=("wavespeed", "apiin"))
    broken("apiin", seconds=0)
    ask()
    work(2)
    assert told() == set()
    assert set(Job.objects.values_list("provider", flat=True)) == {"wavespeed"}


def test_when_the_last_trouble_of_a_provider_is_over_so_are_those_before_it(
    site, brisk, ask, work, imagen_gateway, monkeypatch
):
    monkeypatch.setattr("imagen.models.gateway.DOWN_AFTER", 1)
    monkeypatch.setattr(verdicts, "RESENDS", 1000)
    site(vendors=("apiframe",), RETRY_SECONDS=[0.2])
    imagen_gateway.balance["apiframe"] = 0  # so that nothing is over before the account is topped up
    ask()
    imagen_gateway.script(submit="status", status=503)
    work(0.7)
    imagen_gateway.script(submit="status", status=402)
    work(0.7)
    assert told() == {("provider_unavailable", "apiframe"), ("provider_insufficient_credits", "apiframe")}
    imagen_gateway.balance["apiframe"] = 995
    imagen_gateway.script()
    work(3)
    time.sleep(claims.PROBE_SECONDS)
    work(1)
    assert told() == set()
    assert Generation.objects.get().status == "completed"


def test_too_many_requests_after_a_refused_key_are_no_alarm_of_their_own(site, ask, work, imagen_gateway):
    site(RETRY_SECONDS=[0.1])
    imagen_gateway.script("closed", submit="status", status=401)
    imagen_gateway.script("busy", submit="status", status=429)
    for prompt in ("closed one", "busy one", "busy two", "busy three"):
        ask(prompt)
    work(1)
    assert {alarm.cause for alarm in alarms.current()} == {"provider_auth"}
