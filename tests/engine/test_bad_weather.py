"""What the engine makes of everything a gateway can do wrong: exact state, code, money, and no second submit."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from imagen.models import Gateway as Mood
from imagen.models import Job

SUBMIT_FAULTS: list[tuple[dict[str, Any], str, str]] = [
    ({"submit": "status", "status": 400, "message": "bad"}, "failed", "provider_rejected"),
    ({"submit": "status", "status": 400, "message": "prompt violates content policy"}, "failed", "content_filtered"),
    ({"submit": "status", "status": 401}, "failed", "provider_auth"),
    ({"submit": "status", "status": 402}, "failed", "provider_insufficient_credits"),
    (
        {"submit": "status", "status": 403, "message": "Insufficient credits."},
        "failed",
        "provider_insufficient_credits",
    ),
    ({"submit": "status", "status": 404, "message": "product not found"}, "failed", "model_retired"),
    ({"submit": "error-inside", "status": 400}, "failed", "provider_rejected"),
    ({"submit": "status", "status": 500}, "unconfirmed", "submit_unknown"),
    ({"submit": "status-after", "status": 503}, "unconfirmed", "submit_unknown"),
    ({"submit": "error-inside", "status": 500}, "unconfirmed", "submit_unknown"),
    ({"submit": "redirect"}, "unconfirmed", "submit_unknown"),
    ({"submit": "reset-before"}, "unconfirmed", "submit_unknown"),
    ({"submit": "reset-after"}, "unconfirmed", "submit_unknown"),
    ({"submit": "hang"}, "unconfirmed", "submit_unknown"),
    ({"submit": "drip"}, "unconfirmed", "submit_unknown"),
    ({"submit": "truncated"}, "unconfirmed", "submit_unknown"),
    ({"submit": "garbled"}, "unconfirmed", "submit_unknown"),
    ({"submit": "not-json"}, "unconfirmed", "submit_unknown"),
    ({"submit": "empty"}, "unconfirmed", "submit_unknown"),
    ({"submit": "list"}, "unconfirmed", "submit_unknown"),
    ({"submit": "null-data"}, "unconfirmed", "submit_unknown"),
    ({"submit": "wrong-types"}, "unconfirmed", "submit_unknown"),
    ({"submit": "huge-id"}, "unconfirmed", "submit_unknown"),
    ({"submit": "control-id"}, "unconfirmed", "submit_unknown"),
]


@pytest.mark.parametrize(("fault", "status", "code"), SUBMIT_FAULTS, ids=str)
def test_a_submit_that_goes_wrong_ends_in_its_class_and_is_never_sent_twice(
    site, made, imagen_gateway, fault, status, code
):
    site(CALL_SECONDS=0.5)
    imagen_gateway.script(**fault)
    generation = made()
    assert (generation.status, generation.error_code) == (status, code)
    assert sum(call.method == "POST" for call in imagen_gateway.calls) == 1
    assert generation.cost_actual is None


POLL_FAULTS = [
    {"poll": "status", "status": 404},
    {"poll": "status", "status": 429, "retry_after": "1"},
    {"poll": "status", "status": 503},
    {"poll": "garbled"},
    {"poll": "not-json"},
    {"poll": "wrong-types"},
    {"poll": "reset-before"},
    {"poll": "truncated"},
    {"poll": "redirect"},
]


@pytest.mark.parametrize("fault", POLL_FAULTS, ids=str)
def test_a_look_that_goes_wrong_changes_nothing(made, imagen_gateway, fault):
    imagen_gateway.script(**fault, first=2)
    assert made().status == "completed"
    assert len(imagen_gateway.jobs) == 1


FAILURES = [
    ({"failure": "Content is filtered due to unknown reasons"}, "content_filtered", Decimal(0)),
    ({"failure": "Content flagged as potentially sensitive.", "code": 1200}, "content_filtered", Decimal(0)),
    ({"failure": "invalid parameter", "code": 1401}, "provider_rejected", Decimal(0)),
    ({"failure": "boom", "code": 5000}, "provider_failed", Decimal("0.0380")),
    ({"outputs": 0}, "no_outputs", Decimal("0.0380")),
]


@pytest.mark.parametrize(("story", "code", "cost"), FAILURES, ids=str)
def test_a_job_that_fails_says_why_and_what_it_cost(made, imagen_gateway, story, code, cost):
    imagen_gateway.script(**story)
    generation = made()
    assert (generation.status, generation.error_code, generation.cost_actual) == ("failed", code, cost)


@pytest.mark.parametrize("word", ["failed", "cancelled", "timeout", "deleted"])
def test_a_failure_counts_only_when_said_twice(made, imagen_gateway, word):
    imagen_gateway.script(words=(word, "completed"))
    assert made().status == "completed"


def test_an_unknown_word_means_not_finished(made, imagen_gateway):
    imagen_gateway.script(words=("warming-up", "warming-up", "completed"))
    assert made().status == "completed"


OUTPUT_FAULTS = [
    ("html", "output_invalid"),
    ("html-as-png", "output_invalid"),
    ("svg", "output_invalid"),
    ("empty", "output_invalid"),
    ("gif", "output_invalid"),
    ("apng", "output_invalid"),
    ("animated-webp", "output_invalid"),
    ("half", "output_invalid"),
    ("truncated", "output_invalid"),
    ("bomb", "output_too_large"),
    ("huge-length", "output_too_large"),
    ("endless", "output_too_large"),
    ("gzip", "output_invalid"),
    ("gone", "output_expired"),
    ("forbidden", "output_expired"),
    ("unavailable", "output_invalid"),
    ("redirect", "output_invalid"),
    ("reset", "output_invalid"),
]


@pytest.mark.parametrize(("fault", "code"), OUTPUT_FAULTS)
def test_what_is_no_picture_is_never_stored(site, made, imagen_gateway, media, fault, code):
    site(MAX_BYTES=300_000)
    imagen_gateway.script(file=fault)
    generation = made()
    assert (generation.status, generation.error_code) == ("failed", code)
    assert [path for path in media.rglob("*") if path.is_file()] == []
    assert len(imagen_gateway.jobs) == 1


@pytest.mark.parametrize("fault", ["gone", "truncated", "html", "unavailable", "reset"])
def test_an_output_that_comes_at_the_second_try_is_kept(made, imagen_gateway, fault):
    imagen_gateway.script(file=fault, first=1)
    assert made().status == "completed"


@pytest.mark.parametrize("fault", ["jpeg", "webp"])
def test_the_bytes_say_what_a_picture_is(made, imagen_gateway, fault):
    imagen_gateway.script(file=fault)
    image = made().images.get()
    assert image.format == fault
    assert image.file.name.endswith({"jpeg": ".jpg", "webp": ".webp"}[fault])


def test_an_address_inside_the_network_is_not_fetched(made, imagen_gateway):
    imagen_gateway.script(urls=("http://169.254.169.254/latest/meta-data",))
    generation = made()
    assert (generation.status, generation.error_code) == ("failed", "egress_blocked")


def test_fewer_outputs_than_asked_are_partial_and_cost_what_came(made, imagen_gateway):
    imagen_gateway.script(outputs=2)
    generation = made(num_images=4)
    assert (generation.status, generation.error_code) == ("partial", "partial_outputs")
    assert generation.images.count() == 2
    assert generation.cost_actual == Decimal("0.0760")


def test_more_outputs_than_asked_are_cut(made, imagen_gateway):
    imagen_gateway.script(outputs=5)
    generation = made(num_images=2)
    assert (generation.status, generation.images.count()) == ("completed", 2)


def test_the_same_output_twice_counts_once(made, imagen_gateway):
    imagen_gateway.script(repeat=True)
    generation = made(num_images=2)
    assert (generation.status, generation.images.count()) == ("partial", 1)


def test_a_flagged_output_is_held_and_the_generation_completes(made, imagen_gateway):
    imagen_gateway.script(flags=(False, True))
    generation = made(num_images=2)
    assert generation.status == "completed"
    reviews = list(generation.images.order_by("index").values_list("flagged", "review"))
    assert reviews == [(False, "none"), (True, "held")]


def test_no_flags_are_unknown_not_clean(made, imagen_gateway):
    imagen_gateway.script(flags=None)
    assert made().images.get().flagged is None


def test_another_shape_than_asked_is_kept_with_a_warning(made, imagen_gateway):
    imagen_gateway.script(file="wrong-ratio")
    generation = made(aspect_ratio="16:9")
    assert generation.status == "completed"
    assert "wrong_size" in generation.warnings


def test_too_many_requests_wait_without_using_up_tries(made, imagen_gateway):
    imagen_gateway.script(submit="status", status=429, first=4)
    generation = made()
    assert generation.status == "completed"
    assert len(imagen_gateway.jobs) == 1
    assert Mood.objects.get().pause_code == ""


def test_a_provider_that_asks_for_a_pause_is_left_alone_and_the_wait_is_explained(made, imagen_gateway):
    imagen_gateway.script(submit="status", status=429, retry_after="300")
    generation = made(seconds=0.5)
    assert (generation.status, generation.error_code) == ("queued", "provider_rate_limited")
    assert len(imagen_gateway.calls) == 1


def test_a_refused_connection_waits_and_says_so(site, made):
    site(options={"base_url": "http://127.0.0.1:9"}, RETRY_SECONDS=[300])
    generation = made(seconds=0.5)
    assert (generation.status, generation.error_code) == ("queued", "provider_unavailable")
    assert Job.objects.get().sent_at is None


def test_a_refused_key_fails_one_and_lets_the_others_wait(ask, work, imagen_gateway):
    imagen_gateway.script(submit="status", status=401)
    first = ask()
    work(0.5)
    second = ask()
    work(0.5)
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.status, first.error_code) == ("failed", "provider_auth")
    assert (second.status, second.error_code) == ("queued", "provider_auth")


def test_a_job_that_never_ends_is_warned_about_and_watched(site, made, imagen_gateway):
    site(DEADLINE_SECONDS=0.2)
    imagen_gateway.script(words=("processing",))
    generation = made(seconds=1.0)
    assert generation.status == "processing"
    assert "provider_timeout" in generation.warnings


def test_a_job_nobody_finishes_fails_at_the_end_of_the_watch(site, made, imagen_gateway):
    site(DEADLINE_SECONDS=0.1, WATCH_SECONDS=0.3)
    imagen_gateway.script(words=("processing",))
    generation = made(seconds=3)
    assert (generation.status, generation.error_code) == ("failed", "provider_timeout")
