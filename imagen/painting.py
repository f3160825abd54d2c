"""A picture for every digest: its size, its landscape, its caption at the foot; bytes out."""

from __future__ import annotations

import io
import math
import unicodedata
from functools import lru_cache

from PIL import Image, ImageDraw, ImageFont

from imagen.landscapes import Colour, landscape, wash

IMAGEN_SIZES = {"1:1": (1024, 1024), "16:9": (1408, 768), "9:16": (768, 1408), "4:3": (1280, 896), "3:4": (896, 1280)}
SCALES = {"1k": 1, "2k": 2, "4k": 4}
PLAIN = {
    "ß": "ss",
    "æ": "ae",
    "Æ": "Ae",
    "œ": "oe",
    "Œ": "Oe",
    "ø": "o",
    "Ø": "O",
    "ł": "l",
    "Ł": "L",
    "–": "-",
    "—": "-",
}
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
LONGEST = 200
ENOUGH = 0.6  # of the letters must survive, or the caption says nothing
HALVES: dict[str, Colour] = {"light": (228, 224, 214), "dark": (26, 30, 38)}


def size_of(aspect_ratio: str, resolution: str) -> tuple[int, int]:
    """Width and height in pixels: Imagen's own, else the exact ratio at about a million pixels, times the scale."""
    across, down = map(int, aspect_ratio.split(":"))
    common = math.gcd(across, down)
    unit = 32 * round(32 * common / math.sqrt(across * down))
    width, height = IMAGEN_SIZES.get(aspect_ratio) or (across // common * unit, down // common * unit)
    return width * SCALES[resolution], height * SCALES[resolution]


def paint(*, digest: bytes, size: tuple[int, int], caption: str, output_format: str, halves: str = "") -> bytes:
    """The picture of this digest, or these two halves; the same arguments give the same bytes."""
    canvas = _halves(halves, size, digest) if halves else _scene(digest, size, caption)
    file = io.BytesIO()
    canvas.save(file, output_format, compress_level=1, quality=90)
    return file.getvalue()


def _scene(digest: bytes, size: tuple[int, int], caption: str) -> Image.Image:
    scene = landscape(digest, size)
    sign(scene.canvas, caption, shade=scene.palette.ground)
    return scene.canvas


def _halves(halves: str, size: tuple[int, int], digest: bytes) -> Image.Image:
    """Two plain colours side by side; no two digests have quite the same."""
    left, right = (tuple(part + digest[0] % 16 for part in HALVES[name]) for name in halves.split(","))
    canvas = Image.new("RGB", size, left)
    canvas.paste(right, (size[0] // 2, 0, *size))
    return canvas


def sign(canvas: Image.Image, caption: str, *, shade: Colour) -> None:
    """Set the caption at the foot, white on a soft shade; a text the font cannot draw is left out."""
    text = legible(caption[:LONGEST])
    if not text:
        return
    width, height = canvas.size
    size = round(max(11, min(math.sqrt(width * height) * 0.025, width / 17, height / 17)))
    font, margin, leading = lettering(size), round(size * 1.5), round(size * 1.35)
    lines = wrap(text, font, width - 2 * margin)
    top = height - margin - leading * len(lines)
    darken(canvas, top - 2 * margin, shade)
    for number, line in enumerate(lines):
        ImageDraw.Draw(canvas).text((margin, top + number * leading), line, font=font, fill=(255, 255, 255))


def darken(canvas: Image.Image, top: int, shade: Colour) -> None:
    """Let the canvas sink into the shade towards its foot, deep enough for white letters."""
    deep = tuple(part // 2 for part in shade)
    fade = wash((canvas.width, canvas.height - top), (0,), (150,), (215,), mode="L")
    canvas.paste(deep, (0, top), fade)


@lru_cache(maxsize=16)
def lettering(size: int) -> Font:
    """Pillow's own typeface at this size."""
    return ImageFont.load_default(size=size)


def wrap(text: str, font: Font, width: int) -> list[str]:
    """The text in two lines of this width at most; what is left over ends in an ellipsis."""
    words = text.split()
    fitting = (count for count in range(len(words) + 1) if font.getlength(" ".join(words[:count])) <= width)
    first = max(1, *fitting)
    return [cut(" ".join(line), font, width) for line in (words[:first], words[first:]) if line]


def cut(line: str, font: Font, width: int) -> str:
    """The line, or as much of its beginning as fits before an ellipsis."""
    if font.getlength(line) <= width:
        return line
    fitting = (count for count in range(len(line)) if font.getlength(line[:count] + "…") <= width)
    return line[: max(fitting, default=0)].rstrip() + "…"


def legible(text: str) -> str:
    """The text in letters the font has, accents folded; empty when too little of it is left."""
    folded = "".join(map(fold, " ".join(text.split())))
    left = sum(map(str.isalnum, folded))
    return " ".join(folded.split()) if left >= ENOUGH * sum(map(str.isalnum, text)) else ""


@lru_cache(maxsize=4096)
def fold(letter: str) -> str:
    """The letter, its plain form, or nothing: whatever the font can draw."""
    plain = PLAIN.get(letter) or unicodedata.normalize("NFKD", letter)
    return next((form for form in (letter, plain) if all(map(drawable, form))), "".join(filter(drawable, plain)))


@lru_cache(maxsize=4096)
def drawable(letter: str) -> bool:
    """Whether the font has a glyph of its own for this letter."""
    font = lettering(20)
    return letter.isprintable() and bytes(font.getmask(letter)) != bytes(font.getmask("\uffff"))
