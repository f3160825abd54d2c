"""Nothing is bought twice, nothing is bought for somebody who no longer wants it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from imagen import claims, pipeline
from imagen.engine.desk import Desk
from imagen.engine.loop import Engine
from imagen.models import Gateway, Generation, Job
from tests import factories


@pytest.fixture
def faithful(monkeypatch: pytest.MonkeyPatch) -> None:
    """A gateway that remembers keys."""
    monkeypatch.setattr("imagen.providers.wavespeed.WaveSpeed.idempotent", True)


def unfinished_send(generation: Generation, **changes: Any) -> None:
    """The job as a worker that died while sending left it."""
    factories.leave(generation, "sending", **changes)


def submits(imagen_gateway: Any) -> int:
    return sum(call.method == "POST" for call in imagen_gateway.calls)


@pytest.mark.parametrize(
    "too_late", [{"created_at": timezone.now() - timedelta(hours=24)}, {"tries": 8}], ids=["day", "tries"]
)
def test_a_key_the_gateway_may_have_forgotten_is_not_sent_again(faithful, ask, work, imagen_gateway, too_late):
    generation = ask()
    unfinished_send(generation, **too_late)
    work(1)
    generation.refresh_from_db()
    assert (generation.status, submits(imagen_gateway)) == ("unconfirmed", 0)


@pytest.mark.parametrize("status", [429, 401, 402, 400])
def test_a_refusal_of_the_second_send_says_nothing_about_the_first(faithful, ask, work, imagen_gateway, status):
    imagen_gateway.script(submit="status", status=status, retry_after="300" if status == 429 else "")
    generation = ask()
    unfinished_send(generation)
    work(0.5)
    assert Job.objects.get().status == "sending"
    pipeline.cancel(generation)
    assert Job.objects.get().status == "sending"


def test_a_gateway_out_of_reach_for_the_second_send_leaves_the_first_unknown(faithful, ask, work, site):
    site(options={"base_url": "http://127.0.0.1:9"})
    generation = ask()
    unfinished_send(generation)
    work(0.5)
    job = Job.objects.get()
    assert (job.status, job.tries, job.holder) == ("sending", 1, "")


def test_stopping_before_a_second_send_gives_the_job_back_and_blames_nobody(faithful, ask, monkeypatch, imagen_gateway):
    unfinished_send(ask())
    engine, stopping = Engine(), asyncio.Event()
    real = Desk.offer

    def offer(self: Desk, job: Job) -> Any:
        stopping.set()
        return real(self, job)

    monkeypatch.setattr(Desk, "offer", offer)
    asyncio.run(engine.run(stopping))
    job = Job.objects.get()
    assert (job.status, job.tries, job.holder) == ("sending", 1, "")
    assert job.due_at <= timezone.now()
    assert not Gateway.objects.exclude(pause_code="").exists()
    assert submits(imagen_gateway) == 0


@pytest.mark.by_hand("a refusal after the cancel is played")
@pytest.mark.by_hand("a cancelled call is put back as a refusal would")
def test_what_was_cancelled_while_it_was_sent_is_not_sent_again_after_a_refusal(ask, work, imagen_gateway):
    imagen_gateway.script(submit="status", status=429, first=1)
    generation = ask()
    pipeline.cancel(generation)
    Job.objects.update(status="queued", due_at=timezone.now())  # where a refusal after the cancel puts it
    Generation.objects.update(status="queued")
    work(1)
    generation.refresh_from_db()
    assert (generation.status, submits(imagen_gateway)) == ("canceled", 0)
    assert Job.objects.get().due_at is None


def test_a_cancel_that_crosses_a_refusal_ends_in_a_cancel(ask, work, monkeypatch, imagen_gateway):
    imagen_gateway.script(submit="status", status=429, first=1)
    generation = ask()
    real = claims.pause

    def pause(*args: Any, **kwargs: Any) -> float:
        Generation.objects.update(cancel_asked_at=timezone.now())
        return real(*args, **kwargs)

    monkeypatch.setattr(claims, "pause", pause)
    work(2)
    generation.refresh_from_db()
    assert (generation.status, submits(imagen_gateway)) == ("canceled", 1)
    assert imagen_gateway.jobs == []


def test_a_job_that_fails_in_the_answer_to_the_submit_is_asked_about_once_more(made, imagen_gateway, monkeypatch):
    from imagen.providers.wavespeed import WaveSpeed  # noqa: PLC0415

    real, first = WaveSpeed.parse, iter(range(1))

    def parse(self: Any, document: Any) -> Any:
        if next(first, None) is not None:
            document = {**document, "data": {**document["data"], "status": "failed", "error": "not yet"}}
        return real(self, document)

    monkeypatch.setattr(WaveSpeed, "parse", parse)
    assert made().status == "completed"


def test_only_two_failures_in_a_row_are_a_failure(made, imagen_gateway):
    imagen_gateway.script(words=("failed", "processing", "failed", "completed"))
    assert made().status == "completed"
