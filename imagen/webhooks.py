"""Webhook endpoints as the doors know them: register, change, ping, test, rotate, switch on and off, send again."""

from __future__ import annotations

import base64
import secrets
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.views.decorators.debug import sensitive_variables

from imagen import courier, deliveries, outbox, queue, vault
from imagen.deliveries import OVERLAP
from imagen.exceptions import Conflict, EgressBlocked, FieldError, InvalidRequest, Refused, VaultClosed
from imagen.models import Delivery, Endpoint, database_now, hold
from imagen.models.webhook import (
    OVER,
    DeliveryError,
    DeliveryKind,
    DeliveryStatus,
    EndpointReason,
    EndpointState,
    Happening,
)

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

LIMIT = 5
LONGEST = 2000
SECRET_BYTES = 32
PING, TEST = "endpoint.ping", "endpoint.test"
CHANGEABLE = frozenset({"name", "url", "events", "include_prompt"})
announce = outbox.announce
_looked_up: ContextVar[Mapping[str, bool]] = ContextVar("imagen_looked_up", default={})  # noqa: B039  # never written


@sensitive_variables("secret")
def register(
    user: AbstractBaseUser,
    *,
    url: str,
    name: str = "",
    events: Iterable[str] = tuple(Happening.values),
    include_prompt: bool = False,
) -> tuple[Endpoint, str]:
    """A new endpoint and its secret, shown this once; it is told of what happens as soon as it has answered a ping.

    Raises ``InvalidRequest`` that names the field, or ``VaultClosed`` on a site without encryption keys.
    """
    secret = _new_secret()
    known = {"name": name, "url": _checked(url), "events": _events(events), "include_prompt": include_prompt}
    with transaction.atomic():
        hold(user)
        if Endpoint.objects.of(user).count() >= LIMIT:
            raise _too_many()
        kept = {"secret": vault.lock(secret), "last4": secret[-4:], "created_at": database_now()}
        endpoint = Endpoint.objects.create(user_id=user.pk, **known, **kept)
        _send(endpoint, DeliveryKind.PING, PING)
    return endpoint, secret


def change(endpoint: Endpoint, **fields: Any) -> Endpoint:
    """Set name, url, events or include_prompt; a new address is pinged before anything is sent there."""
    if unknown := fields.keys() - CHANGEABLE:
        raise TypeError(f"an endpoint's {min(unknown)} is not changed so")
    if "url" in fields:
        _checked(fields["url"])
    if "events" in fields:
        fields["events"] = _events(fields["events"])
    with transaction.atomic():
        row = _locked(endpoint.pk)
        moved = fields.get("url", row.url) != row.url  # whoever asks may have read it long ago
        _write(row, **fields)
        if moved and row.state != EndpointState.DISABLED:
            _begin_again(row)
        return _fresh(endpoint)


def ping(endpoint: Endpoint) -> Delivery:
    """Ask an endpoint that has not answered yet once more; ``Conflict`` when there is nothing to ask."""
    with transaction.atomic():
        row = _locked(endpoint.pk)
        if row.state != EndpointState.PENDING or _under_way(row, DeliveryKind.PING):
            raise Conflict(state=row.get_state_display())
        return _send(row, DeliveryKind.PING, PING)


def test(endpoint: Endpoint) -> Delivery:
    """Send an active endpoint one message to try it out; ``Conflict`` while another is under way."""
    with transaction.atomic():
        row = _locked(endpoint.pk)
        if row.state != EndpointState.ACTIVE or _under_way(row, DeliveryKind.TEST):
            raise Conflict(state=row.get_state_display())
        return _send(row, DeliveryKind.TEST, TEST)


@sensitive_variables("secret")
def rotate(endpoint: Endpoint) -> str:
    """A new secret, shown this once; for a day every message is signed with the old one as well."""
    secret = _new_secret()
    with transaction.atomic():
        row = _locked(endpoint.pk)
        before = row.secret if vault.opens(row.secret) else ""  # one that cannot be read signs nothing
        kept = {"secret": vault.lock(secret), "last4": secret[-4:], "previous_secret": before}
        _write(row, rotated_at=database_now(), **kept)
        _fresh(endpoint)
    return secret


def enable(endpoint: Endpoint) -> Endpoint:
    """Switch an endpoint on again: it is pinged first; ``Conflict`` when it is not switched off."""
    _checked(endpoint.url)
    with transaction.atomic():
        row = _locked(endpoint.pk)
        if row.state != EndpointState.DISABLED:
            raise Conflict(state=row.get_state_display())
        _begin_again(row)
        return _fresh(endpoint)


def disable(endpoint: Endpoint) -> Endpoint:
    """Send nothing there any more; what waits is cancelled. ``Conflict`` when it is switched off already."""
    with transaction.atomic():
        row = _locked(endpoint.pk)
        if row.state == EndpointState.DISABLED:
            raise Conflict(state=row.get_state_display())
        row.deliveries.call_off(DeliveryError.ENDPOINT_DISABLED)
        _write(row, state=EndpointState.DISABLED, reason=EndpointReason.BY_HAND, failing_since=None)
        return _fresh(endpoint)


def remove(endpoint: Endpoint) -> None:
    """Forget an endpoint with everything that was sent there."""
    with transaction.atomic():
        Endpoint.objects.select_for_update().filter(pk=endpoint.pk).first()  # no message to it is being written now
        Endpoint.objects.filter(pk=endpoint.pk).delete()


