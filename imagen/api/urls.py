"""The addresses of the interface."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import URLPattern, path
from rest_framework.request import Request

from imagen.api.batches import BatchCancel, BatchDetail, Batches
from imagen.api.catalogue import Models, Quotes
from imagen.api.deliveries import Deliveries, DeliveryAgain, DeliveryDetail
from imagen.api.door import Door
from imagen.api.events import GenerationEvents
from imagen.api.images import ImageDetail, Images
from imagen.api.schema import Docs, DocsFile, Schema
from imagen.api.usage import Used
from imagen.api.views import GenerationCancel, GenerationDetail, GenerationRetry, Generations
from imagen.api.webhooks import (
    EndpointDetail,
    EndpointDisable,
    EndpointEnable,
    EndpointPing,
    EndpointRotate,
    Endpoints,
    EndpointTest,
)


class NothingHere(Door):
    """Every other address under ours."""

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so, whatever the method."""
        raise Http404


nothing_here = NothingHere.as_view()


def twice(route: str, view: Any, *, name: str) -> list[URLPattern]:
    """The address with its last slash, which gives it its name, and without."""
    return [path(route, view, name=name), path(route.removesuffix("/"), view)]


def _both(pattern: URLPattern) -> list[URLPattern]:
    return twice(str(pattern.pattern), pattern.callback, name=str(pattern.name))


documented = (
    path("generations/", Generations.as_view(), name="generations"),
    path("generations/<uuid:pk>/", GenerationDetail.as_view(), name="generation"),
    path("generations/<uuid:pk>/cancel/", GenerationCancel.as_view(), name="generation-cancel"),
    path("generations/<uuid:pk>/retry/", GenerationRetry.as_view(), name="generation-retry"),
    path("generations/<uuid:pk>/events/", GenerationEvents.as_view(), name="generation-events"),
    path("batches/", Batches.as_view(), name="batches"),
    path("batches/<uuid:pk>/", BatchDetail.as_view(), name="batch"),
    path("batches/<uuid:pk>/cancel/", BatchCancel.as_view(), name="batch-cancel"),
    path("images/", Images.as_view(), name="api-images"),
    path("images/<uuid:pk>/", ImageDetail.as_view(), name="api-image"),
    path("models/", Models.as_view(), name="models"),
    path("quotes/", Quotes.as_view(), name="quotes"),
    path("usage/", Used.as_view(), name="usage"),
    path("webhook-endpoints/", Endpoints.as_view(), name="webhook-endpoints"),
    path("webhook-endpoints/<uuid:pk>/", EndpointDetail.as_view(), name="webhook-endpoint"),
    path("webhook-endpoints/<uuid:pk>/rotate/", EndpointRotate.as_view(), name="webhook-endpoint-rotate"),
    path("webhook-endpoints/<uuid:pk>/ping/", EndpointPing.as_view(), name="webhook-endpoint-ping"),
    path("webhook-endpoints/<uuid:pk>/test/", EndpointTest.as_view(), name="webhook-endpoint-test"),
    path("webhook-endpoints/<uuid:pk>/enable/", EndpointEnable.as_view(), name="webhook-endpoint-enable"),
    path("webhook-endpoints/<uuid:pk>/disable/", EndpointDisable.as_view(), name="webhook-endpoint-disable"),
    path("webhook-deliveries/", Deliveries.as_view(), name="webhook-deliveries"),
    path("webhook-deliveries/<uuid:pk>/", DeliveryDetail.as_view(), name="webhook-delivery"),
    path("webhook-deliveries/<uuid:pk>/redeliver/", DeliveryAgain.as_view(), name="webhook-delivery-redeliver"),
)

urlpatterns = [
    *(each for pattern in documented for each in _both(pattern)),
    *twice("schema/", Schema.as_view(patterns=documented), name="schema"),
    *twice("docs/", Docs.as_view(), name="docs"),
    path("docs/<str:name>", DocsFile.as_view(), name="docs-file"),
]
