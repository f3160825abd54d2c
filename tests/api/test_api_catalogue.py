"""Models and prices."""

from __future__ import annotations

import pytest

from imagen.models import Generation
from tests import factories
from tests.api.conftest import Api


def test_every_model_on_sale_is_listed_with_its_offers(ann):
    models = {model["id"]: model for model in ann.get("models/").json()}
    old, new = models["imagen-4"], models["nano-banana-2.1"]
    assert list(old) == ["id", "name", "retired_upstream_on", "successor", "offers"]
    assert (old["name"], old["retired_upstream_on"], old["successor"]) == ("Imagen 4", "2026-08-17", "nano-banana-2.1")
    assert (new["retired_upstream_on"], new["successor"]) == (None, None)
    assert {offer["provider"] for offer in old["offers"]} == {"wavespeed", "sandbox"}
    prices = {offer["provider_model"]: offer["price"] for offer in old["offers"]}
    assert prices["google/imagen4"] == "0.0380"
    assert new["offers"][0]["price"] is None


def test_an_offer_says_what_may_be_sent(ann):
    offer = ann.get("models/").json()[0]["offers"][0]
    assert list(offer) == [
        *("provider", "provider_model", "price", "unit", "parameters", "idempotent", "webhooks", "images_per_call"),
    ]
    assert offer["parameters"]["properties"]["aspect_ratio"]["enum"]
    assert offer["parameters"]["additionalProperties"] is False
    assert isinstance(offer["idempotent"], bool)
    assert isinstance(offer["webhooks"], bool)


def test_a_provider_without_a_key_sells_nothing(ann, settings):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": {"BACKEND": "imagen.providers.wavespeed.WaveSpeed"}}}
    assert ann.get("models/").json() == []


def test_the_sites_own_model_has_a_name_too(ann, settings):
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"sandbox": {"house-style": {"id": "house/1", "price": "1.5"}}}}
    found = {model["id"]: model for model in ann.get("models/").json()}["house-style"]
    assert (found["name"], found["offers"][0]["price"]) == ("house-style", "1.5000")


def test_a_quote_prices_a_request_and_queues_nothing(ann):
    body = ann.post("quotes/", {"prompt": "x", "provider": "wavespeed", "num_images": 3}).json()
    assert list(body) == ["estimated", "unit", "provider", "allowed", "remaining", "warnings", "budget"]
    assert (body["estimated"], body["unit"], body["provider"]) == ("0.1140", "USD", "wavespeed")
    assert (body["allowed"], body["remaining"]) == (True, None)
    assert body["warnings"][0]["code"] == "model_retired_upstream"
    assert "Aug. 17, 2026" in body["warnings"][0]["message"]
    assert "Nano Banana 2.1" in body["warnings"][0]["message"]
    assert not Generation.objects.exists()


def test_an_unknown_price_is_said_to_be_unknown(ann):
    body = ann.post("quotes/", {"prompt": "x", "model": "nano-banana-2.1", "provider": "wavespeed"}).json()
    assert body["estimated"] is None
    assert [warning["code"] for warning in body["warnings"]] == ["price_unknown"]
    assert "WaveSpeed" in body["warnings"][0]["message"]


def test_those_who_may_not_generate_see_the_price_and_that_they_may_not(db):
    reader = Api(factories.person("reader"))
    assert reader.post("quotes/", {"prompt": "x"}).json()["allowed"] is False


@pytest.mark.parametrize(
    "body", [{}, {"prompt": ""}, {"prompt": "x", "num_images": "4"}, {"prompt": "x", "metadata": []}, {"x": 1}]
)
def test_a_quote_is_refused_as_the_request_would_be(ann, problem, body):
    quoted = problem(ann.post("quotes/", body), 400)
    asked = problem(ann.post("generations/", body), 400)
    assert {**quoted, "request_id": ""} == {**asked, "request_id": ""}


def test_a_quote_takes_whatever_the_request_takes(ann):
    assert ann.post("quotes/", {"prompt": "x", "metadata": {"a": 1}}).status_code == 200
