"""The page about the gateways says what the code says."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

import imagen
from imagen.offers import BANANA_RATIOS, IMAGEN_RATIOS, MODELS, WIDE_RATIOS, Offer
from imagen.providers.apiframe import Apiframe
from imagen.providers.apiin import ApiInOne
from imagen.providers.base import Provider
from imagen.providers.wavespeed import WaveSpeed
from imagen.testing.bodies import NOON

PAGE = (Path(imagen.__file__).parent.parent / "docs" / "reference" / "providers.md").read_text()
VENDORS: tuple[type[Provider], ...] = (WaveSpeed, Apiframe, ApiInOne)
RATIOS = {IMAGEN_RATIOS: "5", BANANA_RATIOS: "10", WIDE_RATIOS: "14"}


def row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |\n"


def yes(fact: object) -> str:
    return "yes" if fact else "no"


def sold(offer: Offer) -> str:
    """The line of one offer in the table of its gateway."""
    price = "unknown" if offer.price.amount is None else f"{offer.price.amount} {offer.price.unit}"
    return row(
        f"`{offer.model}`",
        f"`{offer.id}`",
        RATIOS[offer.aspect_ratios],
        ", ".join(offer.resolutions) or "–",
        ", ".join(offer.output_formats) or "–",
        yes(offer.negative_prompt),
        yes(offer.seed),
        str(offer.images_per_call),
        f"{offer.min_prompt}–{offer.max_prompt}",
        price,
    )


def abilities(kind: type[Provider]) -> str:
    """The line of one gateway in the table of what it can do."""
    provider = kind(api_key="key", webhook_secret="whsec_a")
    offer = next(chain.from_iterable(kind.offers.values()))
    asked = (
        provider.find(offer=offer, since=NOON, until=NOON),
        provider.catalogue(),
        provider.price(offer),
        provider.balance(),
    )
    kept = f"{kind.retention / 3600:g} h"
    return row(kind.label, yes(kind.idempotent), yes(provider.calls_back), *map(yes, asked), kept)


@pytest.mark.parametrize("kind", VENDORS)
def test_every_offer_is_on_the_page_as_it_is_sold(kind: type[Provider]):
    assert [line for offer in chain.from_iterable(kind.offers.values()) if (line := sold(offer)) not in PAGE] == []


def test_no_other_offer_is_on_the_page():
    rows = [line for line in PAGE.splitlines() if line.startswith(tuple(f"| `{model}` |" for model in MODELS))]
    assert len(rows) == sum(len(offers) for kind in VENDORS for offers in kind.offers.values())


@pytest.mark.parametrize("kind", VENDORS)
def test_what_a_gateway_can_do_is_on_the_page(kind: type[Provider]):
    assert abilities(kind) in PAGE


@pytest.mark.parametrize("kind", VENDORS)
def test_where_a_gateway_lives_and_how_it_is_set_up_is_on_the_page(kind: type[Provider]):
    assert f"`{kind.origin}`" in PAGE
    assert f"`{kind.__module__}.{kind.__name__}`" in PAGE
