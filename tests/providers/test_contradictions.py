"""Where the vendors' own pages contradict each other or their clients: what we do about each, C1 to C23."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import Any

import httpx
import pytest

from imagen import files
from imagen.exceptions import BadSignature, Declined, InvalidRequest, NotFound, ProviderError
from imagen.offers import MODELS, Offer
from imagen.providers.apiframe import Apiframe
from imagen.providers.apiin import ApiInOne
from imagen.providers.base import Provider
from imagen.providers.wavespeed import WaveSpeed
from imagen.signatures import body_digest, verify_hex
from imagen.testing import Gateway
from imagen.testing.bodies import NOON, reply_with
from imagen.testing.pictures import picture
from imagen.types import Call, ImageRequest, State

FIXTURES = Path(__file__).parent.parent / "fixtures"
HOOK = "https://cms.example.com/imagen/hooks/any/8f3c/"
VENDORS: tuple[type[Provider], ...] = (WaveSpeed, Apiframe, ApiInOne)


def vendor(kind: type[Provider], **options: Any) -> Provider:
    return kind(**{"api_key": "key_test", "webhook_secret": "whsec_test", **options})


def offer(kind: type[Provider], name: str) -> Offer:
    return next(found for found in chain.from_iterable(kind.offers.values()) if found.id == name)


def submit(kind: type[Provider], name: str, *, callback: str = "", **options: Any) -> Call:
    sold = offer(kind, name)
    request = sold.settle(ImageRequest(prompt="A lighthouse", **options))
    return vendor(kind).submit(request, offer=sold, key="k", callback=callback)


def recorded(vendor: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / vendor / f"{name}.json").read_bytes())
    return found


def job(**facts: Any) -> Any:
    """A job of Apiframe's, read."""
    return vendor(Apiframe).read(reply_with({"id": "a1", "status": "COMPLETED", "result": None, **facts}))


@pytest.fixture
def client(imagen_gateway: Gateway) -> Iterator[httpx.Client]:
    """WaveSpeed's wire at the gateway of this test."""
    headers = {"Authorization": "Bearer wsk_test"}
    with httpx.Client(base_url=imagen_gateway.url, headers=headers, trust_env=False) as found:
        yield found


def test_c1_a_prompt_is_required_whatever_the_sample_leaves_out(client: httpx.Client):
    with pytest.raises(InvalidRequest):
        ImageRequest(prompt="  ")
    assert client.post("/api/v3/google/imagen4", json={"aspect_ratio": "1:1"}).status_code == 400


def test_c2_a_result_is_asked_for_at_the_address_of_the_clients_and_both_are_served(client: httpx.Client):
    data = client.post("/api/v3/google/imagen4", json={"prompt": "A lighthouse"}).json()["data"]
    path = vendor(WaveSpeed).check(data["id"]).url.removeprefix(WaveSpeed.origin)
    assert path == f"/api/v3/predictions/{data['id']}/result"
    assert {client.get(asked).status_code for asked in (path, path.removesuffix("/result"))} == {200}


def test_c3_balance_and_price_are_looked_for_at_both_addresses():
    wavespeed = vendor(WaveSpeed)
    asked = (*wavespeed.balance(), *wavespeed.price(offer(WaveSpeed, "google/imagen4")))
    paths = [call.url.removeprefix("https://api.wavespeed.ai/api/v3/") for call in asked]
    assert paths == ["balance", "account/balance", "model/price", "model/pricing"]
    with pytest.raises(NotFound):  # the sign to try the next
        wavespeed.read_balance(reply_with({"code": 404, "message": "not found"}, 404))


def test_c4_the_webhook_of_wavespeed_is_a_query_parameter_and_no_field():
    call = submit(WaveSpeed, "google/imagen4", callback=HOOK)
    assert (dict(call.params), HOOK in str(call.json)) == ({"webhook": HOOK}, False)


def test_c5_the_history_of_wavespeed_is_posted_for():
    call = vendor(WaveSpeed).find(offer=offer(WaveSpeed, "google/imagen4"), since=NOON, until=NOON)
    assert call is not None
    assert call.method == "POST"


