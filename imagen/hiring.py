"""Who makes a request, in which calls and for how much: the first time, again, and elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from dataclasses import replace
from itertools import compress
from typing import TYPE_CHECKING, Any

from django.utils import timezone

from imagen import budgets, claims, costs, registry
from imagen.exceptions import Refused
from imagen.models import Generation, Job
from imagen.offers import Offer
from imagen.states import BEFORE_SENDING
from imagen.types import RESOLUTIONS, ImageRequest

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

Closed = Callable[[], Collection[str]]
ABOUT_OFFERS = ("model_retired_upstream", "price_unknown")


def route(asked: ImageRequest, *, closed: Closed = claims.closed_now) -> registry.Choice:
    """The offer that takes this request now; one that does not work, and so is ``closed``, only where it is named."""
    registry.refresh()
    return registry.route(asked, avoid=() if asked.provider else closed())


def warnings(offer: Offer) -> tuple[str, ...]:
    """What has to be said about an offer before it is taken."""
    retired = offer.retired_upstream_on is not None and offer.retired_upstream_on <= timezone.now().date()
    return tuple(compress(ABOUT_OFFERS, (retired, offer.price.amount is None)))


def again(generation: Generation) -> ImageRequest:
    """The same request; what was not named the first time is not named now."""
    asked = generation.request
    resolution = None if asked.resolution == RESOLUTIONS[0] else asked.resolution  # every offer's own default
    return replace(asked, resolution=resolution, provider=asked.provider if generation.provider_named else "")


def who_again(generation: Generation, *, closed: Closed = claims.closed_now) -> registry.Choice:
    """The offer that makes what is missing; refused like any request when there is none."""
    registry.refresh()
    kept = _same_offer(generation) or _same_money(generation)
    return kept or registry.route(again(generation), avoid=closed())


def _same_offer(generation: Generation) -> registry.Choice | None:
    """What was asked for by a provider's name or own id, as long as it is listed there."""
    first = next(iter(generation.jobs.all()), None)
    if first is None or not generation.provider_named:
        return None
    with suppress(Refused):
        choice = registry.route(replace(again(generation), model=first.provider_model))
        return None if choice.gone_since else choice
    return None


def _same_money(generation: Generation) -> registry.Choice | None:
    """The provider that was paid for a part already, as long as it takes the rest: one request, one currency."""
    if not generation.cost_actual:
        return None
    with suppress(Refused):
        return registry.route(replace(again(generation), provider=generation.provider))
    return None


def hand_over(generation: Generation, choice: registry.Choice, places: Iterable[int], **changes: Any) -> None:
    """New calls for these places, instead of those that were to fill them; what is said of the offer follows."""
    wanted, standing = set(places), list(generation.jobs.filter(replacement=None))
    replaced = [job for job in standing if wanted & set(job.slots)]
    begun = replaced != standing or generation.images.exists()
    new = [
        call
        for job in replaced
        for call in calls(generation, choice, [slot for slot in job.slots if slot in wanted], replaces=job)
    ]
    engage(new, generation.user, freed=[job for job in replaced if job.status in BEFORE_SENDING])
    told = {**_offered(generation, choice), "resolution": _resolution(generation, choice.offer, begun=begun)}
    generation.save_changes(**told, **changes)


def _offered(generation: Generation, choice: registry.Choice) -> dict[str, Any]:
    """Who makes it, for how much, and what has to be said about that; other warnings stay."""
    unit, news = costs.bill(choice.alias, choice.offer.price, 1).unit, warnings(choice.offer)
    others = [code for code in generation.warnings if code not in ABOUT_OFFERS]
    expected = costs.expected(list(generation.jobs.all()), into=costs.currency(choice.alias, unit))
    return {"provider": choice.alias, "cost_unit": unit, "cost_estimated": expected, "warnings": [*others, *news]}


def _resolution(generation: Generation, offer: Offer, *, begun: bool) -> str:
    """The resolution its calls name from now on: what others were made or sent with stays, where the offer can."""
    if begun and (not offer.resolutions or generation.resolution in ("", *offer.resolutions)):
        return generation.resolution
    return offer.settle(again(generation)).resolution or ""


def calls(
    generation: Generation, choice: registry.Choice, places: Iterable[int], replaces: Job | None = None
) -> list[Job]:
    """New, unsaved calls for these places; the first replaces another."""
    step, slots = choice.offer.images_per_call, list(places)
    parts = [slots[start : start + step] for start in range(0, len(slots), step)]
    jobs = [Job.of(generation, offer=choice.offer, provider=choice.alias, slots=part) for part in parts]
    if jobs:
        jobs[0].replaces = replaces
    return jobs


def engage(jobs: list[Job], user: AbstractBaseUser | None, *, freed: Iterable[Job] = ()) -> None:
    """Set their money aside, then write them down: in one transaction, or not at all."""
    budgets.reserve(jobs, user=user, freed=freed)
    Job.objects.bulk_create(jobs)
    budgets.book(jobs)
