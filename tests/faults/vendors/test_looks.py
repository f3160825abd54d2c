"""Looks that go wrong, F45 to F50: they change nothing before the deadline, and in the end it is said what happened."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from imagen import verdicts
from imagen.models import Job
from imagen.providers import base
from tests.faults.outcome import End, row, seen

DONE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1)
LATE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1, warnings=("late", "provider_timeout"))
LOST = End(status="failed", code="provider_job_lost", cost=1, paid=1, warnings=("provider_timeout",))
OVERDUE = End(status="failed", code="provider_timeout", cost=1, paid=1, warnings=("provider_timeout",))
SHIPPED, EMPTY_SHIPPED = verdicts.CONFIRM_SECONDS, verdicts.EMPTY_SECONDS  # before a test makes them shorter


def watched(code: str = "") -> End:
    return End(status="processing", code=code, jobs=("processing",), cost=1, paid=1, warnings=("provider_timeout",))


def due_in(generation: Any) -> float:
    """Seconds until the next look."""
    return (generation.jobs.get().due_at - timezone.now()).total_seconds()


LOOKS = [
    row("F45", {"poll": "status", "status": 404}, name="not known yet"),
    row("F46", {"poll": "status", "status": 429, "retry_after": "1"}, name="429"),
    row("F46", {"poll": "status", "status": 503}, name="503"),
    row("F46", {"poll": "garbled"}, name="garbled"),
    row("F46", {"poll": "not-json"}, name="not JSON"),
    row("F46", {"poll": "wrong-types"}, name="wrong types"),
    row("F46", {"poll": "reset-before"}, name="a reset"),
    row("F46", {"poll": "truncated"}, name="truncated"),
    row("F46", {"poll": "redirect"}, name="a redirect"),
    row("F46", {"poll": "hang"}, name="silence"),
    row("F46", {"poll": "long"}, name="three megabytes"),
    row("F46", {"poll": "other-id"}, name="about another job"),
]


@pytest.mark.parametrize("fault", LOOKS)
def test_looks_that_go_wrong_change_nothing(alone, made, imagen_gateway, fault):
    alone(CALL_SECONDS=0.4, MAX_BYTES=300_000)
    imagen_gateway.script(**fault, first=2)
    generation = made()
    assert seen(generation, imagen_gateway) == DONE.told(generation)
    assert imagen_gateway.jobs[0].polls >= 3


@pytest.mark.fault("F46")
@pytest.mark.parametrize("vendor", ["wavespeed"], indirect=True)
def test_looks_that_fail_in_a_row_come_further_apart(alone, made, imagen_gateway):
    imagen_gateway.script(poll="status", status=503, first=4)
    made()
    looks = [call.at for call in imagen_gateway.calls if call.path.endswith("/result")]
    pauses = [later - earlier for earlier, later in zip(looks, looks[1:], strict=False)]
    assert all(pause >= 0.05 * 2**number for number, pause in enumerate(pauses[:4], start=1))


@pytest.mark.fault("F45")
def test_a_job_the_gateway_forgot_is_watched_with_a_warning(alone, made, imagen_gateway, monkeypatch):
    monkeypatch.setattr(verdicts, "LOST_SECONDS", 0.1)
    imagen_gateway.script(poll="status", status=404)
    generation = made()
    assert seen(generation, imagen_gateway) == watched("provider_job_lost").told(generation)
    assert 3500 < due_in(generation) <= 3600


@pytest.mark.fault("F45")
def test_a_job_the_gateway_forgot_for_a_whole_watch_is_lost_and_stays_paid(alone, made, imagen_gateway, monkeypatch):
    monkeypatch.setattr(verdicts, "LOST_SECONDS", 0.1)
    alone(WATCH_SECONDS=0.4, DEADLINE_SECONDS=0.2)
    imagen_gateway.script(poll="status", status=404)
    generation = made()
    assert seen(generation, imagen_gateway) == LOST.told(generation)


@pytest.mark.fault("F47")
def test_a_word_nobody_knows_means_not_finished_and_is_logged_once(alone, made, imagen_gateway, caplog):
    base._puzzled.cache_clear()
    imagen_gateway.script(words=("warming-up", "warming-up", "warming-up", "completed"))
    generation = made()
    assert seen(generation, imagen_gateway) == DONE.told(generation)
    assert sum("warming-up" in record.getMessage() for record in caplog.records) == 1


FLIPS = [
    row("F48", ("failed", "completed"), 2, name="failed then completed"),
    row("F48", ("processing", "failed", "processing", "failed", "completed"), 5, name="failed now and then"),
    row("F48", ("completed", "processing", "completed"), 1, name="completed then processing"),
    row("F48", ("completed", "failed"), 1, name="completed then failed"),
]


@pytest.mark.parametrize(("words", "looks"), FLIPS)
def test_the_first_end_with_pictures_counts_and_a_failure_only_when_said_twice(
    alone, made, imagen_gateway, words, looks
):
    imagen_gateway.script(words=words)
    generation = made()
    assert seen(generation, imagen_gateway) == DONE.told(generation)
    assert imagen_gateway.jobs[0].polls == looks


@pytest.mark.fault("F48")
@pytest.mark.parametrize("word", ["failed", "cancelled"])
def test_a_failure_is_confirmed_by_a_second_look_after_a_pause(alone, vendor, made, imagen_gateway, monkeypatch, word):
    """Two seconds as shipped, a third of one here."""
    assert SHIPPED == 2.0
    monkeypatch.setattr(verdicts, "CONFIRM_SECONDS", 0.3)
    imagen_gateway.script(words=(word,), failure="boom", latency=0)
    generation = made()
    end = End(status="failed", code="provider_failed", cost=0 if vendor == "apiframe" else 1, paid=1)  # it refunds
    assert seen(generation, imagen_gateway) == end.told(generation)
    looks = [call.at for call in imagen_gateway.calls if call.method == "GET"]
    assert len(looks) == 2
    assert looks[1] - looks[0] >= 0.3


FAILURES = [
    row("F37", {"failure": "Content is filtered due to unknown reasons"}, "content_filtered", 0, name="filtered"),
    row("F48", {"failure": "boom"}, "provider_failed", 1, name="for any other reason"),
]


@pytest.mark.parametrize(("story", "code", "cost"), FAILURES)
def test_a_job_that_fails_says_why_and_what_it_cost(alone, vendor, made, imagen_gateway, story, code, cost):
    imagen_gateway.script(**story)
    generation = made()
    end = End(status="failed", code=code, cost=0 if vendor == "apiframe" else cost, paid=1)
    assert seen(generation, imagen_gateway) == end.told(generation)
    assert generation.error_note == story["failure"]


@pytest.mark.fault("F37")
@pytest.mark.parametrize("vendor", ["wavespeed"], indirect=True)  # only it has codes
@pytest.mark.parametrize(("number", "code"), [(1200, "content_filtered"), (1401, "provider_rejected")])
def test_wavespeed_says_it_by_a_number_too(alone, made, imagen_gateway, number, code):
    imagen_gateway.script(failure="no", code=number)
    generation = made()
    assert seen(generation, imagen_gateway) == End(status="failed", code=code, cost=0, paid=1).told(generation)


@pytest.mark.fault("F49")
def test_done_without_a_picture_is_asked_five_times_more_over_a_minute(alone, made, imagen_gateway):
    assert verdicts.EMPTY_LOOKS * EMPTY_SHIPPED == 60
    imagen_gateway.script(outputs=0)
    generation = made()
    end = End(status="failed", code="no_outputs", cost=1, paid=1)
    assert seen(generation, imagen_gateway) == end.told(generation)
    assert imagen_gateway.jobs[0].polls == 1 + verdicts.EMPTY_LOOKS


@pytest.mark.fault("F50")
def test_a_job_past_its_deadline_is_watched_by_the_hour_with_a_warning(alone, made, imagen_gateway):
    alone(DEADLINE_SECONDS=0.2)
    imagen_gateway.script(words=("processing",))
    generation = made()
    assert seen(generation, imagen_gateway) == watched().told(generation)
    assert 3500 < due_in(generation) <= 3600


@pytest.mark.fault("F50")
def test_what_comes_after_the_deadline_is_kept_and_called_late(alone, made, work, imagen_gateway):
    alone(DEADLINE_SECONDS=0.2)
    imagen_gateway.script(words=("processing",))
    generation = made()
    imagen_gateway.script(words=("completed",))
    Job.objects.update(due_at=timezone.now())  # an hour is over
    work()
    assert seen(generation, imagen_gateway) == LATE.told(generation)


@pytest.mark.fault("F50")
def test_what_never_comes_ends_with_the_watch(alone, made, imagen_gateway):
    alone(DEADLINE_SECONDS=0.1, WATCH_SECONDS=0.3)
    imagen_gateway.script(words=("processing",))
    generation = made(seconds=3)
    assert seen(generation, imagen_gateway) == OVERDUE.told(generation)


@pytest.mark.fault("F50")
def test_a_day_of_looks_is_an_hour_apart(alone, made, work, imagen_gateway):
    alone(DEADLINE_SECONDS=0.2)
    imagen_gateway.script(words=("processing",))
    generation = made()
    day = timezone.now() - timedelta(hours=25)
    Job.objects.update(due_at=timezone.now(), accepted_at=day, created_at=day)
    work()
    assert seen(generation, imagen_gateway) == OVERDUE.told(generation)
