"""Messages on their way: who sends which one when, and what follows from the answer."""

from __future__ import annotations

import random
import uuid
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils.translation import gettext as _

from imagen import alarms, failpoints, letters, vault
from imagen.conf import settings
from imagen.courier import Echo
from imagen.exceptions import VaultClosed
from imagen.models import Delivery, Endpoint, database_now
from imagen.models.webhook import DeliveryError, DeliveryKind, DeliveryStatus, EndpointReason, EndpointState

Row = TypeVar("Row", Endpoint, Delivery)
UNSIGNED = "webhooks_unsigned"
AT_ONCE = 4  # messages to one endpoint, so that a slow one leaves room for others
OVERLAP = timedelta(days=1)  # for so long a secret that was replaced signs as well
PATIENCE = timedelta(days=3)
LONGEST_WAIT = 86_400.0
UNSIGNED_SECONDS = 300.0
JITTER = (0.9, 1.1)
TRIES: Mapping[str, int] = {DeliveryKind.PING: 3, DeliveryKind.TEST: 1}  # of the others as many as the schedule has


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One message that is ours to send now, and the secrets to sign it with; what nobody may read is not shown."""

    pk: uuid.UUID
    endpoint: uuid.UUID
    owner: Any
    fence: int
    url: str = field(repr=False)
    webhook_id: str
    body: bytes = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)


def claim(room: int, *, lease: float, under_way: Collection[Parcel] = ()) -> list[Parcel]:
    """Take messages that are due for ``lease`` seconds, those first who have the fewest ``under_way``."""
    now = database_now()
    due = Delivery.objects.sendable().filter(due_at__lte=now)
    waiting = list(due.order_by().values_list("endpoint", "endpoint__user").distinct())
    if not waiting:
        return []
    with transaction.atomic():
        found = _in_turn(due, waiting, room, under_way)
        lease_ends = now + timedelta(seconds=lease)
        taken = Delivery.objects.filter(pk__in=[row.pk for row in found])
        taken.update(status=DeliveryStatus.SENDING, due_at=lease_ends, fence=F("fence") + 1)
        parcels = list(filter(None, [_parcel(row, now) for row in found]))
        failpoints.reach("message claim written")
    failpoints.reach("message claimed")
    return parcels


def near(seconds: float) -> bool:
    """Whether a message that nobody is sending comes due within so many seconds."""
    now = database_now()
    free = Q(status=DeliveryStatus.WAITING, due_at__lte=now + timedelta(seconds=seconds)) | Q(due_at__lte=now)
    return Delivery.objects.sendable().filter(free).exists()


def settle(parcel: Parcel, echo: Echo) -> None:
    """Write down what came of a try; when somebody else has taken the message since, nothing."""
    with transaction.atomic():
        endpoint = _held(Endpoint.objects.filter(pk=parcel.endpoint))
        mine = {"fence": parcel.fence, "status": DeliveryStatus.SENDING}
        message = _held(Delivery.objects.filter(pk=parcel.pk, **mine))  # after its endpoint, as everybody does
        if endpoint is None or message is None:
            return
        there = parcel.url == (message.url or endpoint.url)  # else the endpoint has moved since
        if 200 <= echo.status < 300:
            _arrived(endpoint, message, echo, speaks=there and not message.url)
        else:
            _missed(endpoint, message, echo, there=there)
        failpoints.reach("message written")
    failpoints.reach("message committed")


def calm() -> None:
    """End the alarm about secrets that cannot be read once no message waits for one."""
    waiting = Delivery.objects.under_way().filter(due_at__isnull=False, last_error=DeliveryError.UNSIGNABLE)
    if not waiting.exists():
        alarms.end(UNSIGNED)


def _held(rows: QuerySet[Row]) -> Row | None:
    return rows.select_for_update(of=("self",), no_key=True).first()


def _in_turn(
    due: QuerySet[Delivery], waiting: list[tuple[uuid.UUID, Any]], room: int, under_way: Collection[Parcel]
) -> list[Delivery]:
    """The first of each endpoint, as many as there is room for: in all, for one person, and for one endpoint."""
    sent, owned = Counter(each.endpoint for each in under_way), Counter(each.owner for each in under_way)
    share = max(settings.WEBHOOK_SLOTS // 2, 1)
    found: list[Delivery] = []
    for endpoint, owner in sorted(waiting, key=lambda each: (owned[each[1]], sent[each[0]], random.random())):  # noqa: S311  # no secret
        most = min(room - len(found), share - owned[owner], AT_ONCE - sent[endpoint])
        rows = list(_first(due.filter(endpoint=endpoint), most)) if most > 0 else []
        found, owned[owner] = [*found, *rows], owned[owner] + len(rows)
    return found


def _first(due: QuerySet[Delivery], most: int) -> QuerySet[Delivery]:
    rows = due.order_by("due_at", "pk").select_related("endpoint__user")
    return rows.select_for_update(of=("self",), skip_locked=True)[:most]


def _parcel(row: Delivery, now: datetime) -> Parcel | None:
    if not row.endpoint.user.is_active:  # the account was closed since
        Delivery.objects.filter(pk=row.pk).call_off(DeliveryError.ENDPOINT_DISABLED)
        return None
    try:
        known = tuple(map(vault.unlock, _secrets(row.endpoint, now)))
    except VaultClosed:
        _put_aside(row, now)
        return None
    if row.last_error == DeliveryError.UNSIGNABLE:
        _signed_again(row)
    return Parcel(
        pk=row.pk,
        endpoint=row.endpoint_id,
        owner=row.endpoint.user_id,
        fence=row.fence + 1,
        url=row.address,
        webhook_id=row.webhook_id,
        body=row.body.encode(),
        secrets=known,
    )


def _secrets(endpoint: Endpoint, now: datetime) -> list[str]:
    """Those that sign now: also the one that was replaced less than a day ago."""
    overlaps = endpoint.rotated_at is not None and now - endpoint.rotated_at < OVERLAP
    return [secret for secret in (endpoint.secret, endpoint.previous_secret if overlaps else "") if secret]


def _put_aside(row: Delivery, now: datetime) -> None:
    """Without its secret a message waits, and an administrator is told; that uses up no try."""
    facts = {"status": DeliveryStatus.WAITING, "last_error": DeliveryError.UNSIGNABLE}
    Delivery.objects.filter(pk=row.pk).update(**facts, due_at=now + timedelta(seconds=UNSIGNED_SECONDS))
    alarms.sound(UNSIGNED)


def _signed_again(row: Delivery) -> None:
    Delivery.objects.filter(pk=row.pk).update(last_error=DeliveryError.NONE)
    calm()


def _arrived(endpoint: Endpoint, message: Delivery, echo: Echo, *, speaks: bool) -> None:
    """It is over; what ``speaks`` for the endpoint, and not for another address, says that it works."""
    now = database_now()
    _end(message, DeliveryStatus.DELIVERED, echo, DeliveryError.NONE, delivered_at=now)
    facts: dict[str, Any] = {"failing_since": None} if speaks and endpoint.failing_since else {}
    if message.kind == DeliveryKind.PING and endpoint.state == EndpointState.PENDING:
        facts |= {"state": EndpointState.ACTIVE, "verified_at": now}
    if facts:
        Endpoint.objects.filter(pk=endpoint.pk).update(**facts)


def _missed(endpoint: Endpoint, message: Delivery, echo: Echo, *, there: bool) -> None:
    """Try again when the schedule says so; an endpoint that is gone, or fails for days, is switched off."""
    now, error = database_now(), _error(echo)
    steps = settings.WEBHOOK_RETRY_SECONDS[: TRIES.get(message.kind)]
    tries, gone = message.tries + 1, there and error == DeliveryError.GONE
    last = gone or tries >= len(steps)
    if last:
        _end(message, DeliveryStatus.FAILED, echo, error)
    else:
        wait = max(steps[tries] * random.uniform(*JITTER), _asked(echo.retry_after, now))  # noqa: S311  # no secret
        again = {"status": DeliveryStatus.WAITING, "due_at": now + timedelta(seconds=wait)}
        _write(message, echo, error, **again)
    if there and not message.url:
        _doubt(endpoint, message, now, gone=gone, last=last)


def _doubt(endpoint: Endpoint, message: Delivery, now: datetime, *, gone: bool, last: bool) -> None:
    """What a failure says about the endpoint; pings and tests say nothing of how long it has been failing."""
    since = endpoint.failing_since or now
    if gone:
        _switch_off(endpoint, EndpointReason.GONE)
    elif message.kind == DeliveryKind.EVENT and now - since >= PATIENCE:
        _switch_off(endpoint, EndpointReason.FAILING)
    elif message.kind == DeliveryKind.EVENT and endpoint.failing_since is None:
        Endpoint.objects.filter(pk=endpoint.pk).update(failing_since=now)
    elif message.kind == DeliveryKind.PING and last and endpoint.verified_at:
        _switch_off(endpoint, EndpointReason.FAILING)


def _switch_off(endpoint: Endpoint, reason: EndpointReason) -> None:
    """Send nothing there any more, and tell its owner why."""
    Endpoint.objects.filter(pk=endpoint.pk).update(state=EndpointState.DISABLED, reason=reason)
    endpoint.deliveries.call_off(DeliveryError.ENDPOINT_DISABLED)
    address = getattr(endpoint.user, "email", "")  # a site's own account may have none
    letters.to([address], lambda: (_("A webhook endpoint was switched off"), told(endpoint, reason)))


def told(endpoint: Endpoint, reason: str) -> str:
    """Why an endpoint was switched off, and what to do, in plain words."""
    words = {
        EndpointReason.GONE: _(
            "Your webhook endpoint %(name)s answered that it is gone, so nothing is sent there any more. "
            "If that was a mistake, switch it on again."
        ),
        EndpointReason.FAILING: _(
            "Your webhook endpoint %(name)s has not taken our messages for too long, so nothing is sent there any "
            "more. Repair it, switch it on again, and send again what it missed."
        ),
    }
    return words[EndpointReason(reason)] % {"name": endpoint}


def _end(message: Delivery, status: DeliveryStatus, echo: Echo, error: DeliveryError, **more: Any) -> None:
    _write(message, echo, error, status=status, due_at=None, **more)


def _write(message: Delivery, echo: Echo, error: DeliveryError, **more: Any) -> None:
    facts = {"last_code": echo.status or None, "last_error": error, "tries": F("tries") + 1}
    Delivery.objects.filter(pk=message.pk).update(**facts, **more)


def _error(echo: Echo) -> DeliveryError:
    if echo.error:
        return DeliveryError(echo.error)
    if echo.status == 410:
        return DeliveryError.GONE
    return DeliveryError.REDIRECTED if 300 <= echo.status < 400 else DeliveryError.ANSWERED


def _asked(retry_after: str, now: datetime) -> float:
    """The seconds an answer asks us to wait, at most a day; none when that cannot be read."""
    try:
        seconds = float(retry_after) if retry_after.isdecimal() else (_date(retry_after) - now).total_seconds()
    except (TypeError, ValueError, OverflowError):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _date(text: str) -> datetime:
    found = parsedate_to_datetime(text)
    if found.tzinfo is None:
        raise ValueError("no zone")
    return found
