"""A person in a form: named as they sign in, for there may be a million."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy


class PersonField(forms.CharField):
    """Text that becomes the person of that name, or nobody when it is empty."""

    widget = forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off", "autocapitalize": "off"})

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"label": gettext_lazy("Person"), "required": False, "max_length": 254, **kwargs})

    def clean(self, value: Any) -> Any:
        """The person of that name."""
        people, name = get_user_model(), super().clean(value)
        try:
            return people._default_manager.get_by_natural_key(name) if name else None
        except people.DoesNotExist:
            raise ValidationError(_("There is nobody called %(name)s."), params={"name": name}) from None
