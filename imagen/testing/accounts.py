"""Whether the books balance: the calls of a site against its ledger and its purses, and against a gateway's jobs."""

from __future__ import annotations

import uuid
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Any

from imagen.costs import NOTHING, Position, position
from imagen.models import Entry, Job, Purse
from imagen.testing.ledger import Ledger


def strangers(jobs: Collection[Job], ledger: Ledger) -> Iterator[str]:
    """A job at the gateway that no row names was sent by a row that is in doubt about it."""
    named = {(job.provider, job.remote_id) for job in jobs}
    unknown = Counter(job.vendor for job in ledger.jobs if (job.vendor, job.id) not in named)
    doubts = Counter(job.provider for job in jobs if job.sent_at and not job.accepted_at)
    for vendor, count in (unknown - doubts).items():
        yield f"{vendor} accepted {count} jobs of which no row knows."


def repeated(ledger: Ledger) -> Iterator[str]:
    """One key always brings the same bytes, and one job."""
    bodies: dict[str, set[bytes]] = defaultdict(set)
    for call in ledger.calls:
        bodies[call.headers.get("idempotency-key", "")].add(call.body)
    yield from (f"The key {key} came with {len(sent)} bodies." for key, sent in bodies.items() if key and len(sent) > 1)
    times = Counter((job.vendor, job.repeat_key) for job in ledger.jobs if job.repeat_key)
    yield from (f"{vendor} accepted {n} jobs under the key {key}." for (vendor, key), n in times.items() if n > 1)


def unbalanced(jobs: Mapping[uuid.UUID, Job]) -> Iterator[str]:
    """The lines of the ledger sum up to where each call's money is, and every purse to its calls."""
    booked = _sums(Entry.objects.values_list("job", "reserved", "spent"))
    for pk, job in jobs.items():
        if booked[pk] != position(job):
            yield f"Job {pk} ({job.status}) has to have {_told(position(job))}; its ledger says {_told(booked[pk])}."
    where = [(purse, *position(job)) for job in jobs.values() for purse in job.purses]
    kept = _sums(where)
    for purse in Purse.objects.all():
        if kept[purse.pk] != (purse.reserved, purse.spent):
            here = Position(purse.reserved, purse.spent)
            yield f"Purse {purse} has {_told(here)}; its calls have {_told(kept[purse.pk])}."
    yield from (f"Job {pk} owes less than nothing." for pk, both in booked.items() if min(both) < 0)


def _sums(lines: Iterable[tuple[Any, Decimal, Decimal]]) -> dict[Any, Position]:
    found: dict[Any, Position] = defaultdict(Position)
    for owner, reserved, spent in lines:
        found[owner] = Position(found[owner].reserved + reserved, found[owner].spent + spent)
    return found


def _told(both: Position) -> str:
    return f"{both.reserved or NOTHING} set aside and {both.spent or NOTHING} spent"
