"""Errors carry a code of the contract and the facts of their sentence."""

from __future__ import annotations

import pytest

from imagen import exceptions
from imagen.exceptions import Busy, FieldError, ImagenError, InvalidRequest, NotFound, OutputError, Unreadable


@pytest.mark.parametrize(
    ("error", "words", "code"),
    [
        (ImagenError(), "internal_error", "internal_error"),
        (ImagenError("what happened"), "what happened", "internal_error"),
        (ImagenError(code="conflict"), "conflict", "conflict"),
        (NotFound(), "model_retired", "model_retired"),
        (Unreadable("not JSON"), "not JSON", "provider_protocol_error"),
        (OutputError("gone", code="output_expired", tries=3), "gone", "output_expired"),
    ],
)
def test_an_error_says_its_words_or_its_code(error: ImagenError, words: str, code: str):
    assert (str(error), error.code) == (words, code)


def test_an_error_keeps_the_facts_of_its_sentence():
    assert ImagenError(code="x", model="imagen-4").params == {"model": "imagen-4"}


def test_a_refusal_names_its_fields():
    field = FieldError(field="seed", code="out_of_range", params={"low": -1})
    error = InvalidRequest("bad", errors=(field,), limit=1)
    assert (error.errors, error.params, error.code) == ((field,), {"limit": 1}, "invalid_request")


def test_busy_knows_how_long():
    assert (Busy(retry_after=7).retry_after, Busy().retry_after) == (7, None)


def test_every_error_of_ours_has_one_root():
    found = [kind for kind in vars(exceptions).values() if isinstance(kind, type) and issubclass(kind, Exception)]
    assert found
    assert all(issubclass(kind, ImagenError) for kind in found)
