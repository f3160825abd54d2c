"""Two engines, a person and an engine, at the same moment: whoever comes second sees what the first one did.

On SQLite one waits for the other by itself; ``test_on_postgresql`` runs this file where they really meet.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from imagen import anomalies, pipeline, placing
from imagen.exceptions import Conflict, Refused
from imagen.models import Event, Generation, Image, Job, Move, Placement
from imagen.models.anomaly import AnomalyQuerySet
from imagen.models.generation import GenerationQuerySet
from imagen.models.image import ImageQuerySet
from imagen.origin import Origin
from imagen.states import JobStatus
from project.articles.models import Article
from tests import factories
from tests.factories import leave as held

PAUSE = 1.5  # longer than PostgreSQL waits before it looks for a deadlock


def together(*deeds: Callable[[], Any]) -> None:
    """Do these in threads of their own and raise what went wrong."""
    wrong: list[Exception] = []

    def do(deed: Callable[[], Any]) -> None:
        try:
            deed()
        except Exception as error:
            wrong.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=(deed,)) for deed in deeds]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


def meet(monkeypatch: pytest.MonkeyPatch, kind: type, name: str, rendezvous: Callable[[], Any]) -> None:
    """Let ``rendezvous`` happen right before this method's work."""
    real = getattr(kind, name)

    def waited(self: Any, *args: Any, **kwargs: Any) -> Any:
        rendezvous()
        return real(self, *args, **kwargs)

    monkeypatch.setattr(kind, name, waited)


def picture(job: Job) -> Image:
    facts = {"width": 1, "height": 1, "bytes": 1, "format": "png", "created_at": timezone.now()}
    return Image(generation_id=job.generation_id, job=job, index=job.slots[0], file=f"x/{job.pk}.png", **facts)


def test_two_engines_that_finish_at_the_same_moment_leave_a_finished_generation(ask, monkeypatch):
    generation = ask(model="nano-banana-pro", num_images=2)
    first, second = held(generation, "processing")
    barrier = threading.Barrier(2)

    def both() -> None:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(PAUSE)

    meet(monkeypatch, GenerationQuerySet, "locked", both)
    together(*(lambda job=job: job.move(JobStatus.FAILED, code="provider_failed") for job in (first, second)))
    generation.refresh_from_db()
    assert generation.status == "failed"


def test_a_generation_erased_while_its_last_picture_is_written_down_keeps_no_picture(ask, monkeypatch):
    generation = ask()
    (job,) = held(generation, "storing")
    there, erased = threading.Event(), threading.Event()

    def kept() -> None:
        there.set()
        erased.wait(PAUSE)

    def erase() -> None:
        there.wait(PAUSE)
        pipeline.erase(Generation.objects.get(pk=generation.pk))
        erased.set()

    meet(monkeypatch, ImageQuerySet, "bulk_create", kept)
    together(lambda: job.move(JobStatus.COMPLETED, images=(picture(job),)), erase)
    assert Generation.objects.get().deleted_at is not None
    assert not Image.objects.exists()


@pytest.mark.parametrize("verb", [pipeline.cancel, pipeline.erase])
def test_a_person_and_an_engine_never_wait_for_each_other(ask, monkeypatch, verb):
    generation = ask()
    (job,) = held(generation, "submitting")
    there, asked = threading.Event(), threading.Event()

    def written() -> None:
        if threading.current_thread().name == "person":
            asked.set()
        else:
            there.set()
            asked.wait(0.3)

    def person() -> None:
        threading.current_thread().name = "person"
        there.wait(PAUSE)
        verb(Generation.objects.get(pk=generation.pk))

    meet(monkeypatch, GenerationQuerySet, "locked", written)
    together(lambda: job.move(JobStatus.QUEUED, wait=0, code="provider_unavailable"), person)
    job.refresh_from_db()
    assert job.status == "canceled"