def redeliver(delivery: Delivery) -> Delivery:
    """Send a message that is over once more, under its id; ``Conflict`` when it cannot be."""
    with transaction.atomic():
        endpoint = _locked(delivery.endpoint_id)  # before the message, as everybody does
        row = Delivery.objects.select_for_update(of=("self",), no_key=True).filter(pk=delivery.pk).first()
        if row is None:
            raise Refused(code="not_found")
        told = row.kind == DeliveryKind.EVENT and row.body
        if not told or row.status not in OVER or endpoint.state != EndpointState.ACTIVE:
            raise Conflict(state=row.get_status_display())
        facts = {"status": DeliveryStatus.WAITING, "tries": 0, "delivered_at": None, "last_error": ""}
        Delivery.objects.filter(pk=row.pk).update(**facts, last_code=None, due_at=database_now())
        queue.ring()
    delivery.refresh_from_db()
    return delivery


def check(user: AbstractBaseUser, url: str, *, another: bool = True) -> None:
    """Refuse what ``register`` would refuse of this person now; ``another`` when the endpoint would be a new one."""
    _checked(url)
    if another and not vault.is_open():
        raise VaultClosed
    if another and Endpoint.objects.of(user).count() >= LIMIT:
        raise _too_many()


@contextmanager
def looked_up(url: str) -> Iterator[None]:
    """Look up now whether we may send to this address, and not again within: a name may take seconds to be found."""
    token = _looked_up.set({url: _allowed(url)})
    try:
        yield
    finally:
        _looked_up.reset(token)


def own_address(user: AbstractBaseUser | None, url: str) -> str:
    """This address, if it lies at one of this person's active endpoints; ``InvalidRequest`` names ``webhook_url``."""
    try:
        courier.check_form(url)
    except EgressBlocked:
        near = False
    else:
        known = Endpoint.objects.of(user).active().values_list("url", flat=True) if user else ()
        near = outbox.origin(url) in map(outbox.origin, known)
    if not near or len(url) > LONGEST:
        raise InvalidRequest(errors=(FieldError(field="webhook_url", code="not_your_endpoint"),))
    return url


def tidy() -> None:
    """Forget the secrets that were replaced more than a day ago, and end the alarm about some nobody could read."""
    old = Endpoint.objects.filter(rotated_at__lt=database_now() - OVERLAP).exclude(previous_secret="")
    old.update(previous_secret="")
    deliveries.calm()


def turn_keys() -> int:
    """Write every secret as the first of ENCRYPTION_KEYS does; how many endpoints there are."""
    with transaction.atomic():
        rows = list(Endpoint.objects.order_by("pk").select_for_update(no_key=True))
        for row in rows:
            kept = {name: vault.turn(text) for name in ("secret", "previous_secret") if (text := getattr(row, name))}
            _write(row, **kept)
    return len(rows)


def _new_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()}"


def _too_many() -> InvalidRequest:
    return InvalidRequest(errors=(FieldError(field="url", code="too_many_endpoints", params={"limit": LIMIT}),))


def _checked(url: str) -> str:
    known = _looked_up.get()
    if not (known[url] if url in known else _allowed(url)):
        raise InvalidRequest(errors=(FieldError(field="url", code="address_refused"),))
    return url


def _allowed(url: str) -> bool:
    if len(url) > LONGEST:
        return False
    try:
        courier.check_address(url)
    except EgressBlocked:
        return False
    return True


def _events(events: Iterable[str]) -> list[str]:
    wanted = set(events)
    if not wanted or wanted - set(Happening.values):
        told = {"choices": ", ".join(Happening.values)}
        raise InvalidRequest(errors=(FieldError(field="events", code="not_a_choice", params=told),))
    return [name for name in Happening.values if name in wanted]


def _locked(pk: uuid.UUID) -> Endpoint:
    row = Endpoint.objects.select_for_update(of=("self",), no_key=True).filter(pk=pk).first()
    if row is None:  # somebody removed it a moment ago
        raise Refused(code="not_found")
    return row


def _fresh(endpoint: Endpoint) -> Endpoint:
    endpoint.refresh_from_db()
    return endpoint


def _write(endpoint: Endpoint, **facts: Any) -> None:
    Endpoint.objects.filter(pk=endpoint.pk).update(**facts)
    vars(endpoint).update(facts)


def _begin_again(endpoint: Endpoint) -> None:
    """Nothing is sent there but a ping, until that is answered."""
    _write(endpoint, state=EndpointState.PENDING, reason=EndpointReason.NONE, failing_since=None)
    endpoint.deliveries.filter(kind=DeliveryKind.PING).call_off(DeliveryError.ENDPOINT_DISABLED)
    _send(endpoint, DeliveryKind.PING, PING)


def _under_way(endpoint: Endpoint, kind: DeliveryKind) -> bool:
    return endpoint.deliveries.under_way().filter(kind=kind).exists()


def _send(endpoint: Endpoint, kind: DeliveryKind, event: str) -> Delivery:
    now = database_now()
    body = outbox.written(event, now, {"endpoint": str(endpoint.pk)})
    delivery = outbox.message(endpoint, event, body, now, kind=kind)
    delivery.save(force_insert=True)
    queue.ring()
    return delivery
