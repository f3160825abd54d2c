"""Asking in the Studio: begin a form, take what it says, keep a template."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import pipeline, rewording
from imagen.admin import catalogue, once
from imagen.admin.base import viewer
from imagen.admin.forms import ASKED, blame
from imagen.admin.studio import display, enhance, examples, price, setup, slot
from imagen.admin.studio.doorway import Entrance
from imagen.admin.studio.form import StudioForm, able_model
from imagen.doors import Door
from imagen.exceptions import BudgetExceeded, Refused
from imagen.models import Generation, Template
from imagen.origin import Origin

STALE = gettext_lazy(
    "This window no longer knows which field it was opened for. Open it from the form again, or make pictures here "
    "without a field."
)
LONGEST_NAME = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came of a form: a request, or the form again and something to say."""

    form: StudioForm
    run: Generation | None = None
    said: str = ""


def blank(request: HttpRequest, entrance: Entrance, **initial: Any) -> StudioForm:
    """An untouched form for this person and field."""
    return StudioForm(user=viewer(request), door=entrance.door, initial=initial)


def context(form: StudioForm, entrance: Entrance, said: str = "", *, paced: bool = False) -> dict[str, Any]:
    """Everything the left column shows, how fast the model is only where it is ``paced``."""
    return {
        "form": form,
        **display.of_form(form),
        "quote": price.of_form(form, paced=paced),
        "entrance": entrance,
        "enhance": enhance.offered(entrance),
        "slot": slot.name(entrance.door) if entrance.door else "",
        **_services(form),
        "may_keep": form.user.has_perm("imagen.add_template"),
        "said": said,
    }


def _services(form: StudioForm) -> dict[str, Any]:
    """Whether nothing can be made here, who may change that, and whether those who may know it."""
    closed, minds = not catalogue.models(), form.user.has_perm(setup.MINDS)
    return {"closed": closed, "may_set_up": minds, "service_asked": closed and not minds and setup.asked()}


# --- beginning ---


def begun(request: HttpRequest, entrance: Entrance, run: Generation | None) -> Answer:
    """The form as its page first shows it: ``like`` in the address is varied, ``run`` said again."""
    like = _like(request)
    if like:
        said = said_by(like)
        milder = rewording.milder(said["prompt"]) if "reword" in request.GET else ""
        form = blank(request, entrance, **{**said, "prompt": milder or said["prompt"]}, parent=str(like.pk))
        return Answer(form=form, said=instead(like))
    return Answer(form=blank(request, entrance, **(said_by(run) if run else {})))


def _like(request: HttpRequest) -> Generation | None:
    try:
        return Generation.objects.of(viewer(request)).standing().filter(pk=request.GET["like"]).first()
    except (KeyError, ValidationError):
        return None


def said_by(earlier: Generation) -> dict[str, Any]:
    """What was asked for then, in the editor's own words, by a model that is sold; chance decides anew."""
    parts = [str(part.get("key", "")) for part in earlier.wording.get("parts", ())]
    style = next((key.removeprefix("style:") for key in parts if key.startswith("style:")), "")
    said = {name: getattr(earlier, name) for name in ASKED if name not in ("provider", "seed")}
    return {**said, "prompt": earlier.own_words, "model": _model(earlier), "style": style, "slots": earlier.slots}


def instead(earlier: Generation) -> str:
    """That its model is not sold any more, and which is chosen; nothing where it is."""
    if (model := _model(earlier)) == earlier.model:
        return ""
    names = {"gone": catalogue.model_name(earlier.model), "model": catalogue.model_name(model)}
    return _("%(gone)s is not offered any more. %(model)s is chosen instead.") % names


def _model(earlier: Generation) -> str:
    sold = [model for model, _name in catalogue.models()]
    return earlier.model if earlier.model in sold or not sold else able_model(earlier.aspect_ratio)


# --- taking what was sent ---


def answer(request: HttpRequest, entrance: Entrance) -> Answer:
    """What comes of what was posted: pictures, a template filled in or kept, other words, or what is wrong."""
    if not request.POST.keys().isdisjoint(("use", "example")):
        return Answer(form=as_said(request, entrance))
    if "enhance" in request.POST or "undo" in request.POST:
        return Answer(form=_enhanced(request, entrance))
    if "keep" in request.POST or _names_a_template(request):
        return _keep(request, entrance)
    form = StudioForm(request.POST, user=viewer(request), door=entrance.door)
    if entrance.stale:
        form.add_error(None, str(STALE))
    return Answer(form=form, run=_run(form, entrance.door) if form.is_valid() else None)


def _names_a_template(request: HttpRequest) -> bool:
    """Whether Enter was pressed, without scripts, by somebody who wrote a template's name: no money is spent by it."""
    return "enter" in request.POST and bool(request.POST.get("keep_as", "").strip())


def _run(form: StudioForm, door: Door | None) -> Generation | None:
    """The request, made once however often the form is sent; what is refused at the last moment is said in it."""
    origin = Origin(
        place=door.place if door else "",
        place_id=door.place_id if door else "",
        parent=form.parent_id(),
        wording=form.wording.asdict(),
        slots=tuple(form.cleaned_data["slots"]),
        unseen=True,
    )
    mark = once.about(form.cleaned_data["mark"], {**form.options, "place": origin.place, "place_id": origin.place_id})
    try:
        made, _fresh = once.once(form.user, mark, lambda: _made(form, origin))
    except Refused as refused:
        form.over = isinstance(refused, BudgetExceeded)
        blame(form, refused)
        return None
    return Generation.objects.get(pk=uuid.UUID(made))


def _made(form: StudioForm, origin: Origin) -> str:
    return str(pipeline.request(user=form.user, origin=origin, **form.options).pk)


def as_said(request: HttpRequest, entrance: Entrance) -> StudioForm:
    """The same form, not sent: with the words of the template or the example that was chosen."""
    said = {name: value for name, value in request.POST.items() if name not in ("mark", "shown")}
    shown, kept = (set(request.POST.getlist(name)) for name in ("known", "kept"))
    said["prompt"] = examples.begun(request.POST)
    form = blank(request, entrance, **{**said, "slots": request.POST.getlist("slots")}, left_out=shown - kept)
    if "use" in request.POST and form.chosen_template:
        form.initial["prompt"] = form.filled()
        form.initial["style"] = form.chosen_template.style_id or form.initial["style"]
    return form


def _enhanced(request: HttpRequest, entrance: Entrance) -> StudioForm:
    """The same form with richer words and what they changed, or with those it had before."""
    form = as_said(request, entrance)
    if "undo" in request.POST:
        form.initial["prompt"] = request.POST["undo"]
        return form
    form.enhanced = enhance.of_form(form)
    form.initial["prompt"] = form.enhanced.after or form.initial.get("prompt")
    return form


def _keep(request: HttpRequest, entrance: Entrance) -> Answer:
    """Keep the words as a template of one's own."""
    user, form = viewer(request), as_said(request, entrance)
    name, text = (request.POST.get(field, "").replace("\0", "").strip() for field in ("keep_as", "prompt"))
    if not user.has_perm("imagen.add_template"):
        return Answer(form=form, said=_("You may not keep templates."))
    if not name or not text:
        return Answer(form=form, said=_("A template needs a name and a description."))
    Template.objects.create(name=name[:LONGEST_NAME], owner=user, text=text[:5000], style=form.chosen_style)
    return Answer(form=as_said(request, entrance), said=_("“%(name)s” is kept among your templates.") % {"name": name})
