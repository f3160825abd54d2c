"""What of a provider's list can be kept and sold, whoever wrote its provider."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from imagen import listings, registry
from imagen.listings import usable
from imagen.models import Listing
from imagen.offers import Offer, Price
from imagen.providers.wavespeed import WaveSpeed
from imagen.testing import Gateway

GOOD = Offer(model="imagen-5", id="google/imagen5", resolutions=("1k", "2k"), price=Price.of("0.05"))


def test_a_good_offer_is_kept_as_it_is():
    assert usable([GOOD]) == (GOOD,)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": ""},
        {"id": "x" * 151},
        {"id": "a\x00b"},
        {"id": "a\x1b[31m"},
        {"id": "\ud800"},
        {"id": None},
        {"model": ""},
        {"model": "x" * 101},
        {"model": 7},
        {"aspect_ratios": ()},
        {"aspect_ratios": ("wide",)},
        {"aspect_ratios": None},
        {"images_per_call": 0},
        {"images_per_call": "4"},
        {"seed": 1},
        {"poll_seconds": float("nan")},
        {"poll_seconds": -1.0},
    ],
)
def test_what_could_not_be_stored_or_sold_is_left_out(changes: dict[str, Any]):
    assert usable([replace(GOOD, **changes)]) == ()


def test_words_we_do_not_know_are_left_out():
    strange = replace(GOOD, resolutions=("8k", "2k"), output_formats=("tiff",), aspect_ratios=("1:1", "π"))
    (offer,) = usable([strange])
    assert (offer.resolutions, offer.output_formats, offer.aspect_ratios) == (("2k",), (), ("1:1",))


def test_an_id_that_is_listed_twice_counts_once():
    assert usable([GOOD, replace(GOOD, seed=True)]) == (GOOD,)


@pytest.fixture
def listed(db: None, settings: Any, imagen_gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> list[Offer]:
    """A site whose provider lists these."""
    options = {"api_key": "wsk_test", "base_url": imagen_gateway.url}
    backend = "imagen.providers.wavespeed.WaveSpeed"
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": {"BACKEND": backend, "OPTIONS": options}}}
    told = [WaveSpeed.offers["imagen-4"][0]]
    monkeypatch.setattr(WaveSpeed, "read_catalogue", lambda self, reply: tuple(told))
    monkeypatch.setattr(WaveSpeed, "price", lambda self, offer: ())
    return told


def test_every_fact_of_a_new_offer_comes_back_from_the_database(listed: list[Offer]):
    new = replace(
        GOOD,
        aspect_ratios=("16:9", "1:1"),
        output_formats=("jpeg",),
        negative_prompt=True,
        seed=True,
        images_per_call=3,
        min_prompt=3,
        max_prompt=700,
        poll_seconds=2.5,
    )
    listed.append(new)
    listings.sync(["wavespeed"])
    assert new in registry.offers("wavespeed")


def test_an_offer_that_changed_is_told_by_what_it_can_do_now(listed: list[Offer]):
    listed.append(GOOD)
    listings.sync(["wavespeed"])
    listed[1] = replace(GOOD, seed=True, resolutions=())
    (report,) = listings.sync(["wavespeed"])
    changes = {change.offer.id: change.abilities for change in report.changes if change.abilities}
    assert changes == {GOOD.id: ("resolutions", "seed")}
    assert registry.on_sale("imagen-5")[0].offer.seed


def test_a_price_nobody_repeats_stays_known(listed: list[Offer]):
    listed.append(GOOD)
    listings.sync(["wavespeed"])
    listed[1] = replace(GOOD, price=Price())
    listings.sync(["wavespeed"])
    assert registry.on_sale("imagen-5")[0].offer.price == GOOD.price


def test_a_table_price_the_list_does_not_say_is_not_written_down(listed: list[Offer]):
    listed[0] = replace(listed[0], price=Price())
    listings.sync(["wavespeed"])
    assert Listing.objects.get(provider_model="google/imagen4").facts == {}


def test_a_list_of_hundreds_is_taken_for_a_mistake(listed: list[Offer]):
    listed += [replace(GOOD, id=f"google/new-{number}") for number in range(listings.MOST_OFFERS)]
    (report,) = listings.sync(["wavespeed"])
    assert (report.error, Listing.objects.count()) == ("too_many", 0)
