"""How endpoints and deliveries look from outside; the secret is never among it."""

from __future__ import annotations

from typing import Any

from django.urls import reverse

from imagen import postmarks
from imagen.models import Delivery, Endpoint
from imagen.models.webhook import DeliveryStatus
from imagen.presentation import BuildUrl, moment

VERBS = ("rotate", "ping", "test", "enable", "disable")


def endpoint_json(endpoint: Endpoint, *, build_url: BuildUrl) -> dict[str, Any]:
    """One endpoint as its owner sees it."""
    return {
        "id": str(endpoint.pk),
        "name": endpoint.name,
        "url": endpoint.url,
        "events": list(endpoint.events),
        "include_prompt": endpoint.include_prompt,
        "state": str(endpoint.state),
        "reason": str(endpoint.reason) or None,
        "message": postmarks.of_endpoint(endpoint),
        "secret_last4": endpoint.last4,
        "rotated_at": moment(endpoint.rotated_at),
        "verified_at": moment(endpoint.verified_at),
        "failing_since": moment(endpoint.failing_since),
        "created_at": moment(endpoint.created_at),
        "urls": {"self": _url("webhook-endpoint", endpoint, build_url), **_verbs(endpoint, build_url)},
    }


def delivery_json(delivery: Delivery, *, build_url: BuildUrl) -> dict[str, Any]:
    """One delivery as its owner sees it; what the receiver wrote is nowhere in it, for it is not kept."""
    return {
        "id": str(delivery.pk),
        "webhook_id": delivery.webhook_id,
        "endpoint": str(delivery.endpoint_id),
        "url": delivery.address,
        "kind": str(delivery.kind),
        "event": delivery.event,
        "generation": delivery.generation_id and str(delivery.generation_id),
        "status": str(delivery.status),
        "tries": delivery.tries,
        "next_try_at": moment(delivery.due_at) if delivery.status == DeliveryStatus.WAITING else None,
        "last_code": delivery.last_code,
        "last_error": delivery.last_error or None,
        "message": postmarks.of_delivery(delivery),
        "created_at": moment(delivery.created_at),
        "delivered_at": moment(delivery.delivered_at),
        "urls": {
            "self": _url("webhook-delivery", delivery, build_url),
            "redeliver": _url("webhook-delivery-redeliver", delivery, build_url),
        },
    }


def _verbs(endpoint: Endpoint, build_url: BuildUrl) -> dict[str, str]:
    return {verb: _url(f"webhook-endpoint-{verb}", endpoint, build_url) for verb in VERBS}


def _url(name: str, row: Endpoint | Delivery, build_url: BuildUrl) -> str:
    return build_url(reverse(f"imagen:{name}", args=[row.pk]))
