"""What the form says so far would cost, and all that would be sent; nothing is asked for."""

from __future__ import annotations

from typing import Any, cast

from django.forms import ChoiceField, MultipleChoiceField
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imagen import costs, pipeline, spending, wording
from imagen.admin import catalogue, quote
from imagen.admin.studio import pace
from imagen.admin.studio.display import chips
from imagen.admin.studio.form import StudioForm
from imagen.messages import listed
from imagen.types import MAX_PROMPT


class PriceForm(StudioForm):
    """The same form, asked only what it would cost: nothing has to be complete, and nothing has to fit."""

    sent = wording.Wording(own="")

    def _miss(self, own: str) -> None:
        """Nothing is missed yet."""

    def _compose(self, own: str) -> wording.Wording:
        self.sent = super()._compose(own)
        return self.sent if own else super()._compose("-")

    def agree(self, quote: pipeline.Quote) -> None:
        """Nothing is bought yet."""


def quoted(said: QueryDict, like: StudioForm, *, paced: bool = True) -> dict[str, Any]:
    """Price, button and words for what a form says; ``like`` is one for the same person and field.

    The page itself has enough to ask for already: how fast a model is comes with the script's first look.
    """
    form = PriceForm(said, user=like.user, door=like.door, house=like.house)
    facts = quote.priced(form)
    if not cast("Any", form.fields["model"]).choices:
        facts["errors"] = {}  # nothing can be made here, and the page says so above
    about = _about(form.quote, paced=paced) if form.quote else ""
    return {**facts, "button": _button(form, facts["tag"]), "sent": _sent(form), "about": about}


def of_form(form: StudioForm, *, paced: bool = False) -> dict[str, Any]:
    """The same for a form as its page shows it; what it says of the budget already is not said twice."""
    facts = quoted(cast("QueryDict", form.data) if form.is_bound else _begun(form), form, paced=paced)
    if form.is_bound:
        facts["errors"] = {}
    return {**facts, "problem": "" if form.over else facts["problem"]}


def _button(form: PriceForm, tag: str) -> str:
    count = int(form.cleaned_data.get("num_images") or 1)
    label = ngettext("Generate %(count)s", "Generate %(count)s", count) % {"count": count}
    return f"{label} · {tag}" if tag else label


def _about(quote: pipeline.Quote, *, paced: bool) -> str:
    """What one picture of the model costs where it would be made, and how long it usually takes where that is known."""
    offer, one = quote.offer, costs.bill(quote.provider, quote.offer.price, 1)
    known = spending.price(one.amount, one.unit)
    facts = [_("%(price)s a picture") % {"price": known} if one.amount else spending.tag(one, counted=False)]
    if paced and (usual := pace.usual(offer.model, quote.provider, {offer.id})):
        facts.append(_("usually %(seconds)s s") % {"seconds": usual.middle})
    return _("%(model)s: %(facts)s.") % {"model": catalogue.model_name(offer.model), "facts": listed(*facts)}


def _sent(form: PriceForm) -> dict[str, Any]:
    """All the words, how many characters they are, and how many the model takes."""
    said = form.cleaned_data
    most = catalogue.able(said.get("model", ""), said.get("provider", "")).get("max_prompt", MAX_PROMPT)
    text = form.sent.prompt
    known = {"pieces": form.sent.pieces, "parts": form.sent.parts, "text": text}
    return {**known, "count": len(text), "most": most, "over": len(text) > most}


def _begun(form: StudioForm) -> QueryDict:
    """What an untouched form says: of a choice that is not among its own, the browser takes the first."""
    said = QueryDict(mutable=True)
    for name, field in form.fields.items():
        if isinstance(field, MultipleChoiceField):
            continue  # nothing of it costs anything
        value = form[name].value()
        if isinstance(field, ChoiceField):
            known = [str(value) for value, _label in cast("Any", field.choices)]
            value = value if str(value) in known else "".join(known[:1])
        said[name] = "" if value is None else str(value)
    shown = chips(form)
    said.setlist("known", [chip["part"].key for chip in shown])
    said.setlist("kept", [chip["part"].key for chip in shown if chip["kept"]])
    return said
