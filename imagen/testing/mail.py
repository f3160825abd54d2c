"""What has to be true of webhook endpoints and of the messages that go there."""

from __future__ import annotations

from collections.abc import Iterator

from imagen.models import Delivery, Endpoint
from imagen.models.webhook import OVER, UNDER_WAY, DeliveryKind, DeliveryStatus, EndpointState
from imagen.testing.site import Site


def due(site: Site) -> Iterator[str]:
    """A message that is not over is due some time, one that is over never; each endpoint can say why it is as it is."""
    for endpoint in Endpoint.objects.prefetch_related("deliveries"):
        yield from (f"Endpoint {endpoint.pk} ({endpoint.state}) {wrong}." for wrong in _of_endpoint(endpoint))
        for message in endpoint.deliveries.all():
            yield from (f"Delivery {message.pk} ({message.status}) {wrong}." for wrong in _of_message(message))


def _of_endpoint(endpoint: Endpoint) -> Iterator[str]:
    off, waits = endpoint.state == EndpointState.DISABLED, [m for m in endpoint.deliveries.all() if not _over(m)]
    rules = {
        "is active and never answered a ping": endpoint.state == EndpointState.ACTIVE and endpoint.verified_at is None,
        "does not say why": off != bool(endpoint.reason),
        "is switched off and still has messages under way": off and bool(waits),
        "keeps its secret in the open": "whsec_" in endpoint.secret + endpoint.previous_secret,
    }
    yield from (wrong for wrong, applies in rules.items() if applies)


def _of_message(message: Delivery) -> Iterator[str]:
    arrived = message.status == DeliveryStatus.DELIVERED
    rules = {
        "is under way and never due": message.status in UNDER_WAY and message.due_at is None,
        "is over and still due": _over(message) and message.due_at is not None,
        "has a time of arrival that does not fit": arrived != (message.delivered_at is not None),
        "arrived without a good answer": arrived and not 200 <= (message.last_code or 0) < 300,
        "was given up without a try": message.status == DeliveryStatus.FAILED and not message.tries,
        "is being sent and nobody took it": message.status == DeliveryStatus.SENDING and not message.fence,
        "tells of no request": message.kind == DeliveryKind.EVENT and message.generation_id is None,
        "has nothing to say": message.status in UNDER_WAY and not message.body,
    }
    yield from (wrong for wrong, applies in rules.items() if applies)


def _over(message: Delivery) -> bool:
    return message.status in OVER
