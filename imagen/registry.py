"""Which providers this site has, what they sell here, and which one takes a request."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache
from itertools import chain
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from imagen import shelf
from imagen.conf import current, settings
from imagen.exceptions import FieldError, ModelUnknown, ProviderNotConfigured, UnsupportedParameter
from imagen.offers import MODELS, Model, Offer
from imagen.providers.base import Provider
from imagen.shelf import Shelf
from imagen.types import ImageRequest

logger = logging.getLogger("imagen")
SANDBOX = "sandbox"
_SANDBOX_BACKEND = "imagen.providers.sandbox.Sandbox"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """An offer at a provider, by the alias the site gave it; ``gone_since`` when the provider lists it no more."""

    alias: str
    provider: Provider
    offer: Offer
    gone_since: datetime | None = None


@cache
def providers() -> dict[str, Provider]:
    """Every provider of the settings by alias, in the order of the route; the sandbox is there in DEBUG."""
    known = dict(settings.PROVIDERS)
    if django_settings.DEBUG:
        known.setdefault(SANDBOX, {"BACKEND": _SANDBOX_BACKEND})
    route = [alias for alias in settings.ROUTE if alias in known]
    return {alias: _load(alias, known[alias]) for alias in dict.fromkeys([*route, *known])}


def _load(alias: str, entry: Any) -> Provider:
    try:
        backend = import_string(entry["BACKEND"])
        options = {name: value for name, value in entry.get("OPTIONS", {}).items() if value is not None}
        found: Provider = backend(**options)
    except (KeyError, ImportError, TypeError) as error:
        raise ImproperlyConfigured(f"IMAGEN['PROVIDERS'][{alias!r}] cannot be loaded: {error}") from error
    return found


def configured() -> dict[str, Provider]:
    """The providers that calls can be made to."""
    return {alias: provider for alias, provider in providers().items() if provider.configured}


def provider(alias: str) -> Provider:
    """The provider of this alias, or ``ProviderNotConfigured``."""
    try:
        return configured()[alias]
    except KeyError:
        raise ProviderNotConfigured(
            errors=(FieldError(field="provider", code="provider_not_configured"),), provider=alias
        ) from None


def label(alias: str) -> str:
    """The name people know a provider by, or its alias once it is gone from the settings."""
    found = providers().get(alias)
    return found.label if found else alias


def model(name: str) -> Model:
    """What is known of a model: one of ours, one that only its provider sells, or nothing but its name."""
    own = {known.id: known for found in providers().values() for known in found.models}
    return MODELS.get(name) or own.get(name) or Model(id=name, name=name)


def refresh(*wanted: tuple[str, str]) -> None:
    """Notice what a sync changed within a minute, at once when it brought an offer (alias, id) that is wanted."""
    shelf.refresh()
    if missing := {(alias, id_) for alias, id_ in wanted if not _sells(alias, id_)}:
        shelf.refresh(missing=missing)


def _sells(alias: str, id_: str) -> bool:
    try:
        return alias not in providers() or any(offer.id == id_ for offer in offers(alias))
    except ImproperlyConfigured:  # whoever takes the job says so
        return True


def offers(alias: str) -> tuple[Offer, ...]:
    """What this provider sells here: its own table, what a sync found, and the site's corrections over both."""
    return _offers(alias, shelf.current())


def stock(alias: str) -> tuple[Offer, ...]:
    """What this provider sells before the site's corrections: its own table, and what a sync found."""
    return tuple(_stock(alias, shelf.current(), ()))


def gone(alias: str) -> dict[str, datetime]:
    """The ids this provider no longer lists, and since when."""
    return {row.id: row.gone_since for row in shelf.current().at(alias) if row.gone_since}


@lru_cache(maxsize=64)  # a new shelf is a new key, and the old ones fall out
def _offers(alias: str, on: Shelf) -> tuple[Offer, ...]:
    corrections = settings.OFFERS.get(alias, {})
    described = [str(facts["id"]) for facts in corrections.values() if "id" in facts]
    found = [_corrected(alias, offer, corrections) for offer in _stock(alias, on, described)]
    known = {offer.model for offer in found} | {offer.id for offer in found}
    return (*found, *(_added(alias, name, corrections[name]) for name in corrections if name not in known))


def _stock(alias: str, on: Shelf, described: Collection[str]) -> Iterator[Offer]:
    """The table at the listed prices, then what only the list has; what the site describes itself is left to it."""
    listed = {row.id: row for row in on.at(alias)}
    for offer in chain.from_iterable(providers()[alias].offers.values()):
        row = listed.pop(offer.id, None)
        yield offer if row is None else _as_listed(offer, row.facts, only=("price",)) or offer
    for row in listed.values():
        plain = Offer(model=row.model, id=row.id)
        if row.facts and row.id not in described and (whole := _as_listed(plain, row.facts)):
            yield whole


