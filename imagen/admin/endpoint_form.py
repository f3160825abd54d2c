"""The form of a webhook endpoint; what the verb would refuse is said beside its field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms
from django.utils.translation import gettext_lazy as _

from imagen import webhooks
from imagen.admin import once
from imagen.admin.forms import blame
from imagen.exceptions import Refused
from imagen.models import Endpoint
from imagen.models.webhook import Happening

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Endpoint]
else:  # it cannot be subscripted at run time
    ModelForm = forms.ModelForm

FIELDS = ("name", "url", "events", "include_prompt")


class EndpointForm(ModelForm):
    """Where somebody wants to be told, and of what."""

    url = forms.CharField(
        label=_("Address"),
        max_length=Endpoint._meta.get_field("url").max_length,
        widget=forms.TextInput(attrs={"class": "vTextField", "spellcheck": "false", "dir": "ltr"}),
        help_text=_("A public https address on port 443 or 8443. It is pinged, and works once it has answered."),
    )
    events = forms.MultipleChoiceField(
        label=_("Told when"), choices=Happening.choices, widget=forms.CheckboxSelectMultiple, initial=Happening.values
    )
    mark = forms.CharField(required=False, widget=forms.HiddenInput)
    user: Any = None

    class Meta:
        model = Endpoint
        fields = FIELDS
        help_texts = {
            "name": _("What you call it."),
            "include_prompt": _("Descriptions may be personal; leave it off unless the receiver needs them."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["mark"] = once.token()

    def clean(self) -> dict[str, Any]:
        """Ask the verb, which refuses exactly what it would refuse later."""
        found: dict[str, Any] = super().clean() or {}
        if not self.errors and (self.instance._state.adding or "url" in self.changed_data):
            try:
                webhooks.check(self.user, found["url"], another=self.instance._state.adding)
            except Refused as refused:
                blame(self, refused)
        return found

    @property
    def asked(self) -> dict[str, Any]:
        """What was asked, as the verb takes it."""
        return {name: self.cleaned_data[name] for name in FIELDS}

    @property
    def changes(self) -> dict[str, Any]:
        """What shall be different."""
        return {name: value for name, value in self.asked.items() if name in self.changed_data}
