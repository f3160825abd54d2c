"""A milder wording: what the table replaces, what it leaves, and a function of the site's own."""

from __future__ import annotations

import pytest

from imagen import rewording


def shout(text: str) -> str:
    """A site's own rewording."""
    return text.upper()


@pytest.mark.parametrize(
    ("said", "milder"),
    [
        ("A knight with a blood-stained sword", "A knight with a weathered sword"),
        ("Bloody hands. gory, too", "Dramatic hands. dramatic, too"),
        ("Two boys and a child at the sea", "Two young adults and a young adult at the sea"),
        ("President Jane Doe at a desk", "A politician at a desk"),
        ("a portrait in the style of Jane Doe, at dusk", "a portrait in a painterly style, at dusk"),
        ("ein nackter Mann und blutige Waffen", "ein bekleideter Mann und dramatische Requisiten"),
        ("une scène sanglante avec des enfants", "une scène dramatique avec des personnes"),
        ("a Lego castle", "a toy brick castle"),
        ("two guns on a table", "two props on a table"),
        ("a King Charles at court, a President Doe beside him", "a dignitary at court, a politician beside him"),
    ],
)
def test_the_table_says_it_more_mildly(said, milder):
    assert rewording.milder(said) == milder


@pytest.mark.parametrize(
    "said",
    [
        "a lighthouse at dawn",
        "begun in gundog country",
        "a kinder world",
        "the president of a club",
        "legolas",
        "a puma in the snow",
        "a shooting star",
        "",
    ],
)
def test_of_what_is_mild_already_or_only_looks_alike_nothing_is_offered(said):
    assert rewording.milder(said) == ""


@pytest.mark.parametrize("pattern", [pattern for pattern, _words in (*rewording.WORDS, *rewording.NAMES)])
def test_what_the_table_says_needs_no_second_time(pattern):
    words = dict((*rewording.WORDS, *rewording.NAMES))[pattern].replace(r"\1", "")
    assert rewording.by_table(words) == words


def test_a_site_brings_its_own_or_none(settings):
    settings.IMAGEN = {"REWORDING": "tests.test_rewording.shout"}
    assert rewording.milder("a kite") == "A KITE"
    settings.IMAGEN = {"REWORDING": ""}
    assert rewording.milder("a bloody kite") == ""
