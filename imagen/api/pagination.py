"""Pages by position, newest first: as fast at the millionth row as at the first."""

from __future__ import annotations

import base64
import binascii
import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Model, Q, QuerySet
from rest_framework.utils.urls import replace_query_param

from imagen.api.numbers import within
from imagen.exceptions import FieldError, InvalidRequest

PARAMETERS = frozenset({"cursor", "page_size"})
PAGE_SIZE = 20
MAX_PAGE_SIZE = 100
NEWEST = ("-created_at", "-pk")
_OLDEST = ("created_at", "pk")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A place between two rows; ``back`` looks towards newer ones."""

    at: datetime
    pk: uuid.UUID
    back: bool = False

    @classmethod
    def read(cls, text: str) -> Cursor:
        """The cursor of a link of ours, or ``InvalidRequest``."""
        try:
            at, pk, back = json.loads(base64.urlsafe_b64decode(text.encode("ascii")))
            return cls(at=datetime.fromisoformat(at).astimezone(UTC), pk=uuid.UUID(pk), back=back is True)
        except (AttributeError, OverflowError, RecursionError, TypeError, ValueError, binascii.Error) as error:
            raise InvalidRequest(errors=(FieldError(field="cursor", code="invalid"),)) from error

    @classmethod
    def beside(cls, row: Any, *, back: bool) -> Cursor:
        """The place just past this row."""
        return cls(at=row.created_at, pk=row.pk, back=back)

    def __str__(self) -> str:
        text = json.dumps([self.at.isoformat(), self.pk.hex, self.back])
        return base64.urlsafe_b64encode(text.encode()).decode()

    def beyond(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """The rows past this place, nearest first."""
        if self.back:
            after = Q(created_at__gt=self.at) | Q(created_at=self.at, pk__gt=self.pk)
            return rows.filter(after, created_at__gte=self.at).order_by(*_OLDEST)
        after = Q(created_at__lt=self.at) | Q(created_at=self.at, pk__lt=self.pk)
        return rows.filter(after, created_at__lte=self.at).order_by(*NEWEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Some rows, newest first, and the cursors of the pages around them."""

    rows: list[Any]
    next: Cursor | None
    previous: Cursor | None


def page(rows: QuerySet[Model], parameters: Mapping[str, str]) -> Page:
    """The page these query parameters ask for."""
    asked = parameters.get("page_size", str(PAGE_SIZE))
    size = within(asked, field="page_size", low=1, high=MAX_PAGE_SIZE)
    cursor = Cursor.read(parameters["cursor"]) if "cursor" in parameters else None
    found: list[Any] = list((cursor.beyond(rows) if cursor else rows.order_by(*NEWEST))[: size + 1])
    more, shown = len(found) > size, found[:size]
    if cursor and cursor.back:
        return _page(shown[::-1], older=True, newer=more)
    return _page(shown, older=more, newer=cursor is not None)


def _page(rows: list[Any], *, older: bool, newer: bool) -> Page:
    return Page(
        rows=rows,
        next=Cursor.beside(rows[-1], back=False) if rows and older else None,
        previous=Cursor.beside(rows[0], back=True) if rows and newer else None,
    )


def answer(found: Page, results: list[Any], url: str) -> dict[str, Any]:
    """The page as JSON, with links that keep the other query parameters of this address."""
    return {"next": _link(url, found.next), "previous": _link(url, found.previous), "results": results}


def _link(url: str, cursor: Cursor | None) -> str | None:
    return None if cursor is None else replace_query_param(url, "cursor", str(cursor))
