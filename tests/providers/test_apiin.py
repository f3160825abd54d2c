"""API in One keeps the contract, and what it leaves unsaid is never guessed."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from imagen.exceptions import BadSignature, Busy, Declined, NotFound, ProviderError, Unclear, Unreadable
from imagen.offers import IMAGEN_RATIOS, Price
from imagen.providers.apiin import ApiInOne
from imagen.testing import ProviderContract
from imagen.testing.bodies import reply_with, sound
from imagen.types import Call, ImageRequest, Reply, State

FIXTURES = Path(__file__).parent.parent / "fixtures" / "apiin"
HOOK = "https://cms.example.com/imagen/hooks/apiin/8f3c/"
ONE, TWO = "https://cdn.apiin.one/out/1.png", "https://cdn.apiin.one/out/2.png"


class TestApiInOne(ProviderContract):
    vendor = ApiInOne
    fixtures = FIXTURES
    accepted = "submit_ok"
    signed = False
    expected = {
        **dict.fromkeys(["submit_ok", "submit_with_callback", "task_in_progress"], "pending"),
        **dict.fromkeys(["task_completed_1_a_output_image_urls", "task_completed_1_c_images_objects"], "done 1"),
        "task_completed_nsfw_true": "done 1",
        "task_completed_4": "done 4",
        "task_failed_content_filter": "failed content_filtered",
        "error_400": "Declined provider_rejected",
        "error_401": "Declined provider_auth",
        "error_402": "Declined provider_insufficient_credits",
        "error_404": "NotFound model_retired",
        "error_429": "Busy provider_rate_limited",
        "error_500": "Unclear provider_unavailable",
    }


@pytest.fixture
def apiin() -> ApiInOne:
    return ApiInOne(api_key="aio_test_key")


def recorded(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_bytes())
    return found


def submit(apiin: ApiInOne, model: str = "imagen-4", *, callback: str = "", **options: Any) -> Call:
    (offer,) = apiin.offers[model]
    request = offer.settle(ImageRequest(**{"prompt": "A photorealistic bowl of ramen", **options}))
    return apiin.submit(request, offer=offer, key="k", callback=callback)


def task(**facts: Any) -> dict[str, Any]:
    return {"code": 200, "message": "success", "data": {"task_id": "n47_imagen4", "status": "completed", **facts}}


def addresses(apiin: ApiInOne, document: Any) -> list[str]:
    return [output.url or output.base64 for output in apiin.read(reply_with(document)).outputs]


# Offers


@pytest.mark.parametrize(
    ("model", "name", "price"),
    [("imagen-4", "imagen4", "8"), ("imagen-4-fast", "imagen4-fast", "4"), ("imagen-4-ultra", "imagen4-ultra", "12")],
)
def test_imagen_is_sold_under_their_names_for_credits(model: str, name: str, price: str):
    (sold,) = ApiInOne.offers[model]
    assert (sold.id, sold.price) == (name, Price.of(price, "credits"))
    assert (sold.aspect_ratios, sold.negative_prompt, sold.seed, sold.images_per_call) == (IMAGEN_RATIOS, True, True, 4)
    assert (sold.resolutions, sold.output_formats, sold.min_prompt, sold.max_prompt) == ((), (), 3, 5000)


def test_nothing_else_is_sold():
    assert len(ApiInOne.offers) == 3


def test_nothing_is_ever_sent_twice():
    assert not ApiInOne.idempotent


# Calls


def test_submit_is_the_documented_request(apiin: ApiInOne):
    wanted = recorded("submit_ok")["request"]
    call = submit(apiin, negative_prompt="text", seed=42)
    assert (call.method, call.url, call.json) == (wanted["method"], wanted["url"], wanted["json"])
    assert call.headers["Authorization"] == wanted["headers"]["Authorization"]


def test_what_is_not_said_is_not_sent(apiin: ApiInOne):
    assert submit(apiin, "imagen-4-ultra").json == {
        "model": "imagen4-ultra",
        "prompt": "A photorealistic bowl of ramen",
        "aspect_ratio": "1:1",
        "num_images": 1,
    }


def test_the_callback_is_a_field_of_the_body(apiin: ApiInOne):
    assert submit(apiin, callback=HOOK).json["callback_url"] == HOOK
    assert "callback_url" not in submit(apiin).json


def test_a_task_is_asked_after_by_its_id(apiin: ApiInOne):
    wanted = recorded("task_in_progress")["request"]
    call = apiin.check("n47xxxx_imagen4")
    assert (call.method, call.url, call.json) == (wanted["method"], wanted["url"], None)


def test_it_has_no_list_no_catalogue_no_prices_and_no_balance(apiin: ApiInOne):
    (offer,) = apiin.offers["imagen-4"]
    assert (apiin.catalogue(), apiin.price(offer), apiin.balance()) == (None, (), ())


# Answers


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *[
            (word, State.PENDING)
            for word in ("pending", "queued", "IN_PROGRESS", "in_progress", "processing", "running")
        ],
        *[(word, State.DONE) for word in ("completed", "COMPLETED", "complete", "SUCCESS", "succeeded")],
        *[(word, State.FAILED) for word in ("failed", "FAILED", "failure", "ERROR", "cancelled")],
        *[(word, State.PENDING) for word in ("done?", "", None, 7, {"word": "completed"})],
    ],
)
def test_every_status_word_is_understood_and_no_other(apiin: ApiInOne, word: Any, state: State):
    assert apiin.read(reply_with(task(status=word))).state is state


@pytest.mark.parametrize(
    "document",
    [
        {"code": 200, "message": "success", "data": {"task_id": "n47", "status": "IN_PROGRESS"}},
        {"id": "n47", "status": "pending", "model": "imagen4", "created_at": "2026-11-20T10:00:00Z"},
        {"code": 200, "data": {"id": "n47", "status": "pending"}},
        {"task_id": "n47", "status": "queued"},
        {"id": "n47"},
        {"code": 500, "message": "oops", "data": {"task_id": "n47"}},
    ],
)
def test_a_task_with_an_id_was_taken_in_whatever_shape_it_comes(apiin: ApiInOne, document: Any):
    snapshot = apiin.read(reply_with(document))
    assert (snapshot.state, snapshot.remote_id) == (State.PENDING, "n47")


def test_an_answer_about_a_task_may_leave_out_its_id(apiin: ApiInOne):
    snapshot = apiin.read(reply_with({"code": 200, "data": {"status": "completed", "image_url": ONE}}))
    assert (snapshot.state, snapshot.remote_id, len(snapshot.outputs)) == (State.DONE, "", 1)


@pytest.mark.parametrize(
    "facts",
    [
        {"output": {"image_urls": [ONE, TWO]}},
        {"output": {"images": [{"url": ONE}, {"url": TWO}]}},
        {"output": {"urls": [ONE, TWO]}},
        {"output": [ONE, TWO]},
        {"output": [{"url": ONE}, {"url": TWO}]},
        {"outputs": [ONE, TWO]},
        {"outputs": [{"image": ONE}, {"image": TWO}]},
        {"images": [{"url": ONE}, {"url": TWO}]},
        {"images": [ONE, TWO]},
        {"image_urls": [ONE, TWO]},
        {"urls": [ONE, TWO]},
        {"result": {"images": [{"imageUrl": ONE}, {"imageUrl": TWO}]}},
        {"result": [ONE, TWO]},
        {"results": [{"content": {"url": ONE}}, {"content": {"url": TWO}}]},
        {"response": {"resultUrls": [ONE, TWO]}},
        {"output": {"0": ONE, "1": TWO}},
        {"image_url": ONE, "url": TWO},
        {"image_url": ONE, "images": [{"url": ONE, "width": 1024}, {"url": TWO}]},
    ],
)
def test_the_pictures_are_found_in_every_plausible_place_in_order_and_once(apiin: ApiInOne, facts: dict[str, Any]):
    assert addresses(apiin, task(**facts)) == [ONE, TWO]


@pytest.mark.parametrize(
    "document",
    [
        {"id": "n47", "status": "completed", "output": [ONE]},
        {"id": "n47", "status": "completed", "data": [{"url": ONE}]},
        {"code": 200, "data": {"task_id": "n47", "status": "SUCCESS"}, "output": {"image_url": ONE}},
    ],
)
def test_the_pictures_may_lie_outside_the_envelope(apiin: ApiInOne, document: Any):
    assert addresses(apiin, document) == [ONE]


def test_a_picture_may_come_inside_the_answer(apiin: ApiInOne):
    (output,) = apiin.read(reply_with(task(output="data:image/png;base64,aGVsbG8="))).outputs
    assert output.content() == b"hello"


@pytest.mark.parametrize(
    "facts",
    [
        {"error": ONE},
        {"error": {"url": ONE}},
        {"input": {"image_url": ONE}},
        {"input_urls": [ONE]},
        {"output": {"input_image": ONE, "prompt": ONE}},
        {"callback_url": ONE},
        {"webhook": {"url": ONE}},
        {"thumbnail_url": ONE},
        {"images": [{"thumbnail": ONE, "preview_url": TWO}]},
        {"urls": {"get": ONE, "cancel": TWO}},
        {"status_url": ONE},
        {"request": {"image": ONE}},
        {"params": {"reference_image": ONE}},
        {"model": ONE},
        {"docs": ONE},
        {"output": "soon"},
        {"output": "ftp://cdn.apiin.one/1.png"},
        {"output": "see https://cdn.apiin.one/1.png"},
        {"output": "https://cdn.apiin.one is down"},
        {"output": {"image_urls": [None, 7, {}, [], ""]}},
        {},
    ],
)
def test_nothing_else_is_taken_for_a_picture(apiin: ApiInOne, facts: dict[str, Any]):
    snapshot = apiin.read(reply_with(task(**facts)))
    assert (snapshot.state, snapshot.outputs) == (State.DONE, ())


@pytest.mark.parametrize("word", ["IN_PROGRESS", "failed", "ready"])
def test_a_picture_does_not_mean_done_without_the_word(apiin: ApiInOne, word: str):
    snapshot = apiin.read(reply_with(task(status=word, output=[ONE])))
    assert (snapshot.state is State.DONE, snapshot.outputs) == (False, ())


@pytest.mark.parametrize("depth", [9, 50, 900, 5_000])
def test_what_is_buried_too_deep_is_not_looked_for(apiin: ApiInOne, depth: int):
    body = json.dumps(task(output=[])).replace("[]", "[" * depth + f'"{ONE}"' + "]" * depth)
    try:
        assert apiin.read(Reply(status=200, body=body.encode())).outputs == ()
    except Unreadable:
        assert depth > 500  # Python's own reader of JSON gives up somewhere


KEYS = st.sampled_from(["data", "task_id", "id", "status", "error", "code", "message", "output", "images", "url", "x"])
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from([ONE, "completed", "failed"])
)
ANYTHING = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


@given(document=st.dictionaries(KEYS, ANYTHING))
def test_no_answer_whatever_is_more_than_news_or_a_known_error(document: dict[str, Any]):
    with suppress(ProviderError):
        assert sound(ApiInOne(api_key="aio_test_key").read(reply_with(document)))
    with suppress(BadSignature):
        assert ApiInOne().ring({}, json.dumps(document).encode())


@pytest.mark.parametrize(
    ("facts", "code", "words"),
    [
        ({"error": "Content policy violation"}, "content_filtered", "Content policy violation"),
        ({"error": {"message": "Out of memory"}}, "provider_failed", "Out of memory"),
        ({"message": "Upstream failed"}, "provider_failed", "Upstream failed"),
        ({"error": {"type": "server_error"}}, "provider_failed", "server_error"),
        ({}, "provider_failed", ""),
    ],
)
def test_a_failed_task_says_why_as_far_as_it_does(apiin: ApiInOne, facts: dict[str, Any], code: str, words: str):
    failure = apiin.read(reply_with(task(status="failed", **facts))).failure
    assert failure is not None
    assert (failure.code, failure.message) == (code, words)


def test_a_flat_task_that_failed_is_no_refusal(apiin: ApiInOne):
    assert apiin.read(reply_with({"id": "n47", "status": "failed", "error": "no"})).state is State.FAILED


# Refusals


@pytest.mark.parametrize(
    ("document", "error", "code"),
    [
        ({"error": {"code": 400, "message": "Invalid parameters"}}, Declined, "provider_rejected"),
        ({"error": {"code": 401, "message": "Invalid API key"}}, Declined, "provider_auth"),
        ({"error": {"code": 402, "message": "top up"}}, Declined, "provider_insufficient_credits"),
        ({"error": {"code": 404, "message": "Task not found"}}, NotFound, "model_retired"),
        ({"error": {"code": 429, "message": "slow down"}, "id": "req_1"}, Busy, "provider_rate_limited"),
        ({"error": {"code": 500, "message": "oops"}}, Unclear, "provider_unavailable"),
        ({"code": 400, "message": "Invalid parameters", "data": None}, Declined, "provider_rejected"),
        ({"code": 400, "message": "no", "data": {"status": "failed"}}, Declined, "provider_rejected"),
        ({"code": 401, "error": "Invalid API key"}, Declined, "provider_auth"),
        ({"error": "Insufficient credits"}, Declined, "provider_insufficient_credits"),
        ({"error": "no"}, Unclear, "provider_protocol_error"),
        ({"error": {"code": "400", "message": "no"}}, Unclear, "provider_protocol_error"),
        ({"code": 200, "message": "success", "data": None}, Unreadable, "provider_protocol_error"),
        ({"code": 200, "data": {"model": "imagen4"}}, Unreadable, "provider_protocol_error"),
        ({"code": 200, "data": ["n47"]}, Unreadable, "provider_protocol_error"),
        ({"code": True, "data": None}, Unreadable, "provider_protocol_error"),
    ],
)
def test_http_200_does_not_mean_success(apiin: ApiInOne, document: Any, error: type[Exception], code: str):
    with pytest.raises(error) as caught:
        apiin.read(reply_with(document))
    assert (type(caught.value), caught.value.code) == (error, code)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"error": {"code": 400, "message": "Invalid parameters", "type": "invalid_request"}}, "Invalid parameters"),
        ({"error": {"type": "invalid_request"}}, "invalid_request"),
        ({"error": "Invalid parameters"}, "Invalid parameters"),
        ({"code": 400, "message": "Invalid parameters"}, "Invalid parameters"),
        ({}, ""),
    ],
)
def test_a_refusal_is_told_in_its_own_words(apiin: ApiInOne, document: Any, words: str):
    with pytest.raises(Declined) as caught:
        apiin.read(reply_with(document, 400))
    assert caught.value.message == words


# Callbacks


@pytest.mark.parametrize(
    "body",
    [
        {"code": 200, "message": "success", "data": {"task_id": "n47", "status": "completed"}},
        {"code": 500, "data": {"task_id": "n47", "status": "failed", "error": "no"}},
        {"task_id": "n47", "status": "completed"},
        {"id": "n47"},
        {"data": {"id": "n47"}},
    ],
)
def test_a_callback_names_its_task_in_any_shape(apiin: ApiInOne, body: Any):
    assert apiin.ring({}, json.dumps(body).encode()) == "n47"


@pytest.mark.parametrize("body", [{"status": "completed"}, {"data": {"status": "completed"}}, {"id": "a/b"}, {"id": 7}])
def test_a_callback_about_nothing_is_refused(apiin: ApiInOne, body: Any):
    with pytest.raises(BadSignature):
        apiin.ring({}, json.dumps(body).encode())


@pytest.mark.parametrize(("name", "claim"), [("callback_completed", None)])
def test_a_webhook_claims_an_end_only_where_it_is_signed(apiin: ApiInOne, name: str, claim: State | None):
    recorded = json.loads((FIXTURES / f"{name}.json").read_bytes())
    assert apiin.claimed(recorded["delivery"]["body"].encode()) is claim
