"""Submits that go wrong, F34 to F44: refused for free, waiting, or in doubt; never sent twice where it may cost twice."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from imagen import verdicts
from imagen.models import Alarm, Generation, Job
from imagen.models import Gateway as Mood
from imagen.testing import faults
from tests.faults.outcome import End, row, seen

DONE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1)
DOUBT = {"status": "unconfirmed", "code": "submit_unknown", "jobs": ("unconfirmed",)}
PRICY = "Insufficient credits."
FILTERED = "Content is filtered due to unknown reasons"


def posts(gateway: Any) -> int:
    """How often something was sent that might be billed."""
    return sum(call.method == "POST" and "predictions" not in call.path for call in gateway.calls)


def refused(code: str) -> End:
    return End(status="failed", code=code)


REFUSALS = [
    row("F35", {"status": 401, "message": "Invalid API key"}, "provider_auth", name="401"),
    row("F35", {"status": 403, "message": "account suspended"}, "provider_auth", name="403"),
    row("F36", {"status": 402, "message": "pay first"}, "provider_insufficient_credits", name="402"),
    row("F36", {"status": 403, "message": PRICY}, "provider_insufficient_credits", name="403 for credits"),
    row("F37", {"status": 400, "message": "bad"}, "provider_rejected", name="400"),
    row("F37", {"status": 422, "message": "bad"}, "provider_rejected", name="422"),
    row("F37", {"status": 404, "message": "no such model"}, "model_retired", name="404"),
    row("F37", {"status": 400, "message": FILTERED}, "content_filtered", name="filter"),
]


@pytest.mark.parametrize(("said", "code"), REFUSALS)
def test_a_definite_refusal_fails_for_free_and_says_what_to_do(alone, made, imagen_gateway, said, code):
    imagen_gateway.script(submit="status", **said)
    generation = made()
    assert seen(generation, imagen_gateway) == refused(code).told(generation)
    assert posts(imagen_gateway) == 1
    assert generation.error_note == said["message"]


@pytest.mark.fault("F35")
@pytest.mark.fault("F36")
@pytest.mark.parametrize(("status", "code"), [(401, "provider_auth"), (402, "provider_insufficient_credits")])
def test_a_closed_door_keeps_the_others_waiting_and_calls_an_administrator(
    alone, ask, work, imagen_gateway, status, code
):
    imagen_gateway.script(submit="status", status=status)
    first = ask()
    work()
    others = [ask("another"), ask("a third")]
    work()
    assert seen(first, imagen_gateway) == refused(code).told(first)
    for other in others:
        waiting = End(status="queued", code=code, jobs=("queued",))
        assert seen(other, imagen_gateway) == waiting.told(other)
    assert posts(imagen_gateway) == 1
    assert [alarm.cause for alarm in Alarm.objects.filter(over_at=None)] == [code]


@pytest.mark.fault("F34")
def test_too_many_requests_wait_without_using_up_tries(alone, made, imagen_gateway):
    """CONTRACT.md: the provider's own limits use up no try; so it may refuse more often than eight times."""
    imagen_gateway.script(submit="status", status=429, first=verdicts.RESENDS + 2)
    generation = made()
    assert seen(generation, imagen_gateway) == DONE.told(generation)
    assert generation.jobs.get().tries == 0
    assert Mood.objects.get().pause_code == ""


@pytest.mark.fault("F34")
def test_while_it_asks_for_a_pause_nobody_is_sent_and_everybody_knows_why(alone, ask, work, imagen_gateway):
    imagen_gateway.script(submit="status", status=429, retry_after="300")
    first = ask()
    work()
    asked = [first, ask("another")]
    work()
    for generation in asked:
        waiting = End(status="queued", code="provider_rate_limited", jobs=("queued",))
        assert seen(generation, imagen_gateway) == waiting.told(generation)
    assert posts(imagen_gateway) == 1
    assert set(Job.objects.values_list("sent_at", flat=True)) == {None}


@pytest.mark.fault("F34")
def test_a_whole_watch_without_a_place_ends_it_for_free(alone, made, imagen_gateway):
    alone(WATCH_SECONDS=0.3)
    imagen_gateway.script(submit="status", status=429)
    generation = made()
    assert seen(generation, imagen_gateway) == refused("provider_rate_limited").told(generation)


@pytest.mark.fault("F34")
def test_a_refused_connection_is_no_send_and_waits(vendor, site, made, imagen_gateway):
    site(vendors=(vendor,), options={"base_url": "http://127.0.0.1:9"}, RETRY_SECONDS=[300], SWEEP_SECONDS=0.5)
    generation = made()
    waiting = End(status="queued", code="provider_unavailable", jobs=("queued",))
    assert seen(generation, imagen_gateway) == waiting.told(generation)
    assert generation.jobs.get().sent_at is None


SAID = [  # the answer was read, and is kept
    row("F38", {"submit": "status", "status": 500}, 0, name="500"),
    row("F38", {"submit": "status", "status": 502}, 0, name="502"),
    row("F38", {"submit": "status-after", "status": 503}, 1, name="503 after"),
    row("F41", {"submit": "garbled"}, 1, name="garbled"),
    row("F41", {"submit": "not-json"}, 1, name="not JSON"),
    row("F41", {"submit": "empty"}, 1, name="empty"),
    row("F41", {"submit": "list"}, 1, name="a list"),
    row("F41", {"submit": "null-data"}, 1, name="no id"),
    row("F41", {"submit": "wrong-types"}, 1, name="wrong types"),
    row("F41", {"submit": "huge-id"}, 1, name="an id of 10 kB"),
    row("F41", {"submit": "control-id"}, 1, name="an id with control characters"),
    row("F42", {"submit": "error-inside", "status": 500}, 0, name="200 that says 500"),
    row("F43", {"submit": "redirect"}, 0, name="a redirect"),
]
UNSAID = [
    row("F39", {"submit": "hang"}, 1, name="silence"),
    row("F39", {"submit": "hang-before"}, 0, name="silence before"),
    row("F40", {"submit": "drip"}, 1, name="a byte now and then"),
    row("F40", {"submit": "long"}, 1, name="three megabytes"),
    row("F38", {"submit": "reset-before"}, 0, name="a reset before"),
    row("F38", {"submit": "reset-after"}, 1, name="a reset after"),
    row("F41", {"submit": "truncated"}, 1, name="half an answer"),
]
SILENT = {played.values[0]["submit"] for played in UNSAID}


