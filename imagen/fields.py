"""An image field that can be filled from the Studio: its form field and its widgets."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib.admin.widgets import AdminFileWidget
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.forms import models as model_forms
from django.urls import NoReverseMatch, reverse
from django.utils.text import Truncator
from django.utils.translation import gettext_lazy as _

from imagen import marks, placing
from imagen.doors import Pick
from imagen.models import Image
from imagen.slots import Opening, Slot

if TYPE_CHECKING:
    ModelChoiceIterator = model_forms.ModelChoiceIterator[Image]
else:  # it cannot be subscripted at run time
    ModelChoiceIterator = model_forms.ModelChoiceIterator

__all__ = ["ImagenImageField", "ImagenImageWidget", "ImagenObjectWidget", "Slot"]

TWO = _("A file and a generated picture were chosen. Choose one: undo the picture, or leave the file out.")
LONGEST = 60  # characters of a description that name a picture in a list
SHEETS: dict[str, Sequence[str]] = {"all": ["imagen/theme.css", "imagen/field.css"]}
SCRIPTS: Any = [forms.Script("imagen/field.js", defer=True)]


class ImagenImageField(forms.ImageField):
    """An image from a file or from the Studio; ``imagen_marked`` on the file tells whether it says AI made it."""

    def clean(self, data: Any, initial: Any = None) -> Any:
        """As any image, after what the widget found wrong."""
        if isinstance(data, ValidationError):
            raise data
        return super().clean(data, initial)

    def to_python(self, data: Any) -> Any:
        """A whole picture."""
        file: Any = super().to_python(data)
        if file is not None:
            file.imagen_marked = _marked(file)
        return file


def _marked(file: Any) -> bool:
    file.seek(0)
    data = file.read()
    file.seek(0)
    with suppress(ValueError):  # neither PNG, JPEG nor WebP, or none of its ends fit
        return marks.marked(data)
    return False


class Beside(forms.BoundField):
    """The alt text beside an image: where neither was touched here, what somebody else wrote meanwhile stays."""

    def __init__(self, image: str, form: Any, name: str) -> None:
        super().__init__(form, form.fields[name], name)
        self.image = image

    @property
    def data(self) -> Any:
        """What the form says, or what is stored by now."""
        said = super().data
        widget: Any = self.form.fields[self.image].widget if self.image in self.form.fields else None
        left = isinstance(widget, ImagenImageWidget) and self.form[self.image].data is None
        return self.initial if left and widget.words is not None and same(widget.words, said) else said


def same(one: str | None, other: str | None) -> bool:
    """Whether two texts have the same words; a form sends its line ends in its own way."""
    return (one or "").split() == (other or "").split()


class ImagenImageWidget(AdminFileWidget):
    """The admin's file input, and under it the way to the Studio; what was chosen there counts as the upload."""

    template_name = "imagen/field.html"

    class Media:
        css = SHEETS
        js = SCRIPTS

    def __init__(self, opening: Opening, attrs: dict[str, Any] | None = None) -> None:
        super().__init__(attrs)
        self.opening = opening
        self.token = ""  # this, the file and the alt text that the form saw, as they were posted
        self.seen: str | None = None
        self.words: str | None = None
        self._taken: dict[str, placing.PickedFile] = {}  # the picture is read once, though it is asked for often

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """The file chosen in the Studio, an upload, or what is wrong with both."""
        upload = super().value_from_datadict(data, files, name)
        self.token, self.seen = data.get(f"{name}-imagen", ""), data.get(f"{name}-imagen-seen")
        self.words = data.get(f"{name}-imagen-alt")
        try:
            pick = self.opening.pick(self.token)
            if pick is None:
                return upload
            return ValidationError(TWO, code="two") if upload else self._take(pick)  # instead of what was to be cleared
        except ValidationError as wrong:
            return wrong

    def _take(self, pick: Pick) -> placing.PickedFile:
        if self.token not in self._taken:
            self._taken[self.token] = placing.take(pick, self.opening.user)
        return self._taken[self.token]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether the form did not have this field at all."""
        return super().value_omitted_from_data(data, files, name) and f"{name}-imagen" not in data

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The file input's own, what was chosen before, and the row."""
        context = super().get_context(name, value, attrs)
        seen = str(value or "") if self.seen is None else self.seen
        words = self._described(value) if self.words is None else self.words
        picked, current = self._picked(), value.url if self.is_initial(value) else ""
        chosen = {"name": name, "seen": seen, "alt": words, "token": self.token if picked else "", "picked": picked}
        row = {"window": f"{name}-imagen", **self.opening.row(_identity(value))}
        return {**context, "imagen": {**chosen, **row, "opening": self.opening, "current": current}}

    def _described(self, value: Any) -> str:
        instance, alt = getattr(value, "instance", None), self.opening.slot.alt
        return str(getattr(instance, alt, None) or "") if alt else ""

    def _picked(self) -> dict[str, str]:
        """The picture chosen before the form came back, while it can still be had."""
        with suppress(ValidationError):
            pick = self.opening.pick(self.token)
            image = pick and placing.placeable(self.opening.user).filter(pk=pick.image).first()
            return {"thumbnail": thumbnail(image.pk), "alt": pick.alt_text} if pick and image else {}
        return {}


