"""``imagen_models``: the catalogue on one screen, or as the interface answers it."""

from __future__ import annotations

import json
from typing import Any

WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "wsk_secret"}}


def test_each_model_has_its_end_its_successor_and_its_offers(run, settings: Any):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
    told = run("imagen_models").splitlines()
    assert told[0] == "imagen-4  Imagen 4, retired upstream on 2026-08-17, successor nano-banana-2.1"
    assert told[1] == "    wavespeed  google/imagen4  0.0380 USD a picture"
    assert told[2].strip() == "aspect_ratio 1:1 16:9 9:16 4:3 3:4; resolution 1k 2k; negative_prompt; seed"
    assert "nano-banana-2.1  Nano Banana 2.1" in told


def test_a_price_nobody_says_is_unknown(run, settings: Any):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
    assert "google/nano-banana-2.1/text-to-image  price unknown" in run("imagen_models")


def test_json_is_what_the_interface_answers(run, settings: Any, client: Any, django_user_model: Any, db: None):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
    client.force_login(django_user_model.objects.create_user("ann"))
    assert json.loads(run("imagen_models", "--json")) == client.get("/api/imagen/v1/models/").json()


def test_a_site_without_a_provider_has_nothing_on_sale(run, settings: Any):
    settings.IMAGEN = {"PROVIDERS": {}}
    assert run("imagen_models").strip() == "Nothing is on sale here."
