"""What was spent and is set aside in this month, by provider, model and day: a reading of ledger and calls."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db.models import Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from imagen.budgets import Allowance, allowances
from imagen.costs import NOTHING, Position, site_currency
from imagen.models import Entry, Job, Period
from imagen.states import UNSENT, JobStatus

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

SET_ASIDE = UNSENT | {JobStatus.UNCONFIRMED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Amounts in ``unit`` since ``since`` (UTC); what is set aside counts whenever it was asked for."""

    unit: str
    since: dt.datetime
    total: Position
    by_provider: dict[str, Position]
    by_model: dict[str, Position]
    by_day: dict[dt.date, Decimal]
    budgets: list[Allowance]


def read(user: AbstractBaseUser) -> Usage:
    """What this person used, or everybody where they may see everybody's."""
    unit, since = site_currency(), _month_begins(timezone.now())
    lines = Entry.objects.filter(_seen(user), currency=unit, at__gte=since).order_by()
    waiting = Job.objects.filter(_seen(user), status__in=SET_ASIDE, accepted_at=None, stake_unit=unit).order_by()
    by_provider = _both(lines, "job__provider", waiting, "provider")
    return Usage(
        unit=unit,
        since=since,
        total=_total(by_provider.values()),
        by_provider=by_provider,
        by_model=_both(lines, "generation__model", waiting, "generation__model"),
        by_day=_sums(lines.annotate(day=TruncDate("at", tzinfo=dt.UTC)), "day", "spent"),
        budgets=allowances(user),
    )


def _month_begins(now: dt.datetime) -> dt.datetime:
    return dt.datetime.combine(Period.MONTH.starts_on(now), dt.time(), dt.UTC)


def _seen(user: AbstractBaseUser) -> Q:
    everything = user.has_perm("imagen.view_all")  # type: ignore[attr-defined]  # AbstractBaseUser leaves permissions to its mixin
    return Q() if everything else Q(generation__user=user.pk)


def _total(parts: Iterable[Position]) -> Position:
    found = list(parts)
    return Position(sum((p.reserved for p in found), NOTHING), sum((p.spent for p in found), NOTHING))


def _both(lines: QuerySet[Entry], line_name: str, waiting: QuerySet[Job], job_name: str) -> dict[str, Position]:
    found: dict[str, Position] = defaultdict(Position)
    for name, reserved in _sums(waiting, job_name, "stake").items():
        found[name] = found[name]._replace(reserved=reserved)
    for name, spent in _sums(lines, line_name, "spent").items():
        found[name] = found[name]._replace(spent=spent)
    return {name: both for name, both in sorted(found.items()) if any(both)}


def _sums(rows: QuerySet[Any], name: str, what: str) -> dict[Any, Decimal]:
    return {found[name]: found["total"] for found in rows.values(name).annotate(total=Sum(what)) if found["total"]}