def _as_listed(offer: Offer, facts: Any, *, only: Iterable[str] = ()) -> Offer | None:
    """The offer with the facts of its listing; ``None`` when another version of imagen wrote what this cannot read."""
    try:
        said = {name: facts[name] for name in only if name in facts} if only else dict(facts)
        return offer.amend(said)
    except (TypeError, ValueError) as error:
        logger.warning("the listing of %s cannot be read: %s", offer.id, error)
        return None


def _corrected(alias: str, offer: Offer, corrections: Any) -> Offer:
    facts = model(offer.model)
    whole = replace(offer, retired_upstream_on=facts.retired_upstream_on, successor=facts.successor)
    for name in (offer.model, offer.id):
        whole = _amended(alias, name, whole, corrections.get(name, {}))
    return whole


def _added(alias: str, name: str, facts: Any) -> Offer:
    return _amended(alias, name, Offer(model=name, id=str(facts.get("id", name))), facts)


def _amended(alias: str, name: str, offer: Offer, changes: Any) -> Offer:
    try:
        return offer.amend(dict(changes))
    except (TypeError, ValueError) as error:
        raise ImproperlyConfigured(f"IMAGEN['OFFERS'][{alias!r}][{name!r}]: {error}") from error


def choices() -> Iterator[Choice]:
    """Every offer of every configured provider, in the order of the route."""
    for alias, found in configured().items():
        missing = gone(alias)
        for offer in offers(alias):
            yield Choice(alias=alias, provider=found, offer=offer, gone_since=missing.get(offer.id))


def on_sale(model: str) -> tuple[Choice, ...]:
    """The offers of a model; a provider's own id is understood too."""
    return tuple(choice for choice in choices() if model in (choice.offer.model, choice.offer.id))


def route(request: ImageRequest, *, avoid: Collection[str] = ()) -> Choice:
    """The offer that takes this request: the first provider in order that can do all of it, its cheapest listed first.

    Providers to ``avoid`` come last, and a request that names its provider gets it.
    """
    wanted = request.model or settings.DEFAULT_MODEL
    found = _named(request.provider, wanted) if request.provider else _open(wanted)
    able = [choice for choice in found if not choice.offer.misfits(request)]
    if not able:
        raise _misfit(request, wanted, found)
    first = min(able, key=lambda choice: choice.alias in avoid)
    return min((choice for choice in able if choice.alias == first.alias), key=_cost)


def pinned(request: ImageRequest) -> bool:
    """Whether it says who makes it: by the provider's name, or by an id of the provider's own."""
    return bool(request.provider) or request.model not in {"", *(choice.offer.model for choice in choices())}


def _cost(choice: Choice) -> tuple[bool, bool, Any]:
    amount = choice.offer.price.amount
    return choice.gone_since is not None, amount is None, amount or 0


def _named(alias: str, model: str) -> list[Choice]:
    provider(alias)
    found = [choice for choice in on_sale(model) if choice.alias == alias]
    if not found:
        raise ModelUnknown(errors=(FieldError(field="model", code="model_unknown"),), model=model, provider=alias)
    return found


def _open(model: str) -> list[Choice]:
    everywhere = on_sale(model)
    alone = set(configured()) == {SANDBOX}
    found = [choice for choice in everywhere if choice.alias != SANDBOX or alone]
    if found:
        return found
    if not any(alone or alias != SANDBOX for alias in configured()):
        raise ProviderNotConfigured(errors=(FieldError(field="provider", code="provider_not_configured"),))
    raise ModelUnknown(errors=(FieldError(field="model", code="model_unknown"),), model=model)


def _misfit(request: ImageRequest, model: str, found: list[Choice]) -> UnsupportedParameter:
    wrong = found[0].offer.misfits(request)
    errors = tuple(replace(error, params={"offers": _able(error.field, request)}) for error in wrong)
    return UnsupportedParameter(errors=errors, model=model)


def _able(field: str, request: ImageRequest) -> str:
    names = {
        f"{choice.offer.model} ({choice.alias})"
        for choice in choices()
        if field not in {error.field for error in choice.offer.misfits(request)}
    }
    return ", ".join(sorted(names))


def _reload(*, setting: str, **kwargs: Any) -> None:
    if setting in ("IMAGEN", "DEBUG"):
        current.cache_clear()
        providers.cache_clear()
        _offers.cache_clear()


setting_changed.connect(_reload, dispatch_uid="imagen.registry")
