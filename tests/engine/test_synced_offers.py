"""An offer that a sync brought is made by workers that were started before it."""

from __future__ import annotations

import json
from typing import Any

from imagen import listings, registry, shelf
from imagen.testing.gateway import Gateway

FAST = "wavespeed-ai/imagen4-fast"


def test_a_worker_that_has_not_heard_of_an_offer_yet_sends_all_that_was_asked(
    ask: Any, work: Any, imagen_gateway: Gateway
):
    imagen_gateway.prices["wavespeed", FAST] = 0.01
    listings.sync(["wavespeed"])
    generation = ask(model=FAST, resolution="2k", negative_prompt="fog", num_images=2)
    shelf.prime()  # the worker read the listings a moment before the sync
    work()
    generation.refresh_from_db()
    assert generation.status == "completed"
    (sent,) = [json.loads(call.body) for call in imagen_gateway.calls if call.path.endswith(FAST)]
    assert sent == {
        "prompt": "a lighthouse",
        "aspect_ratio": "1:1",
        "resolution": "2k",
        "negative_prompt": "fog",
        "num_images": 2,
    }


def test_an_offer_that_is_no_longer_listed_is_still_made(made: Any, imagen_gateway: Gateway):
    imagen_gateway.unlisted.add(("wavespeed", "wavespeed-ai/imagen4"))
    listings.sync(["wavespeed"])
    assert "wavespeed-ai/imagen4" in registry.gone("wavespeed")
    generation = made(model="wavespeed-ai/imagen4")
    assert (generation.status, generation.jobs.get().provider_model) == ("completed", "wavespeed-ai/imagen4")
