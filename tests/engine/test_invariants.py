"""The checker finds every kind of untruth; all other tests here end with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone
from django_q.tasks import async_task

from imagen import pipeline
from imagen.costs import Position
from imagen.models import Budget, Change, Entry, Event, Generation, Image, Job, Purse
from imagen.models.image import storage
from imagen.testing import invariants
from tests import factories

pytestmark = pytest.mark.by_hand("it lies on purpose")


def rows(**changes: Any) -> Callable[[Generation], Any]:
    return lambda generation: Job.objects.update(**changes)


def _told(generation: Generation) -> None:
    Event.objects.create(generation=generation, job=generation.jobs.get(), what="queued")


def _lost(generation: Generation) -> None:
    storage().delete(generation.images.get().file.name)


def _exchanged(generation: Generation) -> None:
    name = generation.images.get().file.name
    storage().delete(name)
    storage().save(name, ContentFile(b"other bytes"))


def _forgotten(generation: Generation) -> None:
    storage().save("imagen/nobody/orphan.png", ContentFile(b"x"))


def _half_deleted(generation: Generation) -> None:
    Generation.objects.update(deleted_at=timezone.now())


def _confided(generation: Generation) -> None:
    async_task("imagen.tasks.drive", generation.prompt)


def _more_in_the_purse(generation: Generation) -> None:
    Purse.objects.update(spent=Decimal(7))


def _twice_in_the_ledger(generation: Generation) -> None:
    job = generation.jobs.get()
    Entry.objects.write([Change(job, Position(), Position(spent=Decimal(1)))])


UNTRUE: list[tuple[Callable[[Generation], Any], str]] = [
    (rows(due_at=timezone.now()), "is over and still due"),
    (rows(status="processing"), "is not over and never due"),
    (rows(holder="a worker"), "is held by a worker"),
    (rows(status="processing", remote_id=""), "was accepted without an id"),
    (rows(sent_at=None), "was accepted and never sent"),
    (rows(accepted_at=None), "cost something and was never accepted"),
    (rows(cost=1), "says it cost"),
    (rows(status="sending", holder="", accepted_at=None), "will be sent again without a key"),
    (rows(fence=0), "was claimed more often than its fence says"),
    (rows(status="failed"), "was completed before"),
    (rows(status="failed"), "was last said to be completed"),
    (lambda generation: Generation.objects.update(completed_at=None), "has an end that does not fit"),
    (_confided, "carries more than a bell"),
    (_twice_in_the_ledger, "its ledger says"),
    (_more_in_the_purse, "its calls have"),
    (_told, "became queued after completed"),
    (lambda generation: Generation.objects.update(status="partial"), "has to be completed"),
    (lambda generation: Image.objects.all().delete(), "has to be failed"),
    (_half_deleted, "was deleted and has pictures"),
    (_lost, "has no file"),
    (_exchanged, "serves other bytes"),
    (_forgotten, "belongs to no row"),
]


@pytest.mark.parametrize(("lie", "told"), UNTRUE, ids=[told for _, told in UNTRUE])
def test_every_untruth_is_found(made, lie, told):
    Budget.objects.create(limit=9)
    generation = made()
    invariants.check()
    lie(generation)
    with pytest.raises(AssertionError, match=told):
        invariants.check()


def test_a_job_at_the_gateway_that_no_row_knows_is_found(made, imagen_gateway):
    made()
    stolen = imagen_gateway.jobs[0]
    imagen_gateway.ledger.accept(replace(stolen, id="nobody's"))
    with pytest.raises(AssertionError, match=r"I1: wavespeed accepted 1 jobs of which no row knows\."):
        invariants.check(imagen_gateway.ledger)


def test_a_key_that_brought_two_jobs_or_two_bodies_is_found(site, made, imagen_gateway):
    site(vendors=("apiframe",))
    made()
    call = next(call for call in imagen_gateway.calls if "idempotency-key" in call.headers)
    imagen_gateway.calls.append(replace(call, body=b"{}"))
    imagen_gateway.ledger.jobs.append(imagen_gateway.jobs[0])
    wrong = "\n".join(invariants.violations(imagen_gateway.ledger))
    assert "came with 2 bodies" in wrong
    assert "accepted 2 jobs under the key" in wrong


def test_every_promise_has_a_number_a_sentence_and_a_rule():
    assert [*invariants.RULES] == [f"I{number}" for number in range(1, 11)]


def test_every_state_of_a_true_story_is_accepted(ask):
    for status in ("queued", *factories.ROAD):
        factories.leave(ask(), status)
    invariants.check()


def test_pictures_and_requests_people_deleted_are_no_untruth(made):
    one, two = made(num_images=2), made()
    pipeline.discard(one.images.get(index=0))
    pipeline.erase(two)
    invariants.check()


def _gone_on(after: str) -> Callable[[Generation], Any]:
    """It was failed like this, and went on all the same."""

    def lie(generation: Generation) -> None:
        job, events = generation.jobs.get(), generation.events.exclude(job=None)
        events.filter(what="storing").delete()
        last = events.get(what="completed")
        for what, code in (("failed", after), ("storing", ""), ("completed", "")):
            Event.objects.create(generation=generation, job=job, what=what, code=code)
        last.delete()

    return lie


def test_a_failed_call_that_went_on_had_been_given_up_and_its_outputs_were_there(made, imagen_gateway):
    generation = made()
    _gone_on("provider_timeout")(generation)
    invariants.check(imagen_gateway.ledger)
    imagen_gateway.jobs[0].shown = 0
    with pytest.raises(AssertionError, match="went on without outputs there"):
        invariants.check(imagen_gateway.ledger)


def test_a_failed_call_whose_end_was_told_does_not_go_on(made):
    generation = made()
    _gone_on("provider_failed")(generation)
    with pytest.raises(AssertionError, match="went on after an end that was told"):
        invariants.check()


@pytest.mark.parametrize("untrue", [{"error_code": "provider_failed"}, {"remote_id": ""}, {"accepted_at": None}])
def test_only_what_is_kept_may_be_asked_after_when_it_is_over(db, untrue):
    generation = factories.kept()
    Job.objects.update(due_at=timezone.now())
    invariants.check()
    Job.objects.update(**untrue)
    with pytest.raises(AssertionError, match="is over and still due"):
        invariants.check()
    Job.objects.filter(generation=generation).update(
        error_code="storage_full", remote_id="x", accepted_at=timezone.now()
    )
    Generation.objects.update(deleted_at=timezone.now())
    with pytest.raises(AssertionError, match="is over and still due"):
        invariants.check()
