"""A request goes through rows, engine, real sockets, checks and storage, and comes out as pictures."""

from __future__ import annotations

import asyncio
import hashlib
import io
from decimal import Decimal
from typing import Any

from PIL import Image as Pillow

from imagen import marks
from imagen.engine import Engine
from imagen.models import Event, Generation, Job, Tempo, Worker
from imagen.signals import generation_finished, image_stored


def pixels(data: bytes) -> bytes:
    return Pillow.open(io.BytesIO(data)).convert("RGBA").tobytes()


def content(file: Any) -> bytes:
    with file.open("rb") as opened:
        return opened.read()


def test_a_request_becomes_pictures_in_storage(made, imagen_gateway):
    generation = made(num_images=2, aspect_ratio="16:9")
    assert (generation.status, generation.error_code) == ("completed", "")
    images = list(generation.images.order_by("index"))
    assert [image.index for image in images] == [0, 1]
    served = [imagen_gateway.served[name] for name in sorted(imagen_gateway.served)]
    assert [pixels(content(image.file)) for image in images] == [pixels(data) for data in served]


def test_what_is_stored_is_marked_hashed_and_has_a_preview(made):
    image = made().images.get()
    data = content(image.file)
    assert marks.marked(data)
    assert image.sha256 == hashlib.sha256(data).hexdigest()
    assert image.bytes == len(data)
    assert max(Pillow.open(io.BytesIO(content(image.thumbnail))).size) <= 320
    assert image.sha256[:16] in image.file.name


def test_every_step_is_in_the_history_once_and_in_order(made):
    generation = made()
    told = list(generation.events.values_list("what", flat=True))
    assert told == ["asked", "submitting", "sending", "processing", "storing", "completed"]


def test_money_is_what_the_offer_said(made):
    generation = made(num_images=2)
    assert generation.cost_estimated == generation.cost_actual == Decimal("0.0760")


def test_models_that_make_one_picture_a_call_are_called_once_a_picture(made, imagen_gateway):
    generation = made(model="nano-banana-pro", num_images=3)
    assert generation.status == "completed"
    assert len(imagen_gateway.jobs) == generation.jobs.count() == generation.images.count() == 3


def test_a_model_switched_off_upstream_still_works_with_a_warning(made):
    assert "model_retired_upstream" in made().warnings


def test_a_finished_job_is_never_due_again(made):
    job = made().jobs.get()
    assert (job.due_at, job.holder) == (None, "")


def test_listeners_hear_of_it_after_the_commit(made):
    heard: list[Any] = []

    def listen(sender: Any, **news: Any) -> None:
        heard.append(news.get("image") or news["generation"])

    for signal in (image_stored, generation_finished):
        signal.connect(listen)
    generation = made()
    for signal in (image_stored, generation_finished):
        signal.disconnect(listen)
    assert heard == [generation.images.get(), generation]


def test_the_engine_learns_how_long_a_model_takes_and_then_asks_less(ask, work, imagen_gateway):
    imagen_gateway.script(latency=0.6)
    ask()
    work()
    cold = sum("predictions" in call.path for call in imagen_gateway.calls)
    assert 0.5 < Tempo.objects.get().mean < 1.0
    ask()
    work()
    warm = sum("predictions" in call.path for call in imagen_gateway.calls) - cold
    assert warm < cold


def test_a_worker_leaves_signs_of_life(made):
    made()
    assert Worker.objects.get().beat_at is not None


def test_many_jobs_are_under_way_at_once_in_few_transactions(ask, work, imagen_gateway):
    imagen_gateway.script(latency=1.0)
    for number in range(60):
        ask(f"picture {number}")
    work(20)
    assert Generation.objects.filter(status="completed").count() == 60
    first, last = imagen_gateway.jobs[0].time, imagen_gateway.jobs[-1].time
    assert last - first < 1.0  # the sixtieth was sent before the first was ready
    assert Job.objects.filter(status="completed").count() == 60
    assert Event.objects.filter(what="completed").count() == 60


def test_a_worker_without_a_cluster_tidies_up_too(site, transactional_db, monkeypatch):
    site(SWEEP_SECONDS=0.05)
    swept: list[int] = []
    monkeypatch.setattr("imagen.pipeline.sweep", lambda: swept.append(1))

    async def serve() -> None:
        stopping = asyncio.Event()
        asyncio.get_running_loop().call_later(0.5, stopping.set)
        await Engine().run(stopping)

    asyncio.run(serve())
    assert len(swept) > 1


def test_another_shape_than_asked_is_kept_with_a_warning(made, imagen_gateway):
    imagen_gateway.script(file="wrong-ratio")
    generation = made(aspect_ratio="16:9")
    assert generation.status == "completed"
    assert "wrong_size" in generation.warnings
