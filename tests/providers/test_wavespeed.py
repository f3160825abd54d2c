"""WaveSpeedAI keeps the contract, and its own oddities are known."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from imagen import signatures
from imagen.exceptions import BadSignature, Busy, Declined, NotFound, Unclear, Unreadable
from imagen.offers import MODELS, Model, Offer, Price
from imagen.providers.wavespeed import WaveSpeed
from imagen.testing import ProviderContract
from imagen.testing.bodies import NOON, reply_with
from imagen.types import Call, ImageRequest, Output, Reply, State

FIXTURES = Path(__file__).parent.parent / "fixtures" / "wavespeed"
HOOK = "https://cms.example.com/imagen/hooks/wavespeed/8f3c/"


class TestWaveSpeed(ProviderContract):
    vendor = WaveSpeed
    fixtures = FIXTURES
    accepted = "submit_ok_google_imagen4"
    expected = {
        **dict.fromkeys(["submit_ok_google_imagen4", "submit_ok_wavespeed_ai_imagen4", "submit_ok_minimal"], "pending"),
        **dict.fromkeys(["submit_ok_google_imagen4_fast", "submit_ok_google_imagen4_ultra"], "pending"),
        **dict.fromkeys(["submit_with_webhook", "result_created", "result_processing"], "pending"),
        **dict.fromkeys(["sync_ok", "result_completed_1", "result_completed_nsfw_true"], "done 1"),
        **dict.fromkeys(["result_completed_4", "result_completed_4_nsfw_mixed"], "done 4"),
        "result_completed_base64_bare": "done 1",
        **dict.fromkeys(["result_failed_content_filter", "result_failed_imagen_filter"], "failed content_filtered"),
        "result_failed_invalid_parameter": "failed provider_rejected",
        **dict.fromkeys(["result_failed_internal", "result_cancelled"], "failed provider_failed"),
        **dict.fromkeys(["result_timeout", "result_deleted"], "failed provider_failed"),
        "error_400": "Declined provider_rejected",
        **dict.fromkeys(["error_401", "error_403"], "Declined provider_auth"),
        **dict.fromkeys(["error_404_model", "error_404_prediction"], "NotFound model_retired"),
        "error_429": "Busy provider_rate_limited",
        "error_500": "Unclear provider_unavailable",
        "error_insufficient_balance_400": "Declined provider_insufficient_credits",
        "error_insufficient_balance_402": "Declined provider_insufficient_credits",
        "error_insufficient_balance_403": "Declined provider_insufficient_credits",
        # answers to other questions: read as news of a job they are unreadable, and nothing worse
        **dict.fromkeys(["balance_ok", "balance_ok_account_path"], "Unreadable provider_protocol_error"),
        **dict.fromkeys(["price_ok", "price_ok_legacy_pricing"], "Unreadable provider_protocol_error"),
        **dict.fromkeys(["models_ok", "history_ok", "delete_ok"], "Unreadable provider_protocol_error"),
        **dict.fromkeys(["upload_ticket_ok", "webhook_secret_ok"], "Unreadable provider_protocol_error"),
    }


@pytest.fixture
def wavespeed() -> WaveSpeed:
    return WaveSpeed(api_key="wsk_test_key")


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_bytes())
    return found


def offer(path: str) -> Offer:
    return next(offer for offers in WaveSpeed.offers.values() for offer in offers if offer.id == path)


def submit(wavespeed: WaveSpeed, path: str, *, callback: str = "", **options: Any) -> Call:
    request = offer(path).settle(ImageRequest(prompt="A lighthouse at dusk", **options))
    return wavespeed.submit(request, offer=offer(path), key="k", callback=callback)


def news(**data: Any) -> Reply:
    return reply_with({"code": 200, "message": "success", "data": {"id": "pred1", "status": "completed", **data}})


# Offers


@pytest.mark.parametrize(
    ("model", "sold"),
    [
        ("imagen-4", [("google/imagen4", "0.038", ("1k", "2k")), ("wavespeed-ai/imagen4", "0.04", ())]),
        ("imagen-4-fast", [("google/imagen4-fast", "0.018", ())]),
        ("imagen-4-ultra", [("google/imagen4-ultra", "0.058", ("1k", "2k"))]),
    ],
)
def test_imagen_is_sold_at_the_prices_of_the_price_list(model: str, sold: list[tuple[str, str, tuple[str, ...]]]):
    offers = WaveSpeed.offers[model]
    assert [(o.id, o.price, o.resolutions) for o in offers] == [(path, Price.of(p), sizes) for path, p, sizes in sold]
    assert all(o.negative_prompt and o.seed and o.images_per_call == 4 for o in offers)


@pytest.mark.parametrize(
    ("model", "ratios", "resolutions"),
    [
        ("nano-banana-2.1", 14, ("1k", "2k", "4k")),
        ("nano-banana-pro", 10, ("1k", "2k", "4k")),
        ("nano-banana-2", 14, ("1k", "2k", "4k")),
        ("nano-banana-2-lite", 14, ()),
    ],
)
def test_successors_give_one_image_per_call_at_an_unknown_price(model: str, ratios: int, resolutions: tuple[str, ...]):
    (sold,) = WaveSpeed.offers[model]
    assert sold.id == f"google/{model}/text-to-image"
    assert (len(sold.aspect_ratios), sold.resolutions) == (ratios, resolutions)
    assert (sold.images_per_call, sold.price.amount, sold.negative_prompt, sold.seed) == (1, None, False, False)


def test_four_images_of_imagen_cost_four_times_the_price():
    assert offer("google/imagen4").cost(4) == Decimal("0.152")


# Calls


def test_submit_is_the_documented_request(wavespeed: WaveSpeed):
    wanted = recorded("submit_ok_google_imagen4")["request"]
    call = submit(wavespeed, "google/imagen4", aspect_ratio="16:9", negative_prompt="people", seed=42)
    assert (call.method, call.url) == (wanted["method"], wanted["url"])
    assert call.headers["Authorization"] == wanted["headers"]["Authorization"]
    assert {**call.json, "enable_base64_output": False} == wanted["json"]


def test_what_is_not_said_is_not_sent(wavespeed: WaveSpeed):
    assert submit(wavespeed, "wavespeed-ai/imagen4").json == {
        "prompt": "A lighthouse at dusk",
        "aspect_ratio": "1:1",
        "num_images": 1,
    }


def test_a_successor_is_not_told_a_number_of_images(wavespeed: WaveSpeed):
    call = submit(wavespeed, "google/nano-banana-2.1/text-to-image", output_format="jpeg")
    assert call.url == "https://api.wavespeed.ai/api/v3/google/nano-banana-2.1/text-to-image"
    assert call.json == {
        "prompt": "A lighthouse at dusk",
        "aspect_ratio": "1:1",
        "resolution": "1k",
        "output_format": "jpeg",
    }


def test_the_webhook_is_a_query_parameter():
    known = WaveSpeed(api_key="wsk_test_key", webhook_secret="whsec_a")
    call = submit(known, "google/imagen4", callback=HOOK)
    assert dict(call.params) == recorded("submit_with_webhook")["request"]["query"]
    assert HOOK not in str(call.json)


def test_no_webhook_is_asked_for_while_its_signature_cannot_be_checked(wavespeed: WaveSpeed):
    assert submit(wavespeed, "google/imagen4", callback=HOOK).params == {}


def test_the_result_is_asked_for_by_id_whatever_the_answer_says(wavespeed: WaveSpeed):
    snapshot = wavespeed.read(news(urls={"get": "http://169.254.169.254/latest"}))
    assert wavespeed.check(snapshot.remote_id).url == "https://api.wavespeed.ai/api/v3/predictions/pred1/result"


# Answers


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *[(word, State.PENDING) for word in ("created", "pending", "processing", "Processing", "dreaming", "")],
        *[(word, State.DONE) for word in ("completed", "COMPLETED")],
        *[(word, State.FAILED) for word in ("failed", "cancelled", "timeout", "deleted", "Failed")],
    ],
)
def test_every_status_word_is_understood(wavespeed: WaveSpeed, word: str, state: State):
    assert wavespeed.read(news(status=word)).state is state


def test_a_status_that_is_missing_is_not_the_end(wavespeed: WaveSpeed):
    assert wavespeed.read(reply_with({"code": 200, "data": {"id": "pred1"}})).state is State.PENDING


@pytest.mark.parametrize(
    ("code", "error", "expected"),
    [
        (1200, "No.", "content_filtered"),
        ("1200", "No.", "content_filtered"),
        (1400, "prompt is missing", "provider_rejected"),
        (1401, "The parameter value is invalid.", "provider_rejected"),
        (1402, "media cannot be read", "provider_rejected"),
        (1403, "task failed", "provider_failed"),
        (1405, "task failed", "provider_failed"),
        (5000, "An internal error occurred.", "provider_failed"),
        (5003, "unavailable", "provider_failed"),
        (5004, "timeout", "provider_failed"),
        (None, "Content is filtered due to unknown reasons", "content_filtered"),
        ([], "who knows", "provider_failed"),
    ],
)
def test_a_failed_task_says_why(wavespeed: WaveSpeed, code: Any, error: str, expected: str):
    failure = wavespeed.read(news(status="failed", code=code, error=error)).failure
    assert failure is not None
    assert (failure.code, failure.message) == (expected, error)


def test_a_task_that_outlives_the_synchronous_wait_goes_on(wavespeed: WaveSpeed):
    words = "Sync mode timed out after 90 seconds. The prediction is still processing asynchronously."
    snapshot = wavespeed.read(news(status="processing", code=5004, error=words))
    assert (snapshot.state, snapshot.remote_id, snapshot.failure) == (State.PENDING, "pred1", None)


def test_completed_without_outputs_stays_completed_for_the_pipeline_to_judge(wavespeed: WaveSpeed):
    snapshot = wavespeed.read(news(outputs=[]))
    assert (snapshot.state, snapshot.outputs) == (State.DONE, ())


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([False, True], [False, True]),
        ([True], [True, None]),
        ([], [None, None]),
        (None, [None, None]),
        ("no", [None, None]),
        ([0, "true"], [None, None]),
        ([False, False, True], [False, False]),
    ],
)
def test_a_flag_that_is_missing_is_unknown(wavespeed: WaveSpeed, flags: Any, expected: list[bool | None]):
    outputs = wavespeed.read(news(outputs=["https://a/1.png", "https://a/2.png"], has_nsfw_contents=flags)).outputs
    assert [output.flagged for output in outputs] == expected


@pytest.mark.parametrize("text", ["aGVsbG8=", "data:image/png;base64,aGVsbG8=", "DATA:;base64,aGVsbG8="])
def test_an_output_may_be_base64(wavespeed: WaveSpeed, text: str):
    (output,) = wavespeed.read(news(outputs=[text])).outputs
    assert output.content() == b"hello"


def test_an_output_may_be_an_address(wavespeed: WaveSpeed):
    (output,) = wavespeed.read(news(outputs=["https://a.example/1.png", None, 7, ""])).outputs
    assert output == Output(url="https://a.example/1.png")


@pytest.mark.parametrize(
    ("timings", "seconds"),
    [
        ({"inference": 6710}, 6.71),
        ({"inference": 0}, None),
        ({"inference": "long"}, None),
        ({"inference": -1}, None),
        ({}, None),
        (None, None),
        ([1], None),
    ],
)
def test_time_is_told_in_milliseconds(wavespeed: WaveSpeed, timings: Any, seconds: float | None):
    assert wavespeed.read(news(timings=timings)).seconds == seconds


def test_the_model_that_answered_is_kept(wavespeed: WaveSpeed):
    assert wavespeed.read(news(model="google/imagen4")).model == "google/imagen4"


@pytest.mark.parametrize(
    ("document", "error", "code"),
    [
        ({"code": 401, "message": "Invalid API key", "data": None}, Declined, "provider_auth"),
        ({"code": 400, "message": "bad ratio", "data": {}}, Declined, "provider_rejected"),
        ({"code": 400, "message": "bad ratio", "data": {"id": ""}}, Declined, "provider_rejected"),
        ({"code": 404, "message": "product not found"}, NotFound, "model_retired"),
        ({"code": 429, "message": "slow down", "data": None}, Busy, "provider_rate_limited"),
        ({"code": 500, "message": "oops", "data": None}, Unclear, "provider_unavailable"),
        ({"code": 302, "message": "over there", "data": None}, Unclear, "provider_protocol_error"),
        ({"code": True, "data": None}, Unreadable, "provider_protocol_error"),
        ({"code": "401", "data": None}, Unreadable, "provider_protocol_error"),
        ({"code": 200, "message": "success", "data": None}, Unreadable, "provider_protocol_error"),
        ({"code": 200, "data": {"status": "created"}}, Unreadable, "provider_protocol_error"),
        ({"code": 200, "data": {"id": 45, "status": "created"}}, Unreadable, "provider_protocol_error"),
    ],
)
def test_http_200_does_not_mean_success(
    wavespeed: WaveSpeed, document: dict[str, Any], error: type[Exception], code: str
):
    with pytest.raises(error) as caught:
        wavespeed.read(reply_with(document))
    assert type(caught.value) is error
    assert caught.value.code == code


def test_a_job_with_an_id_exists_even_when_the_envelope_speaks_of_an_error(wavespeed: WaveSpeed):
    reply = reply_with({"code": 500, "message": "oops", "data": {"id": "pred1", "status": "created"}})
    assert wavespeed.read(reply).remote_id == "pred1"


# Balance


def test_the_balance_is_asked_for_and_read(wavespeed: WaveSpeed):
    calls = wavespeed.balance()
    assert [call.url.removeprefix(wavespeed.url) for call in calls] == ["/api/v3/balance", "/api/v3/account/balance"]
    assert wavespeed.read_balance(reply_with(recorded("balance_ok")["response"]["json"])) == "156.78 USD"


def test_the_balance_names_its_currency(wavespeed: WaveSpeed):
    assert wavespeed.read_balance(reply_with({"code": 200, "data": {"balance": 0, "currency": "EUR"}})) == "0.00 EUR"


@pytest.mark.parametrize("currency", ["\x1b[31mEUR\x00", "E" * 11, 7, ["EUR"]])
def test_a_balance_in_a_strange_currency_is_unreadable(wavespeed: WaveSpeed, currency: Any):
    strange = {"code": 200, "data": {"balance": 1, "currency": currency}}
    with pytest.raises(Unreadable):
        wavespeed.read_balance(reply_with(strange))


@pytest.mark.parametrize(
    "data", [None, {}, {"balance": "much"}, {"balance": None}, {"balance": True}, {"balance": float("nan")}, []]
)
def test_a_balance_that_is_not_said_is_unreadable(wavespeed: WaveSpeed, data: Any):
    with pytest.raises(Unreadable):
        wavespeed.read_balance(reply_with({"code": 200, "data": data}))


# The list of predictions


def listed(**facts: Any) -> dict[str, Any]:
    whole = dict(recorded("history_ok")["response"]["json"]["data"]["items"][0])
    return {**whole, "input": {"prompt": "A lighthouse at dusk"}, **facts}


def history(*items: Any, page: Any = 1) -> Reply:
    return reply_with({"code": 200, "message": "success", "data": {"page": page, "items": list(items)}})


def test_our_predictions_of_a_model_are_asked_for_by_time(wavespeed: WaveSpeed):
    wanted = recorded("history_ok")["request"]
    since = datetime(2026, 11, 19, 1, tzinfo=timezone(timedelta(hours=1)))
    call = wavespeed.find(offer=offer("google/imagen4"), since=since, until=datetime(2026, 11, 20, tzinfo=UTC))
    assert (call.method, call.url) == (wanted["method"], wanted["url"])
    assert call.json == {
        "page": 1,
        "page_size": 100,
        "created_after": wanted["json"]["created_after"],
        "created_before": wanted["json"]["created_before"],
        "model": "google/imagen4",
    }


def test_a_listed_prediction_is_read_to_the_microsecond(wavespeed: WaveSpeed):
    (trace,) = wavespeed.read_found(history(listed())).traces
    assert (trace.remote_id, trace.model) == ("45b392b22c3b449fa935bd4dc2219dfe", "google/imagen4")
    assert trace.made_at == datetime(2026, 11, 20, 9, 12, 48, 239112, tzinfo=UTC)
    assert trace.inputs == {"prompt": "A lighthouse at dusk"}


def test_a_prediction_that_hides_its_input_shows_none(wavespeed: WaveSpeed):
    (trace,) = wavespeed.read_found(reply_with(recorded("history_ok")["response"]["json"])).traces
    assert trace.inputs is None


@pytest.mark.parametrize(("count", "page", "more"), [(1, 1, ""), (99, 1, ""), (100, 1, "2"), (100, 7, "8"), (0, 3, "")])
def test_a_full_page_may_have_another_behind_it(wavespeed: WaveSpeed, count: int, page: int, more: str):
    found = wavespeed.read_found(history(*[listed()] * count, page=page))
    assert found.more == more
    if more:
        call = wavespeed.find(offer=offer("google/imagen4"), since=NOON, until=NOON, after=more)
        assert call.json["page"] == page + 1


@pytest.mark.parametrize("odd", [None, 7, {}, listed(id="../x"), listed(id=7), listed(created_at="soon")])
def test_a_listed_prediction_that_cannot_be_read_is_left_out(wavespeed: WaveSpeed, odd: Any):
    assert len(wavespeed.read_found(history(odd, listed())).traces) == 1


def test_a_list_that_is_refused_says_why(wavespeed: WaveSpeed):
    with pytest.raises(Declined) as caught:
        wavespeed.read_found(reply_with({"code": 401, "message": "Invalid API key", "data": None}))
    assert caught.value.code == "provider_auth"


# Catalogue and prices


def row(path: str, *, price: Any = 0.05, **properties: Any) -> dict[str, Any]:
    """One line of the list of models."""
    known = {"prompt": {"type": "string"}, "aspect_ratio": {"enum": ["1:1", "16:9"], "default": "1:1"}, **properties}
    schema = {"request_schema": {"required": ["prompt"], "properties": known}}
    return {"model_id": path, "base_price": price, "api_schema": {"api_schemas": [schema]}}


def on_sale(wavespeed: WaveSpeed, *rows: Any) -> list[Offer]:
    return list(wavespeed.read_catalogue(reply_with({"code": 200, "data": list(rows)})))


def test_the_list_of_models_is_asked_for(wavespeed: WaveSpeed):
    call = wavespeed.catalogue()
    wanted = recorded("models_ok")["request"]
    assert (call.method, call.url, call.json) == (wanted["method"], wanted["url"], None)


def test_a_listed_model_of_ours_has_its_base_price_and_keeps_what_we_know(wavespeed: WaveSpeed):
    (found,) = wavespeed.read_catalogue(reply_with(recorded("models_ok")["response"]["json"]))
    assert found == offer("google/imagen4")
    (dearer,) = on_sale(wavespeed, row("google/imagen4", price=0.05))
    assert dearer == replace(offer("google/imagen4"), price=Price.of("0.05"))


@pytest.mark.parametrize("price", [None, "0.05", -1, float("nan"), []])
def test_a_listed_price_that_is_none_is_unknown(wavespeed: WaveSpeed, price: Any):
    assert [found.price for found in on_sale(wavespeed, row("google/imagen4", price=price))] == [Price()]


@pytest.mark.parametrize(
    ("path", "model"),
    [
        ("wavespeed-ai/imagen4-fast", "imagen-4-fast"),
        ("wavespeed-ai/imagen4-ultra", "imagen-4-ultra"),
        ("google/imagen-4", "imagen-4"),
    ],
)
def test_a_new_model_of_a_family_we_know_is_sold_by_its_schema(wavespeed: WaveSpeed, path: str, model: str):
    count, sizes = {"type": "integer", "maximum": 2}, {"enum": ["1k", "2k"], "default": "1k"}
    (found,) = on_sale(wavespeed, row(path, num_images=count, resolution=sizes, seed={"type": "integer"}))
    assert (found.model, found.id, found.price) == (model, path, Price.of("0.05"))
    assert (found.images_per_call, found.resolutions, found.seed, found.negative_prompt) == (
        2,
        ("1k", "2k"),
        True,
        False,
    )
    assert found.aspect_ratios == ("1:1", "16:9")


def test_an_unlisted_banana_would_be_sold_too(wavespeed: WaveSpeed, monkeypatch: pytest.MonkeyPatch):
    new = Model(id="nano-banana-3", name="Nano Banana 3")
    monkeypatch.setitem(MODELS, new.id, new)
    assert [found.model for found in on_sale(wavespeed, row("google/nano-banana-3/text-to-image"))] == ["nano-banana-3"]


@pytest.mark.parametrize(
    "odd",
    [
        row("google/imagen9"),
        row("google/imagen4/edit"),
        row("google/nano-banana-2.1/edit"),
        row("google/nano-banana-99/text-to-image"),
        row("somebody/imagen4"),
        row("wavespeed-ai/flux-dev"),
        row("../imagen4"),
        {"model_id": "wavespeed-ai/imagen4-fast"},
        {"model_id": ["google/imagen4"]},
        {},
        None,
        7,
    ],
)
def test_what_we_cannot_describe_is_left_out(wavespeed: WaveSpeed, odd: Any):
    assert [found.id for found in on_sale(wavespeed, odd, row("google/imagen4"))] == ["google/imagen4"]


def test_a_model_that_needs_a_picture_is_left_out(wavespeed: WaveSpeed):
    needy = row("wavespeed-ai/imagen4-fast")
    needy["api_schema"]["api_schemas"][0]["request_schema"]["required"] = ["prompt", "image"]
    assert on_sale(wavespeed, needy) == []


@pytest.mark.parametrize("data", [None, {}, "models", 7])
def test_without_a_list_there_is_no_catalogue(wavespeed: WaveSpeed, data: Any):
    with pytest.raises(Unreadable):
        wavespeed.read_catalogue(reply_with({"code": 200, "data": data}))


def test_the_price_of_one_image_is_asked_for_at_both_addresses(wavespeed: WaveSpeed):
    calls = wavespeed.price(offer("google/imagen4"))
    wanted = [recorded(name)["request"] for name in ("price_ok", "price_ok_legacy_pricing")]
    assert [(call.method, call.url) for call in calls] == [(each["method"], each["url"]) for each in wanted]
    assert [call.json for call in calls] == [{"model_id": "google/imagen4", "inputs": {"num_images": 1}}] * 2


def test_a_model_of_one_image_is_not_told_a_number_when_its_price_is_asked(wavespeed: WaveSpeed):
    call, _ = wavespeed.price(offer("google/nano-banana-2.1/text-to-image"))
    assert call.json["inputs"] == {}


@pytest.mark.parametrize("name", ["price_ok", "price_ok_legacy_pricing"])
def test_a_price_is_read_in_both_shapes(wavespeed: WaveSpeed, name: str):
    assert wavespeed.read_price(reply_with(recorded(name)["response"]["json"])) == Price.of("0.152")


def test_a_price_names_its_currency(wavespeed: WaveSpeed):
    said = {"code": 200, "data": {"price": 0.05, "unit_price": 9, "currency": "EUR"}}
    assert wavespeed.read_price(reply_with(said)) == Price.of("0.05", "EUR")


@pytest.mark.parametrize("data", [None, {}, {"price": None}, {"price": "0.05"}, {"price": -1}, {"unit_price": True}])
def test_a_price_that_is_not_said_is_unreadable(wavespeed: WaveSpeed, data: Any):
    with pytest.raises(Unreadable):
        wavespeed.read_price(reply_with({"code": 200, "data": data}))


def test_a_price_is_looked_for_at_the_second_address_when_the_first_is_not_there(wavespeed: WaveSpeed):
    with pytest.raises(NotFound):
        wavespeed.read_price(reply_with({"code": 404, "message": "not found", "data": None}))


# Webhooks


@pytest.fixture
def delivery(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    found = recorded("webhook_completed_1")
    monkeypatch.setattr(signatures, "clock", lambda: float(found["delivery"]["headers"]["webhook-timestamp"]))
    return found


@pytest.mark.parametrize("secrets", ["{}", "whsec_old,{}", "{}, whsec_new"])
def test_a_webhook_signed_with_any_of_our_secrets_names_its_job(delivery: dict[str, Any], secrets: str):
    wavespeed = WaveSpeed(webhook_secret=secrets.format(delivery["secret"]))
    sent = delivery["delivery"]
    assert wavespeed.ring(sent["headers"], sent["body"].encode()) == "45b392b22c3b449fa935bd4dc2219dfe"


@pytest.mark.parametrize("secret", ["", "whsec_other", "whsec_"])
def test_a_webhook_signed_by_somebody_else_is_refused(delivery: dict[str, Any], secret: str):
    sent = delivery["delivery"]
    with pytest.raises(BadSignature):
        WaveSpeed(webhook_secret=secret).ring(sent["headers"], sent["body"].encode())


@pytest.mark.parametrize("body", [b"[]", b"{}", b"not json", b'{"id": 7}', b'{"id": "../x"}', b'{"id": null}'])
def test_a_signed_webhook_without_a_possible_id_is_refused(monkeypatch: pytest.MonkeyPatch, body: bytes):
    monkeypatch.setattr(signatures, "clock", lambda: 1000.0)
    signature = signatures.hex_digest(b"a", sent_id="x", sent_at="1000", body=body)
    headers = {"webhook-id": "x", "webhook-timestamp": "1000", "webhook-signature": f"v3,{signature}"}
    with pytest.raises(BadSignature):
        WaveSpeed(webhook_secret="whsec_a").ring(headers, body)


@pytest.mark.parametrize(("model", "asked"), [("google/imagen4", True), ("wavespeed-ai/imagen4", None)])
def test_pictures_can_be_asked_for_inside_the_answer(model, asked):
    provider = WaveSpeed(api_key="k", base64_output=True)
    offer = next(offer for many in provider.offers.values() for offer in many if offer.id == model)
    body = provider.submit(ImageRequest(prompt="x"), offer=offer, key="1").json
    assert body.get("enable_base64_output") is asked


def test_without_being_told_pictures_come_by_address():
    provider = WaveSpeed(api_key="k")
    offer = provider.offers["imagen-4"][0]
    assert "enable_base64_output" not in provider.submit(ImageRequest(prompt="x"), offer=offer, key="1").json


@pytest.mark.parametrize(("name", "claim"), [("webhook_completed_1", State.DONE), ("webhook_failed", State.FAILED)])
def test_a_webhook_claims_an_end_only_where_it_is_signed(wavespeed: WaveSpeed, name: str, claim: State | None):
    recorded = json.loads((FIXTURES / f"{name}.json").read_bytes())
    assert wavespeed.claimed(recorded["delivery"]["body"].encode()) is claim
