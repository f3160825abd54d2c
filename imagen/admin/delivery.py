"""Webhook deliveries in the admin: what was sent where, what became of it, and sending again."""

from __future__ import annotations

import uuid
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import SimpleListFilter
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import postmarks, webhooks
from imagen.admin import words
from imagen.admin.base import ReadOnlyAdmin, viewer
from imagen.admin.filters import ColumnFilter, DateFilter
from imagen.exceptions import Conflict, Refused
from imagen.messages import sentence
from imagen.models import Delivery, Endpoint
from imagen.models.webhook import DeliveryStatus, Happening

COLOURS = {
    DeliveryStatus.WAITING: "queued",
    DeliveryStatus.SENDING: "processing",
    DeliveryStatus.DELIVERED: "completed",
    DeliveryStatus.FAILED: "failed",
    DeliveryStatus.CANCELED: "canceled",
}


class DeliveryStatusFilter(ColumnFilter):
    """By status."""

    title = gettext_lazy("status")
    parameter_name = column = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Every status there is."""
        return [(value, str(name)) for value, name in DeliveryStatus.choices]


class HappeningFilter(ColumnFilter):
    """By what it tells."""

    title = gettext_lazy("event")
    parameter_name = column = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Everything there is to tell."""
        return [(value, str(name)) for value, name in Happening.choices]


class EndpointFilter(SimpleListFilter):
    """Those to one endpoint, from whose page a link leads here."""

    title = gettext_lazy("endpoint")
    parameter_name = "endpoint"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """The one that is asked for, if this person sees it."""
        endpoint = _endpoint(request.GET.get(self.parameter_name, ""), viewer(request))
        return [(str(endpoint.pk), str(endpoint))] if endpoint else []

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Its deliveries; an id nobody can read finds everything."""
        return queryset.filter(endpoint=self.value()) if self.lookup_choices else queryset


def _endpoint(text: str, user: Any) -> Endpoint | None:
    try:
        rows = Endpoint.objects.filter(pk=uuid.UUID(text))
    except ValueError:
        return None
    return (rows if user.is_superuser else rows.of(user)).first()


def badge(delivery: Delivery) -> str:
    """The status in words, on its colour."""
    colour = COLOURS[DeliveryStatus(delivery.status)]
    return format_html('<span class="imagen-badge imagen-{}">{}</span>', colour, delivery.get_status_display())


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    """The log: one's own; a superuser's everybody's."""

    list_display = ("what", "where", "became", "noted")
    list_filter = (DeliveryStatusFilter, HappeningFilter, EndpointFilter, DateFilter)
    list_select_related = ("endpoint__user",)
    sortable_by = ()
    actions = ("redeliver",)  # type: ignore[assignment]  # the other lists have none

    def get_queryset(self, request: HttpRequest) -> QuerySet[Delivery]:
        """What went to one's own endpoints; for a superuser, to everybody's."""
        rows, user = super().get_queryset(request).defer("body"), viewer(request)
        return rows if user.is_superuser else rows.filter(endpoint__user=user.pk)

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list under its own name."""
        return super().changelist_view(request, {"title": _("Webhook deliveries"), **(extra_context or {})})

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """The list is all there is to see; no delivery has a page of its own."""
        return obj is None and super().has_view_permission(request)

    def has_redeliver_permission(self, request: HttpRequest) -> bool:
        """Who may change endpoints may send again."""
        return bool(viewer(request).has_perm("imagen.change_endpoint"))

    @admin.display(description=gettext_lazy("event"))
    def what(self, delivery: Delivery) -> str:
        """What it tells, and its id."""
        return words.pair(capfirst(told(delivery)), delivery.webhook_id)

    @admin.display(description=gettext_lazy("endpoint"))
    def where(self, delivery: Delivery) -> str:
        """Where it goes, as text."""
        return words.pair(
            words.short(delivery.endpoint.name or _("without a name")), words.short(delivery.address, most=60)
        )

    @admin.display(description=gettext_lazy("what became of it"))
    def became(self, delivery: Delivery) -> str:
        """The status, why, and what happens next."""
        return words.pair(badge(delivery), postmarks.of_delivery(delivery))

    @admin.display(description=gettext_lazy("when"))
    def noted(self, delivery: Delivery) -> str:
        """When it was written down, and how often it was tried."""
        tries = ngettext("%(count)s try", "%(count)s tries", delivery.tries) % {"count": delivery.tries}
        return words.pair(words.ago(delivery.created_at), tries)

    @admin.action(description=gettext_lazy("Send again"), permissions=["redeliver"])
    def redeliver(self, request: HttpRequest, queryset: QuerySet[Delivery]) -> None:
        """Send these once more under their old ids."""
        done = 0
        for delivery in queryset:
            try:
                webhooks.redeliver(delivery)
                done += 1
            except (Conflict, Refused) as error:
                told = f"{delivery.webhook_id}: {sentence(error.code, **error.params)}"
                self.message_user(request, told, messages.WARNING)
        if done:
            text = ngettext("It is sent again now.", "%(count)s are sent again now.", done)
            self.message_user(request, text % {"count": done}, messages.SUCCESS)


def told(delivery: Delivery) -> str:
    """What a delivery tells, in words."""
    event = Happening(delivery.event).label if delivery.event in Happening.values else ""
    return str(event if event and delivery.kind == "event" else delivery.get_kind_display())
