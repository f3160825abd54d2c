"""The ledger in the admin: every amount that was set aside, spent or given back, to look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import pleas
from imagen.admin import words
from imagen.admin.base import ReadOnlyAdmin, viewer
from imagen.admin.filters import ColumnFilter, DateFilter
from imagen.costs import NOTHING
from imagen.messages import money
from imagen.models import Entry, Generation, What
from imagen.presentation import provider_label

SEEN_WITH = (pleas.OWNERS, "imagen.view_entry")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the ledger in plain words."""

    at: datetime
    what: str
    amount: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """The money of one request: its lines, and where they leave it."""

    lines: list[Line]
    total: str


def account(generation: Generation) -> Account | None:
    """What the ledger says of a request; nothing of one that is older than the ledger."""
    entries = list(generation.entries.order_by("at", "pk"))
    if not entries:
        return None
    lines = [Line(at=entry.at, what=capfirst(entry.get_what_display()), amount=moved(entry)) for entry in entries]
    return Account(lines=lines, total=_total(entries))


def moved(entry: Entry) -> str:
    """The amount a line is about; a correction says which way it went."""
    if entry.what == What.CORRECTED:
        return signed(entry.spent, entry.currency)
    return money(abs(entry.reserved if entry.what in (What.RESERVED, What.RELEASED) else entry.spent), entry.currency)


def signed(amount: Decimal, currency: str) -> str:
    """A difference with its sign; nothing where nothing changed."""
    sign = "+" if amount > 0 else "−"  # a minus, not a hyphen
    return f"{sign}{money(abs(amount), currency)}" if amount else "–"


def _total(entries: list[Entry]) -> str:
    unit = entries[-1].currency
    spent = sum((entry.spent for entry in entries), NOTHING)
    reserved = sum((entry.reserved for entry in entries), NOTHING)
    facts = {"spent": money(spent, unit), "reserved": money(reserved, unit)}
    if not reserved:
        return _("Spent: %(spent)s") % facts
    return (_("Spent: %(spent)s, set aside: %(reserved)s") if spent else _("Set aside: %(reserved)s")) % facts


class WhatFilter(ColumnFilter):
    """By what happened."""

    title = gettext_lazy("what")
    parameter_name = column = "what"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Everything that happens to money."""
        return [(value, str(name)) for value, name in What.choices]


class DayFilter(DateFilter):
    """By the day it was written."""

    column = "at"


@admin.register(Entry)
class EntryAdmin(ReadOnlyAdmin):
    """Every line, the newest first; nobody adds, changes or deletes one."""

    list_display = ("told", "set_aside", "spent_on")
    list_filter = (WhatFilter, DayFilter)
    list_select_related = ("generation__user", "job")
    ordering = ("-at", "-pk")
    sortable_by = ()

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who manages budgets, and who may look at it."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The list is all there is to see; no line has a page of its own."""
        return obj is None and any(viewer(request).has_perm(name) for name in SEEN_WITH)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list under its own name."""
        return super().changelist_view(request, {"title": _("Ledger"), **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns; only who may see a request finds a link to it."""

        @admin.display(description=_("request"))
        def asked(entry: Entry) -> str:
            found = entry.generation
            told = words.by(found.user, provider_label(entry.job.provider))
            return words.pair(words.request(found, viewer(request)), told)

        return (*self.list_display[:1], asked, *self.list_display[1:])

    @admin.display(description=gettext_lazy("what"))
    def told(self, entry: Entry) -> str:
        """What happened, and when, to the second."""
        return words.pair(capfirst(entry.get_what_display()), words.exactly(entry.at))

    @admin.display(description=gettext_lazy("set aside"))
    def set_aside(self, entry: Entry) -> str:
        """So much more or less is set aside."""
        return signed(entry.reserved, entry.currency)

    @admin.display(description=gettext_lazy("spent"))
    def spent_on(self, entry: Entry) -> str:
        """So much more or less is spent."""
        return signed(entry.spent, entry.currency)
