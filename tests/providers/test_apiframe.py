"""Apiframe keeps the contract, and its own oddities are known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from imagen.exceptions import BadSignature, Busy, Declined, Unclear, Unreadable
from imagen.offers import BANANA_RATIOS, IMAGEN_RATIOS, WIDE_RATIOS, Price
from imagen.providers.apiframe import Apiframe
from imagen.signatures import body_digest
from imagen.testing import ProviderContract
from imagen.testing.bodies import NOON, reply_with
from imagen.types import Call, Failure, ImageRequest, Reply, State

FIXTURES = Path(__file__).parent.parent / "fixtures" / "apiframe"
HOOK = "https://cms.example.com/imagen/hooks/apiframe/8f3c/"
JOB = "b2c3d4e5-f6a7-4901-8cde-f23456789012"


class TestApiframe(ProviderContract):
    vendor = Apiframe
    fixtures = FIXTURES
    accepted = "submit_ok"
    expected = {
        **dict.fromkeys(["submit_ok", "submit_ok_imagen_4_fast", "submit_ok_imagen_4_ultra"], "pending"),
        "submit_idempotent_replay": "done 0",
        **dict.fromkeys(["job_queued", "job_processing"], "pending"),
        **dict.fromkeys(["job_completed_1", "job_completed_nsfw_true"], "done 1"),
        "job_completed_4": "done 4",
        "job_failed_content_filter": "failed content_filtered",
        **dict.fromkeys(["job_failed_provider", "job_cancelled"], "failed provider_failed"),
        **dict.fromkeys(["error_400_validation", "error_400_bad_uuid"], "Declined provider_rejected"),
        "error_400_unknown_key_webhook_url": "Declined provider_rejected",
        **dict.fromkeys(["error_401_invalid", "error_401_missing", "error_403_inactive"], "Declined provider_auth"),
        "error_402": "Declined provider_insufficient_credits",
        "error_404_job": "NotFound model_retired",
        "error_429": "Busy provider_rate_limited",
        **dict.fromkeys(["error_500", "error_503"], "Unclear provider_unavailable"),
        # answers to other questions
        **dict.fromkeys(["me_ok", "models_ok"], "Unreadable provider_protocol_error"),
        "upload_ok": "pending",
    }


@pytest.fixture
def apiframe() -> Apiframe:
    return Apiframe(api_key="afk_test_key")


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_bytes())
    return found


def submit(apiframe: Apiframe, model: str, *, key: str = "k", callback: str = "", **options: Any) -> Call:
    (offer,) = apiframe.offers[model]
    request = offer.settle(ImageRequest(prompt="A lighthouse at dusk", **options))
    return apiframe.submit(request, offer=offer, key=key, callback=callback)


def job(**facts: Any) -> Reply:
    return reply_with({"id": JOB, "status": "COMPLETED", "result": {"images": ["https://a/1.png"]}, **facts})


# Offers


@pytest.mark.parametrize(
    ("model", "ratios", "resolutions", "price"),
    [
        ("imagen-4", IMAGEN_RATIOS, ("1k", "2k"), Decimal(7)),
        ("imagen-4-fast", IMAGEN_RATIOS, ("1k", "2k"), None),
        ("imagen-4-ultra", IMAGEN_RATIOS, ("1k", "2k"), None),
        ("nano-banana-2", WIDE_RATIOS, ("1k", "2k", "4k"), None),
        ("nano-banana-2-lite", WIDE_RATIOS, ("1k", "2k", "4k"), None),
        ("nano-banana-pro", BANANA_RATIOS, ("1k", "2k", "4k"), None),
    ],
)
def test_a_model_is_sold_one_image_at_a_time_for_credits(model: str, ratios: Any, resolutions: Any, price: Any):
    (sold,) = Apiframe.offers[model]
    assert (sold.id, sold.aspect_ratios, sold.resolutions) == (model, ratios, resolutions)
    assert (sold.price.amount, sold.price.unit) == (price, "credits")
    assert (sold.images_per_call, sold.max_prompt, sold.output_formats[0]) == (1, 2000, "jpeg")
    assert (sold.negative_prompt, sold.seed) == (False, False)


def test_nothing_else_is_sold():
    assert len(Apiframe.offers) == 6


def test_a_repeat_within_a_day_is_the_same_job_and_pictures_are_kept_as_long():
    assert Apiframe.idempotent
    assert Apiframe.retention == 24 * 3600


# Calls


def test_submit_is_the_documented_request(apiframe: Apiframe):
    wanted = recorded("submit_ok")["request"]
    options = {"aspect_ratio": "16:9", "resolution": "2k", "output_format": "png"}
    call = submit(apiframe, "imagen-4", key=wanted["headers"]["Idempotency-Key"], callback=HOOK, **options)
    assert (call.method, call.url, call.json) == (wanted["method"], wanted["url"], wanted["json"])
    assert {**call.headers, "Content-Type": "application/json"} == wanted["headers"]


def test_what_is_not_said_is_not_sent(apiframe: Apiframe):
    assert submit(apiframe, "imagen-4").json == {
        "prompt": "A lighthouse at dusk",
        "model": "imagen-4",
        "imagenParams": {"aspect_ratio": "1:1", "image_size": "1K"},
    }


def test_nano_banana_has_parameters_of_its_own(apiframe: Apiframe):
    options = {"aspect_ratio": "21:9", "resolution": "4k", "output_format": "jpeg"}
    assert submit(apiframe, "nano-banana-pro", **options).json == {
        "prompt": "A lighthouse at dusk",
        "model": "nano-banana-pro",
        "nanoBananaParams": {"aspect_ratio": "21:9", "resolution": "4K", "output_format": "jpg"},
    }


def test_only_the_end_of_a_job_is_rung_about(apiframe: Apiframe):
    assert submit(apiframe, "imagen-4", callback=HOOK).json["webhookEvents"] == ["completed", "failed"]
    assert not {"webhookUrl", "webhookEvents"} & submit(apiframe, "imagen-4").json.keys()


# Answers


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *[(word, State.PENDING) for word in ("QUEUED", "PROCESSING", "queued", "DREAMING", None)],
        ("COMPLETED", State.DONE),
        *[(word, State.FAILED) for word in ("FAILED", "CANCELLED")],
    ],
)
def test_every_status_word_is_understood(apiframe: Apiframe, word: Any, state: State):
    assert apiframe.read(job(status=word)).state is state


def test_a_submit_that_names_a_job_was_taken_whatever_else_it_says(apiframe: Apiframe):
    snapshot = apiframe.read(reply_with({"jobId": JOB}, 202))
    assert (snapshot.state, snapshot.remote_id) == (State.PENDING, JOB)


@pytest.mark.parametrize(
    ("result", "urls"),
    [
        ({"images": ["https://a/1.png"], "gridUrl": "https://a/grid.png"}, ["https://a/1.png"]),
        ({"images": "https://a/1.png"}, ["https://a/1.png"]),
        ("https://a/1.png", ["https://a/1.png"]),
        (["https://a/1.png", "https://a/2.png"], ["https://a/1.png", "https://a/2.png"]),
        *[(nothing, []) for nothing in ({}, {"images": []}, {"images": None}, "", None, 7)],
    ],
)
def test_a_result_is_an_object_or_a_bare_address(apiframe: Apiframe, result: Any, urls: list[str]):
    snapshot = apiframe.read(job(result=result))
    assert (snapshot.state, [output.url for output in snapshot.outputs]) == (State.DONE, urls)


def test_pictures_that_have_expired_are_told_as_such(apiframe: Apiframe):
    snapshot = apiframe.read(job(result=None, expired=True, creditCost=7))
    assert (snapshot.state, snapshot.failure, snapshot.cost) == (
        State.FAILED,
        Failure(code="output_expired"),
        Decimal(7),
    )


def test_what_is_still_there_is_fetched_even_when_it_counts_as_expired(apiframe: Apiframe):
    snapshot = apiframe.read(job(expired=True))
    assert (snapshot.state, len(snapshot.outputs)) == (State.DONE, 1)


@pytest.mark.parametrize("expired", [False, None, "true", 1])
def test_a_result_that_did_not_come_yet_has_not_expired(apiframe: Apiframe, expired: Any):
    assert apiframe.read(job(result=None, expired=expired)).state is State.DONE


@pytest.mark.parametrize(
    ("status", "credits_", "cost"),
    [
        ("COMPLETED", 7, Decimal(7)),
        ("COMPLETED", 7.1, Decimal("7.1")),
        ("COMPLETED", 0, Decimal(0)),
        ("FAILED", 0, Decimal(0)),
        ("FAILED", None, Decimal(0)),
        ("CANCELLED", None, Decimal(0)),
        ("FAILED", 7, Decimal(7)),
        *[("COMPLETED", odd, None) for odd in (None, "7", -7, True, 10**400, [7])],
    ],
)
def test_a_job_costs_what_it_says_and_a_failed_one_nothing(apiframe: Apiframe, status: str, credits_: Any, cost: Any):
    assert apiframe.read(job(status=status, creditCost=credits_)).cost == cost


def test_a_failed_job_without_a_word_about_its_cost_was_refunded(apiframe: Apiframe):
    assert apiframe.read(job(status="FAILED")).cost == 0


@pytest.mark.parametrize(
    ("start", "end", "seconds"),
    [
        ("2026-11-20T10:00:00.000Z", "2026-11-20T10:00:15.250Z", 15.25),
        ("2026-11-20T10:00:00Z", "2026-11-20T11:00:15+01:00", 15.0),
        ("2026-11-20T10:00:00Z", "2026-11-20T10:00:00Z", None),
        ("2026-11-20T10:00:00Z", None, None),
        ("soon", "later", None),
    ],
)
def test_the_time_it_took_lies_between_its_two_times(apiframe: Apiframe, start: Any, end: Any, seconds: Any):
    assert apiframe.read(job(createdAt=start, completedAt=end)).seconds == seconds


# Refusals


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("error_402", "Insufficient credits: 7 credits needed"),
        ("error_404_job", "Job not found"),
        ("error_400_unknown_key_webhook_url", "Validation failed: Unrecognized key(s) in object: 'webhook_url'"),
        (
            "error_400_validation",
            (
                "Validation failed: imagenParams.aspect_ratio Invalid enum value; "
                "prompt String must contain at most 2000 character(s)"
            ),
        ),
    ],
)
def test_a_refusal_says_what_is_wrong(apiframe: Apiframe, name: str, words: str):
    answer = recorded(name)["response"]
    with pytest.raises(Declined) as caught:
        apiframe.read(reply_with(answer["json"], answer["status"]))
    assert caught.value.message == words


@pytest.mark.parametrize("details", [None, "prompt", ["prompt"], {"prompt": "too long"}, {"prompt": None}])
def test_a_refusal_with_odd_details_is_still_a_refusal(apiframe: Apiframe, details: Any):
    with pytest.raises(Declined):
        apiframe.read(reply_with({"error": "Validation failed", "details": details}, 400))


def test_a_key_used_for_another_body_decides_nothing(apiframe: Apiframe):
    with pytest.raises(Unclear):
        apiframe.read(reply_with({"error": "Idempotency-Key was used with another body"}, 409))


def test_too_many_requests_says_how_long_to_wait(apiframe: Apiframe):
    answer = recorded("error_429")["response"]
    with pytest.raises(Busy) as caught:
        apiframe.read(Reply(status=429, headers={"retry-after": answer["headers"]["Retry-After"]}))
    assert caught.value.retry_after == 7


# Balance and catalogue


def test_the_balance_is_the_credits_of_the_team(apiframe: Apiframe):
    (call,) = apiframe.balance()
    assert (call.method, call.url) == ("GET", "https://api.apiframe.ai/v2/me")
    assert apiframe.read_balance(reply_with(recorded("me_ok")["response"]["json"])) == "995 credits"


@pytest.mark.parametrize("team", [None, {}, {"credits": "many"}, {"credits": None}, {"credits": -1}, []])
def test_a_balance_that_is_not_said_is_unreadable(apiframe: Apiframe, team: Any):
    with pytest.raises(Unreadable):
        apiframe.read_balance(reply_with({"team": team}))


def test_the_list_of_models_is_asked_for_its_images(apiframe: Apiframe):
    call = apiframe.catalogue()
    assert (call.url, dict(call.params)) == ("https://api.apiframe.ai/v2/models", {"modality": "image"})


def test_listed_models_have_the_listed_price(apiframe: Apiframe):
    (listed,) = apiframe.read_catalogue(reply_with(recorded("models_ok")["response"]["json"]))
    assert listed == Apiframe.offers["imagen-4"][0]


@pytest.mark.parametrize(
    ("least", "most", "amount"),
    [
        (3, 3, Decimal(3)),
        (3.5, 3.5, Decimal("3.5")),
        (3, 9, None),
        (None, None, None),
        ("3", "3", None),
        (-1, -1, None),
    ],
)
def test_a_price_that_varies_or_is_none_is_unknown(apiframe: Apiframe, least: Any, most: Any, amount: Any):
    rows = [{"id": "imagen-4-fast", "costMin": least, "costMax": most}]
    (listed,) = apiframe.read_catalogue(reply_with({"models": rows}))
    assert listed.price == Price(amount=amount, unit="credits")


def test_a_new_model_of_a_family_we_know_can_be_sold_at_once(apiframe: Apiframe):
    rows = [{"id": "nano-banana-2.1", "costMin": 5, "costMax": 5}]
    (listed,) = apiframe.read_catalogue(reply_with({"models": rows}))
    (family,) = Apiframe.offers["nano-banana-2"]
    assert listed == replace(family, model="nano-banana-2.1", id="nano-banana-2.1", price=Price.of("5", "credits"))


def test_what_we_cannot_describe_is_left_out(apiframe: Apiframe):
    rows = [{"id": "midjourney"}, {"id": ["imagen-4"]}, {}, None, "imagen-4", {"id": "imagen-4-ultra"}]
    assert [offer.id for offer in apiframe.read_catalogue(reply_with({"models": rows}))] == ["imagen-4-ultra"]


@pytest.mark.parametrize("document", [{}, {"models": None}, {"models": {}}, {"models": "imagen-4"}])
def test_without_a_list_there_is_no_catalogue(apiframe: Apiframe, document: Any):
    with pytest.raises(Unreadable):
        apiframe.read_catalogue(reply_with(document))


# The list of jobs


def listed(**facts: Any) -> dict[str, Any]:
    said = {"prompt": "A lighthouse at dusk", "imagenParams": {"aspect_ratio": "1:1", "image_size": "1K"}}
    return {"id": JOB, "model": "imagen-4", "createdAt": "2026-11-20T10:00:00.000Z", "input": said, **facts}


def test_our_jobs_are_asked_for_a_hundred_at_a_time(apiframe: Apiframe):
    (offer,) = apiframe.offers["imagen-4"]
    calls = [apiframe.find(offer=offer, since=NOON, until=NOON, after=after) for after in ("", "c 2")]
    assert {(call.method, call.url) for call in calls} == {("GET", "https://api.apiframe.ai/v2/jobs")}
    assert [dict(call.params) for call in calls] == [{"limit": "100"}, {"limit": "100", "cursor": "c 2"}]


def test_a_listed_job_shows_its_inputs_as_we_send_them(apiframe: Apiframe):
    (trace,) = apiframe.read_found(reply_with({"jobs": [listed()]})).traces
    assert (trace.remote_id, trace.model) == (JOB, "imagen-4")
    assert trace.made_at == datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert trace.inputs == submit(apiframe, "imagen-4").json


def test_a_job_that_hides_its_inputs_shows_none(apiframe: Apiframe):
    found = apiframe.read_found(reply_with({"jobs": [listed(input=None), listed(input="a lighthouse")]}))
    assert [trace.inputs for trace in found.traces] == [None, None]


@pytest.mark.parametrize("rows", ["jobs", "items", "data"])
@pytest.mark.parametrize("cursor", ["nextCursor", "cursor", "next_cursor"])
def test_the_list_is_read_under_any_likely_name(apiframe: Apiframe, rows: str, cursor: str):
    found = apiframe.read_found(reply_with({rows: [listed()], cursor: "c2"}))
    assert (len(found.traces), found.more) == (1, "c2")


def test_a_cursor_may_be_a_number(apiframe: Apiframe):
    assert apiframe.read_found(reply_with({"jobs": [listed()], "cursor": 7})).more == "7"


@pytest.mark.parametrize("cursor", [None, "", True, ["c2"]])
def test_the_last_page_has_no_more(apiframe: Apiframe, cursor: Any):
    assert apiframe.read_found(reply_with({"jobs": [], "nextCursor": cursor})).more == ""


@pytest.mark.parametrize("odd", [None, 7, "job", {}, listed(id="../x"), listed(id=7), listed(createdAt="soon")])
def test_a_listed_job_that_cannot_be_read_is_left_out(apiframe: Apiframe, odd: Any):
    assert len(apiframe.read_found(reply_with({"jobs": [odd, listed()]})).traces) == 1


@pytest.mark.parametrize("document", [{}, {"jobs": None}, {"jobs": "none"}, {"jobs": {}}])
def test_without_a_list_nothing_was_looked_at(apiframe: Apiframe, document: Any):
    with pytest.raises(Unreadable):
        apiframe.read_found(reply_with(document))


# Webhooks

BODY = json.dumps({"event": "completed", "jobId": JOB, "status": "COMPLETED"}).encode()


def rung(apiframe: Apiframe, key: bytes, body: bytes = BODY) -> str:
    return apiframe.ring({"X-Webhook-Signature": f"sha256={body_digest(key, body)}"}, body)


def raw(api_key: str) -> bytes:
    return sha256(api_key.encode()).digest()


def test_a_webhook_is_signed_with_the_digest_of_the_key_or_its_digits(apiframe: Apiframe):
    assert rung(apiframe, raw("afk_test_key")) == JOB
    assert rung(apiframe, raw("afk_test_key").hex().encode()) == JOB


def test_after_a_change_of_keys_the_old_ones_still_prove_a_webhook():
    rotated = Apiframe(api_key="afk_new", webhook_secret="afk_old, afk_older")
    assert {rung(rotated, raw(key)) for key in ("afk_new", "afk_old", "afk_older")} == {JOB}


@pytest.mark.parametrize("key", [b"afk_test_key", b"", sha256(b"").digest(), sha256(b"").hexdigest().encode()])
def test_no_other_key_proves_anything(apiframe: Apiframe, key: bytes):
    for provider in (apiframe, Apiframe()):
        with pytest.raises(BadSignature):
            rung(provider, key)


@pytest.mark.parametrize("body", [b"[]", b"{}", b"not json", b'{"jobId": 7}', b'{"jobId": "../x"}', b'{"jobId": null}'])
def test_a_signed_webhook_without_a_possible_id_is_refused(apiframe: Apiframe, body: bytes):
    with pytest.raises(BadSignature):
        rung(apiframe, raw("afk_test_key"), body)


def test_without_a_key_no_webhook_is_asked_for():
    assert Apiframe(api_key="afk_test_key").calls_back
    assert not Apiframe().calls_back


@pytest.mark.parametrize(("name", "claim"), [("webhook_completed", State.DONE), ("webhook_progress", State.PENDING)])
def test_a_webhook_claims_an_end_only_where_it_is_signed(apiframe: Apiframe, name: str, claim: State | None):
    recorded = json.loads((FIXTURES / f"{name}.json").read_bytes())
    assert apiframe.claimed(recorded["delivery"]["body"].encode()) is claim
