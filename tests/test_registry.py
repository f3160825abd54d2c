"""Which provider takes a request, at which price, and what the settings may change."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from imagen import registry, shelf
from imagen.exceptions import ModelUnknown, ProviderNotConfigured, UnsupportedParameter
from imagen.models import Listing
from imagen.types import ImageRequest

WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "k"}}
SANDBOX = {"BACKEND": "imagen.providers.sandbox.Sandbox"}


@pytest.fixture
def site(settings):
    def configure(**changes):
        settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED, "sandbox": SANDBOX}, **changes}

    configure()
    return configure


def taken(**options) -> tuple[str, str]:
    choice = registry.route(ImageRequest.build(prompt="x", **options))
    return choice.alias, choice.offer.id


def test_the_cheapest_offer_of_the_first_provider_that_can_do_it_all_takes_it(site):
    assert taken() == ("wavespeed", "google/imagen4")
    site(OFFERS={"wavespeed": {"google/imagen4": {"price": "0.05"}}})
    assert taken() == ("wavespeed", "wavespeed-ai/imagen4")
    assert taken(resolution="2k") == ("wavespeed", "google/imagen4")


def test_a_providers_own_id_names_the_offer(site):
    assert taken(model="wavespeed-ai/imagen4") == ("wavespeed", "wavespeed-ai/imagen4")


def test_the_sandbox_is_taken_only_when_named_or_alone(site, settings):
    assert taken(provider="sandbox") == ("sandbox", "sandbox/imagen-4")
    assert taken()[0] == "wavespeed"
    settings.IMAGEN = {"PROVIDERS": {"sandbox": SANDBOX}}
    assert taken()[0] == "sandbox"


def test_the_sandbox_is_there_without_a_word_while_debugging(settings):
    settings.IMAGEN, settings.DEBUG = {}, True
    assert taken()[0] == "sandbox"


def test_without_any_provider_nothing_is_taken(settings):
    settings.IMAGEN, settings.DEBUG = {}, False
    with pytest.raises(ProviderNotConfigured):
        taken()


def test_a_provider_without_its_key_is_not_configured(site):
    site(PROVIDERS={"wavespeed": {**WAVESPEED, "OPTIONS": {"api_key": ""}}, "sandbox": SANDBOX})
    with pytest.raises(ProviderNotConfigured):
        taken(provider="wavespeed")


def test_a_refused_field_names_the_offers_that_can_do_it(site):
    with pytest.raises(UnsupportedParameter) as refused:
        taken(model="imagen-4-fast", resolution="2k", provider="wavespeed")
    error = refused.value.errors[0]
    assert error.field == "resolution"
    assert "imagen-4 (wavespeed)" in error.params["offers"]
    assert "imagen-4-fast (wavespeed)" not in error.params["offers"]


@pytest.mark.parametrize("options", [{"model": "dall-e-3"}, {"model": "dall-e-3", "provider": "wavespeed"}])
def test_a_model_nobody_sells_is_named(site, options):
    with pytest.raises(ModelUnknown) as unknown:
        taken(**options)
    assert unknown.value.params["model"] == "dall-e-3"


def test_dates_and_successors_are_data(site):
    facts = {offer.id: offer for offer in registry.offers("wavespeed")}
    assert facts["google/imagen4"].retired_upstream_on == date(2026, 8, 17)
    assert facts["google/imagen4-ultra"].successor == "nano-banana-pro"
    site(OFFERS={"wavespeed": {"imagen-4": {"retired_upstream_on": "2027-01-01", "successor": "x"}}})
    changed = next(offer for offer in registry.offers("wavespeed") if offer.id == "google/imagen4")
    assert (changed.retired_upstream_on, changed.successor) == (date(2027, 1, 1), "x")


def test_a_site_may_add_an_offer(site):
    site(OFFERS={"wavespeed": {"imagen-5": {"id": "google/imagen5", "price": "0.1", "images_per_call": 4}}})
    assert taken(model="imagen-5") == ("wavespeed", "google/imagen5")
    assert registry.on_sale("imagen-5")[0].offer.cost(2) == Decimal("0.2")


@pytest.mark.parametrize(
    "changes",
    [
        {"PROVIDERS": {"x": {"BACKEND": "no.such.Thing"}}},
        {"PROVIDERS": {"x": {}}},
        {"PROVIDERS": {"wavespeed": {**WAVESPEED, "OPTIONS": {"colour": 1}}}},
        {"OFFERS": {"wavespeed": {"imagen-4": {"prise": "1"}}}},
        {"OFFERS": {"wavespeed": {"imagen-4": {"price": "dear"}}}},
        {"OFFERS": {"wavespeed": {"imagen-4": {"price": "-1"}}}},
    ],
)
def test_what_the_settings_get_wrong_is_named(site, changes):
    site(**changes)
    with pytest.raises(ImproperlyConfigured, match="IMAGEN"):
        [list(registry.choices()) for _ in range(1)]


@pytest.fixture
def listed(db):
    def keep(id_, *, model="imagen-4", provider="wavespeed", gone=False, **facts):
        gone_since = timezone.now() if gone else None
        Listing.objects.create(provider=provider, provider_model=id_, model=model, facts=facts, gone_since=gone_since)
        shelf.read()

    return keep


def cost(id_: str, alias: str = "wavespeed") -> Decimal | None:
    return next(offer.price.amount for offer in registry.offers(alias) if offer.id == id_)


def test_a_listed_price_replaces_that_of_the_table_and_the_settings_replace_both(site, listed):
    listed("google/imagen4", price={"amount": "0.041", "unit": "USD"})
    assert cost("google/imagen4") == Decimal("0.041")
    assert taken() == ("wavespeed", "wavespeed-ai/imagen4")
    site(OFFERS={"wavespeed": {"imagen-4": {"price": "0.039"}}})
    assert cost("google/imagen4") == Decimal("0.039")


def test_what_an_offer_of_the_table_can_do_is_not_changed_by_a_listing(site, listed):
    listed("google/imagen4", resolutions=[], images_per_call=1)
    assert taken(resolution="2k") == ("wavespeed", "google/imagen4")


def test_an_offer_that_only_the_list_has_is_on_sale(site, listed):
    listed("google/imagen5", model="imagen-5", price={"amount": "0.05", "unit": "USD"}, resolutions=["2k", "1k"])
    assert taken(model="imagen-5", resolution="2k") == ("wavespeed", "google/imagen5")
    with pytest.raises(UnsupportedParameter):
        taken(model="imagen-5", seed=7)


def test_a_listing_without_facts_sells_nothing(site, listed):
    listed("google/imagen5", model="imagen-5", gone=True)
    with pytest.raises(ModelUnknown):
        taken(model="imagen-5")


def test_an_offer_that_the_site_describes_itself_is_sold_once_and_as_the_site_says(site, listed):
    site(OFFERS={"wavespeed": {"fancy": {"id": "google/imagen5", "price": "0.2", "seed": True}}})
    listed("google/imagen5", model="imagen-5", price={"amount": "0.05", "unit": "USD"})
    assert [(o.model, o.price.amount) for o in registry.offers("wavespeed") if o.id == "google/imagen5"] == [
        ("fancy", Decimal("0.2"))
    ]


def test_an_offer_that_is_no_longer_listed_comes_after_those_that_are(site, listed):
    listed("google/imagen4", gone=True)
    assert taken() == ("wavespeed", "wavespeed-ai/imagen4")
    assert taken(resolution="2k") == ("wavespeed", "google/imagen4")
    assert taken(model="google/imagen4") == ("wavespeed", "google/imagen4")


def test_being_listed_does_not_change_the_order_of_the_providers(site, listed, settings):
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {"wavespeed": WAVESPEED, "second": WAVESPEED}}
    for id_ in ("google/imagen4", "wavespeed-ai/imagen4"):
        listed(id_, gone=True)
    assert taken()[0] == "wavespeed"


@pytest.mark.parametrize("facts", [{"prise": 1}, {"price": "dear"}, {"images_per_call": 0}, {"seed": "yes"}])
def test_a_listing_of_another_version_is_left_out_and_nothing_breaks(site, listed, facts):
    listed("google/imagen5", model="imagen-5", **facts)
    listed("google/imagen4", price=facts.get("price", {"amount": "x"}))
    assert cost("google/imagen4") == Decimal("0.038")
    with pytest.raises(ModelUnknown):
        taken(model="imagen-5")


def test_a_listing_of_a_provider_that_is_gone_from_the_settings_is_ignored(site, listed):
    listed("model", provider="elsewhere", model="imagen-9", seed=True)
    assert "imagen-9" not in {choice.offer.model for choice in registry.choices()}
