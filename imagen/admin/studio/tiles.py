"""The candidates of a request as they are shown: each in every slot it is for, or why it cannot be seen."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from imagen.admin.previews import address, described
from imagen.admin.studio import headline
from imagen.admin.studio.headline import Box, Headline
from imagen.doors import Door
from imagen.hauls import fits
from imagen.models import Generation, Image
from imagen.states import Review
from imagen.types import ASPECT_RATIOS


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """One shape a picture is shown in; ``box`` is the same for an SVG that holds the place open.

    ``words`` is where the page lays words over it.
    """

    name: str
    box: str
    words: Box | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One candidate; ``why`` says why its pixels are not shown, ``odd`` which shape came instead of ``wanted``."""

    image: Image
    number: int
    thumbnail: str
    large: str
    alt: str
    why: str
    held: bool
    odd: str
    wanted: str
    slots: tuple[Slot, ...]
    headline: Headline | None

    @property
    def visible(self) -> bool:
        """Whether it can be seen and used."""
        return not self.why

    @property
    def frame(self) -> str:
        """Its own shape, for an SVG that holds the place open."""
        return f"{self.image.width} {self.image.height}"


def tiles(generation: Generation, door: Door | None, *, patient: bool) -> list[Tile]:
    """Every picture there is of it, in order; who is not ``patient`` is told of the words on it what is known."""
    images = sorted(generation.images.all(), key=lambda image: image.index)
    said = headline.each([image for image in images if not _why(image)], door, patient=patient)
    return [_tile(image, generation, door, said.get(image)) for image in images]


def _tile(image: Image, generation: Generation, door: Door | None, said: Headline | None) -> Tile:
    asked = generation.aspect_ratio
    return Tile(
        image=image,
        number=image.index + 1,
        thumbnail=address(image, thumbnail=bool(image.thumbnail)),
        large=address(image),
        alt=described(image),
        why=_why(image),
        held=image.review == Review.HELD,
        odd="" if fits(image.width, image.height, asked) else shape(image),
        wanted=asked,
        slots=slots(image, door),
        headline=said,
    )


def slots(image: Image, door: Door | None) -> tuple[Slot, ...]:
    """The shapes it is cut to in this field, the field's own first, then those ticked; none it has already.

    The field's own stands there in any case where its page lays words over the picture.
    """
    own, crops = (door.ratio, door.crops) if door else ("", ())
    names = dict.fromkeys([*filter(None, (own, *crops)), *image.generation.slots])
    cuts = {name: _cut(name) for name in names if not fits(image.width, image.height, name)}
    if (words := Box.of(door)) is None:
        return tuple(cuts.values())
    first = cuts.pop(own, Slot(name=own or shape(image), box=f"{image.width} {image.height}"))
    return (replace(first, words=words), *cuts.values())


def _cut(name: str) -> Slot:
    return Slot(name=name, box=name.replace(":", " "))


def shape(image: Image) -> str:
    """The name of its shape, or its pixels where it has none."""
    near = (name for name in ASPECT_RATIOS if fits(image.width, image.height, name))
    return next(near, f"{image.width} × {image.height}")


def _why(image: Image) -> str:
    if image.discarded_at:
        return _("Discarded")
    if image.review == Review.HELD:
        return _("The result may be sensitive and waits for a reviewer. You will be told.")
    if image.review == Review.REJECTED:
        return _("A reviewer did not release this picture.")
    return "" if address(image) else _("This site has no address for pictures.")
