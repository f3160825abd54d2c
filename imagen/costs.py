"""What calls cost together: amounts of one currency add up, those of two stay unknown."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from imagen.models import Job

CREDITS = "credits"


class Currency(NamedTuple):
    """What an amount is counted in; ``issuer`` is empty for money, which is the same everywhere."""

    unit: str
    issuer: str = ""


def currency(provider: str, unit: str) -> Currency:
    """The currency of an amount in this unit at this provider: the credits of two are two currencies."""
    return Currency(unit, provider if unit == CREDITS else "")


def spent(jobs: Iterable[Job], *, into: Currency) -> Decimal | None:
    """What these calls cost so far; ``None`` while nobody knows, or where another currency is among it."""
    known = [(job, job.cost) for job in jobs if job.cost is not None]
    return _sum(known, into) if known else None


def expected(jobs: Collection[Job], *, into: Currency) -> Decimal | None:
    """What was spent on calls that others replace, and will be on those that stand."""
    replaced = {job.replaces_id for job in jobs}
    return _sum([(job, job.cost or Decimal(0) if job.pk in replaced else job.price) for job in jobs], into)


def _sum(amounts: Iterable[tuple[Job, Decimal | None]], into: Currency) -> Decimal | None:
    total = Decimal(0)
    for job, amount in amounts:
        if amount is None or (amount and currency(job.provider, job.cost_unit) != into):
            return None
        total += amount
    return total
