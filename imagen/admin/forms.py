"""The form that asks for pictures; what the pipeline would refuse is said beside its field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import pipeline
from imagen.admin import catalogue, once, words
from imagen.conf import settings
from imagen.exceptions import Refused
from imagen.messages import answer, field_sentence
from imagen.models import Generation
from imagen.presentation import offered
from imagen.types import ASPECT_RATIOS, MAX_IMAGES, MAX_PROMPT, MAX_SEED, OUTPUT_FORMATS, RESOLUTIONS

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Generation]
else:  # it cannot be subscripted at run time
    ModelForm = forms.ModelForm

ASKED = (
    *("prompt", "model", "aspect_ratio", "num_images"),
    *("provider", "resolution", "output_format", "negative_prompt", "seed"),
)
UNSAID = [("", gettext_lazy("As the model prefers"))]


class AskForm(ModelForm):
    """What somebody wants, as a form."""

    prompt = forms.CharField(
        label=gettext_lazy("Description"),
        max_length=MAX_PROMPT,
        widget=forms.Textarea(attrs={"rows": 4}),
        help_text=gettext_lazy("What the picture shows: subject, place, light, style."),
    )
    model = forms.ChoiceField(label=gettext_lazy("Model"))
    aspect_ratio = forms.ChoiceField(
        label=gettext_lazy("Shape"),
        choices=[(ratio, ratio) for ratio in ASPECT_RATIOS],
        help_text=gettext_lazy("Width to height."),
    )
    num_images = forms.TypedChoiceField(
        label=gettext_lazy("Number of pictures"),
        coerce=int,
        choices=[(number, number) for number in range(1, MAX_IMAGES + 1)],
    )
    provider = forms.ChoiceField(label=gettext_lazy("Service"), required=False)
    resolution = forms.ChoiceField(
        label=gettext_lazy("Resolution"), required=False, choices=[*UNSAID, *((name, name) for name in RESOLUTIONS)]
    )
    output_format = forms.ChoiceField(
        label=gettext_lazy("Format"), required=False, choices=[*UNSAID, *((name, name) for name in OUTPUT_FORMATS)]
    )
    negative_prompt = forms.CharField(
        label=gettext_lazy("To avoid"), required=False, max_length=MAX_PROMPT, widget=forms.Textarea(attrs={"rows": 2})
    )
    seed = forms.IntegerField(
        label=gettext_lazy("Seed"),
        required=False,
        min_value=-1,
        max_value=MAX_SEED,
        help_text=gettext_lazy(
            "The same seed and description give a similar picture again. Leave it empty for chance."
        ),
    )
    mark = forms.CharField(required=False, widget=forms.HiddenInput)

    class Meta:
        model = Generation
        fields = ASKED

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._offer("model", catalogue.models())
        self._offer("provider", [("", _("The site chooses")), *catalogue.providers()])
        self.fields["model"].widget.attrs["data-abilities"] = json.dumps(catalogue.abilities())
        self.initial.setdefault("model", settings.DEFAULT_MODEL)
        self.initial["mark"] = once.token()

    def _offer(self, name: str, choices: list[tuple[str, str]]) -> None:
        cast("forms.ChoiceField", self.fields[name]).choices = choices

    def clean(self) -> dict[str, Any]:
        """Ask the pipeline, which refuses exactly what it would refuse later."""
        found: dict[str, Any] = super().clean() or {}
        if not self.errors:
            try:
                pipeline.quote(**self.options)
            except Refused as refused:
                blame(self, refused)
        return found

    @property
    def options(self) -> dict[str, Any]:
        """The pipeline's options, as far as something was said."""
        said = {name: self.cleaned_data.get(name) for name in ASKED}
        return {name: value for name, value in said.items() if value not in ("", None)}


def blame(form: forms.BaseForm, refused: Refused) -> None:
    """Say what is wrong, beside the fields it is about."""
    for error in refused.errors:
        name = error.field if error.field in form.fields else None
        form.add_error(name, field_sentence(error.code, **error.params))
    if not refused.errors:
        form.add_error(None, answer(refused.code, **refused.params))


def quoted(said: QueryDict) -> dict[str, Any]:
    """Price, notes and complaints for what the form says so far; an empty description is no complaint."""
    data = said.copy()
    data["prompt"] = data.get("prompt", "").strip() or "-"
    told = AskForm(data)
    if not told.is_valid():
        return {"price": "", "notes": [], "errors": told.errors.get_json_data()}
    quote = pipeline.quote(**told.options)
    count = told.cleaned_data["num_images"]
    offer: dict[str, Any] = {
        "retired": quote.offer.retired_upstream_on,
        "successor": catalogue.model_name(quote.offer.successor),
    }
    return {
        "price": f"{words.pictures(count)} · {words.price(quote.estimated, quote.unit)}",
        "notes": [offered(code, alias=quote.provider, **offer).message for code in quote.warnings],
        "errors": {},
    }
