"""The form's choices as its page shows them: styles and shapes as tiles, the rules of the house as chips."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _

from imagen import wording
from imagen.admin.previews import address
from imagen.admin.studio.form import StudioForm
from imagen.models import Style

FIRST = 6  # styles
MORE = ("provider", "resolution", "output_format", "negative_prompt", "seed")


def of_form(form: StudioForm) -> dict[str, Any]:
    """Everything its template asks for beside the form."""
    return {
        "chips": chips(form),
        "looks": _looks(form),
        "shapes": _shapes(form),
        "cuts": _cuts(form),
        "more": [form[name] for name in MORE],
        "more_is_wrong": form.is_bound and any(name in form.errors for name in MORE),
        "only_one_model": len(cast("list[Any]", cast("forms.ChoiceField", form.fields["model"]).choices)) == 1,
    }


def chips(form: StudioForm) -> list[dict[str, Any]]:
    """The rules of the house, and whether each is kept."""
    parts = wording.offered(None, form.house.rules)
    return [{"part": part, "kept": part.locked or part.key not in form.left_out} for part in parts]


def _looks(form: StudioForm) -> dict[str, Any]:
    """The styles in two rows: none and the first six, and the rest."""
    tiles = list(_tiles(form))
    first, more = tiles[: FIRST + 1], tiles[FIRST + 1 :]
    return {"first": first, "more": more, "open": any(tile["chosen"] for tile in more)}


def _tiles(form: StudioForm) -> Iterable[dict[str, Any]]:
    """The styles with their examples; that there is none comes first."""
    examples = ["", *(_example(style) for style in form.house.styles)]
    for radio, example in zip(cast("Any", form["style"]), examples, strict=True):
        chosen = radio.data["selected"]
        yield {"tag": radio.tag(), "name": radio.choice_label, "example": example, "chosen": chosen}


def _example(style: Style) -> str:
    """The address of a picture in this style; one that is held for review is no example."""
    if style.example is None or style.example.withheld or not style.example.thumbnail:
        return ""
    return address(style.example, thumbnail=True)


def _shapes(form: StudioForm) -> dict[str, Any]:
    """The shapes in two rows: the field's or the usual ones, and the rest."""
    rows = [_shape(form, radio) for radio in cast("Any", form["aspect_ratio"])]
    split = len(form.first_shapes)
    return {"first": rows[:split], "more": rows[split:], "open": any(row["chosen"] for row in rows[split:])}


def _shape(form: StudioForm, radio: Any) -> dict[str, Any]:
    ratio = radio.data["value"]
    frame, chosen = ratio.replace(":", " "), radio.data["selected"]
    return {"tag": radio.tag(), "name": ratio, "frame": frame, "chosen": chosen, "why": _why(form, ratio)}


def _cuts(form: StudioForm) -> list[dict[str, Any]]:
    """The shapes candidates are shown cut to: the field's own, which stay, and those that can be ticked."""
    fixed = form.door.crops if form.door else ()
    more = cast("Any", form["slots"])
    ticked = [{"name": each.choice_label, "chosen": each.data["selected"]} for each in more]
    return [*({"name": name, "chosen": True, "fixed": True} for name in fixed), *ticked]


def _why(form: StudioForm, ratio: str) -> str:
    """Why this shape is among the first."""
    if form.door is None or not form.door.ratio or ratio not in form.first_shapes:
        return ""
    return _("from this field") if ratio == form.first_shapes[0] else _("cut from it, too")