def _identity(value: Any) -> str:
    """The object this file belongs to, empty while it is not saved."""
    instance = getattr(value, "instance", None)
    return "" if instance is None or instance._state.adding else str(instance.pk)


def thumbnail(pk: Any) -> str:
    """Our own address of a small copy; empty where the site mounts no URLs of ours."""
    try:
        return reverse("imagen:thumbnail", args=[pk])
    except NoReverseMatch:
        return ""


class Newest(ModelChoiceIterator):
    """Lists the newest of the pictures there are and the one that is ``held``; any other may be chosen all the same."""

    held: Any = None
    more = False

    def __iter__(self) -> Iterator[Any]:
        if self.field.empty_label is not None:
            yield ("", self.field.empty_label)
        found = list(self.queryset[: placing.MOST + 1])
        listed, self.more = found[: placing.MOST], len(found) > placing.MOST
        yield from map(self.choice, listed)
        if self.more and self.held:
            yield from map(self.choice, self._held(listed))

    def _held(self, listed: list[Any]) -> Any:
        with suppress(ValidationError):  # what was posted need not be a picture
            return self.queryset.filter(pk=self.held).exclude(pk__in=[each.pk for each in listed])
        return ()


class ImagenObjectField(model_forms.ModelChoiceField):  # type: ignore[type-arg]  # it cannot be subscripted at run time
    """A picture of imagen's: one of those its person may put to use, or what the object of this very form holds."""

    iterator = Newest

    def get_bound_field(self, form: Any, field_name: str) -> forms.BoundField:
        """The field of this form, from where it knows what its object holds."""
        usable: Any = self.queryset
        if held := form.instance.serializable_value(field_name):
            usable = Image.objects.filter(Q(pk__in=usable.values("pk")) | Q(pk=held))
        self.queryset = usable.select_related("generation")
        self.widget.place_id = str(form.instance.pk or "")
        return super().get_bound_field(form, field_name)

    def label_from_instance(self, obj: Any) -> str:
        """Words by which a person recognises it; what somebody else wrote to have it made stays theirs."""
        user, made = self.widget.opening.user, obj.generation
        said = obj.title or obj.alt_text
        if not said and (made.user_id == user.pk or user.has_perm("imagen.view_all")):
            said = f"{Truncator(made.own_words).chars(LONGEST)} · {obj.index + 1}"
        return Truncator(said).chars(LONGEST + 8) or str(obj)


class ImagenObjectWidget(forms.Widget):
    """Any widget for a relation to imagen's pictures, and under it the way to the Studio."""

    template_name = "imagen/object.html"
    place_id = ""

    def __init__(self, widget: Any, opening: Opening) -> None:
        super().__init__(widget.attrs)
        self.widget, self.opening = widget, opening
        self.needs_multipart_form = widget.needs_multipart_form

    def __deepcopy__(self, memo: Any) -> ImagenObjectWidget:
        copied = copy.copy(self)
        copied.widget = copy.deepcopy(self.widget, memo)
        copied.attrs = copied.widget.attrs
        return copied

    @property
    def media(self) -> forms.Media:
        """Its own and ours."""
        media: forms.Media = self.widget.media + forms.Media(css=SHEETS, js=SCRIPTS)
        return media

    @property
    def is_hidden(self) -> bool:
        """As it is."""
        return bool(self.widget.is_hidden)

    @property
    def choices(self) -> Any:
        """Its own."""
        return self.widget.choices

    @choices.setter
    def choices(self, value: Any) -> None:
        self.widget.choices = value

    def get_context(self, name: str, value: Any, attrs: dict[str, Any] | None) -> dict[str, Any]:
        """The widget, drawn, and the row."""
        listed = self.choices
        if isinstance(listed, Newest):
            listed.held = value
        inner = self.widget.render(name, value, attrs)
        most = placing.MOST if getattr(listed, "more", False) else 0
        window = (attrs or {}).get("id", f"id_{name}")  # by its name Django's script knows which field to fill
        names = {"window": window, "link": f"add_{window}"}  # and it makes the one of the other
        known = {"opening": self.opening, "most": most, "current": thumbnail(value) if value else ""}
        return {"inner": inner, "imagen": {**names, **known, **self.opening.row(self.place_id)}}

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Any:
        """What was chosen."""
        return self.widget.value_from_datadict(data, files, name)

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        """Whether the form did not have it."""
        return bool(self.widget.value_omitted_from_data(data, files, name))

    def id_for_label(self, id_: str) -> str:
        """What its label belongs to."""
        return str(self.widget.id_for_label(id_))
