"""A site's function that rewrites a description, whatever it does, and how it is told what that changed."""

from __future__ import annotations

import time

import pytest

from imagen import enhancing, rewording, rewriting
from imagen.types import MAX_PROMPT


def broken(text: str, **facts: str) -> str:
    """One that fails, with the description in its message."""
    raise ValueError(text)


def endless(text: str, **facts: str) -> str:
    """One that says too much."""
    return text * (MAX_PROMPT + 1)


def nothing(text: str, **facts: str) -> None:
    """One that forgets to return anything."""


@pytest.mark.parametrize("name", ["broken", "endless", "nothing", "not_there"])
def test_one_that_fails_offers_nothing_and_the_log_keeps_the_words_to_itself(settings, caplog, name):
    settings.IMAGEN = dict.fromkeys(("REWORDING", "ENHANCE"), f"tests.test_rewriting.{name}")
    assert rewording.milder("a bloody kite") == ""
    assert enhancing.richer("a bloody kite", ratio="1:1") is None
    assert "kite" not in caplog.text


def test_what_fails_is_logged_with_its_setting(settings, caplog):
    settings.IMAGEN = {"ENHANCE": "tests.test_rewriting.broken"}
    enhancing.richer("a kite", ratio="1:1")
    assert caplog.messages == ["IMAGEN['ENHANCE'] failed: ValueError"]


def test_what_changed_is_told_word_by_word():
    told = [{"was": "gory", "now": "dramatic"}, {"was": "gun", "now": "prop"}]
    assert rewriting.changes("a gory old gun, too", "a dramatic old prop, too") == told
    assert rewriting.changes("a kite", "a red kite") == [{"was": "", "now": "red"}]


def test_what_is_added_after_the_last_word_takes_none_away():
    steps = list(rewriting.steps("A {animal}", "A {animal}. Soft light."))
    assert steps == [("A {animal}", "A {animal}"), ("", ". Soft light.")]


@pytest.mark.parametrize("text", ["a kite", "  two\n\nlines, “quoted” ", "{a} {b}", "حصان أبيض", "", "?!"])
@pytest.mark.parametrize("other", ["a red kite", "", "two lines", "حصان"])
def test_the_steps_are_both_texts_from_beginning_to_end(text, other):
    pairs = list(rewriting.steps(text, other))
    assert "".join(was for was, _now in pairs) == text.rstrip()
    assert "".join(now for _was, now in pairs) == other


@pytest.mark.parametrize("before", ["a b c d e " * 500, "." * MAX_PROMPT])
def test_a_text_that_repeats_itself_is_compared_in_no_time(before):
    begun = time.monotonic()
    list(rewriting.steps(before, before[::-1] + "x"))
    assert time.monotonic() - begun < 2
