"""The price of what the form says so far, what is left, and what can be done when it does not fit."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any, cast

from django.forms import ChoiceField
from django.http import QueryDict
from django.utils.translation import gettext as _

from imagen import budgets, costs, pipeline, registry, spending
from imagen.admin import catalogue, shown, words
from imagen.admin.forms import ASKED, AskForm
from imagen.admin.plea import more
from imagen.messages import sentence
from imagen.presentation import offered

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

NONE: Mapping[str, Any] = {
    "price": "",
    "tag": "",
    "shown": "",
    "left": "",
    "brief": "",
    "notes": [],
    "successor": None,
    "over": False,
    "problem": "",
    "fewer": None,
    "more": "",
}


class QuoteForm(AskForm):
    """The same form, asked only what it would cost."""

    def agree(self, quote: pipeline.Quote) -> None:
        """Nothing is bought, so nothing has to fit."""


def quoted(said: QueryDict | dict[str, Any], user: AbstractBaseUser) -> dict[str, Any]:
    """Price, notes and complaints for what the form says so far; an empty description is no complaint."""
    data = said.copy()
    data["prompt"] = str(data.get("prompt") or "").strip() or "-"
    return priced(QuoteForm(data, user=user))


def priced(form: AskForm) -> dict[str, Any]:
    """The same of a form that was filled in."""
    if not form.is_valid() or form.quote is None:
        return {**NONE, "errors": form.errors.get_json_data()}
    return {**_facts(form.quote, form.cleaned_data["num_images"]), "errors": {}}


def of_form(form: AskForm) -> dict[str, Any]:
    """The same for a form as its page shows it; what it says of the budget already is not said twice."""
    facts = quoted(cast("Any", form.data) if form.is_bound else _begun(form), form.user)
    if form.is_bound:
        facts["errors"] = {}
    return {**facts, "problem": "" if form.over else facts["problem"]}


def _begun(form: AskForm) -> dict[str, Any]:
    """What an untouched form says: of a choice that is not among its own, the browser takes the first."""
    said = {name: form[name].value() for name in ASKED}
    for name, field in form.fields.items():
        if isinstance(field, ChoiceField):
            known = [str(value) for value, _label in cast("Any", field.choices)]
            said[name] = said[name] if str(said[name]) in known else known[0] if known else ""
    return {name: value for name, value in said.items() if value is not None}


def _facts(quote: pipeline.Quote, count: int) -> dict[str, Any]:
    least = quote.allowance
    tag = spending.tag(quote.bill, counted=least is not None)
    facts = {
        **NONE,
        "price": f"{words.pictures(count)} · {tag}",
        "tag": tag,
        "shown": shown.written(shown.tally([(quote.estimated, quote.unit)])),
        "left": least.told if least else "",
        "brief": least.brief if least else "",
        "notes": _notes(quote),
        "successor": _successor(quote) if quote.warnings else None,
    }
    if least is None or quote.allowed:
        return facts
    refused = budgets.exceeded(least, quote.bill.stake)
    facts["problem"] = sentence(refused.code, **refused.params)
    missing = quote.bill.stake - least.remaining
    way_out = {"over": True, "fewer": _fewer(quote, count, least.remaining), "more": more(missing)}
    return {**facts, **way_out, "left": ""}  # the refusal names it


def _notes(quote: pipeline.Quote) -> list[str]:
    offer: dict[str, Any] = {
        "retired": quote.offer.retired_upstream_on,
        "successor": catalogue.model_name(quote.offer.successor),
    }
    return [offered(code, alias=quote.provider, **offer).message for code in quote.warnings]


def _successor(quote: pipeline.Quote) -> dict[str, str] | None:
    """The model that takes its place, where it is on sale here."""
    name = quote.offer.successor
    if not name or not registry.on_sale(name):
        return None
    return {"model": name, "label": _("Use %(model)s") % {"model": catalogue.model_name(name)}}


def _fewer(quote: pipeline.Quote, count: int, left: Decimal) -> dict[str, Any] | None:
    """As many pictures as what is left pays for, with their price."""
    for fewer in range(count - 1, 0, -1):
        bill = costs.bill(quote.provider, quote.offer.price, fewer)
        if bill.stake <= left:
            label = _("Make %(count)s instead") % {"count": fewer}
            return {"count": fewer, "label": f"{label} · {spending.tag(bill)}"}
    return None
