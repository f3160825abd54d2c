"""The form that asks for pictures; what the pipeline would refuse is said beside its field."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import budgets, pipeline
from imagen.admin import catalogue, once, shown
from imagen.conf import settings
from imagen.exceptions import Refused
from imagen.messages import answer, field_sentence
from imagen.models import Generation
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
    shown = forms.CharField(required=False, widget=forms.HiddenInput)
    user: Any = None
    quote: pipeline.Quote | None = None
    over = False  # whether it says that no budget pays for it

    class Meta:
        model = Generation
        fields = ASKED

    def __init__(self, *args: Any, user: Any = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user or self.user
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
                self.quote = pipeline.quote(user=self.user, **self.options)
                self.agree(self.quote)
            except Refused as refused:
                blame(self, refused)
        return found

    def clean_num_images(self) -> int:
        """So many pictures, or fewer by the button that offers them."""
        asked, fewer = int(self.cleaned_data["num_images"]), self.data.get("fewer", "")
        return int(fewer) if fewer in map(str, range(1, asked)) else asked

    def agree(self, quote: pipeline.Quote) -> None:
        """Refuse a price that rose since it was shown, and one that no budget pays for."""
        now = shown.tally([(quote.estimated, quote.unit)])
        if text := shown.risen(self.cleaned_data["shown"], now):
            self.add_error(None, text)
        elif quote.allowance and not quote.allowed:
            self.over = True
            raise budgets.exceeded(quote.allowance, quote.bill.stake)

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
        if name and error.code == "prompt_blocked":  # the page's script selects it
            form.fields[name].widget.attrs["data-blocked"] = error.params["word"]
    if not refused.errors:
        form.add_error(None, answer(refused.code, **refused.params))
