"""“Needs you”: an entry in the index while something waits for who looks; a site keeps its own index page."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.functional import lazy
from django.utils.translation import gettext as _

from imagen import duties, pleas
from imagen.admin.base import ReadOnlyAdmin, viewer
from imagen.models import Duty

_count: ContextVar[int] = ContextVar("imagen_duties", default=0)


def _name() -> str:
    count = _count.get()
    return _("Needs you (%(count)s)") % {"count": count} if count else _("Needs you")


# The index takes an entry's name from the model, and only its permissions know who looks.
Duty._meta.verbose_name_plural = lazy(_name, str)()


def lines(request: HttpRequest) -> list[duties.Duty]:
    """The alarms for who looks at the list of requests; that about money only for who answers."""
    owns = viewer(request).has_perm(pleas.OWNERS)
    shown = [alarm for alarm in duties.current(request) if owns or alarm.cause != pleas.WAITING]
    return [duties.alarm_line(alarm) for alarm in shown]


@admin.register(Duty)
class DutyAdmin(ReadOnlyAdmin):
    """What waits for who looks, each with where it is done."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whether anything waits; how much is part of the entry's name."""
        _count.set(len(duties.of(request)))
        return _count.get() > 0

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever may act on any of it; there is no page but the list."""
        return obj is None and any(viewer(request).has_perm(name) for name in duties.SEEN_WITH)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The lines."""
        if not self.has_view_permission(request):
            return super().changelist_view(request, extra_context)  # which refuses
        facts = {"title": _("Needs you"), "duties": duties.of(request), "opts": self.opts, "media": self.media}
        whole = {**self.admin_site.each_context(request), **facts, **(extra_context or {})}
        return TemplateResponse(request, "imagen/admin/duties.html", whole)
