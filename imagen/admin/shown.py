"""Prices that somebody saw, carried along in the form they send: what rose meanwhile is looked at again first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imagen import messages

UNKNOWN = "?"
Prices = Mapping[str, Decimal]


def tally(prices: Iterable[tuple[Decimal | None, str]]) -> dict[str, Decimal]:
    """The sum in each unit; prices nobody knows are counted."""
    found: dict[str, Decimal] = {}
    for amount, unit in prices:
        name, more = (UNKNOWN, Decimal(1)) if amount is None else (unit, amount)
        found[name] = found.get(name, Decimal(0)) + more
    return found


def written(prices: Prices) -> str:
    """Them as a form carries them."""
    return " ".join(f"{unit}:{amount}" for unit, amount in prices.items())


def told(prices: Prices) -> str:
    """Them as people read them."""
    known = [messages.money(amount, unit) for unit, amount in prices.items() if unit != UNKNOWN and amount]
    if unknown := int(prices.get(UNKNOWN, 0)):
        known.append(ngettext("one price unknown", "%(count)s prices unknown", unknown) % {"count": unknown})
    return " + ".join(known) or _("free")


def risen(said: str, now: Prices) -> str:
    """What to say when they are higher now than was shown; nothing when they are not, or when none was shown."""
    before = _read(said)
    if before is None or all(amount <= before.get(unit, 0) for unit, amount in now.items()):
        return ""
    facts = {"now": told(now), "before": told(before)}
    return _("The price is %(now)s now, not %(before)s. Look at it and send again.") % facts


def _read(said: str) -> Prices | None:
    try:
        pairs = [part.rsplit(":", 1) for part in said.split()]
        found = {unit: Decimal(amount) for unit, amount in pairs}
    except (InvalidOperation, ValueError):
        return None
    return found if found and all(amount.is_finite() for amount in found.values()) else None
