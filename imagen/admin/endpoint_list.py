"""The list of webhook endpoints in the admin: how each stands, and what can be done with several."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import postmarks
from imagen.admin import words
from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.endpoint_deeds import DEEDS
from imagen.admin.filters import ColumnFilter
from imagen.exceptions import Conflict, Refused
from imagen.messages import field_sentence, listed, sentence
from imagen.models import Endpoint
from imagen.models.webhook import EndpointState, Happening

COLOURS = {EndpointState.PENDING: "queued", EndpointState.ACTIVE: "completed", EndpointState.DISABLED: "failed"}


class StateFilter(ColumnFilter):
    """By state."""

    title = gettext_lazy("state")
    parameter_name = column = "state"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every state there is."""
        return [(value, str(name)) for value, name in EndpointState.choices]


def badge(endpoint: Endpoint) -> str:
    """The state in words, on its colour."""
    fails = endpoint.state == EndpointState.ACTIVE and endpoint.failing_since
    colour = "partial" if fails else COLOURS[EndpointState(endpoint.state)]
    return format_html('<span class="imagen-badge imagen-{}">{}</span>', colour, endpoint.get_state_display())


class EndpointList(PlainAdmin):
    """Its columns, its filter and its actions."""

    list_display = ("named", "state_told", "told_of")
    list_display_links = ("named",)
    list_filter = (StateFilter,)
    list_select_related = ("user",)
    sortable_by = ()
    actions = ("send_test", "enable", "switch_off")

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list under its own name."""
        return super().changelist_view(request, {"title": _("Webhook endpoints"), **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns; whose it is is news to superusers alone."""
        return (*self.list_display, "whose") if viewer(request).is_superuser else self.list_display

    @admin.display(description=gettext_lazy("name"))
    def named(self, endpoint: Endpoint) -> str:
        """What it is called, and its address as text."""
        return words.pair(words.short(endpoint.name or _("without a name")), words.short(endpoint.url, most=60))

    @admin.display(description=gettext_lazy("state"))
    def state_told(self, endpoint: Endpoint) -> str:
        """The state, and what to do about it."""
        return words.pair(badge(endpoint), postmarks.of_endpoint(endpoint))

    @admin.display(description=gettext_lazy("told when"))
    def told_of(self, endpoint: Endpoint) -> str:
        """What it is told of."""
        if set(Happening.values) <= set(endpoint.events):
            return _("anything is over")
        return listed(*(Happening(event).label for event in endpoint.events))

    @admin.display(description=gettext_lazy("person"))
    def whose(self, endpoint: Endpoint) -> str:
        """Whose it is."""
        return str(endpoint.user)

    @admin.action(description=gettext_lazy("Send a test"), permissions=["change"])
    def send_test(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Send each an example."""
        self._each(request, queryset, "test")

    @admin.action(description=gettext_lazy("Enable"), permissions=["change"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Ping each; they work once they have answered."""
        self._each(request, queryset, "enable")

    @admin.action(description=gettext_lazy("Switch off"), permissions=["change"])
    def switch_off(self, request: HttpRequest, queryset: QuerySet[Endpoint]) -> None:
        """Send them nothing more."""
        self._each(request, queryset, "disable")

    def _each(self, request: HttpRequest, queryset: QuerySet[Endpoint], name: str) -> None:
        deed, done = DEEDS[name], 0
        for endpoint in queryset:
            try:
                deed.do(endpoint)
            except (Conflict, Refused) as error:
                self.message_user(request, f"{endpoint}: {told(error)}", messages.WARNING)
            else:
                self.log_change(request, endpoint, str(deed.button))
                done += 1
        if done:
            self.message_user(request, deed.says % {"count": done}, messages.SUCCESS)


def told(error: Conflict | Refused) -> str:
    """Why it was not done, with what is wrong where that is known."""
    fields = [field_sentence(each.code, **each.params) for each in getattr(error, "errors", ())]
    return " ".join(fields) or sentence(error.code, **error.params)
