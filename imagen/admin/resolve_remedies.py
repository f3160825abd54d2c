"""The three ways out of an unconfirmed call: words, forms and permissions in one table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.text import format_lazy
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from imagen import resolution
from imagen.admin import once
from imagen.models import Event, Job

RESOLVE = "imagen.resolve_unconfirmed"
RESUBMIT = "imagen.resubmit_unconfirmed"
WORDS = pgettext_lazy("to be typed by who wants it", "SEND AGAIN")
_SHORT = {"autocomplete": "off", "autocapitalize": "off", "spellcheck": "false", "class": "vTextField"}


class MarkedForm(forms.Form):
    """A form that knows when it is sent twice."""

    mark = forms.CharField(required=False, widget=forms.HiddenInput, initial=once.token)

    @property
    def said(self) -> dict[str, Any]:
        """What was said, without the mark."""
        return {name: value for name, value in self.cleaned_data.items() if name != "mark"}


class AdoptForm(MarkedForm):
    """The id a call has in the service's history."""

    remote_id = forms.CharField(
        label=gettext_lazy("Id there"), max_length=255, widget=forms.TextInput(attrs={**_SHORT, "autofocus": True})
    )


class ReleaseForm(MarkedForm):
    """Why somebody is sure."""

    note = forms.CharField(
        label=gettext_lazy("What you found"),
        help_text=gettext_lazy("Kept with the history of the request."),
        required=False,
        max_length=Event._meta.get_field("note").max_length,
        widget=forms.Textarea(attrs={"rows": 2}),
    )


class ResendForm(ReleaseForm):
    """The same, and words that nobody types by mistake."""

    words = forms.CharField(
        label=format_lazy(gettext_lazy("To confirm, type {words}"), words=WORDS),
        widget=forms.TextInput(attrs=_SHORT),
    )

    def clean_words(self) -> str:
        """They have to be the words that are shown."""
        said = str(self.cleaned_data["words"])
        if said != str(WORDS):
            raise ValidationError(_("Type it exactly as it is shown."), code="words")
        return said


def _adopt(job: Job, user: Any, said: dict[str, Any]) -> None:
    resolution.adopt(job, said["remote_id"], actor=user)


def _release(job: Job, user: Any, said: dict[str, Any]) -> None:
    resolution.release(job, actor=user, note=said["note"])


def _resend(job: Job, user: Any, said: dict[str, Any]) -> None:
    resolution.resend(job, actor=user, note=said["note"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Remedy:
    """One way out: its words, its form, who may take it, how it is done; ``paid`` shows a price first."""

    name: str
    link: Any
    title: Any
    told: Any
    button: Any
    done: Any
    form: type[MarkedForm]
    do: Callable[[Job, Any, dict[str, Any]], None]
    permissions: tuple[str, ...] = (RESOLVE,)
    paid: bool = False
    deleted_too: bool = False


REMEDIES: Mapping[str, Remedy] = {
    remedy.name: remedy
    for remedy in (
        Remedy(
            name="adopt",
            link=gettext_lazy("Adopt…"),
            title=gettext_lazy("Adopt a call from the service's history"),
            told=gettext_lazy(
                "Find the call in the history on the pages of %(service)s, made about %(when)s, and paste its id. We "
                "ask %(service)s for it with our key: if it is known there, its pictures are fetched; if not, "
                "nothing changes."
            ),
            button=gettext_lazy("Adopt"),
            done=gettext_lazy("The id was noted. %(service)s is asked about it now."),
            form=AdoptForm,
            do=_adopt,
            deleted_too=True,
        ),
        Remedy(
            name="release",
            link=gettext_lazy("It was not charged…"),
            title=gettext_lazy("It was not charged"),
            told=gettext_lazy(
                "Say so only after a look at the history or the bill of %(service)s. The call then counts as failed "
                "and free of charge, and the request can be tried again."
            ),
            button=gettext_lazy("It was not charged"),
            done=gettext_lazy("Noted: the call failed, and %(service)s charged nothing for it."),
            form=ReleaseForm,
            do=_release,
            deleted_too=True,
        ),
        Remedy(
            name="resend",
            link=gettext_lazy("Send again…"),
            title=gettext_lazy("Send again"),
            told=gettext_lazy(
                "The same is asked for in a new call and costs money again. If %(service)s took the first call after "
                "all, both are charged."
            ),
            button=gettext_lazy("Send again"),
            done=gettext_lazy("It is on its way again. If %(service)s took the first call, both are charged."),
            form=ResendForm,
            do=_resend,
            permissions=(RESOLVE, RESUBMIT),
            paid=True,
        ),
    )
}
