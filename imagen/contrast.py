"""How well words can be read where they lie on a picture: WCAG's contrast, and whether much goes on behind them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain, pairwise

from PIL import Image

ENOUGH, LARGE = 4.5, 3.0  # WCAG 2.2, 1.4.3
FINE = 160  # blocks along the longer side: each about as wide as a stroke of a headline's letters
POOR = 0.05
STEP = 1.3  # in contrast, from one block to the next: an edge
BUSY = 0.12  # of the neighbours part at an edge
COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
_LINEAR = [
    part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in (n / 255 for n in range(256))
]


class Verdict(StrEnum):
    """What a contrast is enough for."""

    ENOUGH = "enough"
    LARGE = "large"
    LOW = "low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What was measured: the contrast as one to so much, and whether the place is busy."""

    ratio: float
    busy: bool

    @property
    def verdict(self) -> Verdict:
        """Enough for any text, for large text only, or too low."""
        if self.ratio >= ENOUGH:
            return Verdict.ENOUGH
        return Verdict.LARGE if self.ratio >= LARGE else Verdict.LOW


def measure(picture: Image.Image, *, box: Sequence[int], colour: str) -> Reading:
    """Text of this colour in this box, which is left, top, width and height in per cent of the picture.

    ``ValueError`` for what can be seen through: nobody knows what lies behind it.
    """
    blocks, text = list(_blocks(picture, box)), luminance(rgb(colour))
    # Not the mean: a headline is unread where its worst letters are, so one bright patch among dark ones counts.
    # Not the worst block either: a star in the night sky hides no letter.
    against = sorted(contrast(text, each) for each in chain.from_iterable(blocks))
    return Reading(ratio=against[int(len(against) * POOR)], busy=_busy(blocks))


def _blocks(picture: Image.Image, box: Sequence[int]) -> Iterator[list[float]]:
    """How bright the box is, block by block."""
    small = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
    small.thumbnail((FINE, FINE), Image.Resampling.BOX)
    part = small.crop(_area(small.size, box))
    if part.mode == "RGBA" and part.getchannel("A").getextrema() != (255, 255):
        raise ValueError("something else shows through")
    data, row = part.convert("RGB").tobytes(), part.width * 3
    for start in range(0, len(data), row):
        yield [luminance(data[at : at + 3]) for at in range(start, start + row, 3)]


def _area(size: tuple[int, int], box: Sequence[int]) -> tuple[int, int, int, int]:
    """The blocks the box lies on, also those it only touches."""
    (wide, high), (left, top, width, height) = size, box
    right, bottom = -(-wide * (left + width) // 100), -(-high * (top + height) // 100)
    return wide * left // 100, high * top // 100, right, bottom


def _busy(blocks: list[list[float]]) -> bool:
    lines = chain(blocks, zip(*blocks, strict=True))
    edges = [contrast(one, other) >= STEP for line in lines for one, other in pairwise(line)]
    return sum(edges) > len(edges) * BUSY


def contrast(one: float, other: float) -> float:
    """WCAG's contrast of two luminances: 1 for the same, 21 for black and white."""
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def luminance(colour: Sequence[int]) -> float:
    """WCAG's relative luminance of red, green and blue: 0 is black, 1 is white."""
    red, green, blue = (_LINEAR[part] for part in colour)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def rgb(colour: str) -> tuple[int, ...]:
    """Red, green and blue of ``#fff`` or ``#ffffff``."""
    digits = colour.removeprefix("#")
    whole = digits if len(digits) == 6 else "".join(digit * 2 for digit in digits)
    return tuple(bytes.fromhex(whole))
