"""Words put together: a sentence each, nothing twice, what is locked stays."""

from __future__ import annotations

import pytest

from imagen.models import HouseRule, Style
from imagen.wording import compose, fill, gaps

INK = Style(pk=1, name="Ink", words="Drawn in ink.", avoid="photograph")
TEXT = HouseRule(pk=2, name="No text", words="No text")
CALM = HouseRule(pk=3, name="Calm", words="Calm colours.", locked=True)


def put(own, **choices):
    return compose(own, rules=(TEXT, CALM), **choices)


@pytest.mark.parametrize(
    ("own", "whole"),
    [
        ("a kite", "a kite. Drawn in ink. No text. Calm colours."),
        ("A kite? ", "A kite? Drawn in ink. No text. Calm colours."),
        ("", "Drawn in ink. No text. Calm colours."),
    ],
)
def test_each_part_is_a_sentence(own, whole):
    assert put(own, style=INK).prompt == whole


def test_what_is_left_out_is_gone_but_for_what_is_locked():
    found = put("a kite", style=INK, left_out={"style:1", "rule:2", "rule:3"})
    assert found.prompt == "a kite. Calm colours."
    assert found.avoid == ""


def test_own_words_that_say_it_already_are_enough():
    whole = put("a kite", style=INK).prompt
    found = put(whole.upper(), style=INK)
    assert found.prompt == whole.upper()
    assert found.avoid == "photograph"


@pytest.mark.parametrize(
    ("own", "words"),
    [("pink flowers", "Ink"), ("a party by the sea", "Art"), ("a street with no peoples statue", "No people.")],
)
def test_what_only_occurs_within_other_words_is_not_said_yet(own, words):
    rule = HouseRule(pk=1, name="Rule", words=words, locked=True)
    assert compose(own, rules=(rule,)).prompt == f"{own}. {words}"


def test_a_clause_that_says_it_is_enough():
    assert compose("A street, no text, at dusk", rules=(TEXT,)).prompt == "A street, no text, at dusk"


def test_the_pieces_are_the_prompt_and_say_whose_they_are():
    found = put("a kite", style=INK)
    assert " ".join(text for text, _part in found.pieces) == found.prompt
    assert [part and part.name for _text, part in found.pieces] == [None, "Ink", "No text", "Calm"]


def test_gaps_are_named_once_and_filled_where_there_is_something():
    text = "A {animal} in the { place }, a {animal}"
    assert gaps(text) == ["animal", "place"]
    assert fill(text, {"animal": "fox", "place": " "}) == "A fox in the { place }, a fox"


def test_a_value_with_brackets_is_not_filled_again():
    assert fill("A {a} {b}", {"a": "{b}", "b": "x"}) == "A {b} x"
