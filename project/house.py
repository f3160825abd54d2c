"""What the demo's house offers in the Studio: styles, shown by pictures of the first issue, and templates."""

from __future__ import annotations

from dataclasses import dataclass

from imagen.models import Generation, Image, Style, Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One style; ``story`` names the article whose picture shows it."""

    name: str
    words: str
    avoid: str
    story: str


LOOKS = (
    Look(
        name="Evening light",
        words="Photograph in the last light of the day, long shadows, warm and quiet colours.",
        avoid="flash, harsh light",
        story="the-last-log-of-skerrow-light",
    ),
    Look(
        name="By night",
        words="Photograph by moonlight, deep blues, a long exposure.",
        avoid="daylight",
        story="asleep-at-a-hundred-kilometres-an-hour",
    ),
    Look(
        name="Wide and empty",
        words="Wide landscape, much sky, low horizon, muted colours, no people.",
        avoid="people, crowds",
        story="six-hours-to-look-down",
    ),
)
TEMPLATES = (
    ("Portrait of a place", "{place} in {season}, seen from afar, no people in sight", "Wide and empty"),
    ("Still life", "A still life with {things} on a wooden table by a window", "Evening light"),
)


def furnish(pictures: dict[str, Generation]) -> None:
    """Styles with their examples, and templates for everybody; a house that has styles already keeps them."""
    if Style.objects.exists():
        return
    for position, look in enumerate(LOOKS):
        Style.objects.create(
            name=look.name,
            words=look.words,
            avoid=look.avoid,
            position=position,
            example=_picture(pictures.get(look.story)),
        )
    for position, (name, text, style) in enumerate(TEMPLATES):
        Template.objects.create(name=name, text=text, style=Style.objects.get(name=style), position=position)


def _picture(generation: Generation | None) -> Image | None:
    return generation.images.first() if generation else None
