"""Looks that go wrong, F45 to F50: they change nothing before the deadline, and in the end it is said what happened."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from django.db import IntegrityError
from django.urls import reverse
from django.utils import timezone

from imagen import verdicts
from imagen.models import Anomaly, Job
from imagen.models.anomaly import AnomalyQuerySet
from imagen.providers import base
from tests.faults.outcome import VENDORS, End, check, odd, polls, row

DONE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1)
WATCHED = End(status="processing", jobs=("processing",), cost=1, paid=1, warnings=("provider_timeout",))
LOST = End(status="failed", code="provider_job_lost", cost=1, paid=1, warnings=("provider_timeout",))
OVERDUE = replace(LOST, code="provider_timeout")
SHIPPED, EMPTY_SHIPPED = verdicts.CONFIRM_SECONDS, verdicts.EMPTY_SECONDS  # before a test makes them shorter


def failed(code: str, *, cost: int) -> dict[str, End]:
    """Said by the vendor; Apiframe refunds what failed."""
    end = End(status="failed", code=code, cost=cost, paid=1)
    return {**dict.fromkeys(VENDORS, end), "apiframe": replace(end, cost=0)}


def looked_at_in_an_hour() -> bool:
    """Whether the next look at every job is about an hour away."""
    waits = [(due - timezone.now()).total_seconds() for due in Job.objects.values_list("due_at", flat=True)]
    return all(3500 < wait <= 3600 for wait in waits)


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
def test_looks_that_go_wrong_change_nothing(play, imagen_gateway, fault):
    check(play({**fault, "first": 2}, CALL_SECONDS=0.4, MAX_BYTES=300_000), imagen_gateway, DONE)
    assert min(polls(imagen_gateway, vendor) for vendor in VENDORS) >= 3


@pytest.mark.fault("F46")
@pytest.mark.parametrize("fault", [{"poll": "status", "status": 503}, {"poll": "garbled"}])
def test_no_number_of_failed_looks_ends_a_request_before_its_deadline(play, imagen_gateway, fault):
    end = End(status="processing", jobs=("processing",), cost=1, paid=1)
    check(play(fault, seconds=1.5), imagen_gateway, end)
    assert min(polls(imagen_gateway, vendor) for vendor in VENDORS) >= 3


@pytest.mark.fault("F46")
def test_looks_that_fail_in_a_row_come_further_apart(play, imagen_gateway):
    play({"poll": "status", "status": 503, "first": 4}, only=("wavespeed",))
    looks = [call.at for call in imagen_gateway.calls if call.path.endswith("/result")]
    pauses = [later - earlier for earlier, later in pairwise(looks)]
    assert all(pause >= 0.05 * 2**number for number, pause in enumerate(pauses[:4], start=1))


@pytest.mark.fault("F45")
def test_a_job_the_gateway_forgot_is_watched_with_a_warning(play, imagen_gateway, monkeypatch):
    """After a minute as shipped, a tenth of a second here."""
    assert verdicts.LOST_SECONDS == 60
    monkeypatch.setattr(verdicts, "LOST_SECONDS", 0.1)
    asked = play({"poll": "status", "status": 404})
    check(asked, imagen_gateway, replace(WATCHED, code="provider_job_lost"))
    assert looked_at_in_an_hour()


@pytest.mark.fault("F45")
def test_a_job_the_gateway_forgot_for_a_whole_watch_is_lost_and_stays_paid(play, imagen_gateway, monkeypatch):
    monkeypatch.setattr(verdicts, "LOST_SECONDS", 0.1)
    asked = play({"poll": "status", "status": 404}, WATCH_SECONDS=0.4, DEADLINE_SECONDS=0.2)
    check(asked, imagen_gateway, LOST)


@pytest.mark.fault("F47")
def test_a_word_nobody_knows_means_not_finished_and_is_logged_once(play, imagen_gateway, caplog):
    base._puzzled.cache_clear()
    words = ("warming-up", "warming-up", "warming-up", "completed")
    check(play({"words": words}), imagen_gateway, DONE)
    told = [record.provider for record in caplog.records if "warming-up" in record.getMessage()]
    assert sorted(told) == sorted(VENDORS)
    assert set(Anomaly.objects.values_list("code", "job", "generation", "note")) == {
        ("unknown_word", None, None, "warming-up")
    }
    assert [provider for provider, _, _ in odd()] == sorted(VENDORS)


@pytest.mark.fault("F47")
def test_a_word_nobody_knows_is_one_row_a_service_and_day_however_many_say_it(play, work, ask, imagen_gateway):
    for words in (("warming-up", "completed"), ("thawing", "a <b>secret</b> prompt", "completed")):
        play({"words": words}, only=("wavespeed",))
    assert [(provider, code) for provider, code, _ in odd()] == [("wavespeed", "unknown_word")]
    Anomaly.objects.update(day=timezone.now() - timedelta(days=1))
    play({"words": ("thawing", "a <b>secret</b> prompt", "completed")}, only=("wavespeed",))
    assert list(Anomaly.objects.values_list("note", flat=True)) == ["?, thawing", "warming-up"]


FLIPS = [
    row("F48", ("failed", "completed"), 2, name="failed then completed"),
    row("F48", ("cancelled", "completed"), 2, name="cancelled then completed"),
    row("F48", ("processing", "failed", "processing", "failed", "completed"), 5, name="failed now and then"),
    row("F48", ("completed", "processing", "completed"), 1, name="completed then processing"),
    row("F48", ("completed", "failed"), 1, name="completed then failed"),
]


@pytest.mark.parametrize(("words", "looks"), FLIPS)
def test_the_first_end_with_pictures_counts_and_a_failure_only_when_said_twice(play, imagen_gateway, words, looks):
    check(play({"words": words}), imagen_gateway, DONE)
    assert [polls(imagen_gateway, vendor) for vendor in VENDORS] == [looks] * 3


@pytest.mark.fault("F48")
@pytest.mark.parametrize("word", ["timeout", "deleted"])
def test_wavespeed_has_more_words_for_a_failure(play, imagen_gateway, word):
    check(play({"words": (word, "completed")}, only=("wavespeed",)), imagen_gateway, DONE)
    assert polls(imagen_gateway, "wavespeed") == 2


@pytest.mark.fault("F48")
@pytest.mark.parametrize("word", ["failed", "cancelled"])
def test_a_failure_is_confirmed_by_a_second_look_after_a_pause(play, imagen_gateway, monkeypatch, word):
    """Two seconds as shipped, a third of one here; API in One and WaveSpeed say failed at the first look."""
    assert SHIPPED == 2.0
    monkeypatch.setattr(verdicts, "CONFIRM_SECONDS", 0.3)
    check(play({"words": (word,), "failure": "boom"}), imagen_gateway, failed("provider_failed", cost=1))
    for job in imagen_gateway.jobs:
        looks = [call.at for call in imagen_gateway.calls if job.id in call.path]
        told = [job.time, *looks] if job.vendor == "apiframe" else looks  # it says so in its first answer already
        assert told[-1] - told[-2] >= 0.3


FAILURES = [
    row("F37", "Content is filtered due to unknown reasons", "content_filtered", 0, name="filtered"),
    row("F48", "boom", "provider_failed", 1, name="for any other reason"),
]


@pytest.mark.parametrize(("message", "code", "cost"), FAILURES)
def test_a_job_that_fails_says_why_and_what_it_cost(play, imagen_gateway, message, code, cost):
    asked = play({"failure": message})
    check(asked, imagen_gateway, failed(code, cost=cost))
    assert {generation.error_note for generation in asked} == {message}


@pytest.mark.fault("F37")
@pytest.mark.parametrize(
    ("number", "code", "cost"),
    [(1200, "content_filtered", 0), (1401, "provider_rejected", 0), (5000, "provider_failed", 1)],
)
def test_wavespeed_says_it_by_a_number_too(play, imagen_gateway, number, code, cost):
    asked = play({"failure": "no", "code": number}, only=("wavespeed",))
    check(asked, imagen_gateway, failed(code, cost=cost))


@pytest.mark.fault("F49")
def test_done_without_a_picture_is_asked_five_times_more_over_a_minute(play, imagen_gateway):
    assert verdicts.EMPTY_LOOKS * EMPTY_SHIPPED == 60
    asked = play({"outputs": 0})
    check(asked, imagen_gateway, End(status="failed", code="no_outputs", cost=1, paid=1))
    assert [polls(imagen_gateway, vendor) for vendor in VENDORS] == [1 + verdicts.EMPTY_LOOKS] * 3
    assert odd() == [(vendor, "no_outputs", 1) for vendor in sorted(VENDORS)]
    assert {anomaly.job.generation for anomaly in Anomaly.objects.all()} == set(asked)


@pytest.mark.fault("F49")
def test_money_spent_for_nothing_waits_for_a_person_until_one_has_seen_it(play, admin_client, admin_user):
    (asked,) = play({"outputs": 0}, only=("wavespeed",))
    duties, page = (
        reverse("admin:imagen_duty_changelist"),
        reverse("admin:imagen_generation_change", args=[asked.pk]),
    )
    said = "WaveSpeedAI said it was done and sent no picture, so money was spent for nothing. Ask the service"
    for where in (duties, page):
        assert said in admin_client.get(where).content.decode()
    mark = {"action": "mark", "_selected_action": asked.anomalies.get().pk}
    admin_client.post(reverse("admin:imagen_anomaly_changelist"), mark)
    assert "Nothing waits for you." in admin_client.get(duties).content.decode()
    assert asked.anomalies.get().seen_by == admin_user


@pytest.mark.fault("F49")
def test_nothing_for_nothing_is_fair(play, imagen_gateway):
    asked = play({"outputs": 0, "cost": 0}, only=("apiframe",))
    check(asked, imagen_gateway, End(status="failed", code="no_outputs", cost=0, paid=1))
    assert odd() == []


@pytest.mark.fault("F49")
def test_what_cannot_be_noted_ends_no_job(play, imagen_gateway, monkeypatch, caplog):
    def broken(*args):
        raise IntegrityError("no room")

    monkeypatch.setattr(AnomalyQuerySet, "_count", broken)
    check(play({"outputs": 0}), imagen_gateway, End(status="failed", code="no_outputs", cost=1, paid=1))
    assert odd() == []
    assert [each.provider for each in caplog.records if "could not be noted" in each.getMessage()]


@pytest.mark.fault("F50")
def test_a_job_past_its_deadline_is_watched_by_the_hour_and_what_comes_then_is_late(play, work, imagen_gateway):
    asked = play({"words": ("processing",)}, DEADLINE_SECONDS=0.2)
    check(asked, imagen_gateway, WATCHED)
    assert looked_at_in_an_hour()
    for vendor in VENDORS:
        imagen_gateway.script(vendor, words=("completed",))
    Job.objects.update(due_at=timezone.now())  # the hour is over
    work()
    check(asked, imagen_gateway, replace(DONE, warnings=("late", "provider_timeout")))


@pytest.mark.fault("F50")
def test_what_never_comes_ends_with_the_watch(play, work, imagen_gateway):
    asked = play({"words": ("processing",)}, DEADLINE_SECONDS=0.2)
    day = timezone.now() - timedelta(hours=25)
    Job.objects.update(due_at=timezone.now(), accepted_at=day, created_at=day)
    work()
    check(asked, imagen_gateway, OVERDUE)
