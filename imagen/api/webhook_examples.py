"""An example of everything to do with webhooks that comes and goes, for the schema."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ROOT = "https://images.example/api/imagen/v1/"
_ENDPOINT_ID = "6b1f0c52-8a7d-4f0e-9d53-0c2f6f1f4a11"
_DELIVERY_ID = "d2a4f7b0-3c1e-4b8a-8f5e-7e9b1c6d2f33"

REQUEST: Mapping[str, Any] = {
    "name": "Shop",
    "url": "https://shop.example/hooks/imagen",
    "events": ["generation.completed", "generation.failed"],
    "include_prompt": False,
}
CHANGE: Mapping[str, Any] = {"include_prompt": True}
ENDPOINT: Mapping[str, Any] = {
    "id": _ENDPOINT_ID,
    **REQUEST,
    "state": "active",
    "reason": None,
    "message": "It works.",
    "secret_last4": "GKY=",
    "rotated_at": None,
    "verified_at": "2026-11-20T16:00:02.104000Z",
    "failing_since": None,
    "created_at": "2026-11-20T16:00:00.512000Z",
    "urls": {
        "self": f"{_ROOT}webhook-endpoints/{_ENDPOINT_ID}/",
        **{
            verb: f"{_ROOT}webhook-endpoints/{_ENDPOINT_ID}/{verb}/"
            for verb in ("rotate", "ping", "test", "enable", "disable")
        },
    },
}
PENDING: Mapping[str, Any] = {
    **ENDPOINT,
    "state": "pending",
    "verified_at": None,
    "message": "It has not answered our ping yet, and works once it has. It can be pinged again.",
}
DISABLED: Mapping[str, Any] = {
    **ENDPOINT,
    "state": "disabled",
    "reason": "by_hand",
    "message": "Somebody switched it off. Nothing is sent until you enable it.",
}
SECRET = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKY="}  # nobody's
DELIVERY: Mapping[str, Any] = {
    "id": _DELIVERY_ID,
    "webhook_id": "msg_0f3b6f1d2c4e4a6f9d8b7a5c3e1f0d2b",
    "endpoint": _ENDPOINT_ID,
    "url": REQUEST["url"],
    "kind": "event",
    "event": "generation.completed",
    "generation": "8e03978e-40d5-43dd-bc93-6894a57f9324",
    "status": "waiting",
    "tries": 2,
    "next_try_at": "2026-11-20T16:05:14.000000Z",
    "last_code": 500,
    "last_error": "answered",
    "message": "The address answered 500. We try again at 16:05 (try 3 of 10).",
    "created_at": "2026-11-20T16:00:09.123456Z",
    "delivered_at": None,
    "urls": {
        "self": f"{_ROOT}webhook-deliveries/{_DELIVERY_ID}/",
        "redeliver": f"{_ROOT}webhook-deliveries/{_DELIVERY_ID}/redeliver/",
    },
}
_FRESH: Mapping[str, Any] = {
    **DELIVERY,
    "status": "waiting",
    "tries": 0,
    "last_code": None,
    "last_error": None,
    "message": "It is sent in a moment.",
    "next_try_at": DELIVERY["created_at"],
}
PING: Mapping[str, Any] = {**_FRESH, "kind": "ping", "event": "endpoint.ping", "generation": None}
TEST: Mapping[str, Any] = {**PING, "kind": "test", "event": "endpoint.test"}
AGAIN: Mapping[str, Any] = _FRESH


def page(row: Mapping[str, Any]) -> dict[str, Any]:
    """A page with this row alone."""
    return {"next": None, "previous": None, "results": [row]}
