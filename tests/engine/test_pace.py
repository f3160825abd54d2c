"""A provider's limits hold for all workers of this database, and those who wait learn why."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from imagen import claims
from imagen.models import Gateway, Generation, Job, database_now


def claim(limit=100, **limits) -> list[Job]:
    lanes = {"wavespeed": claims.Lane(alias="wavespeed", **limits)}
    return claims.claim(lanes, holder="me", limit=limit, lease=60)


def many(ask, count: int) -> None:
    for number in range(count):
        ask(f"picture {number}")


def test_so_many_a_minute_and_no_more(ask):
    many(ask, 10)
    assert len(claim(per_minute=2)) == 2
    assert claim(per_minute=2) == []


@pytest.mark.by_hand("others' work is invented")
def test_the_next_minute_lets_the_next_ones_go(ask):
    many(ask, 4)
    claim(per_minute=2)
    Job.objects.filter(status="submitting").update(status="completed", sent_at=timezone.now() - timedelta(seconds=61))
    Job.objects.filter(status="queued").update(due_at=timezone.now())
    assert len(claim(per_minute=2)) == 2


@pytest.mark.by_hand("others' work is invented")
def test_those_who_wait_say_why_and_look_again_when_a_place_opens(ask):
    many(ask, 3)
    job = claim(per_minute=1)[0]
    Job.objects.filter(pk=job.pk).update(status="processing", sent_at=timezone.now() - timedelta(seconds=20))
    Job.objects.filter(status="queued").update(due_at=timezone.now())
    claim(per_minute=1)
    waiting = Generation.objects.filter(error_code="provider_rate_limited", status="queued")
    assert waiting.count() == 2
    due = Job.objects.filter(status="queued").first().due_at
    assert 35 < (due - timezone.now()).total_seconds() < 41


def test_so_many_under_way_and_no_more(ask):
    many(ask, 5)
    assert len(claim(max_in_flight=3)) == 3
    assert claim(max_in_flight=3) == []


@pytest.mark.by_hand("others' work is invented")
def test_a_place_under_way_comes_free_when_a_picture_is_there(ask):
    many(ask, 2)
    first = claim(max_in_flight=1)[0]
    Job.objects.filter(pk=first.pk).update(status="storing")
    Job.objects.filter(status="queued").update(due_at=timezone.now())
    assert len(claim(max_in_flight=1)) == 1


def test_a_pause_stops_everybody_and_then_one_goes_first(ask):
    many(ask, 3)
    claims.pause("wavespeed", "provider_rate_limited", seconds=60, steps=[1])
    assert claim() == []
    Gateway.objects.update(paused_until=timezone.now())
    Job.objects.update(due_at=timezone.now())
    assert len(claim()) == 1
    claims.resume("wavespeed")
    Job.objects.filter(status="queued").update(due_at=timezone.now())
    assert len(claim()) == 2


def test_pauses_grow_while_a_provider_keeps_refusing_up_to_a_probe_a_minute(transactional_db):
    lengths = []
    for _ in range(5):
        gateway = claims.pause("wavespeed", "provider_unavailable", seconds=None, steps=[1.0, 2.0, 4.0])
        lengths.append(round((gateway.paused_until - database_now()).total_seconds()))
        Gateway.objects.update(paused_until=timezone.now() - timedelta(seconds=1))
    assert lengths == [1, 2, 4, 60, 60]


def test_a_batch_of_ten_at_two_a_minute_waits_says_why_and_completes(site, ask, work, imagen_gateway, monkeypatch):
    monkeypatch.setattr(claims, "MINUTE", timedelta(seconds=0.5))
    site(options={"per_minute": 2})
    many(ask, 10)
    work(0.2)
    assert Generation.objects.filter(status="queued", error_code="provider_rate_limited").exists()
    work(15)
    assert Generation.objects.filter(status="completed").count() == 10
    times = sorted(job.time for job in imagen_gateway.jobs)
    assert all(later - earlier > 0.4 for earlier, later in zip(times, times[2:], strict=False))


@pytest.mark.by_hand("the refusals are invented")
def test_each_of_those_who_wait_has_its_turn_at_finding_out_whether_a_rest_is_over(ask):
    many(ask, 5)
    turns = []
    for _turn in range(5):
        claims.pause("wavespeed", "provider_rate_limited", seconds=60, steps=[1])
        Gateway.objects.update(paused_until=timezone.now() - timedelta(seconds=1))
        turns += [job.pk for job in claim()]
        Job.objects.update(status="queued", due_at=timezone.now())  # refused, so that all of them wait for the same
    assert len(turns) == len(set(turns)) == 5
