"""What providers say they sell: their lists and prices read, compared with what is on sale here, written down."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any

from django.db import transaction
from django.utils import timezone

from imagen import registry, shelf
from imagen.conf import settings
from imagen.differences import ABILITIES, Change, Comparison, Stand, compare
from imagen.exceptions import ImagenError, NotFound, Unreadable
from imagen.models import Listing
from imagen.offers import Offer, Price
from imagen.providers.base import Provider
from imagen.transport import Transport
from imagen.types import ASPECT_RATIOS, OUTPUT_FORMATS, RESOLUTIONS, Call

logger = logging.getLogger("imagen")
LIST_BYTES = 32_000_000  # WaveSpeedAI describes every parameter of every model in one answer
AT_ONCE = 4
MOST_OFFERS = 200
_WORDS = {"aspect_ratios": ASPECT_RATIOS, "resolutions": RESOLUTIONS, "output_formats": OUTPUT_FORMATS}


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a provider's list said; ``unpriced`` are the offers whose exact price could not be read, and why."""

    offers: tuple[Offer, ...] = ()
    unpriced: Mapping[str, str] = field(default_factory=dict)
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a sync found out about one provider: the changes, or the code of why there is nothing to say."""

    alias: str
    label: str
    listed: int = 0
    changes: tuple[Change, ...] = ()
    unpriced: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    silent: bool = False  # it has no list


def sync(aliases: Iterable[str], *, dry_run: bool = False) -> tuple[Report, ...]:
    """Read what these providers list, and write it down unless it is a dry run; one that fails changes nothing."""
    shelf.read()
    asked = {alias: registry.provider(alias) for alias in aliases}
    stands = {alias: _stand(alias) for alias in asked}
    readings = asyncio.run(_read_all(asked, stands))
    with transaction.atomic():
        reports = tuple(_taken(alias, stands[alias], readings.get(alias), dry_run=dry_run) for alias in asked)
    shelf.read()
    return reports


def _taken(alias: str, stand: Stand, reading: Reading | None, *, dry_run: bool) -> Report:
    report = Report(alias=alias, label=registry.provider(alias).label)
    if reading is None:
        return replace(report, silent=True)
    if reading.error:
        return replace(report, error=reading.error)
    found = compare(stand, reading.offers, unpriced=reading.unpriced.keys())
    if not dry_run:
        _write(alias, stand, found)
    return replace(report, listed=len(reading.offers), changes=found.changes, unpriced=reading.unpriced)


def _stand(alias: str) -> Stand:
    table = chain.from_iterable(registry.provider(alias).offers.values())
    return Stand(
        stock=registry.stock(alias),
        table=frozenset(offer.id for offer in table),
        gone=frozenset(registry.gone(alias)),
        fixed=frozenset(name for name, facts in settings.OFFERS.get(alias, {}).items() if "price" in facts),
    )


# --- reading


async def _read_all(asked: Mapping[str, Provider], stands: Mapping[str, Stand]) -> dict[str, Reading]:
    calls = {alias: call for alias, provider in asked.items() if (call := provider.catalogue())}
    found = await asyncio.gather(*(_read(asked[alias], call, stands[alias]) for alias, call in calls.items()))
    return dict(zip(calls, found, strict=True))


async def _read(provider: Provider, call: Call, stand: Stand) -> Reading:
    transport = Transport(origins=[provider.url], call_seconds=settings.CALL_SECONDS, call_slots=AT_ONCE)
    try:
        async with transport:
            offers = usable(provider.read_catalogue(await transport.send(call, limit=LIST_BYTES)))
            if error := _absurd(offers, stand):
                return Reading(error=error)
            priced = await asyncio.gather(*(_priced(transport, provider, offer) for offer in offers))
    except NotFound:  # the list, not a model
        return Reading(error=Unreadable.code)
    except ImagenError as reason:
        return Reading(error=reason.code)
    except Exception:  # a vendor's reading may stumble in any way, and the other providers have nothing to do with it
        logger.exception("a provider's list could not be read", extra={"provider": provider.slug})
        return Reading(error=Unreadable.code)
    return Reading(
        offers=tuple(offer for offer, _ in priced),
        unpriced={offer.id: reason for offer, reason in priced if reason},
    )


def _absurd(offers: tuple[Offer, ...], stand: Stand) -> str:
    """Why this is taken for a mistake and not for a list; empty when it is one."""
    ours = {offer.id for offer in stand.stock}
    if ours and ours.isdisjoint(offer.id for offer in offers):
        return "nothing_of_ours"
    return "too_many" if len(offers) > MOST_OFFERS else ""


async def _priced(transport: Transport, provider: Provider, offer: Offer) -> tuple[Offer, str]:
    """The offer at its exact price, or at the list's and why that is all there is."""
    if not (calls := provider.price(offer)):
        return offer, ""
    try:
        price = await transport.ask(calls, provider.read_price)
    except NotFound:
        return offer, ""
    except ImagenError as reason:
        return offer, reason.code
    return replace(offer, price=price), ""


