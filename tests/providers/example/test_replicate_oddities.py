"""What is odd about Replicate, and that a site gets all of it: names, prices, webhooks, predictions found again."""

from __future__ import annotations

import base64
import hmac
import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from imagen_replicate import Replicate

from imagen import hooks, pipeline, presentation, signatures
from imagen.exceptions import BadSignature, Declined, Unreadable, UnsupportedParameter
from imagen.offers import Offer, Price
from imagen.testing.bodies import reply_with
from imagen.types import Call, ImageRequest, Snapshot, State

HERE = Path(__file__).parent
HOOK = "https://cms.example.com/imagen/hooks/replicate/8f3c/"
SINCE, UNTIL = datetime(2026, 11, 20, 10, tzinfo=UTC), datetime(2026, 11, 20, 11, tzinfo=UTC)
DELIVERY = json.loads((HERE / "fixtures" / "webhook_completed.json").read_bytes())
SECRET, HEADERS, BODY = DELIVERY["secret"], DELIVERY["delivery"]["headers"], DELIVERY["delivery"]["body"].encode()


@pytest.fixture
def replicate() -> Replicate:
    return Replicate(api_key="r8_test", webhook_secret=SECRET)


@pytest.fixture
def site(settings: Any) -> None:
    """A site that has Replicate, and an address where it may ring."""
    options = {"api_key": "r8_test", "webhook_secret": SECRET}
    settings.DEBUG = False
    settings.IMAGEN = {
        "PROVIDERS": {"replicate": {"BACKEND": "imagen_replicate.Replicate", "OPTIONS": options}},
        "PUBLIC_URL": "https://cms.example.com",
    }


def sold(model: str) -> Offer:
    (offer,) = Replicate.offers[model]
    return offer


def submit(replicate: Replicate, model: str, *, callback: str = "", **options: Any) -> Call:
    request = sold(model).settle(ImageRequest(prompt="A lighthouse", **options))
    return replicate.submit(request, offer=sold(model), key="k", callback=callback)


def news(replicate: Replicate, **said: Any) -> Snapshot:
    return replicate.read(reply_with({"id": "p1", "status": "succeeded", "output": None, **said}))


def signed(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """The headers of a delivery made now."""
    sent_at, key = str(int(time.time())), base64.b64decode(secret.removeprefix("whsec_"))
    digest = hmac.digest(key, f"msg_1.{sent_at}.".encode() + body, "sha256")
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"webhook-id": "msg_1", "webhook-timestamp": sent_at, "webhook-signature": signature}


# The module


def test_a_complete_vendor_takes_at_most_a_hundred_lines():
    assert len((HERE / "imagen_replicate.py").read_text().splitlines()) <= 100


# Offers


def test_a_price_that_nobody_publishes_is_unknown():
    assert sold("imagen-4-fast").price == Price.of("0.02")
    assert sold("imagen-4").cost(1) is None


@pytest.mark.usefixtures("site")
def test_a_model_that_only_this_vendor_knows_has_its_name_on_the_site():
    names = {each["id"]: each["name"] for each in presentation.models_json()}
    assert names["flux-schnell"] == "FLUX.1 Schnell"
    assert names["imagen-4"] == "Imagen 4"


def test_what_a_model_cannot_do_is_refused_before_anybody_pays():
    with pytest.raises(UnsupportedParameter) as caught:
        sold("imagen-4").verify(ImageRequest(prompt="A lighthouse", seed=7))
    assert [error.field for error in caught.value.errors] == ["seed"]


def test_pictures_are_kept_for_an_hour():
    assert Replicate.retention == 3600


# Calls


def test_parameters_go_out_under_the_names_replicate_has_for_them(replicate: Replicate):
    call = submit(replicate, "flux-schnell", num_images=3, seed=7, output_format="jpeg", aspect_ratio="21:9")
    assert call.url == "https://api.replicate.com/v1/models/black-forest-labs/flux-schnell/predictions"
    asked = {"prompt": "A lighthouse", "aspect_ratio": "21:9", "num_outputs": 3, "seed": 7, "output_format": "jpg"}
    assert call.json == {"input": asked}


def test_imagen_makes_one_picture_a_prediction():
    assert [part.num_images for part in sold("imagen-4").split(ImageRequest(prompt="x", num_images=3))] == [1, 1, 1]


def test_the_webhook_stands_in_the_body_and_rings_once(replicate: Replicate):
    asked = submit(replicate, "imagen-4", callback=HOOK).json
    assert (asked["webhook"], asked["webhook_events_filter"]) == (HOOK, ["completed"])
    assert submit(replicate, "imagen-4").json.keys() == {"input"}


# Answers


