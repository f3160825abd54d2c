"""What every page of ours in the admin keeps to, however many rows there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils.functional import cached_property
from django.utils.translation import gettext as _

if TYPE_CHECKING:
    from django.contrib.auth.models import User

    Pages = Paginator[Any]
    ModelAdmin = admin.ModelAdmin[Any]
else:  # neither can be subscripted at run time
    Pages = Paginator
    ModelAdmin = admin.ModelAdmin

MOST_AT_ONCE = 200


def viewer(request: HttpRequest) -> User:
    """Who looks; the admin lets nobody in anonymously."""
    return cast("User", request.user)


def goes_along(request: HttpRequest, row: Any) -> bool:
    """Whether this row is to go with what it belongs to, such as a person, from a page that is none of ours."""
    found = request.resolver_match
    page = (found and found.url_name) or ""
    return row is not None and page.endswith(("_delete", "_changelist")) and not page.startswith("imagen_")


class CappedPaginator(Pages):
    """Counts no further than anybody pages, so that a million rows cost no more than a few."""

    most = 10_000

    @cached_property
    def _counted(self) -> int:
        rows: Any = self.object_list
        return int(rows.order_by().values("pk")[: self.most + 1].count())

    @cached_property
    def count(self) -> int:
        """How many rows can be paged through."""
        return min(self._counted, self.most)

    @property
    def capped(self) -> bool:
        """Whether there are more rows than are listed."""
        return self._counted > self.most


class ShortPaginator(CappedPaginator):
    """For rows that have to look at a second table to be counted."""

    most = 2_000


class PlainAdmin(ModelAdmin):
    """A list that stays fast, and actions on so many rows at most."""

    paginator = CappedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER  # facets count every filter
    list_per_page = 50

    class Media:
        css = {"all": ["imagen/theme.css", "imagen/admin.css"]}

    def response_action(  # type: ignore[override]  # the stubs know no refusal
        self, request: HttpRequest, queryset: QuerySet[Any], **place: Any
    ) -> HttpResponseBase | None:
        """Run the action, or refuse when it was asked for too many rows or for none of ours."""
        if text := self._refusal(request, queryset):
            self.message_user(request, text, messages.ERROR)
            return None
        return super().response_action(request, queryset, **place)  # the page it stands on, from Django 6.1

    def _refusal(self, request: HttpRequest, queryset: QuerySet[Any]) -> str:
        named = request.POST.getlist(ACTION_CHECKBOX_NAME)
        everything = request.POST.get("select_across") == "1"
        if not all(map(self._possible, named)):
            return _("Some of these rows do not exist. Choose again.")
        if len(named) > MOST_AT_ONCE or (everything and queryset[MOST_AT_ONCE : MOST_AT_ONCE + 1].exists()):
            return _("That is too many at once. Choose at most %(most)s.") % {"most": MOST_AT_ONCE}
        return ""

    def _possible(self, pk: str) -> bool:
        try:
            self.opts.pk.to_python(pk)
        except ValidationError:
            return False
        return True


class ReadOnlyAdmin(PlainAdmin):
    """Rows that come and go by themselves, to look at."""

    list_display_links = None
    actions = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds one."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody writes here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here; a row goes with what it belongs to."""
        return goes_along(request, obj)
