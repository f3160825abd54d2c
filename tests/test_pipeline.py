"""The verbs the doors use: request, quote, cancel, retry, erase, wait."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import transaction

from imagen import files, pipeline
from imagen.exceptions import Conflict, InvalidRequest, ModelUnknown, ProviderNotConfigured, UnsupportedParameter
from imagen.models import Erasure, Event, Generation, Image, Job
from tests import factories

pytestmark = pytest.mark.django_db
WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "k"}}
SANDBOX = {"BACKEND": "imagen.providers.sandbox.Sandbox"}


@pytest.fixture(autouse=True)
def site(settings, monkeypatch):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED, "sandbox": SANDBOX}}
    monkeypatch.setattr("imagen.queue.knock", lambda: None)


def test_a_request_is_rows_at_once():
    generation = pipeline.request(prompt="  a lighthouse ", num_images=2, metadata={"page": 7})
    assert (generation.prompt, generation.model, generation.provider) == ("a lighthouse", "imagen-4", "wavespeed")
    assert (generation.resolution, generation.status, generation.metadata) == ("1k", "queued", {"page": 7})
    job = generation.jobs.get()
    assert (job.provider_model, job.slots, job.price) == ("google/imagen4", [0, 1], Decimal("0.0760"))
    assert generation.events.get().what == "asked"


def test_models_with_one_picture_a_call_become_so_many_jobs():
    generation = pipeline.request(prompt="x", model="nano-banana-pro", num_images=3)
    assert sorted(job.slots for job in generation.jobs.all()) == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"prompt": " "}, InvalidRequest),
        ({"prompt": "x" * 5001}, InvalidRequest),
        ({"prompt": "x", "num_images": 5}, InvalidRequest),
        ({"prompt": "x", "colour": "red"}, InvalidRequest),
        ({"prompt": "x", "metadata": {"a": "\x00"}}, InvalidRequest),
        ({"prompt": "x", "model": "dall-e"}, ModelUnknown),
        ({"prompt": "x", "provider": "nobody"}, ProviderNotConfigured),
        ({"prompt": "x", "resolution": "4k"}, UnsupportedParameter),
        ({"prompt": "x", "model": "nano-banana-pro", "seed": 7}, UnsupportedParameter),
    ],
)
def test_what_cannot_be_taken_is_refused_before_anything_is_written(options: dict[str, Any], error: type[Exception]):
    with pytest.raises(error):
        pipeline.request(**options)
    assert not Generation.objects.exists()
    assert not Job.objects.exists()


def test_the_bell_rings_only_after_the_commit(monkeypatch, django_capture_on_commit_callbacks):
    rung: list[int] = []
    monkeypatch.setattr("imagen.queue._ring", lambda: rung.append(1))
    with django_capture_on_commit_callbacks() as waiting, transaction.atomic():
        pipeline.request(prompt="x")
        assert rung == []
    for callback in waiting:
        callback()
    assert rung == [1]


def test_a_quote_prices_and_queues_nothing():
    found = pipeline.quote(prompt="x", num_images=4, metadata={})
    assert (found.estimated, found.unit, found.provider, found.allowed) == (Decimal("0.152"), "USD", "wavespeed", True)
    assert "model_retired_upstream" in found.warnings
    assert not Generation.objects.exists()


def test_an_unknown_price_is_said_not_guessed():
    found = pipeline.quote(prompt="x", model="nano-banana-2.1")
    assert found.estimated is None
    assert found.warnings == ("price_unknown",)


def test_cancelling_what_waits_stops_it():
    generation = pipeline.cancel(pipeline.request(prompt="x"))
    assert generation.status == "canceled"
    assert generation.jobs.get().status == "canceled"
    assert generation.jobs.get().due_at is None


def test_cancelling_what_was_sent_only_warns():
    generation = factories.generation(status="processing")
    assert pipeline.cancel(generation).status == "processing"
    assert pipeline.Generation.objects.get().warnings == ["already_submitted"]


@pytest.mark.parametrize("status", ["completed", "failed", "canceled", "partial"])
def test_what_is_over_cannot_be_cancelled(status):
    with pytest.raises(Conflict):
        pipeline.cancel(factories.generation(status=status))


def test_cancelling_twice_is_a_conflict():
    generation = factories.generation(status="processing")
    pipeline.cancel(generation)
    with pytest.raises(Conflict):
        pipeline.cancel(generation)


def test_a_retry_is_a_new_job_with_a_new_key_for_what_is_missing():
    generation = pipeline.request(prompt="x", num_images=2)
    factories.leave(generation, "failed", error_code="provider_failed")
    again = pipeline.retry(generation)
    old, new = Job.objects.order_by("created_at")
    assert (again.status, new.replaces, new.slots, new.status) == ("queued", old, [0, 1], "queued")


@pytest.mark.by_hand("the engine is played")
def test_a_retry_of_a_partial_one_asks_only_for_what_is_missing():
    generation = pipeline.request(prompt="x", num_images=4)
    job = generation.jobs.get()
    factories_image(generation, job, 0)
    factories_image(generation, job, 2)
    Job.objects.update(status="completed", due_at=None)
    Generation.objects.update(status="partial")
    pipeline.retry(generation)
    assert Job.objects.exclude(pk=job.pk).get().slots == [1, 3]


def factories_image(generation: Generation, job: Job, index: int) -> Image:
    facts = {"width": 1, "height": 1, "format": "png", "bytes": 1, "sha256": "", "created_at": generation.created_at}
    return Image.objects.create(generation=generation, job=job, index=index, file=f"x/{index}.png", **facts)


@pytest.mark.parametrize("status", ["queued", "processing", "completed", "canceled", "unconfirmed"])
def test_only_what_failed_or_is_incomplete_can_be_tried_again(status):
    with pytest.raises(Conflict):
        pipeline.retry(factories.generation(status=status))


@pytest.mark.by_hand("the engine is played")
def test_erasing_takes_pictures_files_and_words_but_not_the_money(media: Path, django_capture_on_commit_callbacks):
    generation = pipeline.request(prompt="a secret", num_images=1)
    job = generation.jobs.get()
    image = factories_image(generation, job, 0)
    place = files.storage()
    place.save(image.file.name, _file())
    Job.objects.update(status="completed", cost=Decimal("0.038"), due_at=None)
    Generation.objects.update(status="completed", cost_actual=Decimal("0.038"))
    with django_capture_on_commit_callbacks(execute=True):
        pipeline.erase(generation)
    gone = Generation.objects.get()
    assert (gone.prompt, gone.cost_actual, gone.images.count()) == ("", Decimal("0.0380"), 0)
    assert not place.exists(image.file.name)
    assert not Generation.objects.standing().exists()


def _file() -> Any:
    from django.core.files.base import ContentFile  # noqa: PLC0415

    return ContentFile(b"x")


def test_a_file_that_storage_does_not_delete_is_tried_again(monkeypatch):
    Erasure.objects.create(name="x/gone.png")
    place = files.storage()
    monkeypatch.setattr(type(place), "delete", lambda self, name: 1 / 0, raising=False)
    pipeline.sweep()
    assert Erasure.objects.get().tries == 1
    monkeypatch.undo()
    pipeline.sweep()
    assert not Erasure.objects.exists()


@pytest.mark.by_hand("the engine is played")
def test_pictures_that_come_after_the_deletion_are_not_kept():
    from imagen.models import Move  # noqa: PLC0415
    from imagen.states import JobStatus  # noqa: PLC0415

    generation = pipeline.request(prompt="x")
    job = generation.jobs.get()
    Job.objects.update(status="storing")
    pipeline.erase(generation)
    job.refresh_from_db()
    facts = {"width": 1, "height": 1, "bytes": 1, "created_at": job.created_at}
    image = Image(generation=generation, job=job, index=0, file="x/late.png", **facts)
    Job.objects.move([Move(job=job, to=JobStatus.COMPLETED, images=(image,))])
    assert not Image.objects.exists()
    assert Erasure.objects.get().name == "x/late.png"


@pytest.mark.by_hand("the engine is played")
def test_waiting_ends_when_it_is_finished_or_at_the_time():
    generation = pipeline.request(prompt="x")
    looks: list[float] = []

    def pause(seconds: float) -> None:
        looks.append(seconds)
        if len(looks) == 3:
            Generation.objects.update(status="completed")

    assert pipeline.wait(generation, seconds=30, pause=pause).status == "completed"
    assert pipeline.wait(pipeline.request(prompt="y"), seconds=0.01).status == "queued"


def test_who_did_it_is_written_down():
    user = factories.editor()
    generation = pipeline.request(prompt="x", user=user)
    pipeline.cancel(generation, actor=user)
    told = Event.objects.filter(actor=user).values_list("what", flat=True)
    assert list(told) == ["asked", "cancel asked", "canceled"]


@pytest.mark.parametrize(("told", "shown"), [(False, False), (True, True)])
def test_the_log_shows_a_prompt_only_when_the_site_wants_it(settings, caplog, told, shown):
    settings.IMAGEN = {**settings.IMAGEN, "LOG_PROMPTS": told}
    with caplog.at_level("INFO", "imagen"):
        pipeline.request(prompt="a secret lighthouse")
    assert ("secret" in caplog.text) is shown
    assert "a request was taken" in caplog.text
