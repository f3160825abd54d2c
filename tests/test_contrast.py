"""What is measured of words on a picture: against colours whose contrast is known, and places where much goes on."""

from __future__ import annotations

import pytest
from PIL import Image

from imagen.contrast import Reading, Verdict, contrast, luminance, measure, rgb

WHOLE = (0, 0, 100, 100)
SIZE = (320, 180)


def plain(colour: str, *, size: tuple[int, int] = SIZE, mode: str = "RGB") -> Image.Image:
    return Image.new(mode, size, colour)


def halves(left: str = "black", right: str = "white") -> Image.Image:
    picture = plain(left)
    picture.paste(right, (SIZE[0] // 2, 0, *SIZE))
    return picture


def patched(share: float, *, size: tuple[int, int] = SIZE) -> Image.Image:
    """Black, but for one white patch over so much of it."""
    picture = plain("black", size=size)
    picture.paste("white", (0, 0, round(size[0] * share), size[1]))
    return picture


def checked(step: int) -> Image.Image:
    """A chessboard in two greys."""
    picture = plain("#444")
    for x in range(0, SIZE[0], step):
        for y in range(0, SIZE[1], step):
            if (x + y) // step % 2:
                picture.paste("#999", (x, y, x + step, y + step))
    return picture


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("#fff", "#000", 21.0),
        ("#777777", "#ffffff", 4.48),
        ("#767676", "#fff", 4.54),
        ("#00f", "#fff", 8.59),
        ("#f00", "#FFF", 4.0),
        ("#0a0a0a", "#0a0a0a", 1.0),
    ],
)
def test_the_contrast_of_two_colours_is_that_of_wcag_whichever_comes_first(one: str, other: str, ratio: float) -> None:
    first, second = luminance(rgb(one)), luminance(rgb(other))
    assert contrast(first, second) == contrast(second, first) == pytest.approx(ratio, abs=0.005)
    assert measure(plain(other), box=WHOLE, colour=one).ratio == pytest.approx(ratio, abs=0.005)


@pytest.mark.parametrize(
    ("ratio", "verdict"),
    [(21.0, "enough"), (4.5, "enough"), (4.499, "large"), (3.0, "large"), (2.999, "low"), (1.0, "low")],
)
def test_a_contrast_is_enough_from_four_and_a_half_and_for_large_text_from_three(ratio: float, verdict: str) -> None:
    assert Reading(ratio=ratio, busy=False).verdict is Verdict(verdict)


@pytest.mark.parametrize(
    ("box", "ratio"),
    [((0, 0, 50, 100), 21.0), ((50, 0, 50, 100), 1.0), ((0, 60, 40, 40), 21.0), ((99, 99, 1, 1), 1.0), (WHOLE, 1.0)],
)
def test_only_what_lies_in_the_box_counts(box: tuple[int, ...], ratio: float) -> None:
    assert measure(halves(), box=box, colour="#fff").ratio == pytest.approx(ratio)


@pytest.mark.parametrize(("share", "ratio"), [(0.02, 21.0), (0.1, 1.0)])
def test_one_bright_patch_counts_and_a_star_does_not(share: float, ratio: float) -> None:
    assert measure(patched(share), box=WHOLE, colour="#fff").ratio == pytest.approx(ratio)


@pytest.mark.parametrize(
    ("picture", "busy"),
    [(plain("#444"), False), (halves(), False), (checked(8), True), (checked(80), False)],
    ids=["plain", "one edge", "small squares", "large squares"],
)
def test_a_place_is_busy_where_many_neighbours_differ(picture: Image.Image, busy: bool) -> None:
    assert measure(picture, box=WHOLE, colour="#fff").busy is busy


@pytest.mark.parametrize("size", [(1, 1), (3, 2), (320, 40), (40, 320), (4000, 3000)])
@pytest.mark.parametrize("box", [WHOLE, (0, 0, 1, 1), (99, 99, 1, 1)])
def test_a_picture_of_any_size_has_something_under_the_box(size: tuple[int, int], box: tuple[int, ...]) -> None:
    found = measure(plain("black", size=size), box=box, colour="#fff")
    assert found.ratio == pytest.approx(21.0)
    assert not found.busy


def test_a_large_picture_is_judged_like_its_small_copy() -> None:
    large, small = (patched(0.1, size=size) for size in ((3200, 1800), SIZE))
    assert measure(large, box=WHOLE, colour="#fff") == measure(small, box=WHOLE, colour="#fff")
    assert large.size == (3200, 1800), "it is left as it was"


@pytest.mark.parametrize("mode", ["L", "P", "1", "RGBA", "CMYK"])
def test_every_kind_of_pixels_is_read(mode: str) -> None:
    assert measure(plain("black").convert(mode), box=WHOLE, colour="#fff").ratio == pytest.approx(21.0, abs=0.5)


def test_nobody_knows_what_lies_behind_a_picture_that_can_be_seen_through() -> None:
    picture = plain("black", mode="RGBA")
    picture.putpixel((0, 0), (0, 0, 0, 90))
    with pytest.raises(ValueError, match="shows through"):
        measure(picture, box=WHOLE, colour="#fff")
    assert measure(picture, box=(50, 50, 50, 50), colour="#fff").ratio == pytest.approx(21.0)
