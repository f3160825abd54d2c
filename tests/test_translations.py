"""The translations: complete, compiled, with the same blanks as the source, in one voice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

import pytest

from tests import catalogues
from tests.catalogues import LANGUAGES, SOURCES, Entry

every = pytest.mark.parametrize(("where", "language"), list(product(SOURCES, LANGUAGES)))
FORMS = {"ar": 6, "de": 2, "fr": 2}  # of a number
EXACT = {"ar": {0, 1, 2}, "de": {0}, "fr": {0}}  # those that stand for one number alone
BLANKS = re.compile(r"%\(\w+\)[sd]|(?<![\w%])%[sd]|\{\w*\}")


def _blanks(text: str) -> set[str]:
    return set(BLANKS.findall(text))


def _all(where: str, language: str) -> Iterator[tuple[str, str]]:
    """Each translation beside the text it stands for."""
    for entry in catalogues.catalogue(where, language):
        for number, said in enumerate(entry.said):
            yield (entry.text.many if number else entry.text.one), said


def _exact(where: str, language: str) -> set[str]:
    """Translations that stand for one number alone, which may be said in words or not at all."""
    entries = (entry for entry in catalogues.catalogue(where, language) if entry.text.many)
    return {entry.said[number] for entry in entries for number in EXACT[language]}


def _compiled(entry: Entry) -> Iterator[tuple[object, str]]:
    one = f"{entry.text.context}\x04{entry.text.one}" if entry.text.context else entry.text.one
    if not entry.text.many:
        yield one, entry.said[0]
    else:
        yield from (((one, number), said) for number, said in enumerate(entry.said))


@every
def test_every_text_of_the_source_stands_in_the_catalogue_and_no_other(where, language):
    there = {entry.text for entry in catalogues.catalogue(where, language)}
    wanted = catalogues.source(where)
    assert sorted(text.one for text in wanted - there) == [], "run: make messages"
    assert sorted(text.one for text in there - wanted) == [], "run: make messages"


@every
def test_every_text_is_translated_and_nothing_is_a_guess(where, language):
    entries = catalogues.catalogue(where, language)
    assert [entry.text.one for entry in entries if entry.fuzzy] == []
    assert [entry.text.one for entry in entries if not all(said.strip() for said in entry.said)] == []
    assert [entry.text.one for entry in entries if len(entry.said) != (FORMS[language] if entry.text.many else 1)] == []


@every
def test_the_compiled_catalogue_says_what_the_readable_one_says(where, language):
    readable = dict(pair for entry in catalogues.catalogue(where, language) for pair in _compiled(entry))
    assert catalogues.compiled(where, language) == readable, "run: make messages"


@every
def test_a_translation_has_the_blanks_of_its_text(where, language):
    exact = _exact(where, language)
    for text, said in _all(where, language):
        if said in exact:
            assert _blanks(said) <= _blanks(text) | {"%(count)s"}, text
        else:
            assert _blanks(said) == _blanks(text), text


@every
def test_a_translation_begins_and_ends_like_its_text(where, language):
    for text, said in _all(where, language):
        assert (text[0].isspace(), text[-1].isspace()) == (said[0].isspace(), said[-1].isspace()), text
        assert (text[-1] in ".…:") is (said[-1] in ".…:"), text
        assert "!" not in said, text


@pytest.mark.parametrize("where", SOURCES)
def test_french_is_set_as_french_is(where):
    wrong = re.compile(r"\w[:;?»](\s|$)|(?<!_) [:;?»]|«[^\u00a0]|(?<!\[)'(?!\])|\b(tu|toi|ton|tes|ta)\b")
    assert [said for _text, said in _all(where, "fr") if wrong.search(said)] == []


@pytest.mark.parametrize("where", SOURCES)
def test_german_is_set_as_german_is(where):
    assert [said for _text, said in _all(where, "de") if re.search(r"[“\"](?=\w)|\b(du|dein|dich|dir)\b", said)] == []
    assert [said for _text, said in _all(where, "de") if said.count("„") != said.count("“")] == []


@pytest.mark.parametrize("where", SOURCES)
def test_arabic_is_set_as_arabic_is(where):
    wrong = re.compile(r"[ء-ي][,;?]|[“”]|[٠-٩]")
    assert [said for _text, said in _all(where, "ar") if wrong.search(said)] == []
    assert [said for _text, said in _all(where, "ar") if said.count("«") != said.count("»")] == []
