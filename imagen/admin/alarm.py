"""What needs an administrator: lines above the list of requests, and an entry in the index while there are any."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from imagen import alarms
from imagen.admin.base import ReadOnlyAdmin, viewer
from imagen.admin.words import clock
from imagen.models import Alarm

SEEN_WITH = ("imagen.view_generation", "imagen.change_generation", "imagen.view_alarm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One alarm in plain words, since when, and the address of what it is about."""

    since: str
    text: str
    address: str


def lines() -> list[Line]:
    """What needs an administrator now."""
    return [_line(alarm) for alarm in alarms.current()]


def _line(alarm: Alarm) -> Line:
    doubtful = f"{reverse('admin:imagen_generation_changelist')}?status=unconfirmed"
    address = doubtful if alarm.cause == alarms.UNKNOWN else ""
    return Line(since=clock(alarm.since), text=alarms.sentence(alarm), address=address)


@admin.register(Alarm)
class AlarmAdmin(ReadOnlyAdmin):
    """Alarms, to look at. A site keeps its own index page: ours is one entry more in its list, gone with the cause."""

    list_display = ("told", "began")
    ordering = ("-since",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Alarm]:
        """Those that are not over."""
        return alarms.current()

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list under its own name: there is nothing to select."""
        return super().changelist_view(request, {"title": _("Alarms"), **(extra_context or {})})

    @admin.display(description=_("what is wrong"))
    def told(self, alarm: Alarm) -> str:
        """The alarm in plain words."""
        line = _line(alarm)
        link = format_html(' <a href="{}">{}</a>', line.address, _("Show them")) if line.address else ""
        return format_html("{}{}", line.text, link)

    @admin.display(description=_("since"))
    def began(self, alarm: Alarm) -> str:
        """When it began."""
        return clock(alarm.since)

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether there is anything to show in the index."""
        return bool(alarms.current())

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may look at requests may know why they wait."""
        return any(viewer(request).has_perm(name) for name in SEEN_WITH)
