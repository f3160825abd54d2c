"""What the schema says about each call to do with webhooks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample

from imagen.api import webhook_examples as examples
from imagen.api import webhook_shapes as shapes
from imagen.api.docs import _PAGES as PAGES
from imagen.api.docs import _call as call
from imagen.api.docs import _header as header
from imagen.api.docs import _query as query
from imagen.api.filters import EVENTS
from imagen.models.webhook import DeliveryStatus


def _sent(value: Mapping[str, Any]) -> OpenApiExample:
    return OpenApiExample("Sent", value=value, request_only=True)


def _told(value: Mapping[str, Any], status: int = 200) -> OpenApiExample:
    return OpenApiExample("Answered", value=value, response_only=True, status_codes=[str(status)])


_FILTERS = [
    query("endpoint", "To this endpoint.", OpenApiTypes.UUID),
    query("event", "Of this type.", enum=EVENTS),
    query("status", "In this state.", enum=DeliveryStatus.values),
    query("generation", "About this generation.", OpenApiTypes.UUID),
    query("created_after", "Written at this time or later.", OpenApiTypes.DATETIME),
    query("created_before", "Written at this time or earlier.", OpenApiTypes.DATETIME),
]

list_endpoints = call(
    "listWebhookEndpoints",
    "List webhook endpoints",
    {200: (shapes.EndpointPage, "One page, newest first; yours alone.")},
    400,
    parameters=PAGES,
    examples=[_told(examples.page(examples.ENDPOINT))],
)
register = call(
    "createWebhookEndpoint",
    "Register a webhook endpoint",
    {201: (shapes.EndpointWithSecretShape, "Registered, with its secret; it works once it has answered the ping.")},
    *(400, 409, 411, 413, 415, 422),
    request=shapes.EndpointRequest,
    parameters=[header("Idempotency-Key", "The same key and body within 24 hours register once.")],
    examples=[_sent(examples.REQUEST), _told({**examples.PENDING, **examples.SECRET}, 201)],
)
look_at_endpoint = call(
    "getWebhookEndpoint",
    "Look at a webhook endpoint",
    {200: (shapes.EndpointShape, "How it stands.")},
    404,
    examples=[_told(examples.ENDPOINT)],
)
change_endpoint = call(
    "updateWebhookEndpoint",
    "Change a webhook endpoint",
    {200: (shapes.EndpointShape, "As it is now; with another address it is pinged again.")},
    *(400, 404, 409, 411, 413, 415),
    request=shapes.EndpointChange,
    examples=[_sent(examples.CHANGE), _told({**examples.ENDPOINT, **examples.CHANGE})],
)
delete_endpoint = call(
    "deleteWebhookEndpoint", "Delete a webhook endpoint", {204: (None, "Gone, with its deliveries.")}, 404
)
rotate = call(
    "rotateWebhookSecret",
    "Make a new webhook secret",
    {200: (shapes.EndpointWithSecretShape, "The new secret; for 24 hours the old one signs as well.")},
    *(400, 404, 409),
    request=None,
    examples=[_told({**examples.ENDPOINT, **examples.SECRET})],
)
ping = call(
    "pingWebhookEndpoint",
    "Ping a webhook endpoint again",
    {202: (shapes.DeliveryShape, "On its way; an answer of 2xx activates the endpoint.")},
    *(400, 404, 409),
    request=None,
    examples=[_told(examples.PING, 202)],
)
test = call(
    "testWebhookEndpoint",
    "Send an example to a webhook endpoint",
    {202: (shapes.DeliveryShape, "On its way.")},
    *(400, 404, 409),
    request=None,
    examples=[_told(examples.TEST, 202)],
)
enable = call(
    "enableWebhookEndpoint",
    "Enable a webhook endpoint",
    {200: (shapes.EndpointShape, "It is pinged, and works once it has answered.")},
    *(400, 404, 409),
    request=None,
    examples=[_told(examples.PENDING)],
)
disable = call(
    "disableWebhookEndpoint",
    "Disable a webhook endpoint",
    {200: (shapes.EndpointShape, "It is sent nothing more.")},
    *(400, 404, 409),
    request=None,
    examples=[_told(examples.DISABLED)],
)
list_deliveries = call(
    "listWebhookDeliveries",
    "List webhook deliveries",
    {200: (shapes.DeliveryPage, "One page, newest first; yours alone.")},
    400,
    parameters=[*PAGES, *_FILTERS],
    examples=[_told(examples.page(examples.DELIVERY))],
)
look_at_delivery = call(
    "getWebhookDelivery",
    "Look at a webhook delivery",
    {200: (shapes.DeliveryShape, "What became of it.")},
    404,
    examples=[_told(examples.DELIVERY)],
)
redeliver = call(
    "redeliverWebhook",
    "Send a webhook delivery again",
    {202: (shapes.DeliveryShape, "On its way under the same `webhook-id`.")},
    *(400, 404, 409),
    request=None,
    examples=[_told(examples.AGAIN, 202)],
)
