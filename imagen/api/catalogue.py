"""What can be asked for, and what it would cost."""

from __future__ import annotations

from typing import Any

from rest_framework.request import Request
from rest_framework.response import Response

from imagen import pipeline, presentation, registry
from imagen.api import docs
from imagen.api.door import Door
from imagen.api.views import options
from imagen.offers import MODELS, Model, Offer
from imagen.registry import Choice


class Models(Door):
    """The models on sale here."""

    @docs.list_models
    def get(self, request: Request) -> Response:
        """Every model with its offers, in the order of the route."""
        found: dict[str, list[Choice]] = {}
        for choice in registry.choices():
            found.setdefault(choice.offer.model, []).append(choice)
        return Response([_model(name, choices) for name, choices in found.items()])


class Quotes(Door):
    """What a request would cost."""

    @docs.quote
    def post(self, request: Request) -> Response:
        """Price a request without queueing anything."""
        told = pipeline.quote(**options(self.body(request)))
        return Response(
            {
                "estimated": presentation.money(told.estimated),
                "unit": told.unit,
                "provider": told.provider,
                "allowed": told.allowed and request.user.has_perm("imagen.generate"),
                "remaining": presentation.money(told.remaining),
                "warnings": [_warning(code, told.provider, told.offer) for code in told.warnings],
            }
        )


def _warning(code: str, alias: str, offer: Offer) -> dict[str, str]:
    told = presentation.offered(code, alias=alias, retired=offer.retired_upstream_on, successor=offer.successor)
    return presentation.warning_json(told)


def _model(name: str, choices: list[Choice]) -> dict[str, Any]:
    facts = MODELS.get(name, Model(id=name, name=name))
    first = choices[0].offer
    return {
        "id": name,
        "name": facts.name,
        "retired_upstream_on": first.retired_upstream_on and first.retired_upstream_on.isoformat(),
        "successor": first.successor or None,
        "offers": [_offer(choice) for choice in choices],
    }


def _offer(choice: Choice) -> dict[str, Any]:
    return {
        "provider": choice.alias,
        "provider_model": choice.offer.id,
        "price": presentation.money(choice.offer.price.amount),
        "unit": choice.offer.price.unit,
        "parameters": choice.offer.parameters,
        "idempotent": choice.provider.idempotent,
        "webhooks": choice.provider.webhooks,
        "images_per_call": choice.offer.images_per_call,
    }
