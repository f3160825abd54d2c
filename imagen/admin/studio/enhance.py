"""*Enhance* in the Studio: richer words for a form and what they change, or a sentence why there are none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.http import JsonResponse
from django.template.loader import render_to_string
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

from imagen import enhancing, rewriting
from imagen.types import ASPECT_RATIOS

if TYPE_CHECKING:
    from imagen.admin.studio.doorway import Entrance
    from imagen.admin.studio.form import StudioForm

EMPTY = gettext_lazy("Say what the picture shows.")
NOTHING = gettext_lazy("There is nothing to add.")
FAILED = gettext_lazy("That did not work. Your words are as they were.")
EDGE = 3  # words that are shown of what stayed, at either end


@dataclass(frozen=True, slots=True, kw_only=True)
class Enhanced:
    """What became of somebody's words: ``after`` instead of ``before``, or a sentence that says why nothing did."""

    before: str = ""
    after: str = ""
    pieces: tuple[dict[str, str], ...] = ()
    said: str | Promise = ""


def offered(entrance: Entrance) -> dict[str, Any]:
    """Where it is asked for, whether our own table answers, and what is said when that fails; empty when it is off."""
    found = rewriting.function("ENHANCE")
    return {"url": entrance.enhance, "ours": found is enhancing.by_table, "failed": FAILED} if found else {}


def of_form(form: StudioForm) -> Enhanced:
    """What becomes of the words of this form, with the gaps of its template filled as far as they are."""
    before = str(form.initial.get("prompt") or "").replace("\r\n", "\n").replace("\0", "")
    text = form.filled(before).strip()
    if not text:
        return Enhanced(said=EMPTY)
    style, ratio = form.chosen_style, str(form["aspect_ratio"].value())
    shape = ratio if ratio in ASPECT_RATIOS else form.first_shapes[0]
    after = enhancing.richer(text, ratio=shape, style=style.words if style else "")
    if not after or after == text:
        return Enhanced(said=FAILED if after is None else NOTHING)
    return Enhanced(before=before, after=after, pieces=tuple(_pieces(text, after)))


def answer(form: StudioForm) -> JsonResponse:
    """The same for the page's own script."""
    found = of_form(form)
    if not found.after:
        return JsonResponse({"said": str(found.said)})
    html = render_to_string("imagen/studio/changes.html", {"pieces": found.pieces})
    return JsonResponse({"prompt": found.after, "html": html})


def _pieces(before: str, after: str) -> Iterator[dict[str, str]]:
    """What stayed, shortened, and what went and came; each with the blank before it."""
    for was, now in rewriting.steps(before, after):
        blank = " " if (now or was)[:1].isspace() else ""
        if was.strip() == now.strip():
            yield {"blank": blank, "kept": _brief(now)}
        else:
            yield {"blank": blank, "was": was.strip(), "now": now.strip()}


def _brief(text: str) -> str:
    words = text.split()
    return " ".join(words if len(words) <= 2 * EDGE + 1 else [*words[:EDGE], "…", *words[-EDGE:]])