def test_c6_wavespeeds_own_sample_of_a_signature_is_refused_and_the_documented_rule_followed():
    found = recorded("wavespeed", "webhook_docs_example_DOES_NOT_VERIFY")
    headers, body = found["delivery"]["headers"], found["delivery"]["body"].encode()
    rule = {"keys": [found["secret"].removeprefix("whsec_").encode()], "version": "v3"}
    now = float(headers["webhook-timestamp"])
    with pytest.raises(BadSignature):
        verify_hex(headers, body, now=now, **rule)
    verify_hex({**headers, "webhook-signature": found["recomputed_signature"]}, body, now=now, **rule)


def test_c7_all_seven_words_of_the_clients_are_known_and_another_means_not_finished():
    told = {word: vendor(WaveSpeed).state(word) for word in ("created", "processing", "completed", "unheard-of")}
    assert list(told.values()) == [State.PENDING, State.PENDING, State.DONE, State.PENDING]
    assert {vendor(WaveSpeed).state(word) for word in ("failed", "cancelled", "timeout", "deleted")} == {State.FAILED}


@pytest.mark.parametrize(("kind", "name"), [(WaveSpeed, "google/imagen4"), (ApiInOne, "imagen4")])
def test_c8_a_seed_of_minus_one_is_not_sent_and_apiframe_has_none(kind: type[Provider], name: str):
    assert "seed" not in submit(kind, name, seed=-1).json
    assert submit(kind, name, seed=0).json["seed"] == 0
    assert not any(sold.seed for sold in chain.from_iterable(Apiframe.offers.values()))


def test_c9_a_resolution_is_written_as_each_vendor_writes_it():
    assert submit(WaveSpeed, "google/imagen4", resolution="2k").json["resolution"] == "2k"
    assert submit(Apiframe, "imagen-4", resolution="2k").json["imagenParams"]["image_size"] == "2K"
    assert submit(Apiframe, "nano-banana-2", resolution="2k").json["nanoBananaParams"]["resolution"] == "2K"


def test_c10_the_webhook_of_apiframe_is_written_in_camel_case():
    body = submit(Apiframe, "imagen-4", callback=HOOK).json
    assert (body["webhookUrl"], "webhook_url" in body) == (HOOK, False)
    refusal = recorded("apiframe", "error_400_unknown_key_webhook_url")["response"]
    with pytest.raises(Declined, match="webhook_url"):
        vendor(Apiframe).read(reply_with(refusal["json"], refusal["status"]))


def test_c11_imagen_at_apiframe_has_three_parameters():
    call = submit(Apiframe, "imagen-4", aspect_ratio="16:9", resolution="2k", output_format="png")
    assert call.json["imagenParams"] == {"aspect_ratio": "16:9", "image_size": "2K", "output_format": "png"}


def test_c12_seven_credits_are_expected_and_what_the_job_says_is_paid():
    assert offer(Apiframe, "imagen-4").price.amount == 7
    assert job(creditCost=4).cost == Decimal(4)


def test_c13_apiframe_is_trusted_to_keep_pictures_for_a_day_and_no_longer():
    assert Apiframe.retention == 24 * 3600


def test_c14_a_result_is_taken_in_both_shapes_and_the_state_of_the_webhook_is_ignored():
    shapes = ["https://a/1.png", {"images": ["https://a/1.png"]}]
    told = {job(result=shape, webhookStatus=word) for shape in shapes for word in ("sent", "delivered")}
    assert len(told) == 1


def test_c15_a_format_is_read_from_the_bytes_and_not_from_a_name():
    (output,) = job(result="https://cdn2.apiframe.ai/images/1.jpg").outputs
    png = files.prepare(picture(output.url, (64, 64)), system="imagen-4")
    assert png.format == "png"


