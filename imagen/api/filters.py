"""What a list of generations can be narrowed by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q, QuerySet

from imagen.exceptions import FieldError, InvalidRequest
from imagen.models import Generation
from imagen.states import Status


def _status(value: str) -> Q:
    if value not in Status.values:
        choices = {"choices": ", ".join(Status.values)}
        raise InvalidRequest(errors=(FieldError(field="status", code="not_a_choice", params=choices),))
    return Q(status=value)


def _time(field: str, lookup: str) -> Callable[[str], Q]:
    def narrow(value: str) -> Q:
        try:
            at = datetime.fromisoformat(value)
            return Q(**{lookup: at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)})
        except (OverflowError, ValueError) as error:
            raise InvalidRequest(errors=(FieldError(field=field, code="not_a_time"),)) from error

    return narrow


FILTERS: Mapping[str, Callable[[str], Q]] = {
    "status": _status,
    "model": lambda value: Q(model=value),
    "provider": lambda value: Q(provider=value),
    "created_after": _time("created_after", "created_at__gte"),
    "created_before": _time("created_before", "created_at__lte"),
    "search": lambda value: Q(prompt__icontains=value),
}


def narrowed(rows: QuerySet[Generation], parameters: Mapping[str, str], *, user: Any) -> QuerySet[Generation]:
    """The rows all given filters let through; a search looks at this person's own prompts only."""
    for name, narrow in FILTERS.items():
        if name in parameters:
            rows = rows.filter(narrow(parameters[name]))
    return rows.filter(user=user.pk) if "search" in parameters else rows
