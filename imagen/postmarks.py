"""What became of a webhook, in plain words with the next step; one table for every door."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen.conf import settings
from imagen.deliveries import TRIES
from imagen.messages import clock
from imagen.models import Delivery, Endpoint
from imagen.models.webhook import DeliveryError, DeliveryKind, DeliveryStatus, EndpointReason, EndpointState


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What happened, and what its owner can do about it."""

    happened: Any
    step: Any = ""


MARKS: Mapping[str, Mark] = {
    DeliveryError.ANSWERED: Mark(
        happened=_("The address answered %(code)s."),
        step=_("It has to answer with a status from 200 to 299; its own log says why it did not."),
    ),
    DeliveryError.REDIRECTED: Mark(
        happened=_("The address answered %(code)s and sent us elsewhere, where we do not go."),
        step=_("Register the address it leads to."),
    ),
    DeliveryError.GONE: Mark(
        happened=_("The address answered 410, which says that it wants nothing more; it was switched off."),
        step=_("If that was a mistake, enable it again."),
    ),
    DeliveryError.TIMEOUT: Mark(
        happened=_("The address did not answer within %(seconds)s seconds."),
        step=_("Let it answer first and do its work afterwards."),
    ),
    DeliveryError.UNREACHABLE: Mark(
        happened=_("The address could not be reached."),
        step=_("Check its name, its port and its certificate."),
    ),
    DeliveryError.ADDRESS_REFUSED: Mark(
        happened=_("The address leads to a place this site does not send to, such as a private network."),
        step=_("Use a public https address on port 443 or 8443."),
    ),
    DeliveryError.UNSIGNABLE: Mark(
        happened=_("The secret of this address can no longer be read, so nothing could be signed."),
        step=_("Make a new secret, or ask an administrator to put the old encryption key back."),
    ),
    DeliveryError.ENDPOINT_DISABLED: Mark(
        happened=_("It was not sent, because the address was switched off."),
        step=_("Enable the address, then send it again."),
    ),
    DeliveryError.ERASED: Mark(happened=_("It was not sent, because the request was deleted.")),
}
WAITS = _("It is sent in a moment.")
WAITS_FOR_PING = _("It is sent once the address has answered our ping.")
BEING_SENT = _("It is being sent.")
ARRIVED = _("It arrived; the address answered %(code)s.")
AGAIN = _("We try again at %(time)s (try %(number)s of %(most)s).")
GIVEN_UP = _("We tried %(number)s times and try no more. You can send it again.")

STATES: Mapping[tuple[str, str], Any] = {
    (EndpointState.PENDING, ""): _("It has not answered our ping yet, and works once it has. It can be pinged again."),
    (EndpointState.ACTIVE, ""): _("It works."),
    (EndpointState.DISABLED, EndpointReason.GONE): _(
        "It answered 410, which says that it wants nothing more. Nothing is sent until you enable it."
    ),
    (EndpointState.DISABLED, EndpointReason.FAILING): _(
        "Nothing arrived there for too long. Mend it, then enable it; what was missed can be sent again."
    ),
    (EndpointState.DISABLED, EndpointReason.BY_HAND): _(
        "Somebody switched it off. Nothing is sent until you enable it."
    ),
}
FAILING = _("Nothing has arrived there since %(time)s. After three days it is switched off.")


def of_endpoint(endpoint: Endpoint) -> str:
    """How an endpoint stands, and what to do about it."""
    if endpoint.state == EndpointState.ACTIVE and endpoint.failing_since:
        return str(FAILING) % {"time": clock(endpoint.failing_since)}
    return str(STATES.get((endpoint.state, endpoint.reason)) or STATES[EndpointState.DISABLED, EndpointReason.BY_HAND])


def of_delivery(delivery: Delivery) -> str:
    """What became of a delivery, and what happens next."""
    if delivery.status == DeliveryStatus.DELIVERED:
        return str(ARRIVED) % {"code": delivery.last_code}
    if delivery.status == DeliveryStatus.SENDING:
        return str(BEING_SENT)
    return " ".join(map(str, filter(None, (why(delivery), _next(delivery))))).strip()


def why(delivery: Delivery) -> str:
    """Why the last try brought no success; nothing where there was none."""
    mark = MARKS.get(delivery.last_error)
    facts = {"code": delivery.last_code, "seconds": round(settings.WEBHOOK_SECONDS)}
    return str(mark.happened) % facts if mark else ""


def step(delivery: Delivery) -> str:
    """What its owner can do about it."""
    mark = MARKS.get(delivery.last_error)
    return str(mark.step) if mark and delivery.status != DeliveryStatus.DELIVERED else ""


def _next(delivery: Delivery) -> str:
    if delivery.status == DeliveryStatus.WAITING:
        return _soon(delivery)
    given_up = delivery.status == DeliveryStatus.FAILED and delivery.tries > 1
    return f"{step(delivery)} {str(GIVEN_UP) % {'number': delivery.tries} if given_up else ''}".strip()


def _soon(delivery: Delivery) -> str:
    if delivery.kind != DeliveryKind.PING and delivery.endpoint.state == EndpointState.PENDING:
        return str(WAITS_FOR_PING)
    if not delivery.tries or delivery.due_at is None:
        return str(WAITS)
    when = clock(max(delivery.due_at, timezone.now()))
    return str(AGAIN) % {"time": when, "number": delivery.tries + 1, "most": most_tries(delivery)}


def most_tries(delivery: Delivery) -> int:
    """How often such a message is tried at most."""
    return len(settings.WEBHOOK_RETRY_SECONDS[: TRIES.get(delivery.kind)])
