"""Enhance: the table adds what a description lacks, takes no word away, and says nothing twice."""

from __future__ import annotations

import random

import pytest
from django.utils.translation import override

from imagen import enhancing
from imagen.types import ASPECT_RATIOS, MAX_PROMPT

WORDS = (
    *("a", "the", "kite", "fox,", "old", "harbour", "{animal}", "at", "night", "flight", "“quoted”", "\n", "…", "?!"),
    *("der", "Leuchtturm", "und", "Aquarell", "eine", "le", "phare", "gros", "plan", "détails", "صورة", "ضوء", "حصان"),
)
ratios = pytest.mark.parametrize("ratio", [*ASPECT_RATIOS, "", "wide", "0:0"])


def richer(text: str, ratio: str = "16:9", style: str = "", language: str = "en") -> str:
    """As the table says it on a page in this language."""
    with override(language):
        return enhancing.by_table(text, ratio=ratio, style=style)


def texts() -> list[str]:
    """Descriptions of every length, drawn by lot but always the same."""
    lot = random.Random(5)
    return [" ".join(lot.choices(WORDS, k=lot.randrange(1, 60))) for _each in range(300)]


def test_a_short_description_gets_all_of_it():
    assert richer("a red kite over the bay") == (
        "a red kite over the bay. Photograph, soft natural light, wide framing with room around the subject, "
        "clear depth and fine detail."
    )


@pytest.mark.parametrize(
    ("said", "added"),
    [
        ("an oil painting of a harbour", "Soft natural light, centred composition, clear depth and fine detail."),
        ("a photograph of a harbour at dusk", "Centred composition, clear depth and fine detail."),
        ("a close-up photo of a kite in sharp focus", "Soft natural light."),
        (
            "A flight of slight birds.",
            "Photograph, soft natural light, centred composition, clear depth and fine detail.",
        ),
        ("ein Aquarell vom Hafen im Abendlicht", "Motiv mittig im Bild, räumliche Tiefe und feine Details."),
        ("ein schlichter Leuchtturm", "Fotografie, weiches, natürliches Licht, Motiv mittig im Bild."),
        ("un phare à l’aube, gros plan", "Photographie, profondeur marquée et détails fins."),
        ("لوحة لميناء عند الغروب", "تكوين يتوسطه الموضوع، عمق واضح وتفاصيل دقيقة."),
    ],
)
def test_only_what_is_not_said_yet_is_added(said, added):
    assert richer(said, "1:1") == f"{said}{' ' if said.endswith('.') else '. '}{added}"


@ratios
def test_the_framing_fits_the_shape(ratio):
    wide, high = map(int, (ratio if ratio in ASPECT_RATIOS else "1:1").split(":"))
    name = (
        "panoramic" if wide >= 2 * high else "wide" if wide > high * 1.1 else "upright" if high > wide * 1.1 else "cent"
    )
    assert name in richer("a kite", ratio)


def test_a_style_has_its_medium_and_says_what_else_it_says():
    assert "hotograph" not in richer("a kite", style="Drawn by hand.")
    lit = richer("a kite", style="A woodcut in dramatic light.")
    assert lit == "a kite. Wide framing with room around the subject, clear depth and fine detail."


@pytest.mark.parametrize(
    ("said", "page", "begins"),
    [
        ("the old harbour", "de", "Photograph, soft"),
        ("der alte Hafen", "fr", "Fotografie, weiches"),
        ("le vieux port", "en", "Photographie, lumière"),
        ("الميناء القديم", "en", "صورة فوتوغرافية، إضاءة"),
        ("Hamburg", "de", "Fotografie"),
        ("Hamburg", "fr-ca", "Photographie"),
        ("Hamburg", "pt", "Photograph,"),
        ("старая гавань", "en", "Photograph,"),
        ("the der", "fr", "Photographie"),
    ],
)
def test_it_is_said_in_the_language_of_the_words_or_else_of_the_page(said, page, begins):
    assert richer(said, language=page).startswith(f"{said}. {begins}")


@pytest.mark.parametrize("end", ["", ".", "?", "…", ".”", "؟", ",", ";", "،"])
def test_it_goes_on_from_how_the_words_end(end):
    first = "photograph" if end in (",", ";", "،") else "Photograph"
    between = "" if end else "."
    assert richer(f"a kite{end}").startswith(f"a kite{end}{between} {first}, soft")


@pytest.mark.parametrize("language", ["en", "de", "fr", "ar"])
def test_no_word_is_taken_away_and_a_second_time_adds_nothing(language):
    for number, text in enumerate(texts()):
        said = richer(text, ASPECT_RATIOS[number % len(ASPECT_RATIOS)], language=language)
        assert said.startswith(text.strip())
        for again, ratio in ((language, "1:8"), ("de", "1:1")):
            assert richer(said, ratio, language=again) == said


@pytest.mark.parametrize("language", ["en", "de", "fr", "ar"])
def test_what_the_table_adds_it_knows_again(language):
    kinds = {"panorama": "framing", "wide": "framing", "square": "framing", "tall": "framing"}
    for name, said in enhancing.ADDED.items():
        assert richer(said[language], language=language).count(said[language]) == 1
        assert kinds.get(name, name) in enhancing.NAMED


@pytest.mark.parametrize("length", [*range(MAX_PROMPT - 130, MAX_PROMPT + 1, 3), MAX_PROMPT, MAX_PROMPT + 9])
def test_it_never_grows_longer_than_a_description_may_be(length):
    text = f"{'a fox, ' * 1000}"[: length - 1] + "x"
    said = richer(text)
    assert said.startswith(text)
    assert len(said) <= max(MAX_PROMPT, length)
    assert richer(said) == said


def test_nothing_becomes_of_nothing():
    assert richer("") == richer("  \n ") == ""


def shout(text: str, *, ratio: str, style: str) -> str:
    """A site's own, which needs all there is to know."""
    return f"{text.upper()} {ratio} {style}"


def test_a_site_brings_its_own_or_none(settings):
    settings.IMAGEN = {"ENHANCE": "tests.test_enhancing.shout"}
    assert enhancing.richer("a kite", ratio="4:3", style="Ink.") == "A KITE 4:3 Ink."
    settings.IMAGEN = {"ENHANCE": ""}
    assert enhancing.richer("a kite", ratio="4:3") is None
