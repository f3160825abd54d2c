"""The sandbox's pictures: the asked size, the same every time, and no text that stops them."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from itertools import product

import pytest
from PIL import Image, ImageChops, ImageStat

from imagen.landscapes import LANDS, PALETTES, Chance, Palette, Scene, paint_sky
from imagen.painting import legible, paint, size_of
from imagen.types import ASPECT_RATIOS, RESOLUTIONS

SMALL = (192, 128)


def picture(word: str = "fox", *, size: tuple[int, int] = SMALL, caption: str = "", form: str = "png") -> Image.Image:
    data = paint(digest=hashlib.sha256(word.encode()).digest(), size=size, caption=caption, output_format=form)
    with Image.open(io.BytesIO(data)) as found:
        found.load()
        return found


def difference(one: Image.Image, other: Image.Image) -> float:
    return sum(ImageStat.Stat(ImageChops.difference(one, other)).mean)


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ("1:1", (1024, 1024)),
        ("16:9", (1408, 768)),
        ("9:16", (768, 1408)),
        ("4:3", (1280, 896)),
        ("3:4", (896, 1280)),
        ("21:9", (1568, 672)),
        ("3:2", (1248, 832)),
        ("1:8", (352, 2816)),
    ],
)
def test_sizes_are_those_of_imagen_or_close_to_a_million_pixels(ratio: str, size: tuple[int, int]) -> None:
    assert size_of(ratio, "1k") == size


@pytest.mark.parametrize(("ratio", "resolution"), [*product(ASPECT_RATIOS, RESOLUTIONS)])
def test_every_size_has_its_ratio_and_its_resolution(ratio: str, resolution: str) -> None:
    width, height = size_of(ratio, resolution)
    across, down = map(int, ratio.split(":"))
    scale = int(resolution[0])
    assert width % 32 == height % 32 == 0
    assert width / height == pytest.approx(across / down, rel=0.09)
    assert 0.93e6 < width * height / scale**2 < 1.2e6
    assert width * height <= 20_000_000


@pytest.mark.parametrize("form", ["png", "jpeg"])
@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
def test_a_picture_has_the_asked_size_and_format(ratio: str, form: str) -> None:
    width, height = size_of(ratio, "1k")
    found = picture(size=(width // 8, height // 8), form=form, caption="a fox")
    assert (found.size, found.format, found.mode) == ((width // 8, height // 8), form.upper(), "RGB")


def test_the_same_digest_paints_the_same_bytes() -> None:
    once, again = (
        paint(digest=b"fox", size=SMALL, caption="a fox", output_format="png") for _ in range(2)
    )  # fmt: skip
    assert once == again


def test_other_digests_paint_other_pictures() -> None:
    assert len({picture(str(number)).tobytes() for number in range(12)}) == 12


@pytest.mark.parametrize("land", LANDS)
@pytest.mark.parametrize("palette", PALETTES)
def test_every_land_looks_alive_at_every_hour(land: Callable[[Scene], None], palette: Palette) -> None:
    scene = Scene.of(SMALL, palette=palette, chance=Chance(b"fox"))
    paint_sky(scene)
    sky = scene.canvas.copy()
    land(scene)
    assert difference(scene.canvas, sky) > 5
    assert len(scene.canvas.getcolors(maxcolors=SMALL[0] * SMALL[1]) or ()) > 200


@pytest.mark.parametrize("size", [(1408, 768), (768, 1408), (2816, 352), (352, 2816), SMALL])
def test_a_caption_is_set_at_the_foot_in_letters_that_stand_out(size: tuple[int, int]) -> None:
    plain, signed = (picture(size=size, caption=caption) for caption in ("", "A red fox asleep in a library"))
    width, height = size
    upper = (0, 0, width, height // 2)
    foot = signed.crop((0, height - height // 3, width, height)).convert("L")
    assert difference(plain.crop(upper), signed.crop(upper)) == 0
    assert foot.getextrema()[1] > 240
    assert ImageStat.Stat(foot).median[0] < 200


@pytest.mark.parametrize(
    "caption",
    [
        "",
        "   ",
        "word " * 1000,
        "w" * 5000,
        "a\nfox\tin\u2028lines",
        "狐が図書館で眠っている",
        "ثعلب أحمر نائم",
        "🦊🦊🦊",
        "e\u0301" + "\u0301" * 500,
        "\u202e\u200b\x1b[31m\x00",
        "\ud800",
        "\ufdfa" * 100,
    ],
    ids=ascii,
)
def test_no_caption_stops_a_picture(caption: str) -> None:
    assert picture(size=(96, 64), caption=caption).size == (96, 64)


@pytest.mark.parametrize(
    ("text", "letters"),
    [
        ("A red fox, asleep", "A red fox, asleep"),
        ("Füße – naïve Œuvre", "Fusse - naive Oeuvre"),
        ("Łódź", "Lodz"),
        ("a 🦊 fox", "a fox"),
        ("a fox 狐", "a fox"),
        ("狐が図書館で眠る: a fox", ""),
        ("狐", ""),
        ("a\n fox", "a fox"),
    ],
)
def test_letters_the_font_lacks_are_folded_or_left_out(text: str, letters: str) -> None:
    assert legible(text) == letters
