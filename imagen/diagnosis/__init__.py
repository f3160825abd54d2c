"""Is everything in place: what the doctor looks at, one finding a line, each with its fix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from django.db import Error

from imagen.diagnosis import gateways, house
from imagen.diagnosis.finding import Finding, Level, error

__all__ = ["Finding", "Level", "examine"]

LOOKS: dict[str, Callable[[], Iterable[Finding]]] = {
    "database": house.database,
    "migrations": house.migrations,
    "schedule": house.schedule,
    "clock": house.clock,
    "storage": house.files,
    "pictures": house.pictures,
    "queue": house.queue,
    "anomalies": house.anomalies,
    "api keys": house.api_keys,
    "providers": gateways.providers,
    "prices": gateways.prices,
    "public address": gateways.public_address,
    "webhooks": gateways.webhooks,
}

_TABLES = frozenset({"database", "migrations"})
NEEDS = {
    "migrations": frozenset({"database"}),
    "clock": frozenset({"database"}),
    **dict.fromkeys(("schedule", "queue", "anomalies", "api keys", "prices"), _TABLES),
}


def examine() -> Iterator[Finding]:
    """Every finding, in the order of what depends on what; nothing raises, nothing shows a key."""
    found = list(house.options())
    yield from found
    if any(finding.level is Level.ERROR for finding in found):
        return
    broken: set[str] = set()
    for subject, look in LOOKS.items():
        if broken & NEEDS.get(subject, frozenset()):
            continue
        told = list(_guarded(subject, look))
        yield from told
        broken |= {finding.subject for finding in told if finding.level is Level.ERROR}


def _guarded(subject: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    try:
        yield from look()
    except Error as reason:
        text = f"cannot be looked at: the database does not answer ({type(reason).__name__})."
        yield error(subject, text, "Start it, or check DATABASES.")
