"""How long something takes and how often it is done, in words: “30 minutes”, “every hour”."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import npgettext

DAY = 86_400


def span(seconds: float) -> str:
    """This time, in the largest unit that measures it exactly."""
    unit, count = _measured(seconds)
    return _SPANS[unit](count) % {"count": count}


def about(seconds: float) -> str:
    """This time as people count it: in seconds up to two minutes, in minutes up to two hours, and so on."""
    whole = max(1, round(seconds))
    unit = next(unit for unit in _SPANS if whole >= 2 * unit or unit == 1)
    return span(whole // unit * unit)


def every(seconds: float) -> str:
    """How often, when it is done again after this time."""
    unit, count = _measured(seconds)
    return _EVERY[unit](count) % {"count": count}


def _measured(seconds: float) -> tuple[int, int]:
    whole = max(1, round(seconds))
    unit = next(unit for unit in _SPANS if not whole % unit)
    return unit, whole // unit


_SPANS: dict[int, Callable[[int], str]] = {
    DAY: lambda count: npgettext("duration", "a day", "%(count)s days", count),
    3600: lambda count: npgettext("duration", "an hour", "%(count)s hours", count),
    60: lambda count: npgettext("duration", "a minute", "%(count)s minutes", count),
    1: lambda count: npgettext("duration", "a second", "%(count)s seconds", count),
}
_EVERY: dict[int, Callable[[int], str]] = {
    DAY: lambda count: npgettext("how often", "every day", "every %(count)s days", count),
    3600: lambda count: npgettext("how often", "every hour", "every %(count)s hours", count),
    60: lambda count: npgettext("how often", "every minute", "every %(count)s minutes", count),
    1: lambda count: npgettext("how often", "every second", "every %(count)s seconds", count),
}
