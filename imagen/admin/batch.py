"""Batches in the admin: how far they are, to look at; what is done about a request is done on its own page."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import progress
from imagen.admin import words
from imagen.admin.base import ReadOnlyAdmin, viewer
from imagen.admin.filters import DateFilter
from imagen.messages import listed
from imagen.models import Batch
from imagen.progress import DELETED, Progress
from imagen.states import FINISHED, Status


@admin.register(Batch)
class BatchAdmin(ReadOnlyAdmin):
    """Every batch, the newest first, with the progress of its requests."""

    list_display = ("told", "state", "counted", "cost")
    list_filter = (DateFilter,)
    list_select_related = ("user",)
    sortable_by = ()
    readonly_fields = ("state", "counted", "cost", "requests", "person", "created_at", "id")
    fields = readonly_fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        """What this person may see and of which something is left."""
        return Batch.objects.of(viewer(request)).standing().select_related("user")

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Whoever may see requests."""
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Batch | None = None) -> bool:
        """Whoever may see requests."""
        return viewer(request).has_perm("imagen.view_generation")

    def get_list_display_links(self, request: HttpRequest, list_display: Any) -> Any:
        """The first column leads to the page of a batch."""
        return ("told",)

    def get_changelist_instance(self, request: HttpRequest) -> Any:
        """The page, whose batches know how they stand: all of them from the same few queries."""
        page = super().get_changelist_instance(request)
        page.result_list = _with_progress(list(page.result_list))
        return page

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Batch | None:
        """One batch, which knows how it stands."""
        found = super().get_object(request, object_id, from_field)
        return _with_progress([found])[0] if found else None

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list under its own name."""
        return super().changelist_view(request, {"title": _("Batches"), **(extra_context or {})})

    @admin.display(description=gettext_lazy("batch"))
    def told(self, batch: Any) -> str:
        """Its beginning, who asked, and how long ago."""
        return words.pair(str(batch.pk)[:8], words.by(batch.user, words.ago(batch.created_at)))

    @admin.display(description=gettext_lazy("status"))
    def state(self, batch: Any) -> str:
        """The status in words and colour."""
        return words.coloured(batch.progress.status)

    @admin.display(description=gettext_lazy("progress"))
    def counted(self, batch: Any) -> str:
        """How many are finished, and how all of them stand."""
        counts = batch.progress.counts
        done = sum(counts[status] for status in (*FINISHED, DELETED))
        whole = _("%(done)s of %(total)s finished") % {"done": done, "total": batch.total}
        return words.pair(whole, _parts(batch.progress))

    @admin.display(description=gettext_lazy("cost"))
    def cost(self, batch: Any) -> str:
        """What it cost, or will."""
        return _cost(batch.progress)

    @admin.display(description=gettext_lazy("requests"))
    def requests(self, batch: Any) -> str:
        """Where its requests are listed."""
        where = f"{reverse('admin:imagen_generation_changelist')}?batch={batch.pk}"
        return format_html('<a href="{}">{}</a>', where, _("Show its requests"))

    @admin.display(description=gettext_lazy("person"), empty_value="–")
    def person(self, batch: Any) -> str | None:
        """Who asked; a name and no link, for not everybody may look at accounts."""
        return str(batch.user) if batch.user else None


def _with_progress(batches: list[Any]) -> list[Any]:
    found = progress.of(batches)
    for batch in batches:
        batch.progress = found[batch.pk]
    return batches


def _parts(found: Progress) -> str:
    names = {**{str(status): status.label for status in Status}, DELETED: _("Deleted")}
    shown = [(names[name], number) for name, number in found.counts.items() if number]
    return listed(*(_("%(name)s: %(number)s") % {"name": name, "number": number} for name, number in shown))


def _cost(found: Progress) -> str:
    unit, expected, actual = found.cost
    if unit is None:
        return _("in several units")
    if actual is not None:
        return words.price(actual, unit)
    return "–" if found.status in FINISHED else _("about %(price)s") % {"price": words.price(expected, unit)}
