"""The model that took another's place: how to use it instead, and what is different about it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import messages, registry
from imagen.messages import listed
from imagen.models import Generation
from imagen.offers import Offer, Price

ABILITIES: Mapping[str, Any] = {
    "aspect_ratio": gettext_lazy("this shape"),
    "resolution": gettext_lazy("this resolution"),
    "output_format": gettext_lazy("this format"),
    "negative_prompt": gettext_lazy("things to avoid"),
    "seed": gettext_lazy("a seed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Successor:
    """A model by its name here, what of the request it ``lacks``, and its ``differences``, a sentence each."""

    model: str
    lacks: str
    differences: tuple[str, ...]


def of(generation: Generation) -> Successor | None:
    """What is sold here instead of the model of this request."""
    terms = _terms(generation)
    name = str(terms.get("successor") or "")
    on_sale = registry.on_sale(name) if name else ()
    if not on_sale:
        return None
    offer = on_sale[0].offer
    differences = (*_shapes(_before(generation), offer), *_price(terms, offer.price))
    nothing = _("It makes the same shapes, and no other price is known.")
    return Successor(model=name, lacks=_lacks(generation, offer), differences=differences or (nothing,))


def _terms(generation: Generation) -> Mapping[str, Any]:
    """What its last call that names a successor knew of its model."""
    known = [job.terms for job in sorted(generation.jobs.all(), key=lambda job: job.created_at)]
    return next((each for each in reversed(known) if each.get("successor")), {})


def _before(generation: Generation) -> Offer | None:
    """The model itself, where it is still sold somewhere; its own service first."""
    found = sorted(registry.on_sale(generation.model), key=lambda choice: choice.alias != generation.provider)
    return found[0].offer if found else None


def _lacks(generation: Generation, offer: Offer) -> str:
    lacks = {error.field for error in offer.misfits(replace(generation.request, model=offer.model, provider=""))}
    return listed(*(ABILITIES[each] for each in ABILITIES if each in lacks))


def _shapes(old: Offer | None, new: Offer) -> Iterator[str]:
    if old is None:
        yield _("It makes these shapes: %(shapes)s.") % {"shapes": listed(*new.aspect_ratios)}
        return
    if more := _without(new.aspect_ratios, old.aspect_ratios):
        yield _("It also makes %(shapes)s.") % {"shapes": listed(*more)}
    if less := _without(old.aspect_ratios, new.aspect_ratios):
        yield _("It does not make %(shapes)s.") % {"shapes": listed(*less)}


def _without(shapes: Collection[str], known: Collection[str]) -> list[str]:
    return [shape for shape in shapes if shape not in known]


def _price(terms: Mapping[str, Any], new: Price) -> Iterator[str]:
    """What a picture costs with it, where that is known."""
    if new.amount is None:
        return
    figures = {"new": messages.money(new.amount, new.unit)}
    if (old := _said(terms)) is None:
        yield _("A picture costs %(new)s.") % figures
    elif (old, terms.get("unit")) != (new.amount, new.unit):
        was = messages.money(old, str(terms.get("unit")))
        yield _("A picture costs %(new)s instead of %(old)s.") % {**figures, "old": was}


def _said(terms: Mapping[str, Any]) -> Decimal | None:
    try:
        return Decimal(terms["price"])
    except (KeyError, TypeError, InvalidOperation):
        return None
