"""Filters whose choices come from tables, never from the rows: a DISTINCT over a million rows is slow."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django.contrib.admin import ListFilter, SimpleListFilter
from django.contrib.admin.views.main import PAGE_VAR, ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext_lazy

from imagen.admin import catalogue
from imagen.states import Status


class ColumnFilter(SimpleListFilter):
    """One column equal to one of the known values; anything else finds everything."""

    column: ClassVar[str]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows with the chosen value."""
        known = {str(value) for value, _name in self.lookup_choices}
        return queryset.filter(**{self.column: self.value()}) if self.value() in known else queryset


class StatusFilter(ColumnFilter):
    """By status."""

    title = gettext_lazy("status")
    parameter_name = column = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every status there is."""
        return [(value, str(name)) for value, name in Status.choices]


class ProviderFilter(ColumnFilter):
    """By service."""

    title = gettext_lazy("service")
    parameter_name = column = "provider"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every service set up here."""
        return catalogue.providers()


class ModelFilter(ColumnFilter):
    """By model."""

    title = gettext_lazy("model")
    parameter_name = column = "model"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every model on sale here."""
        return catalogue.models()


class DateFilter(ListFilter):
    """From one day to another, both included; a day nobody can read is left out."""

    title = gettext_lazy("date")
    template = "imagen/admin/date_filter.html"
    column = "created_at"
    names = ("from", "until")
    spans = ((gettext_lazy("Today"), 0), (gettext_lazy("Past 7 days"), 6), (gettext_lazy("Past 30 days"), 29))

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: Any, model_admin: Any) -> None:
        super().__init__(request, params, model, model_admin)
        self.used_parameters.update({name: _last(params.pop(name, "")) for name in self.names})

    def has_output(self) -> bool:
        """It is always offered."""
        return True

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """The rows of these days."""
        first, last = (_day(str(self.used_parameters[name])) for name in self.names)
        if first:
            queryset = queryset.filter(**{f"{self.column}__gte": _midnight(first)})
        if last and last < date.max:
            queryset = queryset.filter(**{f"{self.column}__lt": _midnight(last + timedelta(days=1))})
        return queryset

    def choices(self, changelist: ChangeList) -> Iterator[Any]:
        """Links to the usual spans, then the facts of the form for any other."""
        said = {name: self.used_parameters[name] for name in self.names}
        for label, days in self.spans:
            wanted = {"from": (timezone.localdate() - timedelta(days=days)).isoformat(), "until": ""}
            yield {
                "selected": said == wanted,
                "query_string": changelist.get_query_string({"from": wanted["from"]}, ["until"]),
                "display": label,
            }
        others = {name: value for name, value in changelist.params.items() if name not in (*self.names, PAGE_VAR)}
        yield {"form": True, "others": others, "clear": changelist.get_query_string(remove=list(self.names)), **said}


def _last(value: Any) -> str:
    return str(value[-1] if isinstance(value, list) and value else value or "")


def _day(text: str) -> date | None:
    try:
        return parse_date(text)
    except ValueError:  # well written, but there is no such day
        return None


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class OneFilter(SimpleListFilter):
    """Those of one row of another table, whose page leads here; it is offered only then."""

    column: ClassVar[str]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The one that is asked for."""
        asked = request.GET.get(str(self.parameter_name), "")
        return [(asked, asked[:8])] if _readable(asked) else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Its rows; an id nobody can read finds everything."""
        return queryset.filter(**{self.column: self.value()}) if _readable(self.value() or "") else queryset


class BatchFilter(OneFilter):
    """Those of one batch."""

    title = gettext_lazy("batch")
    parameter_name = column = "batch"


def _readable(text: str) -> bool:
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False
