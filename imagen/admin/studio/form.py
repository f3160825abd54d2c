"""What somebody asks for in the Studio: own words, a style, the rules of the house, a shape that fits the field."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import wording
from imagen.admin import catalogue
from imagen.admin.forms import AskForm
from imagen.admin.studio import slot
from imagen.admin.studio.house import House
from imagen.conf import settings
from imagen.doors import Door
from imagen.messages import listed
from imagen.models import Generation, Style, Template
from imagen.types import MAX_IMAGES, MAX_PROMPT

if TYPE_CHECKING:
    from imagen.admin.studio.enhance import Enhanced

GONE = gettext_lazy("This is no longer offered. Choose another.")
MOST_GAPS = 20


class StudioForm(AskForm):
    """The form of the Studio's left column; ``prompt`` holds the editor's own words."""

    prompt = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,  # a template may say it
        max_length=MAX_PROMPT,
        widget=forms.Textarea(
            attrs={"rows": 5, "placeholder": gettext_lazy("What is to be seen, where, in which light")}
        ),
    )
    num_images = forms.TypedChoiceField(
        label=gettext_lazy("Number of pictures"),
        coerce=int,
        choices=[(number, number) for number in range(1, MAX_IMAGES + 1)],
        widget=forms.RadioSelect,
    )
    aspect_ratio = forms.ChoiceField(label=gettext_lazy("Shape"), widget=forms.RadioSelect)
    slots = forms.MultipleChoiceField(
        label=gettext_lazy("Show each picture cut to"), required=False, widget=forms.CheckboxSelectMultiple
    )
    style = forms.ChoiceField(
        label=gettext_lazy("Style"), required=False, widget=forms.RadioSelect, error_messages={"invalid_choice": GONE}
    )
    template = forms.ChoiceField(
        label=gettext_lazy("Template"), required=False, error_messages={"invalid_choice": GONE}
    )
    parent = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, user: Any, door: Door | None = None, house: House | None = None, **kwargs: Any):
        super().__init__(*args, user=user, label_suffix="", **kwargs)
        self.door = door
        self.house = house or House.open_to(user)
        self.first_shapes = slot.shapes(door)
        self._offer("aspect_ratio", [(ratio, ratio) for ratio in slot.ordered(self.first_shapes)])
        self._offer("slots", [(ratio, ratio) for ratio in slot.tickable(door)])
        for name in ("model", "provider", "slots"):
            self.fields[name].error_messages["invalid_choice"] = GONE
        self._offer("style", [("", _("No style")), *((str(style.pk), style.name) for style in self.house.styles)])
        self._offer("template", [("", _("None")), *((str(each.pk), each.name) for each in self.house.templates)])
        self.initial.setdefault("aspect_ratio", self.first_shapes[0])
        self.initial.setdefault("style", "")
        self.initial.setdefault("num_images", settings.STUDIO_NUM_IMAGES)
        if "model" not in kwargs.get("initial", {}):
            self.initial["model"] = able_model(self.initial["aspect_ratio"])
        self.wording = wording.Wording(own="")
        self.enhanced: Enhanced | None = None

    # --- the words ---

    def clean(self) -> dict[str, Any]:
        """Put the words together, then ask the pipeline about all of it."""
        own = self._own()
        self._miss(own)
        self.wording = self._compose(own)
        self.cleaned_data["prompt"] = own
        return super().clean()

    def _own(self) -> str:
        """The editor's own words, or the template's; its gaps are filled."""
        own = str(self.cleaned_data.get("prompt") or "").strip()
        return own if "prompt" in self.errors else self.filled(own)

    def filled(self, own: str = "") -> str:
        """These words or those of the template, with what was written into its gaps."""
        return wording.fill(own or self._template_text, {gap["name"]: gap["value"] for gap in self.gaps})

    def _miss(self, own: str) -> None:
        """Say what the words lack."""
        open_ = [name for name in wording.gaps(self._template_text) if name in wording.gaps(own)]
        if open_:
            self.add_error("template", _("Fill in: %(gaps)s.") % {"gaps": listed(*open_)})
        elif not own and "prompt" not in self.errors:
            self.add_error("prompt", _("Say what the picture shows."))

    def _compose(self, own: str) -> wording.Wording:
        return wording.compose(own, style=self.chosen_style, left_out=self.left_out, rules=self.house.rules)

    @property
    def options(self) -> dict[str, Any]:
        """The pipeline's options, with everything that is sent in the description."""
        said = {**super().options, "prompt": self.wording.prompt}
        own, more = said.get("negative_prompt", ""), self.wording.avoid
        able = catalogue.able(said.get("model", ""), said.get("provider", ""))
        if more and able.get("negative_prompt") and more.casefold() not in own.casefold():
            said["negative_prompt"] = f"{own}, {more}" if own else more
        return said

    @property
    def chosen_style(self) -> Style | None:
        """The style that is chosen."""
        return self.house.style(str(self["style"].value() or ""))

    @property
    def chosen_template(self) -> Template | None:
        """The template that is chosen."""
        return self.house.template(str(self["template"].value() or ""))

    @property
    def _template_text(self) -> str:
        return self.chosen_template.text if self.chosen_template else ""

    @property
    def gaps(self) -> list[dict[str, str]]:
        """The gaps of the template that is chosen, with what was written into them."""
        names = wording.gaps(self._template_text)[:MOST_GAPS]
        return [{"name": name, "value": self._said(f"gap-{place}")} for place, name in enumerate(names)]

    @property
    def left_out(self) -> set[str]:
        """The rules that were shown and taken away; one that is new since then is kept."""
        if not self.is_bound:
            return set(self.initial.get("left_out", ()))
        kept, shown = (self._all(name) for name in ("kept", "known"))
        return set(shown) - set(kept)

    def _said(self, name: str) -> str:
        return str(self.data.get(name) or "") if self.is_bound else str(self.initial.get(name) or "")

    def _all(self, name: str) -> list[str]:
        return cast("list[str]", cast("Any", self.data).getlist(name)) if hasattr(self.data, "getlist") else []

    # --- where it comes from ---

    def parent_id(self) -> uuid.UUID | None:
        """The request it is varied from, if this person may see that."""
        try:
            pk = uuid.UUID(self.cleaned_data["parent"])
        except ValueError:
            return None
        return pk if Generation.objects.of(self.user).standing().filter(pk=pk).exists() else None


def able_model(ratio: str) -> str:
    """The site's model if it can make this shape, else the first that can."""
    sold = [name for name, _label in catalogue.models()]
    for name in (settings.DEFAULT_MODEL, *sold):
        if ratio in catalogue.able(name).get("aspect_ratio", ()):
            return str(name)
    return str(settings.DEFAULT_MODEL)
