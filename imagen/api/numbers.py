"""Whole numbers in an address."""

from __future__ import annotations

import re

from imagen.exceptions import FieldError, InvalidRequest

_FORM = re.compile("[0-9]{1,9}")


def within(text: str, *, field: str, low: int, high: int) -> int:
    """The number that was given for this parameter, or ``InvalidRequest`` with what it may be."""
    if not _FORM.fullmatch(text) or not low <= int(text) <= high:
        raise InvalidRequest(errors=(FieldError(field=field, code="out_of_range", params={"low": low, "high": high}),))
    return int(text)
