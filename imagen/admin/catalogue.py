"""What can be chosen on this site, as the add form and the filters offer it."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from typing import Any

from imagen import registry
from imagen.offers import Offer


def model_name(model: str) -> str:
    """The name people know a model by."""
    return registry.model(model).name


def models() -> list[tuple[str, str]]:
    """Every model on sale here with its name, in the order of the route."""
    registry.refresh()
    return list(dict.fromkeys((choice.offer.model, model_name(choice.offer.model)) for choice in registry.choices()))


def providers() -> list[tuple[str, str]]:
    """Every service that calls can be made to, with its name."""
    return [(alias, found.label) for alias, found in registry.configured().items()]


def abilities() -> dict[str, dict[str, dict[str, Any]]]:
    """What each model can do at each service; the empty name stands for all services the site chooses from."""
    found: dict[str, dict[str, list[Offer]]] = {}
    for choice in registry.choices():
        at = found.setdefault(choice.offer.model, {})
        at.setdefault(choice.alias, []).append(choice.offer)
        if choice.alias in _chosen_from():
            at.setdefault("", []).append(choice.offer)
    return {model: {alias: _together(offers) for alias, offers in at.items()} for model, at in found.items()}


def able(model: str, alias: str = "") -> dict[str, Any]:
    """What this model can do at this service, or wherever the site would have it made; nothing when nobody sells it."""
    at = abilities().get(model, {})
    return at.get(alias) or at.get("") or next(iter(at.values()), {})


def _chosen_from() -> set[str]:
    here = set(registry.configured())
    return here - {registry.SANDBOX} or here


def _together(offers: list[Offer]) -> dict[str, Any]:
    return {
        "aspect_ratio": _union(offer.aspect_ratios for offer in offers),
        "resolution": _union(offer.resolutions for offer in offers),
        "output_format": _union(offer.output_formats for offer in offers),
        "negative_prompt": any(offer.negative_prompt for offer in offers),
        "seed": any(offer.seed for offer in offers),
        "max_prompt": max(offer.max_prompt for offer in offers),
    }


def _union(many: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(chain.from_iterable(many)))
