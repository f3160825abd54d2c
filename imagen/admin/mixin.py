"""Image fields of anybody's admin pages, filled from the Studio."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.db import models
from django.forms.models import _get_foreign_key
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy, gettext_noop

from imagen import placing
from imagen.admin.base import viewer
from imagen.fields import (
    Beside,
    ImagenImageField,
    ImagenImageWidget,
    ImagenObjectField,
    ImagenObjectWidget,
    same,
)
from imagen.models import Image
from imagen.slots import FILE, OBJECT, Opening, Slot

if TYPE_CHECKING:
    Base = admin.ModelAdmin[Any]
else:  # it stands before any admin class, those of inlines and of themes too
    Base = object

PLACED = gettext_noop("generated picture")
LEFT = gettext_lazy("Somebody else changed “%(field)s” while you were writing. It stays as they left it.")
KEPT = gettext_lazy(
    "Somebody else changed “%(field)s” while you were writing. Yours is there now; theirs is kept as a file."
)
REPLACED = gettext_lazy(
    "Somebody else changed “%(field)s” while you were writing. Yours is there now; theirs was: “%(words)s”"
)


class ImagenAdminMixin(Base):
    """Put before ``ModelAdmin`` or an inline: each field of ``imagen_fields`` is offered the Studio.

    The page an inline stands on needs it as well: it saves.
    """

    imagen_fields: ClassVar[Mapping[str, Slot]] = {}

    # --- the form ---

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """The form field, with the way to the Studio where the field has a slot."""
        slot = self.imagen_fields.get(db_field.name)
        if slot is None:
            return self._beside(db_field, super().formfield_for_dbfield(db_field, request, **kwargs))
        if isinstance(db_field, models.ImageField):
            widget = ImagenImageWidget(self._opening(db_field, slot, request, FILE))
            kwargs |= {"form_class": ImagenImageField, "widget": widget}
            return super().formfield_for_dbfield(db_field, request, **kwargs)
        kwargs = {"queryset": placing.placeable(viewer(request)), "form_class": ImagenObjectField, **kwargs}
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        field.widget = ImagenObjectWidget(field.widget, self._opening(db_field, slot, request, OBJECT))
        field.widget.choices = field.choices
        return field

    def _beside(self, db_field: Any, field: Any) -> Any:
        """The field, which knows whose alt text it is if it is one."""
        for image, slot in self.imagen_fields.items():
            if field and slot.alt == db_field.name:
                field.get_bound_field = partial(Beside, image)
        return field

    def _opening(self, field: Any, slot: Slot, request: HttpRequest, target: str) -> Opening:
        return Opening(
            slot=slot,
            place=f"{field.model._meta.label_lower}.{field.name}",
            label=str(capfirst(field.verbose_name)),
            user=viewer(request),
            studio=self._studio(),
            target=target,
            known={} if isinstance(self, InlineModelAdmin) else None,
        )

    def _studio(self) -> str:
        try:
            return reverse("admin:imagen_studio_changelist", current_app=self.admin_site.name)
        except NoReverseMatch:  # this admin has no Studio
            return ""

    # --- saving ---

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Save it, and note which pictures came, went and were in the way of others."""
        super().save_model(request, obj, form, change)
        self._note(request, form, obj)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        """The same for the rows of an inline."""
        gone = [row for row in formset.deleted_forms if row.instance.pk is not None]
        for row in gone:
            placing.end(row.instance)
        super().save_formset(request, form, formset, change)
        for row in formset.forms:
            if row not in gone and row.instance.pk is not None:
                self._note(request, row, row.instance)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        """Delete it; its pictures are not in use there any more, nor those of its inlines' rows."""
        self._end(request, obj)
        super().delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """The same for many."""
        for obj in queryset:
            self._end(request, obj)
        super().delete_queryset(request, queryset)

    def _end(self, request: HttpRequest, obj: Any) -> None:
        placing.end(obj)
        for inline in self.get_inlines(request, obj):
            key = getattr(inline, "imagen_fields", None) and _key(obj, inline)
            for row in inline.model._default_manager.filter(**{key.name: obj}) if key else ():
                placing.end(row)

    def construct_change_message(self, request: HttpRequest, form: Any, formsets: Any, add: bool = False) -> Any:
        """What was done, and which pictures were placed."""
        done = super().construct_change_message(request, form, formsets, add)
        return [*done, *getattr(request, "_imagen_placed", ())]

    def _note(self, request: HttpRequest, form: Any, obj: Any) -> None:
        for name, widget in _slots(form):
            if name in form.changed_data:
                self._place(request, form, obj, name, widget.opening)
            if isinstance(widget, ImagenImageWidget):
                for said in (_other_file(form, name, widget), _other_words(form, widget)):
                    if said:
                        self.message_user(request, said, messages.WARNING)

    def _place(self, request: HttpRequest, form: Any, obj: Any, name: str, opening: Opening) -> None:
        chosen = form.cleaned_data[name]
        image = chosen if isinstance(chosen, Image) else getattr(chosen, "imagen_image", None)
        if image is None and not getattr(chosen, "imagen_marked", False):
            placing.end(obj, name)
            return
        pick = getattr(chosen, "imagen_pick", None)
        words = form.cleaned_data.get(opening.slot.alt) or ""
        alt = words if opening.slot.alt else getattr(pick or image, "alt_text", "")
        placed = placing.record(obj, name, image=image, user=viewer(request), pick=pick, alt=alt)
        about = {"name": PLACED, "object": f"{opening.label}: {placed.file_name or image}"}
        request.__dict__.setdefault("_imagen_placed", []).append({"added": about})


def _other_file(form: Any, name: str, widget: ImagenImageWidget) -> str:
    """What to say when somebody else changed the picture meanwhile."""
    if widget.seen is None or widget.seen == str(form.initial.get(name) or ""):
        return ""
    said = KEPT if name in form.changed_data else LEFT
    return str(said % {"field": widget.opening.label})


def _other_words(form: Any, widget: ImagenImageWidget) -> str:
    """The same for its alt text; theirs is quoted where it is kept nowhere else."""
    alt = widget.opening.slot.alt
    theirs = str(form.initial.get(alt) or "")
    if alt not in form.fields or widget.words is None or same(widget.words, theirs):
        return ""
    said = LEFT if same(form.cleaned_data[alt], theirs) else REPLACED
    return str(said % {"field": form.fields[alt].label, "words": theirs or "–"})


def _key(obj: Any, inline: Any) -> Any:
    """The field by which rows of the inline belong to this object; nothing where they belong in another way."""
    return _get_foreign_key(type(obj), inline.model, fk_name=inline.fk_name, can_fail=True)


def _slots(form: Any) -> Iterator[tuple[str, Any]]:
    for name, field in form.fields.items():
        if isinstance(field.widget, (ImagenImageWidget, ImagenObjectWidget)):
            yield name, field.widget
