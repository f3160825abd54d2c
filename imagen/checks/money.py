"""Checks of what budgets count: their currency, and what credits are worth."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.core.checks import CheckMessage
from django.db import DEFAULT_DB_ALIAS, connection

from imagen import budgets
from imagen.checks.message import Check, warning
from imagen.conf import settings
from imagen.costs import site_currency
from imagen.models import Budget


def _there(databases: Iterable[str] | None) -> bool:
    """Whether there are budgets to look at."""
    asked = DEFAULT_DB_ALIAS in (databases or ())
    return asked and Budget._meta.db_table in connection.introspection.table_names()


def budgets_are_in_the_sites_currency(databases: Iterable[str] | None = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """W025: where a budget in another currency counts, everything that costs is refused."""
    count = budgets.foreign().count() if _there(databases) else 0
    if count:
        what = f"Budgets that are not in {site_currency()}, so that all they count for is refused: {count}."
        yield warning(25, what, "Open each in the admin, set its limit in the new currency and save it.")


def credits_have_a_rate(databases: Iterable[str] | None = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """W026: credits of unknown worth count at the ceiling, whatever they cost."""
    limited = _there(databases) and (settings.BUDGET.get("default_monthly") is not None or Budget.objects.exists())
    for alias in budgets.unrated() if limited else ():
        ceiling = f"{settings.UNKNOWN_PRICE_CEILING} {site_currency()}"
        what = f"Nobody said what a credit of {alias!r} is worth; in budgets each picture counts as {ceiling}."
        yield warning(26, what, f"Add {alias!r} to IMAGEN['CREDIT_RATES'].")


DATABASE: tuple[Check, ...] = (budgets_are_in_the_sites_currency, credits_have_a_rate)
