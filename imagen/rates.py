"""How often: ``60/min`` as a number and a time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

_UNITS: Mapping[str, int] = {
    **dict.fromkeys(("min", "m", "minute"), 60),
    **dict.fromkeys(("s", "sec", "second"), 1),
    **dict.fromkeys(("h", "hour"), 3600),
    **dict.fromkeys(("d", "day"), 86_400),
}
_FORM = re.compile(r"([1-9][0-9]{0,8})/([a-z]+)")
_GROUPED = re.compile(r"(?<=\d)[ _,.'](?=\d{3})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """At most ``limit`` in each window of ``seconds``."""

    limit: int
    seconds: int

    @classmethod
    def read(cls, text: Any) -> Rate:
        """The rate in this text, or ``ValueError`` with the nearest right one."""
        found = _FORM.fullmatch(text) if isinstance(text, str) else None
        if found is None or found[2] not in _UNITS:
            raise ValueError(nearest(str(text)))
        return cls(limit=int(found[1]), seconds=_UNITS[found[2]])


def nearest(text: str) -> str:
    """The right form of what was probably meant."""
    plain = _GROUPED.sub("", text.lower())
    number = re.search("[1-9][0-9]{0,8}", plain)
    close = [unit for word in re.findall("[a-z]+", plain) for unit in get_close_matches(word, _UNITS, n=1)]
    return f"{number[0] if number else 1}/{close[0] if close else 'min'}"
