"""What was odd about services, in the admin: to look at, and to mark as seen."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import anomalies
from imagen.admin import words
from imagen.admin.base import ReadOnlyAdmin, viewer
from imagen.admin.filters import ColumnFilter, OneFilter, ProviderFilter
from imagen.models import Anomaly, Oddity
from imagen.presentation import provider_label


class OddityFilter(ColumnFilter):
    """By what was odd."""

    title = gettext_lazy("what")
    parameter_name = column = "code"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Everything that may be."""
        return [(value, str(name)) for value, name in Oddity.choices]


class SeenFilter(SimpleListFilter):
    """By whether somebody has seen it."""

    title = gettext_lazy("seen")
    parameter_name = "seen"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Not yet, or seen."""
        return [("no", _("not yet")), ("yes", _("seen"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Those that were seen, or were not."""
        if self.value() not in ("no", "yes"):
            return queryset
        return queryset.filter(seen_at__isnull=self.value() == "no")


class RequestFilter(OneFilter):
    """Those of one request, to which its page leads."""

    title = gettext_lazy("request")
    parameter_name = "request"
    column = "generation"


@admin.register(Anomaly)
class AnomalyAdmin(ReadOnlyAdmin):
    """Every anomaly, the newest first; marking it as seen is all there is to do here."""

    list_display = ("told", "noted", "often", "looked_at")
    list_filter = (SeenFilter, OddityFilter, ProviderFilter, RequestFilter)
    list_select_related = ("generation__user", "seen_by")
    sortable_by = ()
    actions = ("mark",)  # type: ignore[assignment]  # the other lists have none

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The list is all there is to see; no anomaly has a page of its own."""
        return obj is None and super().has_view_permission(request)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list under its own name."""
        return super().changelist_view(request, {"title": _("Anomalies"), **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns; only who may see a request finds a link to it."""

        @admin.display(description=_("request"))
        def asked(anomaly: Anomaly) -> str:
            return words.request(anomaly.generation, viewer(request)) if anomaly.generation else "–"

        return (*self.list_display[:1], asked, *self.list_display[1:])

    @admin.display(description=gettext_lazy("what"))
    def told(self, anomaly: Anomaly) -> str:
        """Who did what, and what to do about it."""
        what = f"{provider_label(anomaly.provider)} {anomaly.get_code_display()}"
        return words.pair(what, anomalies.step(anomaly.code))

    @admin.display(description=gettext_lazy("when"))
    def noted(self, anomaly: Anomaly) -> str:
        """When it was first noted, with ids and counts that help to find it at the service."""
        return words.pair(words.exactly(anomaly.at), anomaly.note)

    @admin.display(description=gettext_lazy("how often"))
    def often(self, anomaly: Anomaly) -> str:
        """How often, and when last where it was more than once."""
        return words.pair(anomaly.times, words.ago(anomaly.last_at) if anomaly.times > 1 else "")

    @admin.display(description=gettext_lazy("seen"))
    def looked_at(self, anomaly: Anomaly) -> str:
        """Who has seen it and when, or that nobody has."""
        return words.by(anomaly.seen_by, words.ago(anomaly.seen_at)) if anomaly.seen_at else _("not yet")

    @admin.action(description=gettext_lazy("Mark as seen"), permissions=["view"])
    def mark(self, request: HttpRequest, queryset: QuerySet[Anomaly]) -> None:
        """Say that somebody has taken care of these."""
        done = anomalies.see(queryset, viewer(request))
        text = ngettext("%(count)s anomaly is marked as seen.", "%(count)s anomalies are marked as seen.", done)
        self.message_user(request, text % {"count": done})
