"""The forms of a budget: what cannot be is refused beside its field."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django import forms
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen.admin.person_field import PersonField
from imagen.models import Budget, Scope

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Budget]
else:  # it cannot be subscripted at run time
    ModelForm = forms.ModelForm

JUST = timedelta(minutes=1)
NEEDED = {Scope.GROUP: "group", Scope.PERSON: "user"}


class LimitForm(ModelForm):
    """The limit of a budget that stands; whose it is and for how long is what makes it that one."""

    class Meta:
        model = Budget
        fields = ("limit",)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.before = (self.instance.limit, self.instance.currency)
        if self.instance.pk:
            self.initial["limit"] = _plain(self.instance.limit)


class BudgetForm(ModelForm):
    """A new budget; the person is named as they sign in, for there may be a million."""

    user = PersonField(help_text=gettext_lazy("Only for “one person”: the name they sign in with."))

    class Meta:
        model = Budget
        fields = ("scope", "group", "user", "period", "limit")
        help_texts = {"group": gettext_lazy("Only for “one group together”.")}  # Django's own way

    def clean(self) -> dict[str, Any]:
        """Whose it is has to be said, once, and not twice."""
        said: dict[str, Any] = super().clean() or {}
        needed = NEEDED.get(said.get("scope", ""))
        for name in NEEDED.values():
            if name == needed and not said.get(name) and name not in self.errors:
                self.add_error(name, _("Say whose it is."))
            elif name != needed and said.get(name):
                self.add_error(name, _("Leave this empty: “whose” says otherwise."))
        if not self.errors and (same := self._same(said)):
            self.add_error(needed or "scope", _taken(same))
        return said

    def _same(self, said: dict[str, Any]) -> Budget | None:
        return Budget.objects.filter(**{name: said[name] for name in ("scope", "group", "user", "period")}).first()


def _taken(budget: Budget) -> str:
    """That this budget is there, since when roughly, and the way to it."""
    fresh = timezone.now() - budget.created_at < JUST
    told = _("Somebody has just made this budget.") if fresh else _("There is such a budget already.")
    where = reverse("admin:imagen_budget_change", args=[budget.pk])
    return format_html('{} <a href="{}">{}</a>', told, where, _("Open it"))


def _plain(amount: Decimal) -> Decimal:
    """The amount as people write it: two places, more where there are more."""
    short = amount.quantize(Decimal("0.01"))
    return short if short == amount else amount.normalize()
