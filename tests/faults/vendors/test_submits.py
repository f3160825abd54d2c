"""Submits that go wrong, F34 to F44: refused for free, waiting, or in doubt; never sent where it may cost twice."""

from __future__ import annotations

import logging
from dataclasses import replace

import pytest

from imagen import verdicts
from imagen.models import Alarm, Event, Job
from imagen.models import Gateway as Mood
from imagen.testing import faults
from tests.faults.outcome import VENDORS, End, check, odd, posts, row

DONE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1)
DOUBT = End(status="unconfirmed", code="submit_unknown", jobs=("unconfirmed",))
KEYED = ("apiframe",)  # it knows our keys, so the same send is repeated and bought once
UNKEYED = ("wavespeed", "apiin")
FILTERED = "Content is filtered due to unknown reasons"


def refused(code: str) -> End:
    return End(status="failed", code=code)


def waiting(code: str) -> End:
    return End(status="queued", code=code, jobs=("queued",))


REFUSALS = [
    row("F35", 401, "Invalid API key", "provider_auth", name="401"),
    row("F35", 403, "account suspended", "provider_auth", name="403"),
    row("F36", 402, "pay first", "provider_insufficient_credits", name="402"),
    row("F36", 403, "Insufficient credits.", "provider_insufficient_credits", name="403 for credits"),
    row("F37", 400, "bad", "provider_rejected", name="400"),
    row("F37", 422, "bad", "provider_rejected", name="422"),
    row("F37", 404, "no such model", "model_retired", name="404"),
    row("F37", 400, FILTERED, "content_filtered", name="filter"),
]


@pytest.mark.parametrize(("status", "message", "code"), REFUSALS)
def test_a_definite_refusal_fails_for_free_and_says_what_to_do(play, imagen_gateway, status, message, code):
    asked = play({"submit": "status", "status": status, "message": message})
    check(asked, imagen_gateway, refused(code))
    assert [posts(imagen_gateway, vendor) for vendor in VENDORS] == [1, 1, 1]
    assert {generation.error_note for generation in asked} == {message}


@pytest.mark.parametrize(
    ("status", "code"),
    [
        row("F35", 401, "provider_auth", name="401"),
        row("F36", 402, "provider_insufficient_credits", name="402"),
    ],
)
def test_a_closed_door_keeps_the_others_waiting_and_calls_an_administrator(
    play, ask, work, imagen_gateway, status, code
):
    refusing = play({"submit": "status", "status": status})
    others = [ask(f"another for {vendor}", provider=vendor) for vendor in VENDORS]
    work()
    check(refusing, imagen_gateway, refused(code))
    check(others, imagen_gateway, waiting(code))
    assert [posts(imagen_gateway, vendor) for vendor in VENDORS] == [1, 1, 1]
    alarms = Alarm.objects.filter(over_at=None).values_list("cause", "about")
    assert sorted(alarms) == sorted((code, vendor) for vendor in VENDORS)


@pytest.mark.fault("F34")
def test_too_many_requests_wait_without_using_up_tries(play, imagen_gateway):
    """CONTRACT.md: the provider's own limits use up no try; so it may refuse more often than eight times."""
    asked = play({"submit": "status", "status": 429, "first": verdicts.RESENDS + 2})
    check(asked, imagen_gateway, DONE)
    assert set(Job.objects.values_list("tries", flat=True)) == {0}
    assert set(Mood.objects.values_list("pause_code", flat=True)) == {""}


@pytest.mark.fault("F34")
def test_while_it_asks_for_a_pause_nobody_is_sent_and_everybody_knows_why(play, ask, work, imagen_gateway):
    asked = play({"submit": "status", "status": 429, "retry_after": "300"})
    asked += [ask(f"another for {vendor}", provider=vendor) for vendor in VENDORS]
    work()
    check(asked, imagen_gateway, waiting("provider_rate_limited"))
    assert [posts(imagen_gateway, vendor) for vendor in VENDORS] == [1, 1, 1]
    assert set(Job.objects.values_list("sent_at", flat=True)) == {None}


@pytest.mark.fault("F34")
def test_a_whole_watch_without_a_place_ends_it_for_free(play, imagen_gateway):
    asked = play({"submit": "status", "status": 429}, WATCH_SECONDS=0.3)
    check(asked, imagen_gateway, refused("provider_rate_limited"))


@pytest.mark.fault("F34")
def test_a_refused_connection_is_no_send_and_waits(play, imagen_gateway):
    asked = play({}, options={"base_url": "http://127.0.0.1:9"}, RETRY_SECONDS=[300])
    check(asked, imagen_gateway, waiting("provider_unavailable"))
    assert set(Job.objects.values_list("sent_at", flat=True)) == {None}


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
    row("F38", {"submit": "reset-before"}, 0, name="a reset before"),
    row("F38", {"submit": "reset-after"}, 1, name="a reset after"),
    row("F39", {"submit": "hang"}, 1, name="silence"),
    row("F39", {"submit": "hang-before"}, 0, name="silence before"),
    row("F40", {"submit": "drip"}, 1, name="a byte now and then"),
    row("F40", {"submit": "long"}, 1, name="three megabytes"),
    row("F41", {"submit": "truncated"}, 1, name="half an answer"),
]
SILENT = {played.values[0]["submit"] for played in UNSAID}