@pytest.mark.parametrize(("fault", "paid"), SAID + UNSAID)
def test_a_send_in_doubt_is_repeated_only_where_its_key_is_known(alone, vendor, made, imagen_gateway, fault, paid):
    """``submit_unknown`` is the code (CONTRACT.md), whatever was answered; the words of the answer are kept."""
    alone(CALL_SECONDS=0.4, MAX_BYTES=300_000)
    imagen_gateway.script(**fault, first=1)
    generation = made()
    known = vendor == "apiframe"
    end = DONE if known else End(**DOUBT, paid=paid)
    assert seen(generation, imagen_gateway) == end.told(generation)
    assert posts(imagen_gateway) == (2 if known else 1)
    assert bool(generation.jobs.get().answer) == (fault["submit"] not in SILENT)


@pytest.mark.fault("F38")
@pytest.mark.parametrize("vendor", ["apiframe"], indirect=True)
def test_a_known_key_is_sent_eight_times_and_then_in_doubt(alone, made, imagen_gateway):
    imagen_gateway.script(submit="status-after", status=503)
    generation = made()
    assert seen(generation, imagen_gateway) == End(**DOUBT, paid=1).told(generation)
    sent = [call for call in imagen_gateway.calls if call.method == "POST"]
    assert (len(sent), len({(call.headers["idempotency-key"], call.body) for call in sent})) == (8, 1)


@pytest.mark.fault("F39")
def test_the_silence_of_one_does_not_hold_up_the_others(alone, ask, work, imagen_gateway):
    alone(CALL_SECONDS=1)
    imagen_gateway.script("silent", submit="hang", first=1)
    silent, fine = ask("a silent one"), ask("a fine one")
    work(0.6)
    assert seen(fine, imagen_gateway)["status"] == "completed"
    assert seen(silent, imagen_gateway)["status"] != "completed"


@pytest.mark.fault("F41")
def test_an_answer_nobody_understood_is_kept_for_administrators_without_secrets(
    alone, vendor, made, imagen_gateway, monkeypatch, caplog
):
    key = imagen_gateway.wires[vendor].key
    page = f"<!doctype html><p>{key} \x1b[31mis\x00 \udc80 odd</p>".encode("utf-8", "surrogateescape") + b"x" * 5000
    monkeypatch.setitem(faults.CALLS, "not-json", lambda answer, *_: replace(answer, body=page))
    imagen_gateway.script(submit="not-json", first=1)
    job = made().jobs.get()
    assert job.answer.startswith("HTTP 20")
    assert "<!doctype html><p>*** is" in job.answer
    assert len(job.answer) <= 2100
    assert not {"\x00", "\x1b", key} & {*job.answer, *job.answer.split()}
    assert "doctype" not in caplog.text


@pytest.mark.fault("F42")
@pytest.mark.parametrize("vendor", ["wavespeed", "apiin"], indirect=True)  # Apiframe has no envelope
def test_an_id_was_paid_for_whatever_code_stands_beside_it(alone, made, imagen_gateway):
    imagen_gateway.script(submit="odd-code", status=500)
    generation = made()
    assert seen(generation, imagen_gateway) == DONE.told(generation)


@pytest.mark.fault("F42")
@pytest.mark.parametrize("vendor", ["wavespeed", "apiin"], indirect=True)
@pytest.mark.parametrize(("status", "code"), [(400, "provider_rejected"), (402, "provider_insufficient_credits")])
def test_a_definite_refusal_inside_a_200_fails_for_free(alone, made, imagen_gateway, status, code):
    imagen_gateway.script(submit="error-inside", status=status, message="no")
    generation = made()
    assert seen(generation, imagen_gateway) == refused(code).told(generation)


@pytest.mark.fault("F43")
def test_a_redirect_is_never_followed(alone, made, imagen_gateway):
    imagen_gateway.script(submit="redirect", location=f"{imagen_gateway.url}/elsewhere")
    made()
    assert not any("elsewhere" in call.path for call in imagen_gateway.calls)


@pytest.mark.fault("F44")
def test_one_id_for_two_requests_is_believed_once(alone, vendor, ask, work, imagen_gateway, caplog):
    imagen_gateway.script(submit="other-id", words=("processing",))
    asked = [ask("first"), ask("second")]
    work(2)
    ends = {
        "processing": End(status="processing", jobs=("processing",), cost=1, paid=1),
        "unconfirmed": End(**DOUBT, paid=1),
    }
    found = Generation.objects.values_list("status", flat=True)
    assert sorted(found) == sorted(ends)
    for generation in asked:
        generation.refresh_from_db()
        assert seen(generation, imagen_gateway) == ends[generation.status].told(generation)
    assert [record.levelno for record in caplog.records if "one remote id" in record.message] == [logging.ERROR]
    assert Job.objects.get(status="unconfirmed").events.filter(note="the same id twice").exists()
