"""What a provider's list changes about what is on sale here: a comparison that reads and writes nothing."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from imagen.offers import Offer, Price

JUMP = 10
LEAST, MOST = Decimal("0.0001"), Decimal(10_000)  # what the books can hold, and nobody would charge more
ABILITIES = (
    *("aspect_ratios", "resolutions", "output_formats", "negative_prompt", "seed", "images_per_call"),
    *("min_prompt", "max_prompt", "poll_seconds"),
)
_UNIT = re.compile(r"[A-Za-z]{1,10}")


class Kind(StrEnum):
    """What can be different."""

    NEW = "new"
    BACK = "back"
    GONE = "gone"
    ABILITIES = "abilities"
    PRICE = "price"
    NOT_TAKEN = "price_not_taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One difference; ``fixed`` when the site's OFFERS name the price, ``why`` a price is not taken."""

    kind: Kind
    offer: Offer
    old: Price = field(default_factory=Price)
    new: Price = field(default_factory=Price)
    fixed: bool = False
    why: str = ""
    abilities: tuple[str, ...] = ()

    @property
    def percent(self) -> Decimal | None:
        """By how much the price rises, where both are known and in one unit."""
        if self.kind is not Kind.PRICE or not self.old.amount or self.new.amount is None:
            return None
        return (self.new.amount / self.old.amount - 1) * 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """How things stand before a list is read: what is sold, what of it our own table describes, what is missing.

    ``fixed`` are the models and ids that the site's OFFERS price.
    """

    stock: tuple[Offer, ...]
    table: frozenset[str]
    gone: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The differences, the offers to keep, the prices that were believed, and what went missing."""

    changes: tuple[Change, ...]
    offers: tuple[Offer, ...]
    prices: Mapping[str, Price]
    missing: tuple[Offer, ...]


def compare(stand: Stand, listed: Iterable[Offer], *, unpriced: Collection[str] = ()) -> Comparison:
    """What a list changes; the price of an ``unpriced`` offer counts only while none is known."""
    found, known = {offer.id: offer for offer in listed}, {offer.id: offer for offer in stand.stock}
    missing = tuple(offer for offer in stand.stock if offer.id not in found)
    pairs = [(known.get(id_), offer) for id_, offer in found.items()]
    prices = {offer.id: _said(old, offer, unpriced) for old, offer in pairs}
    changes = [change for old, offer in pairs for change in _changes(stand, old, offer, prices[offer.id])]
    changes += [Change(kind=Kind.GONE, offer=offer) for offer in missing if offer.id not in stand.gone]
    return Comparison(
        changes=tuple(changes),
        offers=tuple(old if old and old.id in stand.table else offer for old, offer in pairs),
        prices={offer.id: prices[offer.id] for old, offer in pairs if _believed(old, prices[offer.id])},
        missing=tuple(offer for offer in missing if offer.id not in stand.gone),
    )


def _said(old: Offer | None, offer: Offer, unpriced: Collection[str]) -> Price:
    """What the list says of the price; nothing when it is only roughly right and a better one is known."""
    rough = offer.id in unpriced and old is not None and old.price.amount is not None
    return Price(unit=offer.price.unit) if rough else offer.price


def _believed(old: Offer | None, price: Price) -> bool:
    return price.amount is not None and not flaw(old.price if old else Price(), price)


def flaw(old: Price, new: Price) -> str:
    """Why a price is not to be believed; empty when it is."""
    amount = new.amount
    if amount is None:
        return ""
    if not amount.is_finite() or not LEAST <= amount <= MOST or not _UNIT.fullmatch(new.unit):
        return "impossible"
    if old.amount is not None and old.unit != new.unit:
        return "other_unit"
    if old.amount and not old.amount / JUMP <= amount <= old.amount * JUMP:
        return "jump"
    return ""


def _changes(stand: Stand, old: Offer | None, offer: Offer, price: Price) -> Iterator[Change]:
    fixed, before = not stand.fixed.isdisjoint((offer.id, offer.model)), old.price if old else Price()
    if old is None:
        yield Change(kind=Kind.NEW, offer=offer, new=price if _believed(None, price) else Price(), fixed=fixed)
    elif offer.id in stand.gone:
        yield Change(kind=Kind.BACK, offer=old)
    if old is not None and old.id not in stand.table and (other := _other(old, offer)):
        yield Change(kind=Kind.ABILITIES, offer=offer, abilities=other)
    if why := flaw(before, price):
        yield Change(kind=Kind.NOT_TAKEN, offer=offer, old=before, new=price, fixed=fixed, why=why)
    elif old is not None and price.amount is not None and price != before:
        yield Change(kind=Kind.PRICE, offer=old, old=before, new=price, fixed=fixed)


def _other(old: Offer, new: Offer) -> tuple[str, ...]:
    return tuple(name for name in ABILITIES if getattr(old, name) != getattr(new, name))
