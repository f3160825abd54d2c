"""What a check says: a numbered message with its fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from functools import wraps
from typing import Any

from django.core import checks

Check = Callable[..., Iterable[checks.CheckMessage]]


def error(number: int, what: str, fix: str = "") -> checks.Error:
    """Something nothing can work with."""
    return checks.Error(what, hint=fix or None, id=f"imagen.E{number:03}")


def warning(number: int, what: str, fix: str) -> checks.Warning:
    """Something that will go wrong one day."""
    return checks.Warning(what, hint=fix, id=f"imagen.W{number:03}")


def nearest(name: str, known: Iterable[str]) -> str:
    """The known name that was probably meant, or all there are."""
    names = sorted(known)
    close = get_close_matches(name, names, n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(names) or 'none'}."


def listed(check: Check) -> Callable[..., list[checks.CheckMessage]]:
    """The check as Django wants it: a function that returns a list."""

    @wraps(check)
    def run(**kwargs: Any) -> list[checks.CheckMessage]:
        return list(check(**kwargs))

    return run
