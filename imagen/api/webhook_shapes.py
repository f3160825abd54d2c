"""The shapes of endpoints and deliveries, for the schema; ``imagen.api.webhook_json`` makes them."""

from __future__ import annotations

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from imagen.api.serializers import PageShape, Shape
from imagen.api.webhook_fields import LENGTHS
from imagen.models.webhook import (
    DeliveryError,
    DeliveryKind,
    DeliveryStatus,
    EndpointReason,
    EndpointState,
    Happening,
)

NAME, ADDRESS = LENGTHS["name"], LENGTHS["url"]


@extend_schema_serializer(component_name="WebhookEndpointRequest")
class EndpointRequest(Shape):
    """An address that wants to be told."""

    name = serializers.CharField(max_length=NAME, allow_blank=True, default="", help_text="What you call it.")
    url = serializers.CharField(max_length=ADDRESS, help_text="An https address on port 443 or 8443, without a user.")
    events = serializers.ListField(
        child=serializers.ChoiceField(Happening.values),
        min_length=1,
        default=Happening.values,
        help_text="All without it.",
    )
    include_prompt = serializers.BooleanField(default=False, help_text="Whether descriptions go along.")


@extend_schema_serializer(component_name="WebhookEndpointChange")
class EndpointChange(Shape):
    """What shall be different; another address has to answer a ping before it works."""

    name = serializers.CharField(max_length=NAME, allow_blank=True, required=False)
    url = serializers.CharField(max_length=ADDRESS, required=False)
    events = serializers.ListField(child=serializers.ChoiceField(Happening.values), min_length=1, required=False)
    include_prompt = serializers.BooleanField(required=False)


@extend_schema_serializer(component_name="WebhookEndpointUrls")
class EndpointUrlsShape(Shape):
    """Where to go next."""

    self = serializers.URLField()
    rotate = serializers.URLField()
    ping = serializers.URLField()
    test = serializers.URLField()
    enable = serializers.URLField()
    disable = serializers.URLField()


@extend_schema_serializer(component_name="WebhookEndpoint")
class EndpointShape(Shape):
    """An address that is told, and how it stands."""

    id = serializers.UUIDField()
    name = serializers.CharField(allow_blank=True)
    url = serializers.CharField()
    events = serializers.ListField(child=serializers.ChoiceField(Happening.values))
    include_prompt = serializers.BooleanField()
    state = serializers.ChoiceField(EndpointState.values)
    reason = serializers.ChoiceField([each for each in EndpointReason.values if each], allow_null=True)
    message = serializers.CharField(help_text="How it stands, and what to do about it.")
    secret_last4 = serializers.CharField(help_text="The end of its secret, to tell it by.")
    rotated_at = serializers.DateTimeField(allow_null=True, help_text="Until a day later the old secret signs as well.")
    verified_at = serializers.DateTimeField(allow_null=True, help_text="When it answered its ping.")
    failing_since = serializers.DateTimeField(allow_null=True)
    created_at = serializers.DateTimeField()
    urls = EndpointUrlsShape()


@extend_schema_serializer(component_name="WebhookEndpointWithSecret")
class EndpointWithSecretShape(EndpointShape):
    """The same with its secret, which nobody can look up later."""

    secret = serializers.RegexField(
        "^whsec_[A-Za-z0-9+/]+=*$",
        allow_null=True,
        help_text="Shown this once. Null in an answer that is repeated for an `Idempotency-Key`.",
    )


@extend_schema_serializer(component_name="WebhookEndpointPage")
class EndpointPage(PageShape):
    """One page of endpoints, newest first."""

    results = EndpointShape(many=True)


@extend_schema_serializer(component_name="WebhookDeliveryUrls")
class DeliveryUrlsShape(Shape):
    """Where to go next."""

    self = serializers.URLField()
    redeliver = serializers.URLField()


@extend_schema_serializer(component_name="WebhookDelivery")
class DeliveryShape(Shape):
    """One message to an endpoint, and what became of it."""

    id = serializers.UUIDField()
    webhook_id = serializers.CharField(help_text="The header `webhook-id`; the same at every try.")
    endpoint = serializers.UUIDField()
    url = serializers.CharField(help_text="Where it goes.")
    kind = serializers.ChoiceField(DeliveryKind.values)
    event = serializers.CharField(help_text="Its `type`.")
    generation = serializers.UUIDField(allow_null=True)
    status = serializers.ChoiceField(DeliveryStatus.values)
    tries = serializers.IntegerField(min_value=0)
    next_try_at = serializers.DateTimeField(allow_null=True)
    last_code = serializers.IntegerField(allow_null=True, help_text="The HTTP status of the last answer.")
    last_error = serializers.ChoiceField([each for each in DeliveryError.values if each], allow_null=True)
    message = serializers.CharField(help_text="What became of it, and what happens next.")
    created_at = serializers.DateTimeField()
    delivered_at = serializers.DateTimeField(allow_null=True)
    urls = DeliveryUrlsShape()


@extend_schema_serializer(component_name="WebhookDeliveryPage")
class DeliveryPage(PageShape):
    """One page of deliveries, newest first."""

    results = DeliveryShape(many=True)
