"""Pictures that come when nobody waits any more, F50: a ring or a person has them asked for, and only outputs count."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from imagen import pipeline, verdicts
from imagen.engine import proof
from imagen.models import Entry, Generation, Job
from tests.faults.outcome import VENDORS, End, again, check, polls, until

pytestmark = pytest.mark.fault("F50")

OVER = End(status="failed", code="provider_timeout", cost=1, paid=1, warnings=("provider_timeout",))
COME = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1, warnings=("late", "provider_timeout"))
GONE = replace(OVER, code="output_expired")
DEADLINE = {"DEADLINE_SECONDS": 0.2}
WATCH, MINUTE = timedelta(days=1), timedelta(minutes=1)
STEPS = (0.05, 0.1)


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    """The looks at what failed follow each other quickly."""
    monkeypatch.setattr(verdicts, "LOOK_STEPS", STEPS)


@pytest.fixture
def end_of_the_watch(work):
    """Let so much time pass since they were accepted that nobody waits any more."""

    def pass_(age=WATCH + MINUTE):
        Job.objects.update(accepted_at=timezone.now() - age, due_at=timezone.now())
        work()

    return pass_


@pytest.fixture
def given_up(play, end_of_the_watch, imagen_gateway):
    """Requests nobody waits for any more: their gateways were always at it."""
    asked = play({"words": ("processing",)}, **DEADLINE)
    end_of_the_watch()
    check(asked, imagen_gateway, OVER)
    return asked


def ledger() -> list[Any]:
    """Every line of it."""
    return list(Entry.objects.order_by("pk").values_list("job", "reserved", "spent"))


def versions(asked: list[Generation]) -> list[Any]:
    """What a reader would notice: the version of each, and the lines of its history."""
    rows = Generation.objects.filter(pk__in=[each.pk for each in asked]).order_by("pk")
    return [(row.version, row.events.count()) for row in rows]


def now_is(gateway: Any, **script: Any) -> None:
    """From now on every vendor behaves like this."""
    for vendor in VENDORS:
        gateway.script(vendor, **script)


def people_ask(asked: list[Generation]) -> None:
    """For each of them a person presses *Try again*."""
    for generation in asked:
        pipeline.retry(Generation.objects.get(pk=generation.pk))


def test_a_picture_that_is_late_by_days_comes_when_the_vendor_rings(
    listening, end_of_the_watch, work, imagen_gateway, client
):
    asked = listening({"poll": "status", "status": 503, "latency": 0.3}, **DEADLINE)
    until(lambda: len(imagen_gateway.rings) == 3)
    work()
    end_of_the_watch(9 * WATCH)  # no vendor says that it keeps anything longer
    check(asked, imagen_gateway, OVER)
    now_is(imagen_gateway)
    before = ledger()
    assert {again(generation, imagen_gateway, client) for generation in asked} == {204}
    check(asked, imagen_gateway, OVER)  # a ring is no proof
    work()
    check(asked, imagen_gateway, COME)
    assert ledger() == before


@pytest.mark.parametrize(
    ("script", "looks"),
    [
        pytest.param({"words": ("processing",)}, 1 + len(STEPS), id="it is still being made"),
        pytest.param({"poll": "status", "status": 503}, 1 + len(STEPS), id="nobody answers"),
        pytest.param({"poll": "other-id"}, 1 + len(STEPS), id="the answer is about another job"),
        pytest.param({"words": ("failed",)}, 2, id="it failed"),
        pytest.param({"outputs": 0}, 2, id="there is no picture"),
        pytest.param({"poll": "status", "status": 404}, 1, id="it is not known"),
    ],
)
def test_a_ring_without_a_picture_leaves_everything_as_it_was(
    listening, end_of_the_watch, work, imagen_gateway, client, script, looks
):
    asked = listening({"poll": "status", "status": 503, "latency": 0.3}, **DEADLINE)
    until(lambda: len(imagen_gateway.rings) == 3)
    work()
    end_of_the_watch()
    check(asked, imagen_gateway, OVER)
    now_is(imagen_gateway, **script)
    told, before = versions(asked), [polls(imagen_gateway, vendor) for vendor in VENDORS]
    for generation in asked:
        again(generation, imagen_gateway, client)
        again(generation, imagen_gateway, client)
    work()
    check(asked, imagen_gateway, OVER)
    assert versions(asked) == told
    assert [polls(imagen_gateway, v) for v in VENDORS] == [count + looks for count in before]
    assert not Job.objects.exclude(due_at=None, holder="")


def test_a_picture_that_came_after_the_watch_is_fetched_for_a_person_for_free(given_up, work, imagen_gateway):
    now_is(imagen_gateway)
    before = ledger()
    people_ask(given_up)
    people_ask(given_up)  # a second click
    work()
    check(given_up, imagen_gateway, COME)
    assert len(imagen_gateway.jobs) == 3
    assert ledger() == before


def test_what_the_vendor_says_is_gone_is_said_and_the_next_time_it_is_bought(given_up, work, imagen_gateway):
    now_is(imagen_gateway, poll="status", status=404)
    before = ledger()
    people_ask(given_up)
    work()
    check(given_up, imagen_gateway, GONE)
    assert ledger() == before
    now_is(imagen_gateway)
    people_ask(given_up)
    work()
    assert len(imagen_gateway.jobs) == 6
    assert {generation.status for generation in Generation.objects.all()} == {"completed"}
    assert len(ledger()) > len(before)


@pytest.mark.parametrize(
    ("word", "code", "free"), [("failed", "provider_failed", ("apiframe",)), ("completed", "output_expired", ())]
)
def test_an_end_without_a_picture_counts_when_it_is_said_twice(given_up, work, imagen_gateway, word, code, free):
    before = [polls(imagen_gateway, vendor) for vendor in VENDORS]
    now_is(imagen_gateway, words=(word,), outputs=0)
    people_ask(given_up)
    work()
    over = replace(OVER, code=code)
    ends = {vendor: replace(over, cost=0) if vendor in free else over for vendor in VENDORS}
    check(given_up, imagen_gateway, ends)  # Apiframe says that what failed cost nothing
    assert [polls(imagen_gateway, vendor) for vendor in VENDORS] == [count + 2 for count in before]


def test_a_look_that_stumbles_leaves_everything_as_it_was(given_up, work, imagen_gateway, monkeypatch):
    def broken(*args: object) -> None:
        raise RuntimeError("a vendor's module may stumble in any way")

    monkeypatch.setattr(proof, "_word", broken)
    people_ask(given_up)
    work()
    check(given_up, imagen_gateway, OVER)
    assert not Job.objects.exclude(due_at=None, holder="")


def test_a_question_nobody_answers_is_asked_a_few_times_and_then_buying_is_possible(given_up, work, imagen_gateway):
    now_is(imagen_gateway, poll="status", status=503)
    people_ask(given_up)
    work()
    check(given_up, imagen_gateway, OVER)
    now_is(imagen_gateway)
    people_ask(given_up)
    assert Job.objects.filter(status="queued").count() == 3
