"""What a list of generations, and one of webhook deliveries, can be narrowed by."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db.models import Model, Q, QuerySet

from imagen.exceptions import FieldError, InvalidRequest
from imagen.models import Generation
from imagen.models.webhook import DeliveryStatus, Happening
from imagen.states import Status
from imagen.webhooks import PING, TEST

EVENTS = (*Happening.values, PING, TEST)
Filter = Callable[[str], Q]
AnyModel = TypeVar("AnyModel", bound=Model)


def _choice(field: str, known: Iterable[str]) -> Filter:
    values = tuple(map(str, known))

    def narrow(value: str) -> Q:
        if value not in values:
            choices = {"choices": ", ".join(values)}
            raise InvalidRequest(errors=(FieldError(field=field, code="not_a_choice", params=choices),))
        return Q(**{field: value})

    return narrow


def _id(field: str) -> Filter:
    def narrow(value: str) -> Q:
        try:
            return Q(**{field: uuid.UUID(value)})
        except ValueError as error:
            raise InvalidRequest(errors=(FieldError(field=field, code="not_a_uuid"),)) from error

    return narrow


def _time(field: str, lookup: str) -> Filter:
    def narrow(value: str) -> Q:
        try:
            at = datetime.fromisoformat(value)
            return Q(**{lookup: at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)})
        except (OverflowError, ValueError) as error:
            raise InvalidRequest(errors=(FieldError(field=field, code="not_a_time"),)) from error

    return narrow


_CREATED: Mapping[str, Filter] = {
    "created_after": _time("created_after", "created_at__gte"),
    "created_before": _time("created_before", "created_at__lte"),
}
FILTERS: Mapping[str, Filter] = {
    "status": _choice("status", Status.values),
    "model": lambda value: Q(model=value),
    "provider": lambda value: Q(provider=value),
    **_CREATED,
    "batch": _id("batch"),
    "search": lambda value: Q(prompt__icontains=value),
}


DELIVERIES: Mapping[str, Filter] = {
    "endpoint": _id("endpoint"),
    "event": _choice("event", EVENTS),
    "status": _choice("status", DeliveryStatus.values),
    "generation": _id("generation"),
    **_CREATED,
}


def narrowed(rows: QuerySet[Generation], parameters: Mapping[str, str], *, user: Any) -> QuerySet[Generation]:
    """The rows all given filters let through; a search looks at this person's own prompts only."""
    rows = through(FILTERS, rows, parameters)
    return rows.filter(user=user.pk) if "search" in parameters else rows


def through(known: Mapping[str, Filter], rows: QuerySet[AnyModel], parameters: Mapping[str, str]) -> QuerySet[AnyModel]:
    """The rows that all of the known filters let through which are given."""
    for name, narrow in known.items():
        if name in parameters:
            rows = rows.filter(narrow(parameters[name]))
    return rows
