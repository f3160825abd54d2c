"""A pause ends when the provider works again, whoever notices, and not before it said so."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.utils import timezone

from imagen import claims
from imagen.models import Gateway, Generation, Job, database_now


def over() -> None:
    """Let every pause and wait have run out."""
    now = timezone.now()
    Gateway.objects.update(paused_until=now - timedelta(seconds=1))
    Job.objects.filter(status="queued").update(due_at=now)


def test_a_pause_made_by_an_engine_that_is_gone_is_ended_by_the_next_success(ask, work, imagen_gateway):
    claims.pause("wavespeed", "provider_auth", seconds=60, steps=[1])
    over()
    ask()
    work()
    assert Gateway.objects.get().pause_code == ""


def test_many_wait_no_longer_than_for_the_first_success_after_a_pause(ask, work, imagen_gateway):
    claims.pause("wavespeed", "provider_unavailable", seconds=60, steps=[1])
    for number in range(8):
        ask(f"picture {number}")
    over()
    work(6)
    assert Generation.objects.filter(status="completed").count() == 8


def test_a_success_sent_before_the_pause_does_not_end_it(transactional_db):
    claims.pause("wavespeed", "provider_rate_limited", seconds=300, steps=[1])
    claims.resume("wavespeed")
    assert Gateway.objects.get().pause_code == "provider_rate_limited"


def test_a_provider_that_refuses_some_of_many_is_left_alone_as_long_as_it_asked(ask, work, imagen_gateway):
    imagen_gateway.script("refused", submit="status", status=429, retry_after="300")
    imagen_gateway.script("slow", submit="slow", seconds=0.4)
    for number in range(4):
        ask(f"slow {number}")
        ask(f"refused {number}")
    work(1.5)
    assert (Gateway.objects.get().paused_until - timezone.now()).total_seconds() > 250
    asked = len([call for call in imagen_gateway.calls if call.method == "POST"])
    assert asked == 8


def test_a_provider_that_says_wait_zero_seconds_is_not_hammered(transactional_db: Any):
    gateway = claims.pause("wavespeed", "provider_rate_limited", seconds=0.0, steps=[2.0, 4.0])
    assert round((gateway.paused_until - database_now()).total_seconds()) == 2
