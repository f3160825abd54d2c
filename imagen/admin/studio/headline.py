"""What is said of the words a page lays over a picture: where they lie, whether they can be read, what would help."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import readings
from imagen.admin.studio.place_forms import LibraryForm, PlaceForm
from imagen.contrast import Reading, Verdict, luminance, rgb
from imagen.doors import Door
from imagen.models import Image
from imagen.readings import Cut

SLACK = 7  # per cent by which a box may reach over the part it is said to lie in
HALF = 0.179  # what is brighter stands out more from black than from white
NAMES: dict[tuple[int, ...], object] = {
    (255, 255, 255): gettext_lazy("White text"),
    (0, 0, 0): gettext_lazy("Black text"),
}
# From the smallest part to the largest: the first that holds the box is named.
PARTS = (
    ((0, 0, 50, 50), gettext_lazy("the upper left corner")),
    ((50, 0, 50, 50), gettext_lazy("the upper right corner")),
    ((0, 50, 50, 50), gettext_lazy("the lower left corner")),
    ((50, 50, 50, 50), gettext_lazy("the lower right corner")),
    ((0, 0, 34, 100), gettext_lazy("the left third")),
    ((66, 0, 34, 100), gettext_lazy("the right third")),
    ((0, 0, 100, 34), gettext_lazy("the upper third")),
    ((0, 66, 100, 34), gettext_lazy("the lower third")),
    ((33, 0, 34, 100), gettext_lazy("the middle")),
    ((0, 33, 100, 34), gettext_lazy("the middle")),
    ((0, 0, 50, 100), gettext_lazy("the left half")),
    ((50, 0, 50, 100), gettext_lazy("the right half")),
    ((0, 0, 100, 50), gettext_lazy("the upper half")),
    ((0, 50, 100, 50), gettext_lazy("the lower half")),
)
SAID = {
    Verdict.ENOUGH: gettext_lazy("%(text)s: contrast %(ratio)s:1, enough here."),
    Verdict.LARGE: gettext_lazy("%(text)s: contrast %(ratio)s:1, enough for large text only."),
    Verdict.LOW: gettext_lazy("%(text)s: contrast %(ratio)s:1, too low here."),
}
DARK = gettext_lazy("Try a description that leaves %(part)s dark and empty.")
BRIGHT = gettext_lazy("Try a description that leaves %(part)s bright and empty.")
EMPTY = gettext_lazy("Try a description that leaves %(part)s empty.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Where words lie, in per cent from the left and the top, and in words."""

    left: int
    top: int
    width: int
    height: int
    part: str

    @classmethod
    def of(cls, door: Door | None) -> Box | None:
        """The field's; nothing where its page lays no words over the picture."""
        if door is None or not door.text_box:
            return None
        left, top, width, height = door.text_box
        return cls(left=left, top=top, width=width, height=height, part=part(door.text_box))


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """The sentences; ``verdict`` is one of ``Verdict``, and ``advice`` is empty where nothing has to be done."""

    verdict: str
    text: str
    advice: str


def each(images: Iterable[Image], door: Door | None, *, patient: bool) -> dict[Image, Headline]:
    """What is said of each candidate; who is not ``patient`` opens no file."""
    if door is None or not door.text_box:
        return {}
    found = readings.look((Cut.of(image, door) for image in images), patient=patient)
    return {image: _said(reading, door) for image, reading in found.items()}


def moves(form: LibraryForm) -> bool:
    """Whether what lies under the words depends on the focal point."""
    return isinstance(form, PlaceForm) and bool(form.door.text_box) and "crop" in form.fields


def aimed(form: LibraryForm) -> Headline | None:
    """What is said of a picture cut as its form says; nothing where it is left as it is and its page cuts it."""
    if not isinstance(form, PlaceForm) or not form.door.text_box:
        return None
    if moves(form) and form["crop"].value() != form.door.ratio:
        return None
    try:
        x, y = (form.fields[name].clean(form[name].value()) for name in ("focal_x", "focal_y"))
    except ValidationError:
        return None
    found = readings.look([Cut.of(form.image, form.door, (x, y))])
    return next((_said(reading, form.door) for reading in found.values()), None)


def _said(reading: Reading, door: Door) -> Headline:
    ratio = number_format(reading.ratio, 1)  # cut off, not rounded: what is not enough never looks as if it were
    text = str(SAID[reading.verdict]) % {"text": _named(door.text_colour), "ratio": ratio}
    told = _("%(said)s Much goes on behind it.") % {"said": text} if reading.busy else text
    return Headline(verdict=reading.verdict, text=told, advice=_advice(reading, door))


def _named(colour: str) -> str:
    return str(NAMES.get(rgb(colour)) or _("Text in %(colour)s") % {"colour": colour})


def _advice(reading: Reading, door: Door) -> str:
    if reading.verdict is Verdict.LOW:
        advice = DARK if luminance(rgb(door.text_colour)) > HALF else BRIGHT
    elif reading.busy:
        advice = EMPTY
    else:
        return ""
    return str(advice) % {"part": part(door.text_box)}


def part(box: tuple[int, ...]) -> str:
    """The part of the picture a box lies in."""
    return str(next((name for place, name in PARTS if _holds(place, box)), _("the whole picture")))


def _holds(place: tuple[int, ...], box: tuple[int, ...]) -> bool:
    return all(
        place[at] - SLACK <= box[at] and box[at] + box[at + 2] <= place[at] + place[at + 2] + SLACK for at in (0, 1)
    )