# --- what can be kept


def usable(offers: Iterable[Offer]) -> tuple[Offer, ...]:
    """Those that can be kept and sold, with the words we know, each id once."""
    found: dict[str, Offer] = {}
    for offer in offers:
        if _named(offer.id, 150) and _named(offer.model, 100) and (whole := _understood(offer)):
            found.setdefault(offer.id, whole)
    return tuple(found.values())


def _named(text: Any, limit: int) -> bool:
    return isinstance(text, str) and 0 < len(text) <= limit and text.isprintable()


def _understood(offer: Offer) -> Offer | None:
    """The offer without words we do not know; ``None`` when nothing remains that could be asked for."""
    try:
        words = {name: [word for word in getattr(offer, name) if word in known] for name, known in _WORDS.items()}
        whole = offer.amend(words)
        Offer(model=offer.model, id=offer.id).amend(_abilities(whole))
    except (TypeError, ValueError):
        return None
    return whole if whole.aspect_ratios and 0 <= whole.poll_seconds < 3600 else None


def _abilities(offer: Offer) -> dict[str, Any]:
    """What an offer can do, in the words of ``Offer.amend`` and as JSON holds them."""
    found = {name: getattr(offer, name) for name in ABILITIES}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


# --- writing


def _write(alias: str, stand: Stand, found: Comparison) -> None:
    """Keep what was listed, and mark what was not; no row is ever deleted."""
    missing = [_row(alias, offer, {}, gone_since=timezone.now()) for offer in found.missing]
    _upsert(list(_rows(alias, stand, found)), "model", "facts", "gone_since", "read_at")
    _upsert(missing, "gone_since")  # facts that were known stay


def _rows(alias: str, stand: Stand, found: Comparison) -> Iterator[Listing]:
    before = {row.id: row.facts for row in shelf.current().at(alias)}
    for offer in found.offers:
        said = found.prices.get(offer.id)
        price = _price(said) if said else _known_price(before.get(offer.id))
        yield _row(alias, offer, price if offer.id in stand.table else {**_abilities(offer), **price})


def _row(alias: str, offer: Offer, facts: Any, **more: Any) -> Listing:
    return Listing(provider=alias, provider_model=offer.id, model=offer.model, facts=facts, **more)


def _price(price: Price) -> dict[str, Any]:
    return {"price": {"amount": str(price.amount), "unit": price.unit}}


def _known_price(facts: Any) -> dict[str, Any]:
    return {"price": facts["price"]} if isinstance(facts, dict) and "price" in facts else {}


def _upsert(rows: list[Listing], *names: str) -> None:
    unique = ("provider", "provider_model")
    Listing.objects.bulk_create(rows, update_conflicts=True, unique_fields=unique, update_fields=names)