def test_batches_of_two_engines_never_wait_for_each_other(ask, monkeypatch):
    both = [ask(prompt, model="nano-banana-pro", num_images=2) for prompt in ("a", "b")]
    pairs = [held(generation, "processing") for generation in both]
    barrier = threading.Barrier(2)

    def written() -> None:
        with suppress(threading.BrokenBarrierError):
            barrier.wait(PAUSE)

    meet(monkeypatch, GenerationQuerySet, "locked", written)
    batches = [[pair[0] for pair in pairs], [pair[1] for pair in reversed(pairs)]]
    warned = {"to": JobStatus.PROCESSING, "wait": 60, "code": "x", "warnings": ("provider_timeout",)}
    together(*(lambda jobs=jobs: Job.objects.move([Move(job=job, **warned) for job in jobs]) for jobs in batches))
    assert Job.objects.filter(error_code="x").count() == 4


def test_a_retry_pressed_twice_at_once_is_one_retry(ask):
    generation = ask()
    (job,) = held(generation, "processing")
    job.move(JobStatus.FAILED, code="provider_failed")
    refused: list[Exception] = []

    def press() -> None:
        try:
            pipeline.retry(Generation.objects.get(pk=generation.pk))
        except pipeline.Conflict as error:
            refused.append(error)

    together(press, press)
    assert (Job.objects.count(), len(refused)) == (2, 1)
    assert Event.objects.filter(what="retry asked").count() == 1


def kept(generation: Generation) -> Image:
    """The picture of this request, held for review."""
    (job,) = held(generation, "storing")
    image = picture(job)
    image.review = "held"
    job.move(JobStatus.COMPLETED, images=(image,))
    return Image.objects.get()


@pytest.mark.parametrize("other", ["describe", "review"])
def test_who_deletes_a_picture_and_who_says_something_of_it_never_wait_for_each_other(ask, monkeypatch, other):
    image, reviewer = kept(ask()), factories.person("rev")
    begun, there = threading.Event(), threading.Event()

    def written() -> None:
        if threading.current_thread().name == "says":
            begun.set()
            there.wait(0.3)

    def say() -> None:
        threading.current_thread().name = "says"
        said = {"describe": {"alt_text": "x"}, "review": {"verdict": "released", "actor": reviewer}}
        with suppress(Refused, Conflict):  # it is gone already
            getattr(pipeline, other)(Image.objects.get(pk=image.pk), **said[other])

    def delete() -> None:
        begun.wait(PAUSE)
        pipeline.discard(Image.objects.get(pk=image.pk))

    monkeypatch.setattr("imagen.outages.collided", lambda error: False)  # nothing is begun again
    meet(monkeypatch, Generation, "save_changes", written)
    meet(monkeypatch, Image, "delete", there.set)
    together(say, delete)
    assert not Image.objects.exists()


def test_who_deletes_a_picture_and_who_puts_it_on_a_new_page_never_wait_for_each_other(ask, monkeypatch):
    image = kept(ask(origin=Origin(place="articles.article.hero")))
    page = Article.objects.create(title="Low water", slug="low-water", summary="x", body="x")
    begun, there, end = threading.Event(), threading.Event(), placing.end

    def written(*args: Any) -> None:
        begun.set()
        there.wait(0.3)
        end(*args)

    def delete() -> None:
        begun.wait(PAUSE)
        pipeline.discard(Image.objects.get(pk=image.pk))

    monkeypatch.setattr("imagen.outages.collided", lambda error: False)  # nothing is begun again
    monkeypatch.setattr(placing, "end", written)
    meet(monkeypatch, Image, "delete", there.set)
    together(lambda: placing.record(page, "hero", image=image, user=None, pick=None, alt=""), delete)
    assert Generation.objects.get().place_id == str(page.pk)
    assert Placement.objects.get().image is None


def test_who_reports_a_refusal_and_who_tries_again_never_wait_for_each_other(ask, monkeypatch):
    generation = ask()
    (job,) = held(generation, "processing")
    job.move(JobStatus.FAILED, code="content_filtered")
    begun, there = threading.Event(), threading.Event()

    def written() -> None:
        begun.set()
        there.wait(0.3)

    def retry() -> None:
        begun.wait(PAUSE)
        meet(monkeypatch, GenerationQuerySet, "select_for_update", there.set)
        pipeline.retry(Generation.objects.get(pk=generation.pk))

    monkeypatch.setattr("imagen.outages.collided", lambda error: False)  # nothing is begun again
    meet(monkeypatch, AnomalyQuerySet, "note", written)
    together(lambda: anomalies.report(generation), retry)
    assert (generation.anomalies.count(), generation.jobs.count()) == (1, 2)
