"""Endpoints and deliveries as they may stand, for tests of the doors."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from imagen import webhooks
from imagen.models import Delivery, Endpoint
from tests.factories import generation

ADDRESS = "https://shop.example/hooks/pictures"
HOSTS = ("shop.example:443", "other.example:443")  # nobody is asked where these are
KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="  # for tests alone


def endpoint(user: User, *, url: str = ADDRESS, **facts: Any) -> Endpoint:
    """An endpoint that was pinged, answered and works, unless said otherwise."""
    made, _secret = webhooks.register(user, name="Shop", url=url)
    answered = {"status": "delivered", "tries": 1, "last_code": 204, "delivered_at": timezone.now(), "due_at": None}
    made.deliveries.update(**answered)
    known = {"state": "active", "verified_at": timezone.now(), **facts}
    Endpoint.objects.filter(pk=made.pk).update(**known)
    made.refresh_from_db()
    return made


def delivery(endpoint: Endpoint, **facts: Any) -> Delivery:
    """A message that waits for its first try, unless said otherwise."""
    over = facts.get("status") in ("delivered", "failed", "canceled")
    known = {"event": "generation.completed", "body": "{}", "due_at": None if over else timezone.now()}
    arrived = (
        {"delivered_at": timezone.now(), "last_code": 204, "tries": 1} if facts.get("status") == "delivered" else {}
    )
    known |= {"webhook_id": f"msg_{Delivery.objects.count()}"}
    if facts.get("kind", "event") == "event" and "generation" not in facts:
        known["generation"] = generation(endpoint.user, status="failed", error_code="provider_failed")
    return Delivery.objects.create(endpoint=endpoint, **{**known, **arrived, **facts})
