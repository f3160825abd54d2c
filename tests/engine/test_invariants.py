"""The checker finds every kind of untruth; all other tests here end with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.utils import timezone

from imagen import pipeline
from imagen.models import Event, Generation, Image, Job
from imagen.models.image import storage
from imagen.testing import invariants
from tests import factories

pytestmark = pytest.mark.usefixtures("by_hand")


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


UNTRUE: list[tuple[Callable[[Generation], Any], str]] = [
    (rows(due_at=timezone.now()), "is over and still due"),
    (rows(status="processing"), "is not over and never due"),
    (rows(holder="a worker"), "is held by a worker"),
    (rows(status="processing", remote_id=""), "was accepted without an id"),
    (rows(sent_at=None), "was accepted and never sent"),
    (rows(accepted_at=None), "cost something and was never accepted"),
    (rows(cost=1), "says it cost"),
    (rows(status="failed"), "was last said to be completed"),
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
    generation = made()
    invariants.check()
    lie(generation)
    with pytest.raises(AssertionError, match=told):
        invariants.check()


def test_every_state_of_a_true_story_is_accepted(ask):
    for status in ("queued", *factories.ROAD):
        factories.leave(ask(), status)
    invariants.check()


def test_pictures_and_requests_people_deleted_are_no_untruth(made):
    one, two = made(num_images=2), made()
    pipeline.discard(one.images.get(index=0))
    pipeline.erase(two)
    invariants.check()
