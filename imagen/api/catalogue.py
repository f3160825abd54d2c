"""What can be asked for, and what it would cost."""

from __future__ import annotations

from rest_framework.request import Request
from rest_framework.response import Response

from imagen import pipeline, presentation, webhooks
from imagen.api import docs, throttles
from imagen.api.door import Door
from imagen.api.permissions import person
from imagen.api.views import ADDRESS, options
from imagen.offers import Offer


class Models(Door):
    """The models on sale here."""

    @docs.list_models
    def get(self, request: Request) -> Response:
        """Every model with its offers, in the order of the route."""
        return Response(presentation.models_json())


class Quotes(Door):
    """What a request would cost."""

    writes = throttles.READ

    @docs.quote
    def post(self, request: Request) -> Response:
        """Price a request without queueing anything."""
        asked = options(self.body(request), key=request.auth)
        if address := asked.pop(ADDRESS, ""):
            webhooks.own_address(person(request), address)
        told = pipeline.quote(user=person(request), **asked)
        return Response(
            {
                "estimated": presentation.money(told.estimated),
                "unit": told.unit,
                "provider": told.provider,
                "allowed": told.allowed and request.user.has_perm("imagen.generate"),
                "remaining": presentation.money(told.remaining) if told.unit == told.bill.stake_unit else None,
                "warnings": [_warning(code, told.provider, told.offer) for code in told.warnings],
                "budget": told.allowance and told.allowance.facts,
            }
        )


def _warning(code: str, alias: str, offer: Offer) -> dict[str, str]:
    told = presentation.offered(code, alias=alias, retired=offer.retired_upstream_on, successor=offer.successor)
    return presentation.warning_json(told)
