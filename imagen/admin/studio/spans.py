"""How long something takes and how often it is done, in words: “30 minutes”, “every hour”."""

from __future__ import annotations

from collections.abc import Callable

from django.utils.translation import gettext as _
from django.utils.translation import npgettext

DAY, _HOUR, _MINUTE = 86_400, 3_600, 60


def span(seconds: float) -> str:
    """This time, in the largest unit that measures it exactly."""
    unit, count = _measured(seconds)
    return _SPANS[unit](count) % {"count": count}


def about(seconds: float) -> str:
    """How long something has gone on: “28 s”, from two minutes on in whole minutes, from two hours on in hours."""
    unit = next(unit for unit in (_HOUR, _MINUTE, 1) if seconds >= 2 * unit or unit == 1)
    count = int(seconds // unit)
    return _("%(seconds)s s") % {"seconds": count} if unit == 1 else _SPANS[unit](count) % {"count": count}


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
    _HOUR: lambda count: npgettext("duration", "an hour", "%(count)s hours", count),
    _MINUTE: lambda count: npgettext("duration", "a minute", "%(count)s minutes", count),
    1: lambda count: npgettext("duration", "a second", "%(count)s seconds", count),
}
_EVERY: dict[int, Callable[[int], str]] = {
    DAY: lambda count: npgettext("how often", "every day", "every %(count)s days", count),
    _HOUR: lambda count: npgettext("how often", "every hour", "every %(count)s hours", count),
    _MINUTE: lambda count: npgettext("how often", "every minute", "every %(count)s minutes", count),
    1: lambda count: npgettext("how often", "every second", "every %(count)s seconds", count),
}
