"""The question whether readers could take a picture for real, where the site has its editors asked."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen.conf import ASK, settings
from imagen.doors import Door
from imagen.models import QUESTION, Disclosure
from imagen.slots import FILE

LONGEST_REASON = 200


class DisclosureForm(forms.Form):
    """The answer, which nobody gives for us, and the reason for a no."""

    disclosure = forms.ChoiceField(
        label=gettext_lazy("Could a reader take this for a real photograph of a real person, place, object or event?"),
        choices=Disclosure.choices,
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say whether it could be taken for real.")},
    )
    reason = forms.CharField(label=gettext_lazy("Why not, in one line"), max_length=LONGEST_REASON, required=False)

    def clean_reason(self) -> str:
        """One line."""
        return " ".join(self.cleaned_data["reason"].split())

    def clean(self) -> dict[str, Any]:
        """A reason for a no, and for nothing else."""
        found: dict[str, Any] = super().clean() or {}
        if found.get("disclosure") != Disclosure.NO:
            found["reason"] = ""
            self.errors.pop("reason", None)
        elif not found.get("reason") and "reason" not in self.errors:
            self.add_error("reason", _("Say why nobody could take it for real."))
        return found


def answer(said: dict[str, Any]) -> dict[str, Any]:
    """What goes along with the picture of what was said: nothing where nobody was asked."""
    if not said.get("disclosure"):
        return {}
    return {"disclosure": said["disclosure"], "reason": said["reason"], "question": QUESTION}


def asked(door: Door) -> bool:
    """Whether editors are asked at this field; a relation carries nothing but the picture, which is then labelled."""
    return settings.DISCLOSURE == ASK and door.target == FILE
