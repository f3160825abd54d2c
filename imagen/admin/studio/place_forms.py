"""The words for a picture as forms: what it is for, what stands for it where it cannot be seen, its file's name."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen.admin.studio.disclosing import DisclosureForm, asked
from imagen.doors import Door
from imagen.hauls import fits
from imagen.models import Image, Meaning
from imagen.placing import LONGEST_NAME, slug

ADVISED = 125  # characters that every screen reader reads in one breath
MOST = 500
ALIKE = 0.9
NAME_WORDS = 6
_WORD = re.compile(r"[^\W\d_]{2}|[\u2e80-\U0003ffff]")  # two letters, or one sign that is a word


class LibraryForm(forms.Form):
    """What is kept with a picture that goes nowhere yet: title, alt text, focal point."""

    title = forms.CharField(label=gettext_lazy("Title"), max_length=200, required=False, show_hidden_initial=True)
    alt_text = forms.CharField(
        label=gettext_lazy("Alt text"),
        max_length=MOST,
        required=False,
        show_hidden_initial=True,  # what another window wrote meanwhile is not what this one changed
        widget=forms.Textarea(attrs={"rows": 3, "data-advised": ADVISED}),
        help_text=gettext_lazy("What the picture shows, for people who cannot see it. 125 characters are plenty."),
    )
    focal_x = forms.IntegerField(
        label=gettext_lazy("From the left"),
        min_value=0,
        max_value=100,
        show_hidden_initial=True,
        widget=forms.NumberInput({"type": "range"}),
    )
    focal_y = forms.IntegerField(
        label=gettext_lazy("From the top"),
        min_value=0,
        max_value=100,
        show_hidden_initial=True,
        widget=forms.NumberInput({"type": "range"}),
    )

    def __init__(self, *args: Any, image: Image, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "auto_id": "imagen-place-%s", "label_suffix": ""})
        self.image = image

    def clean_alt_text(self) -> str:
        """Words that say what is seen, and not what was asked for."""
        said = str(self.cleaned_data["alt_text"])
        generation = self.image.generation
        if said and not _WORD.search(said):
            raise forms.ValidationError(_("Say in words what the picture shows."))
        if said and any(alike(said, asked) for asked in (generation.prompt, generation.own_words)):
            raise forms.ValidationError(_("This is what the picture was asked for. Say what it shows."))
        return said

    @property
    def about_picture(self) -> dict[str, Any]:
        """What of it is a fact about the picture wherever it stands, and was changed here."""
        names = ("title", "alt_text", "focal_x", "focal_y")
        return {name: self.cleaned_data[name] for name in names if name in self.changed_data}


class RelationForm(LibraryForm):
    """The same for a relation, which shows the picture's own words on every page: there are some, and they stay."""

    title = None  # type: ignore[assignment]  # Django's way to take a field away

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["alt_text"].help_text = _("What the picture shows. It goes with the picture to every page.")

    def clean_alt_text(self) -> str:
        """Words for who cannot see it; those another window wrote meanwhile will do."""
        said = super().clean_alt_text()
        if not said and ("alt_text" in self.changed_data or not self.image.alt_text):
            raise forms.ValidationError(_("Say what the picture shows."))
        return said


class PlaceForm(DisclosureForm, LibraryForm):
    """The same for a picture that goes into a field: also what it is for, how it is cut, and its file's name."""

    title = None  # type: ignore[assignment]  # as above
    meaning = forms.ChoiceField(
        label=gettext_lazy("What is it for?"),
        choices=Meaning.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say what the picture is for.")},
    )
    crop = forms.ChoiceField(label=gettext_lazy("Shape"), required=False, widget=forms.RadioSelect)
    name = forms.CharField(
        label=gettext_lazy("File name"),
        max_length=LONGEST_NAME,
        required=False,
        help_text=gettext_lazy("Letters, digits and hyphens; anything else becomes a hyphen."),
    )

    def __init__(self, *args: Any, door: Door, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.door = door
        if not asked(door):
            del self.fields["disclosure"], self.fields["reason"]
        if not door.ratio or fits(self.image.width, self.image.height, door.ratio):
            del self.fields["crop"]
        else:
            cut = _("Cut to %(ratio)s") % {"ratio": door.ratio}
            self.fields["crop"].choices = [(door.ratio, cut), ("", _("Leave it as it is"))]  # type: ignore[attr-defined]  # a plain Field has none

    def clean_name(self) -> str:
        """A name that every storage takes; made from the description when nothing is left."""
        return slug(self.cleaned_data["name"]) or ready_made(self.image.generation.own_words)

    def clean(self) -> dict[str, Any]:
        """No alt text where it only decorates, and one everywhere else."""
        found: dict[str, Any] = super().clean() or {}
        found.setdefault("crop", "")
        if found.get("meaning") == Meaning.DECORATIVE:
            found["alt_text"] = ""
            self.errors.pop("alt_text", None)
        elif found.get("meaning") and "alt_text" not in self.errors and not found.get("alt_text"):
            functional = found["meaning"] == Meaning.FUNCTIONAL
            self.add_error("alt_text", _("Say where it leads.") if functional else _("Say what the picture shows."))
        return found


def alike(said: str, asked: str) -> bool:
    """Whether two texts have the same words, or almost; of one that did not fit into the field, its beginning."""
    ours, theirs = _words(said), _words(asked[: len(said)] if len(said) > ADVISED else asked)
    return ours == theirs or SequenceMatcher(None, ours, theirs, autojunk=False).ratio() >= ALIKE


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def ready_made(words: str) -> str:
    """A name from the first words of a description."""
    return slug(" ".join(words.split()[:NAME_WORDS])) or "image"
