"""A send whose outcome is unknown is looked up where the gateway lists its jobs, and adopted only with proof."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from imagen import pipeline, resolution, verdicts
from imagen.models import Alarm, Job


@pytest.fixture(autouse=True)
def soon(monkeypatch, settings, quick):
    """Two look-ups come after a moment, not after minutes; the engine does not wait for a third."""
    monkeypatch.setattr(verdicts, "SEARCH_STEPS", (0.3, 0.6, 3600))
    settings.IMAGEN = {**settings.IMAGEN, "SWEEP_SECONDS": 1}


@pytest.fixture
def shown(imagen_gateway, monkeypatch):
    """The gateway's list shows what was asked."""
    for wire in imagen_gateway.wires.values():
        monkeypatch.setattr(wire, "show_inputs", True)


def lost(made, imagen_gateway, prompt="a lighthouse", *, seconds=3, **options):
    imagen_gateway.script("lighthouse", submit="reset-after", first=1)
    return made(prompt, seconds=seconds, **options)


def test_a_lost_answer_is_found_in_the_history(shown, made, imagen_gateway):
    generation = lost(made, imagen_gateway, num_images=2, seed=7)
    assert (generation.status, generation.images.count(), len(imagen_gateway.jobs)) == ("completed", 2, 1)
    assert str(generation.cost_actual) == "0.0760"
    kinds = list(generation.events.exclude(job=None).values_list("what", flat=True))
    assert kinds == ["submitting", "sending", "unconfirmed", "processing", "storing", "completed"]


def test_a_list_that_hides_what_was_asked_proves_nothing(made, imagen_gateway):
    generation = lost(made, imagen_gateway)
    assert (generation.status, len(imagen_gateway.jobs)) == ("unconfirmed", 1)


def test_a_send_that_never_arrived_is_not_found_and_not_sent_again(shown, made, imagen_gateway):
    imagen_gateway.script("lighthouse", submit="reset-before", first=1)
    generation = made(seconds=3)
    assert (generation.status, len(imagen_gateway.jobs)) == ("unconfirmed", 0)
    assert sum("POST /api/v3/predictions" in f"{call.method} {call.path}" for call in imagen_gateway.calls) >= 2


def test_of_two_that_look_alike_none_is_taken(shown, made, ask, work, imagen_gateway):
    imagen_gateway.script("lighthouse", submit="reset-after")
    first, second = ask("a lighthouse"), ask("a lighthouse")
    work(3)
    assert {each.status for each in (first, second) if each.refresh_from_db() is None} == {"unconfirmed"}
    assert len(imagen_gateway.jobs) == 2


def test_what_another_request_was_given_is_not_taken(shown, made, imagen_gateway):
    made("a lighthouse")
    imagen_gateway.script("lighthouse", submit="reset-before")
    assert made("a lighthouse", seconds=3).status == "unconfirmed"


@pytest.mark.by_hand("a call is forgotten")
def test_a_job_with_another_seed_is_another_job(shown, made, imagen_gateway, ask, work):
    lost(made, imagen_gateway, seed=7)
    Job.objects.update(status="failed", due_at=None, remote_id="")
    imagen_gateway.script("lighthouse", submit="reset-before")
    assert made("a lighthouse", seed=8, seconds=3).status == "unconfirmed"


def test_a_list_that_answers_nonsense_is_asked_again(shown, made, imagen_gateway):
    imagen_gateway.script("", history="garbled", first=1)
    assert lost(made, imagen_gateway, seconds=5).status == "completed"


def test_after_a_day_only_a_person_can_help_and_is_told(shown, ask, work, imagen_gateway, mailoutbox, settings):
    settings.ADMINS = [("Ann", "ann@example.com")]
    imagen_gateway.script("lighthouse", submit="reset-before", first=1)
    generation = ask("a lighthouse")
    work(0.2)
    Job.objects.filter(generation=generation).update(sent_at=timezone.now() - timedelta(hours=25))
    work(3)
    job = generation.jobs.get()
    assert (job.status, job.due_at) == ("unconfirmed", None)
    assert Alarm.objects.get().cause == "submit_unknown"


def test_an_id_a_person_named_is_adopted_when_the_gateway_knows_it(made, work, imagen_gateway):
    generation = lost(made, imagen_gateway)
    resolution.adopt(generation.jobs.get(), imagen_gateway.jobs[0].id, actor=None)
    work(3)
    generation.refresh_from_db()
    assert (generation.status, generation.images.count()) == ("completed", 1)


def test_the_pictures_of_a_deleted_request_are_adopted_without_keeping_them(made, work, imagen_gateway, media):
    generation = lost(made, imagen_gateway)
    pipeline.erase(generation)
    resolution.adopt(generation.jobs.get(), imagen_gateway.jobs[0].id, actor=None)
    work(3)
    pipeline.sweep()
    job = generation.jobs.get()
    assert (job.status, job.cost, generation.images.count()) == ("completed", job.price, 0)
    assert not [path for path in media.rglob("*") if path.is_file()]


def test_an_id_nobody_knows_is_dropped_and_said_so(made, work, imagen_gateway):
    generation = lost(made, imagen_gateway)
    Job.objects.update(sent_at=timezone.now() - timedelta(minutes=2))  # no longer "not yet"
    resolution.adopt(generation.jobs.get(), "0" * 32, actor=None)
    work(3)
    job = generation.jobs.get()
    assert (job.status, job.remote_id) == ("unconfirmed", "")
    assert "is not known there" in generation.events.filter(what="unconfirmed").last().note


def test_a_gateway_without_a_list_leaves_it_to_a_person_at_once(site, made, imagen_gateway):
    site(vendors=("apiin",))
    generation = lost(made, imagen_gateway)
    job = generation.jobs.get()
    assert (generation.status, job.due_at) == ("unconfirmed", None)
    assert Alarm.objects.get().about == "apiin"


def test_a_gateway_that_knows_its_keys_is_simply_asked_again(site, made, imagen_gateway):
    site(vendors=("apiframe",))
    generation = lost(made, imagen_gateway, seconds=5)
    assert (generation.status, len(imagen_gateway.jobs)) == ("completed", 1)
    keys = [call.headers["idempotency-key"] for call in imagen_gateway.calls if call.method == "POST"]
    assert len(keys) == 2
    assert len(set(keys)) == 1