def test_c16_the_models_of_api_in_one_have_the_names_of_its_samples():
    assert [sold.id for (sold,) in ApiInOne.offers.values()] == ["imagen4", "imagen4-fast", "imagen4-ultra"]
    renamed = offer(ApiInOne, "imagen4").amend({"id": "imagen-4"})  # a site may say otherwise
    assert vendor(ApiInOne).submit(ImageRequest(prompt="A bowl"), offer=renamed, key="k").json["model"] == "imagen-4"


def test_c17_api_in_one_is_told_one_model():
    assert submit(ApiInOne, "imagen4-fast").json["model"] == "imagen4-fast"


@pytest.mark.parametrize(
    ("word", "state"),
    [
        *[(word, State.PENDING) for word in ("IN_PROGRESS", "pending", "queued", "processing", "running", "other")],
        *[(word, State.DONE) for word in ("completed", "complete", "SUCCESS", "succeeded")],
        *[(word, State.FAILED) for word in ("failed", "FAILURE", "error", "cancelled")],
    ],
)
def test_c18_every_word_anybody_saw_at_api_in_one_is_known(word: str, state: State):
    assert vendor(ApiInOne).state(word) is state


@pytest.mark.parametrize(
    "document",
    [
        {"error": {"code": 401, "message": "Invalid API key"}},
        {"code": 401, "message": "Invalid API key", "data": None},
        {"code": 401, "error": "Invalid API key"},
    ],
)
def test_c19_an_error_of_api_in_one_is_read_in_all_three_envelopes(document: Any):
    for status in (200, 401):
        with pytest.raises(ProviderError) as caught:
            vendor(ApiInOne).read(reply_with(document, status))
        assert (caught.value.code, caught.value.message) == ("provider_auth", "Invalid API key")


@pytest.mark.parametrize("remote_id", ["task_abc123", "n47xxxx_imagen4", "x" * 255])
def test_c20_an_id_of_api_in_one_means_nothing_to_us(remote_id: str):
    snapshot = vendor(ApiInOne).read(reply_with({"code": 200, "data": {"task_id": remote_id, "status": "pending"}}))
    assert vendor(ApiInOne).check(snapshot.remote_id).url.endswith(f"/tasks/{remote_id}")


def test_c21_api_in_one_is_paid_in_credits_whatever_they_cost():
    prices = {sold.id: (sold.price.amount, sold.price.unit) for (sold,) in ApiInOne.offers.values()}
    assert prices == {"imagen4": (8, "credits"), "imagen4-fast": (4, "credits"), "imagen4-ultra": (12, "credits")}


def test_c22_a_resolution_that_a_model_does_not_have_is_refused_by_name():
    for kind, name in ((WaveSpeed, "wavespeed-ai/imagen4"), (WaveSpeed, "google/imagen4-fast"), (ApiInOne, "imagen4")):
        misfits = offer(kind, name).misfits(ImageRequest(prompt="A lighthouse", resolution="2k"))
        assert [error.field for error in misfits] == ["resolution"]


def test_c23_dates_are_data_and_only_sizes_nobody_disputes_are_offered():
    assert MODELS["imagen-4"].retired_upstream_on == date(2026, 8, 17)
    assert offer(WaveSpeed, "google/imagen4").amend({"retired_upstream_on": "2026-06-30"}).retired_upstream_on == date(
        2026, 6, 30
    )
    sold = chain.from_iterable(chain.from_iterable(kind.offers.values()) for kind in VENDORS)
    assert set(chain.from_iterable(each.resolutions for each in sold)) == {"1k", "2k", "4k"}


def test_apiframe_signs_with_the_bytes_of_a_digest_or_with_its_digits():
    body, digest = b'{"jobId": "a1"}', sha256(b"key_test")
    for key in (digest.digest(), digest.hexdigest().encode()):
        assert vendor(Apiframe).ring({"x-webhook-signature": f"sha256={body_digest(key, body)}"}, body) == "a1"


def test_wavespeed_writes_times_to_the_nanosecond():
    items = recorded("wavespeed", "history_ok")["response"]["json"]
    (trace,) = vendor(WaveSpeed).read_found(reply_with(items)).traces
    assert trace.made_at == datetime(2026, 11, 20, 9, 12, 48, 239112, tzinfo=UTC)
