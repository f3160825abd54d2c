"""Webhook deliveries: the log of what was sent to one's own endpoints, and sending again."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.db.models import QuerySet
from django.http import Http404
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response

from imagen import webhooks
from imagen.api import filters, pagination
from imagen.api import webhook_docs as docs
from imagen.api.door import Door
from imagen.api.permissions import MayGenerate, person
from imagen.api.webhook_json import delivery_json
from imagen.models import Delivery


class DeliveryDoor(Door):
    """What the views of deliveries share: whose they are, and how one is shown."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read", "POST": "manage"}

    def own(self, request: Request) -> QuerySet[Delivery]:
        """The deliveries to this person's endpoints."""
        return Delivery.objects.of(person(request)).select_related("endpoint")

    def found(self, request: Request, pk: uuid.UUID) -> Delivery:
        """The delivery, if it went to this person; anybody else's is as unknown as a made-up id."""
        delivery = self.own(request).filter(pk=pk).first()
        if delivery is None:
            raise Http404
        return delivery

    def shown(self, request: Request, delivery: Delivery) -> dict[str, Any]:
        """The delivery as its owner sees it."""
        return delivery_json(delivery, build_url=request.build_absolute_uri)


class Deliveries(DeliveryDoor):
    """The log."""

    parameters: ClassVar[frozenset[str]] = pagination.PARAMETERS | filters.DELIVERIES.keys()

    @docs.list_deliveries
    def get(self, request: Request) -> Response:
        """One page, newest first."""
        page = pagination.page(filters.through(filters.DELIVERIES, self.own(request), request.GET), request.GET)
        results = [self.shown(request, delivery) for delivery in page.rows]
        return Response(pagination.answer(page, results, request.build_absolute_uri()))


class DeliveryDetail(DeliveryDoor):
    """One delivery."""

    @docs.look_at_delivery
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """How it stands."""
        return Response(self.shown(request, self.found(request, pk)))


class DeliveryAgain(DeliveryDoor):
    """Send it again."""

    permission_classes = [IsAuthenticated, MayGenerate]

    @docs.redeliver
    def post(self, request: Request, pk: uuid.UUID) -> Response:
        """Send it once more under the same id, and try as often as the first time."""
        delivery = self.found(request, pk)
        self.no_body(request)
        webhooks.redeliver(delivery)
        return Response(self.shown(request, self.found(request, pk)), status=202)