@pytest.mark.parametrize("word", ["failed", "canceled", "aborted"])
def test_each_of_its_words_for_the_end_is_a_failure(replicate: Replicate, word: str):
    failure = news(replicate, status=word, error="CUDA out of memory").failure
    assert failure is not None
    assert (failure.code, failure.message) == ("provider_failed", "CUDA out of memory")


def test_one_address_or_a_list_of_them_are_pictures(replicate: Replicate):
    url = "https://replicate.delivery/x/out-0.png"
    assert [output.url for output in news(replicate, output=url).outputs] == [url]
    assert [output.url for output in news(replicate, output=[url, url + "?2"]).outputs] == [url, url + "?2"]


def test_an_output_deleted_after_its_hour_is_told_as_expired(replicate: Replicate):
    snapshot = news(replicate, data_removed=True)
    assert snapshot.state is State.FAILED
    assert snapshot.failure is not None
    assert snapshot.failure.code == "output_expired"


@pytest.mark.parametrize(
    ("name", "words"), [("error_422", "- input.aspect_ratio: must be one of"), ("error_402", "You have insufficient")]
)
def test_its_errors_are_told_in_its_own_words(replicate: Replicate, name: str, words: str):
    answer = json.loads((HERE / "fixtures" / f"{name}.json").read_bytes())["response"]
    with pytest.raises(Declined) as caught:
        replicate.read(reply_with(answer["json"], answer["status"]))
    assert caught.value.message.startswith(words)


def test_it_says_which_model_answered(replicate: Replicate):
    assert news(replicate, model="google/imagen-4").model == "google/imagen-4"


# Webhooks


def test_without_a_secret_no_webhook_is_asked_for(replicate: Replicate):
    assert replicate.calls_back
    assert not Replicate(api_key="r8_test").calls_back


def test_the_recorded_delivery_names_its_prediction(replicate: Replicate, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(signatures, "clock", lambda: float(HEADERS["webhook-timestamp"]))
    assert replicate.ring(HEADERS, BODY) == "ufawqhfynnddngldkgtslldrkq"


def test_a_delivery_that_another_key_signed_is_refused(replicate: Replicate):
    with pytest.raises(BadSignature):
        replicate.ring(signed(BODY, "whsec_b3RoZXI="), BODY)


@pytest.mark.usefixtures("site", "transactional_db")
def test_replicate_may_ring_at_the_address_it_was_given(client: Any):
    job = pipeline.request(prompt="A lighthouse", model="imagen-4").jobs.get()
    path = urlsplit(hooks.address(job, Replicate(api_key="r8_test", webhook_secret=SECRET))).path
    rings = [client.post(path, BODY, content_type="application/json", headers=head) for head in ({}, signed(BODY))]
    assert [ring.status_code for ring in rings] == [401, 204]


# Predictions whose answer was lost


def test_the_list_is_asked_for_the_time_in_question(replicate: Replicate):
    asked = {"created_after": "2026-11-20T10:00:00+00:00", "created_before": "2026-11-20T11:00:00+00:00"}
    call = replicate.find(offer=sold("imagen-4"), since=SINCE, until=UNTIL)
    assert (call.url, call.params) == ("https://api.replicate.com/v1/predictions", asked)
    further = replicate.find(offer=sold("imagen-4"), since=SINCE, until=UNTIL, after="abc")
    assert further.params == {**asked, "cursor": "abc"}


def test_a_page_of_the_list_shows_predictions_as_they_were_sent(replicate: Replicate):
    sent = submit(replicate, "imagen-4").json
    item = {"id": "p1", "model": "google/imagen-4", "created_at": "2026-11-20T10:00:00.907244Z", "data_removed": False}
    gone = {**item, "id": "p2", "data_removed": True, "input": {}}
    listed = {"next": "https://api.replicate.com/v1/predictions?cursor=abc", "results": [{**item, **sent}, gone]}
    found = replicate.read_found(reply_with(listed))
    assert [(trace.remote_id, trace.inputs) for trace in found.traces] == [("p1", sent), ("p2", None)]
    assert (found.traces[0].made_at.second, found.more) == (0, "abc")
    assert replicate.read_found(reply_with({"next": None, "results": []})).more == ""


def test_a_prediction_in_the_list_that_cannot_be_read_is_left_out(replicate: Replicate):
    assert replicate.read_found(reply_with({"next": None, "results": [{"id": "p1"}, 7]})).traces == ()


@pytest.mark.parametrize("listed", [{}, {"next": 7, "results": []}, {"next": None, "results": {}}])
def test_a_list_in_another_shape_is_unreadable(replicate: Replicate, listed: dict[str, Any]):
    with pytest.raises(Unreadable):
        replicate.read_found(reply_with(listed))
