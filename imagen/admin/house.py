"""What the house adds to descriptions: styles, templates and rules, each with a version that counts its changes."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen.admin import words
from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.mixin import ImagenAdminMixin
from imagen.admin.previews import preview
from imagen.fields import Slot
from imagen.models import HouseRule, Style, Template


class VersionedAdmin(PlainAdmin):
    """Rows whose words are recorded with every picture they were used for."""

    words: ClassVar[frozenset[str]] = frozenset({"words"})
    actions = None

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Other words are another version."""
        if change and not self.words.isdisjoint(form.changed_data):
            obj.version += 1
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("words"))
    def said(self, row: Any) -> str:
        """The beginning of its words, and which version they are."""
        text = row.text if isinstance(row, Template) else row.words
        return words.pair(words.short(text), _("version %(number)s") % {"number": row.version})


class OwnedAdmin(VersionedAdmin):
    """Rows that are shared, or one person's own; who may only add some sees and changes their own alone."""

    list_select_related: ClassVar[Any] = ("owner",)

    def _shares(self, request: HttpRequest) -> bool:
        """Whether this person decides what everybody is offered."""
        return super().has_change_permission(request)

    def _theirs(self, request: HttpRequest, row: Any) -> bool:
        return row is not None and row.owner_id == viewer(request).pk and self.has_add_permission(request)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        """Everything, or what is shared and one's own."""
        rows = super().get_queryset(request)
        return rows if self._shares(request) else rows & self.model._default_manager.of(viewer(request))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may look, and who may add some."""
        return super().has_view_permission(request, obj) or self.has_add_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may change all of them, and everybody their own."""
        return super().has_change_permission(request, obj) or self._theirs(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Likewise."""
        return super().has_delete_permission(request, obj) or self._theirs(request, obj)

    def get_exclude(self, request: HttpRequest, obj: Any = None) -> Any:
        """Whose it is is asked only of who may share."""
        return () if self._shares(request) else ("owner",)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """What somebody adds who may not share is their own."""
        if not change and not self._shares(request):
            obj.owner = viewer(request)
        super().save_model(request, obj, form, change)

    @admin.display(description=gettext_lazy("for"), ordering="owner")
    def whose(self, row: Any) -> str:
        """Everybody, or one person."""
        return str(row.owner or _("everybody"))


@admin.register(Style)
class StyleAdmin(ImagenAdminMixin, OwnedAdmin):
    """Looks, with an example each."""

    words = frozenset({"words", "avoid"})
    list_display = ("name", "said", "whose", "active")
    list_display_links = ("name",)
    list_select_related: ClassVar[Any] = ("owner", "example")
    raw_id_fields = ("example",)
    imagen_fields = {"example": Slot("1:1", prompt_from=["words"])}

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns; the example depends on who looks."""

        @admin.display(description=_("example"))
        def look(style: Style) -> str:
            if style.example is None:
                return format_html('<span class="imagen-quiet">{}</span>', "–")
            return preview(style.example, viewer(request))

        return (look, *self.list_display)


@admin.register(Template)
class TemplateAdmin(OwnedAdmin):
    """Descriptions with gaps."""

    words = frozenset({"text"})
    list_display = ("name", "said", "whose", "active")

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """A style this person is offered; who decides for everybody leaves people theirs."""
        if db_field.name == "style" and not self._shares(request):
            kwargs["queryset"] = Style.objects.of(viewer(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)


@admin.register(HouseRule)
class HouseRuleAdmin(VersionedAdmin):
    """Words in every description."""

    list_display = ("name", "said", "locked", "active")
