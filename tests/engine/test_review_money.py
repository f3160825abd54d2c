"""What a request is said to cost, where it may go and what it says there, once its first offer does not make it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from imagen import detours, pipeline, presentation, registry, resolution
from imagen.costs import currency
from imagen.models import Gateway, Generation, Job, Listing
from imagen.testing import invariants
from tests import factories

pytestmark = pytest.mark.by_hand("prices and ends of calls are invented")

ONLY_2K = {"apiframe": {"imagen-4": {"resolutions": ["2k"]}}}


def refuse(alias: str) -> None:
    """This provider refuses our key, and it is known."""
    until = timezone.now() + timedelta(minutes=1)
    facts = {"pause_code": "provider_auth", "pauses": 4, "paused_until": until}
    Gateway.objects.update_or_create(alias=alias, defaults=facts)


def moved(generation: Generation, *, away_from: str = "wavespeed") -> Generation:
    """The request after its provider was found to be broken."""
    refuse(away_from)
    detours.take()
    generation.refresh_from_db()
    return generation


def end(job: Job, status: str, *, cost: Decimal | None = None, **changes: Any) -> None:
    """The call as the engine leaves it: accepted, over, and billed."""
    now = timezone.now()
    facts = {"due_at": None, "sent_at": now, "accepted_at": now, "remote_id": job.pk.hex, "cost": cost}
    Job.objects.filter(pk=job.pk).update(status=status, **{**facts, **changes})
    with transaction.atomic():
        Generation.objects.refresh_outcomes([job.generation_id])


@pytest.fixture
def failed(ask: Any) -> Callable[..., Generation]:
    """A request whose only call failed, for nothing."""

    def fail(**options: Any) -> Generation:
        generation = ask(**options)
        end(generation.jobs.get(), "failed", cost=Decimal(0))
        generation.refresh_from_db()
        return generation

    return fail


def said(job: Job) -> dict[str, Any]:
    """What this call would send beside the prompt."""
    offer = next(offer for offer in registry.offers(job.provider) if offer.id == job.provider_model)
    return offer.said(Job.objects.get(pk=job.pk).request)


# What is unknown is said.


def test_a_move_to_an_offer_of_unknown_price_says_so(site, ask):
    site(vendors=("wavespeed", "apiframe"))
    generation = moved(ask(model="imagen-4-fast"))
    assert (generation.provider, generation.cost_estimated) == ("apiframe", None)
    assert "price_unknown" in generation.warnings


def test_a_retry_at_an_offer_of_unknown_price_says_so(site, failed):
    generation = failed(model="imagen-4-fast")
    site(vendors=("apiframe",))
    assert "price_unknown" in pipeline.retry(generation).warnings


def test_a_move_to_an_offer_whose_price_is_known_no_longer_says_that_it_is_not(site, ask):
    site(vendors=("wavespeed", "apiframe"), OFFERS={"apiframe": {"nano-banana-pro": {"price": "9"}}})
    generation = ask(model="nano-banana-pro")
    assert generation.warnings == ["price_unknown"]
    assert (moved(generation).warnings, generation.cost_estimated) == (["provider_changed"], 9)


def test_what_was_said_of_the_request_itself_is_still_said_after_a_move(site, ask):
    site(vendors=("wavespeed", "apiframe"))
    generation = ask()
    generation.warn("late")
    assert set(moved(generation).warnings) == {"late", "model_retired_upstream", "provider_changed"}


# One currency.


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("apiframe", "credits"), ("apiframe", "credits"), True),
        (("apiframe", "credits"), ("apiin", "credits"), False),
        (("wavespeed", "USD"), ("apiframe", "credits"), False),
        (("wavespeed", "USD"), ("another", "USD"), True),
        (("wavespeed", "USD"), ("wavespeed", "EUR"), False),
    ],
)
def test_money_is_one_currency_everywhere_and_the_credits_of_each_provider_are_another(one, other, same):
    assert (currency(*one) == currency(*other)) is same


@pytest.fixture
def half_paid(site, ask) -> Generation:
    """Two pictures asked for at Apiframe: one was paid, one failed; Apiframe is gone, API in One is there."""
    site(vendors=("apiframe",))
    generation = ask(num_images=2)
    paid, missing = generation.jobs.order_by("pk")
    factories.image(generation, job=paid, index=paid.slots[0])
    end(paid, "completed", cost=Decimal(7))
    end(missing, "failed", cost=Decimal(0))
    generation.refresh_from_db()
    assert (generation.status, generation.cost_actual) == ("partial", 7)
    site(vendors=("apiin",))
    return generation


def test_credits_of_two_providers_are_not_added_up_before(half_paid):
    generation = pipeline.retry(half_paid)
    assert (generation.provider, generation.cost_estimated, generation.cost_actual) == ("apiin", None, None)


def test_credits_of_two_providers_are_not_added_up_after(half_paid):
    generation = pipeline.retry(half_paid)
    end(generation.jobs.get(provider="apiin"), "completed", cost=Decimal(8))
    generation.refresh_from_db()
    assert generation.cost_actual is None
    assert not [wrong for wrong in invariants.violations() if "says it cost" in wrong]


def test_whoever_adds_them_up_all_the_same_breaks_a_law(half_paid):
    generation = pipeline.retry(half_paid)
    Generation.objects.filter(pk=generation.pk).update(cost_actual=Decimal(7))
    assert [wrong for wrong in invariants.violations() if "says it cost 7" in wrong]


def test_what_one_provider_was_paid_twice_is_added_up(site, failed):
    site(vendors=("apiframe",))
    generation = failed()
    Job.objects.update(cost=Decimal(7))
    with transaction.atomic():
        Generation.objects.refresh_outcomes([generation.pk])
    generation.refresh_from_db()
    assert pipeline.retry(generation).cost_estimated == 14
    end(generation.jobs.get(replaces__isnull=False), "failed", cost=Decimal(7))
    generation.refresh_from_db()
    assert (generation.cost_actual, generation.cost_unit) == (14, "credits")


# Who names a provider's own id names the provider.


@pytest.mark.parametrize("options", [{"model": "google/imagen4"}, {"provider": "wavespeed"}])
def test_who_asks_for_a_providers_own_id_or_by_its_name_stays_there(site, ask, options):
    site(vendors=("wavespeed", "apiframe"))
    generation = moved(ask(**options))
    assert (generation.provider, generation.cost_unit, generation.jobs.count()) == ("wavespeed", "USD", 1)


def test_who_asks_for_a_model_by_its_name_moves_though_a_provider_has_the_same_id(site, ask):
    site(vendors=("apiframe", "wavespeed"), ROUTE=["apiframe", "wavespeed"])
    generation = ask(model="imagen-4")
    assert generation.jobs.get().provider_model == "imagen-4"
    assert moved(generation, away_from="apiframe").provider == "wavespeed"


def test_a_providers_own_id_is_quoted_there_even_while_it_is_broken(site, ask):
    site(vendors=("wavespeed", "apiframe"))
    refuse("wavespeed")
    quotes = [pipeline.quote(prompt="x", model=model).provider for model in ("google/imagen4", "imagen-4")]
    assert quotes == ["wavespeed", "apiframe"]
    assert ask(model="google/imagen4").provider_named


def test_a_retry_is_quoted_and_made_under_the_id_that_was_asked_for(site, failed):
    site(vendors=("wavespeed", "apiframe"))
    generation = failed(model="wavespeed-ai/imagen4")
    refuse("wavespeed")
    assert pipeline.quote_again(generation, images=1).offer.id == "wavespeed-ai/imagen4"
    retried = pipeline.retry(generation)
    assert (retried.provider, retried.jobs.last().provider_model) == ("wavespeed", "wavespeed-ai/imagen4")


def test_a_retry_of_an_id_that_is_no_longer_listed_is_made_by_the_same_provider(failed):
    generation = failed(model="wavespeed-ai/imagen4")
    gone = {"model": "imagen-4", "facts": {}, "gone_since": timezone.now()}
    Listing.objects.create(provider="wavespeed", provider_model="wavespeed-ai/imagen4", **gone)
    registry.shelf.refresh(missing={("wavespeed", "wavespeed-ai/imagen4")})
    retried = pipeline.retry(generation)
    assert (retried.provider, retried.jobs.last().provider_model) == ("wavespeed", "google/imagen4")


# A call names no resolution that its offer does not have.


def test_a_move_asks_for_the_default_size_of_the_next_offer(site, ask):
    site(vendors=("wavespeed", "apiframe"), OFFERS=ONLY_2K)
    generation = ask()
    assert generation.resolution == "1k"
    generation = moved(generation)
    assert said(generation.jobs.get(provider="apiframe"))["resolution"] == "2k"
    assert presentation.generation_json(generation)["resolution"] == "2k"


def test_a_retry_asks_for_the_default_size_of_the_next_offer_and_is_sent_so(site, failed, work, imagen_gateway):
    generation = failed()
    site(vendors=("apiframe",), OFFERS=ONLY_2K)
    pipeline.retry(generation)
    work(6)
    generation.refresh_from_db()
    bodies = [json.loads(call.body) for call in imagen_gateway.calls if call.method == "POST"]
    assert [body["imagenParams"]["image_size"] for body in bodies] == ["2K"]
    assert (generation.status, generation.resolution) == ("completed", "2k")


def test_where_sizes_have_no_names_none_is_shown_and_where_they_have_the_default_is(site, failed):
    generation = failed()
    site(vendors=("apiin",))
    assert pipeline.retry(generation).resolution == ""
    end(generation.jobs.get(provider="apiin"), "failed", cost=Decimal(0))
    site(vendors=("apiframe",))
    generation.refresh_from_db()
    assert pipeline.retry(generation).resolution == "1k"


def test_a_size_somebody_asked_for_goes_only_where_it_is_made(site, ask):
    site(vendors=("wavespeed", "apiin", "apiframe"), ROUTE=["wavespeed", "apiin", "apiframe"])
    generation = moved(ask(resolution="2k"))
    assert (generation.provider, generation.resolution) == ("apiframe", "2k")


@pytest.mark.parametrize(
    ("first", "vendor", "shown"),
    [("wavespeed", "apiin", "1k"), ("wavespeed", "apiframe", "1k"), ("apiin", "apiframe", "")],
)
def test_what_is_said_of_the_size_of_pictures_that_came_stays_while_the_rest_is_made_elsewhere(
    site, ask, first, vendor, shown
):
    site(vendors=(first,))
    generation = ask(num_images=2)
    job = generation.jobs.get()
    factories.image(generation, job=job, index=0)
    end(job, "completed", cost=Decimal(0))
    site(vendors=(vendor,))
    generation.refresh_from_db()
    generation = pipeline.retry(generation)
    assert (generation.provider, generation.resolution) == (vendor, shown)


def test_the_rest_of_a_request_names_no_size_its_offer_does_not_have(site, ask):
    generation = ask(num_images=2)
    job = generation.jobs.get()
    factories.image(generation, job=job, index=0)
    end(job, "completed", cost=Decimal(0))
    site(vendors=("apiframe",), OFFERS=ONLY_2K)
    generation.refresh_from_db()
    assert said(pipeline.retry(generation).jobs.get(provider="apiframe"))["resolution"] == "2k"


def test_sending_one_call_again_elsewhere_leaves_what_its_unconfirmed_sibling_said(site, ask):
    site(vendors=("apiframe",))
    generation = ask(num_images=2)
    for job in generation.jobs.all():
        end(job, "unconfirmed", accepted_at=None, remote_id="")
    one, sibling = generation.jobs.order_by("pk")
    before = said(sibling)
    site(vendors=("apiin",))
    resolution.resend(one, actor=None)
    site(vendors=("apiframe",))
    assert said(sibling) == before == {"resolution": "1k"}  # it is looked for by what it said