@pytest.mark.parametrize(("fault", "paid"), SAID + UNSAID)
def test_a_send_in_doubt_is_repeated_only_where_its_key_is_known(play, imagen_gateway, fault, paid):
    """``submit_unknown`` is the code whatever was answered (CONTRACT.md), and what could be read is kept.

    An answer may be larger than 1 MB by what its pictures may weigh: some gateways send them at once.
    """
    asked = play({**fault, "first": 1}, CALL_SECONDS=0.4, MAX_BYTES=300_000)
    doubtful = replace(DOUBT, paid=paid)
    check(asked, imagen_gateway, {**dict.fromkeys(UNKEYED, doubtful), **dict.fromkeys(KEYED, DONE)})
    assert {vendor: posts(imagen_gateway, vendor) for vendor in VENDORS} == {"wavespeed": 1, "apiframe": 2, "apiin": 1}
    assert [bool(job.answer) for job in Job.objects.all()] == [fault["submit"] not in SILENT] * 3


@pytest.mark.fault("F38")
def test_a_known_key_is_sent_eight_times_and_then_in_doubt(play, imagen_gateway):
    asked = play({"submit": "status-after", "status": 503}, only=KEYED)
    check(asked, imagen_gateway, replace(DOUBT, paid=1))
    sent = [call for call in imagen_gateway.calls if call.method == "POST"]
    assert (len(sent), len({(call.headers["idempotency-key"], call.body) for call in sent})) == (8, 1)


@pytest.mark.fault("F39")
def test_the_silence_of_one_does_not_hold_up_the_others(site, ask, work, imagen_gateway):
    site(vendors=UNKEYED, CALL_SECONDS=2, SWEEP_SECONDS=0.5)
    imagen_gateway.script("silent", submit="hang")
    for how in ("silent", "fine"):
        for vendor in UNKEYED:
            ask(f"a {how} one", provider=vendor)
    work()
    ends = Event.objects.filter(what__in=("completed", "unconfirmed")).order_by("at").values_list("what", flat=True)
    assert list(ends) == ["completed", "completed", "unconfirmed", "unconfirmed"]


@pytest.mark.fault("F41")
def test_an_answer_nobody_understood_is_kept_for_administrators_without_secrets(
    play, imagen_gateway, monkeypatch, caplog
):
    keys = [imagen_gateway.wires[vendor].key for vendor in VENDORS]
    page = f"<!doctype html>{' '.join(keys)} \x1b[31mis\x00 \udc80 odd".encode("utf-8", "surrogateescape")
    monkeypatch.setitem(faults.CALLS, "not-json", lambda answer, *_: replace(answer, body=page + b"x" * 5000))
    for generation in play({"submit": "not-json", "first": 1}):
        kept = generation.jobs.get().answer
        assert kept.startswith("HTTP 20")
        assert "<!doctype html>" in kept
        assert "is" in kept
        assert imagen_gateway.wires[generation.provider].key not in kept
        assert not {"\x00", "\x1b"} & set(kept)
        assert len(kept) <= 2010
    assert "doctype" not in caplog.text


@pytest.mark.fault("F42")
def test_an_id_was_paid_for_whatever_code_stands_beside_it(play, imagen_gateway):
    asked = play({"submit": "odd-code", "status": 500}, only=UNKEYED)  # Apiframe has no envelope for a code
    check(asked, imagen_gateway, DONE)


@pytest.mark.fault("F42")
@pytest.mark.parametrize(("status", "code"), [(400, "provider_rejected"), (402, "provider_insufficient_credits")])
def test_a_definite_refusal_inside_a_200_fails_for_free(play, imagen_gateway, status, code):
    asked = play({"submit": "error-inside", "status": status, "message": "no"}, only=UNKEYED)
    check(asked, imagen_gateway, refused(code))


@pytest.mark.fault("F43")
def test_a_redirect_is_never_followed(play, imagen_gateway):
    play({"submit": "redirect", "location": f"{imagen_gateway.url}/elsewhere", "first": 1})
    assert not any("elsewhere" in call.path for call in imagen_gateway.calls)


@pytest.mark.fault("F44")
@pytest.mark.by_hand("the gateway lies about its ids, so its books do not agree with the rows")
def test_one_id_for_two_requests_is_believed_once(play, ask, work, imagen_gateway, caplog):
    story = {"submit": "other-id", "words": ("processing",)}
    asked = play(story, seconds=0.5)
    asked += [ask(f"another for {vendor}", provider=vendor) for vendor in VENDORS]
    for vendor in VENDORS:
        imagen_gateway.script(f"another for {vendor}", **story)
    work(2)
    check(asked[:3], imagen_gateway, End(status="processing", jobs=("processing",), cost=1, paid=1))
    check(asked[3:], imagen_gateway, replace(DOUBT, paid=1))
    told = [record for record in caplog.records if "one remote id" in record.message]
    assert [record.levelno for record in told] == [logging.ERROR] * 3
    for generation in asked[3:]:
        assert generation.jobs.get().events.filter(note="the same id twice").exists()
        first = Job.objects.get(generation__in=asked[:3], provider=generation.provider)
        assert generation.anomalies.get().job == generation.jobs.get()
        assert generation.anomalies.get().note == first.remote_id
    assert odd() == [(vendor, "same_id", 1) for vendor in sorted(VENDORS)]
