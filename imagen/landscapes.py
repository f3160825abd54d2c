"""Landscapes in light that follow a digest: hills, forests, lakes, seas and dunes at every hour."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, TypeVar

from PIL import Image, ImageDraw, ImageFilter

Colour = tuple[int, ...]
Choice = TypeVar("Choice")
Ridge = Callable[[float], float]


def landscape(digest: bytes, size: tuple[int, int]) -> Scene:
    """The scene this digest asks for, painted."""
    chance = Chance(digest)
    scene = Scene.of(size, palette=chance.pick(PALETTES), chance=chance)
    paint_land = chance.pick(LANDS)
    paint_sky(scene)
    paint_land(scene)
    return scene


class Chance:
    """Dice that fall the same way for the same digest, on every Python."""

    def __init__(self, digest: bytes) -> None:
        self._digest = digest
        self._throws = 0

    def between(self, low: float, high: float) -> float:
        """A number from ``low`` up to ``high``."""
        self._throws += 1
        throw = hashlib.sha256(self._digest + self._throws.to_bytes(4)).digest()
        return low + (high - low) * int.from_bytes(throw[:4]) / 2**32

    def pick(self, choices: Sequence[Choice]) -> Choice:
        """One of the choices."""
        return choices[int(self.between(0, len(choices)))]


class Palette(NamedTuple):
    """The colours of one hour: sky from the zenith to the horizon, the light, the nearest ground."""

    sky: tuple[Colour, ...]
    light: Colour
    ground: Colour
    night: bool


def _palette(sky: str, light: str, ground: str, *, night: bool = False) -> Palette:
    shades = tuple(tuple(bytes.fromhex(text)) for text in (*sky.split(), light, ground))
    return Palette(shades[:-2], shades[-2], shades[-1], night)


PALETTES = (
    _palette("3d5a80 98a9c4 f2c6a0 ffe3c2", "fff4dc", "22304a"),  # a clear dawn
    _palette("2b2d5b 7d4e88 e5786d ffc38b", "ffe9b8", "1d1838"),  # dusk in violet
    _palette("5f8fb4 a8cbd9 dfe9dc f6e6c4", "fffdf2", "24463f"),  # a mild morning
    _palette("33273f 8f3b4d e8723f ffc45e", "fff0b3", "2a1524"),  # ember
    _palette("7fb7be c7dfd2 f6ecd2 fbd9bd", "ffffff", "33504f"),  # celadon
    _palette("8fa3c8 d8c3d9 f7cfcf fdeadb", "fffaf0", "433f66"),  # rose
    _palette("050b1f 0f2347 23497a 5f8bad", "f6f2df", "040a18", night=True),  # moonlight
    _palette("0b0a24 29205a 5c4390 b98bb5", "fdeee2", "0a081d", night=True),  # a violet night
    _palette("031a22 0a3a45 1f6f70 8fc3a6", "eff8e4", "021318", night=True),  # a green night
)


@dataclass(frozen=True, slots=True)
class Scene:
    """A canvas at work: its horizon, where the light stands, and ``unit``, a length that looks alike in every ratio."""

    canvas: Image.Image
    palette: Palette
    chance: Chance
    width: int
    height: int
    unit: float
    horizon: int
    sun: tuple[float, float]

    @classmethod
    def of(cls, size: tuple[int, int], *, palette: Palette, chance: Chance) -> Scene:
        """An empty canvas, its ground filled with haze."""
        width, height = size
        unit = math.sqrt(math.sqrt(width * height) * min(width, height))
        horizon = round(height * chance.between(0.58, 0.68))
        sun = (width * chance.between(0.25, 0.75), horizon - min(unit * chance.between(0.08, 0.36), horizon * 0.7))
        canvas = Image.new("RGB", size, palette.sky[-1])
        return cls(canvas, palette, chance, width, height, unit, horizon, sun)

    def haze(self, nearness: float) -> Colour:
        """The ground's colour seen through the air: the sky's far away, its own close by."""
        return mix(self.palette.sky[-1], self.palette.ground, nearness)


def mix(one: Colour, other: Colour, share: float) -> Colour:
    """The colour between two, ``share`` of the way to the other."""
    return tuple(round(a + (b - a) * share) for a, b in zip(one, other, strict=True))


def wash(size: tuple[int, int], *colours: Colour, mode: str = "RGB") -> Image.Image:
    """A soft gradient through the colours, from top to bottom, ending exactly on the last."""
    rows = (colours[0], *colours, colours[-1])
    column = Image.new(mode, (1, len(rows)))
    for row, colour in enumerate(rows):
        column.putpixel((0, row), colour)
    soft = column.resize((1, size[1]), Image.Resampling.BICUBIC, box=(0, 0.5, 1, len(rows) - 0.5))
    return soft.resize(size, Image.Resampling.NEAREST)


def glow(scene: Scene, radius: float, strength: float) -> None:
    """Light that fades with the distance from the sun or moon."""
    fading = [round(255 * strength * max(0, 1 - far / 178) ** 2.2) for far in range(256)]
    side = round(radius * 2)
    mask = Image.radial_gradient("L").point(fading).resize((side, side), Image.Resampling.BICUBIC)
    scene.canvas.paste(scene.palette.light, (round(scene.sun[0] - radius), round(scene.sun[1] - radius)), mask)


def disc(scene: Scene, radius: float) -> None:
    """The sun or the moon, its rim smooth; of some moons another circle leaves a crescent."""
    side = round(radius * 2) + 4
    mask = Image.new("L", (side * 4, side * 4))
    draw = ImageDraw.Draw(mask)
    middle, reach = side * 2, radius * 4
    draw.ellipse([middle - reach, middle - reach, middle + reach, middle + reach], fill=255)
    if scene.palette.night and scene.chance.between(0, 1) < 0.5:
        draw.ellipse([middle - reach * 0.45, middle - reach * 1.2, middle + reach * 1.6, middle + reach * 0.85], fill=0)
    corner = (round(scene.sun[0] - side / 2), round(scene.sun[1] - side / 2))
    scene.canvas.paste(scene.palette.light, corner, mask.reduce(4))


def paint_sky(scene: Scene) -> None:
    """Air, stars at night, clouds, and the light with its glow."""
    scene.canvas.paste(wash((scene.width, scene.horizon + 1), *scene.palette.sky))
    if scene.palette.night:
        stars(scene)
    glow(scene, scene.unit * 0.75, 0.4)
    glow(scene, scene.unit * 0.24, 0.6)
    clouds(scene)
    disc(scene, scene.unit * scene.chance.between(0.055, 0.085))


def stars(scene: Scene) -> None:
    """Small lights, fewer and fainter towards the horizon."""
    draw = ImageDraw.Draw(scene.canvas, "RGBA")
    dot = max(0.6, scene.unit / 1100)
    for _ in range(220):
        x, depth = scene.chance.between(0, scene.width), scene.chance.between(0, 1) ** 1.5
        radius, y = dot * scene.chance.between(0.5, 1.5), depth * scene.horizon * 0.9
        light = (*scene.palette.light, round(scene.chance.between(60, 230) * (1 - depth)))
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=light)


def clouds(scene: Scene) -> None:
    """Long soft streaks, painted small and blurred."""
    mask = Image.new("L", (scene.width // 8, scene.height // 8))
    draw = ImageDraw.Draw(mask)
    unit = scene.unit / 8
    for _ in range(round(7 * max(1, scene.width / scene.unit))):
        x, y = scene.chance.between(0, mask.width), scene.chance.between(0.1, 0.9) * scene.horizon / 8
        reach, thick = unit * scene.chance.between(0.14, 0.42), unit * scene.chance.between(0.006, 0.018)
        light = scene.chance.between(60, 130)
        for share in (0.25, 0.5, 0.75, 1):  # brighter and narrower towards the middle
            wide, high = reach * (1.2 - share), thick * (1.2 - share)
            draw.ellipse([x - wide, y - high, x + wide, y + high], fill=round(light * share))
    soft = mask.filter(ImageFilter.GaussianBlur(unit * 0.01))
    scene.canvas.paste(scene.palette.light, mask=soft.resize(scene.canvas.size, Image.Resampling.BICUBIC))


def waves(scene: Scene, *, height: float, length: float, octaves: int = 4) -> Ridge:
    """A rolling line around zero: long waves, and shorter ones upon them."""
    parts = [
        (height / 2.3**octave, math.tau * 2.1**octave / length, scene.chance.between(0, math.tau))
        for octave in range(octaves)
    ]
    return lambda x: sum(size * math.sin(speed * x + start) for size, speed, start in parts)


def crags(scene: Scene, *, height: float, length: float) -> Ridge:
    """A jagged line around zero: the same, with the waves folded into peaks."""
    parts = [(height / 2**octave, 2.17**octave / length, scene.chance.between(0, 1)) for octave in range(6)]
    return lambda x: sum(size * (1 - 4 * abs((x * speed + start) % 1 - 0.5)) for size, speed, start in parts)


def land(scene: Scene, ridge: Ridge, level: float, *colours: Colour) -> None:
    """Everything below a line, from ``level`` to the foot of the canvas, washed from the first colour down."""
    step = max(2, scene.width // 500)
    line = [(x, level + ridge(x)) for x in range(-step, scene.width + 2 * step, step)]
    top = max(0, math.floor(min(y for _, y in line)))
    size = (scene.width, scene.height - top)
    mask = Image.new("L", (size[0] * 2, size[1] * 2))
    outline = [(x * 2, (y - top) * 2) for x, y in line]
    ImageDraw.Draw(mask).polygon([*outline, (size[0] * 2 + 9, size[1] * 2), (-9, size[1] * 2)], fill=255)
    scene.canvas.paste(wash(size, *colours), (0, top), mask.reduce(2))


def hills(scene: Scene, *, trees: bool = False) -> None:
    """Ridge behind ridge in the mist, each nearer and darker than the last."""
    depth = scene.height - scene.horizon
    for number in range(6):
        near = number / 5
        swell = min(scene.unit * (0.045 + 0.035 * near), depth * 0.4)
        ridge = waves(scene, height=swell, length=scene.unit * (0.7 + 0.8 * near))
        tone = scene.haze(0.2 + 0.8 * near**0.9)
        level = scene.horizon + depth * (0.02 + 0.72 * near**1.25)
        if trees and number > 2:
            ridge = firs(scene, ridge, scene.unit * (0.03 + 0.09 * (near - 0.5)))
        land(scene, ridge, level, tone, mix(tone, scene.haze(0.1), 0.45 * (1 - near)), scene.haze(0.2 + 0.7 * near))


def firs(scene: Scene, ridge: Ridge, height: float) -> Ridge:
    """The line with fir trees standing on it."""
    gap = height * 0.42
    trees = [
        (gap * (number + scene.chance.between(-0.4, 0.4)), height * scene.chance.between(0.35, 1) ** 1.3)
        for number in range(math.ceil(scene.width / gap) + 2)
    ]

    def wooded(x: float) -> float:
        number = max(1, round(x / gap))
        return ridge(x) - max(fir(x - foot, tall) for foot, tall in trees[number - 1 : number + 2])

    return wooded


def fir(aside: float, tall: float) -> float:
    """How high a fir of this height is so far from its middle: a spire with drooping tiers."""
    rise = 1 - abs(aside) / (tall * 0.24)
    return max(0.0, tall * (rise + 0.1 * (rise * 4 % 1 - 0.5))) if rise > 0 else 0.0


def lake(scene: Scene) -> None:
    """Mountains and what the still water makes of them, a dark shore in front."""
    for near in (0.3, 0.48, 0.68):
        tone = scene.haze(near)
        ridge = crags(scene, height=scene.unit * 0.13 * (1.15 - near), length=scene.unit * 0.8)
        level = scene.horizon - scene.unit * 0.16 * (1 - near)
        land(scene, ridge, level, mix(tone, scene.palette.light, 0.18), tone, scene.haze(near * 0.55))
    depth = scene.height - scene.horizon
    upper = scene.canvas.crop((0, scene.horizon - depth, scene.width, scene.horizon))
    mirror = upper.transpose(Image.Transpose.FLIP_TOP_BOTTOM).filter(ImageFilter.BoxBlur((1, scene.unit * 0.008)))
    water = wash(mirror.size, scene.haze(0.25), scene.haze(0.8))
    scene.canvas.paste(Image.blend(mirror, water, 0.35), (0, scene.horizon))
    glitter(scene, strength=70)
    shore = firs(scene, waves(scene, height=scene.unit * 0.03, length=scene.unit), scene.unit * 0.11)
    land(scene, shore, scene.height - depth * 0.12, scene.palette.ground, scene.palette.ground)


def sea(scene: Scene) -> None:
    """Open water under the light, headlands far off."""
    for near in (0.22, 0.4):
        ridge = waves(scene, height=scene.unit * 0.035, length=scene.unit * 1.3)
        land(scene, ridge, scene.horizon + scene.unit * 0.012, scene.haze(near), scene.haze(near * 0.5))
    depth = scene.height - scene.horizon
    water = wash((scene.width, depth), scene.haze(0.12), scene.haze(0.55), scene.haze(0.9))
    scene.canvas.paste(water, (0, scene.horizon))
    glitter(scene, strength=190)


def glitter(scene: Scene, *, strength: int) -> None:
    """The path of light on the water: short strokes, wider apart and longer as they come near."""
    draw = ImageDraw.Draw(scene.canvas, "RGBA")
    depth = scene.height - scene.horizon
    for number in range(260):
        near = (number / 260) ** 1.7
        y = scene.horizon + depth * near
        spread = scene.unit * (0.04 + 0.2 * near)
        x = scene.sun[0] + spread * (scene.chance.between(-1, 1) + scene.chance.between(-1, 1))
        reach = scene.unit * (0.008 + 0.05 * near) * scene.chance.between(0.4, 1.3)
        thick = max(0.5, scene.unit * 0.0035 * near)
        light = (*scene.palette.light, round(strength * (1 - 0.75 * near) * scene.chance.between(0.35, 1)))
        draw.ellipse([x - reach, y - thick, x + reach, y + thick], fill=light)


def dunes(scene: Scene) -> None:
    """Sand in long sweeps, one side lit, the other in shade."""
    depth = scene.height - scene.horizon
    for near in (0, 0.25, 0.5, 0.75, 1):
        swell = min(scene.unit * (0.04 + 0.07 * near), depth * 0.35)
        ridge = waves(scene, height=swell, length=scene.unit * 1.7, octaves=2)
        level = scene.horizon + depth * (0.06 + 0.7 * near)
        tone = scene.haze(0.15 + 0.75 * near)
        warm = mix(tone, scene.palette.sky[2], 0.55)
        land(scene, ridge, level, tone, mix(tone, scene.palette.ground, 0.5))
        land(scene, lee(ridge, scene.unit * 0.01), level, mix(warm, scene.palette.light, 0.2), warm, tone)


def lee(ridge: Ridge, step: float) -> Ridge:
    """Where a dune's shade ends: below the crest wherever it falls away from the light."""
    return lambda x: ridge(x) + max(0.0, ridge(x + step) - ridge(x - step)) * 9


LANDS: tuple[Callable[[Scene], None], ...] = (hills, partial(hills, trees=True), lake, sea, dunes)
