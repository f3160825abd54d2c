"""System checks: what would double-run, hang, lock or surprise is said before it does."""

from __future__ import annotations

from functools import cache, wraps
from typing import Any

from django.core.checks import CheckMessage, Tags
from django.core.checks import register as tell_django

from imagen.checks import cluster, options, site, slots
from imagen.checks.message import Check

TAG = "imagen"


def register() -> None:
    """Make ours known to Django."""
    for check in (
        *options.BORDER,
        *map(_once_readable, (*options.SENSE, *cluster.CHECKS, *site.CHECKS, *slots.CHECKS)),
    ):
        tell_django(check, TAG)
    from imagen.checks import money, webhooks  # noqa: PLC0415  # they know the rows, and apps are not loaded before

    for check in map(_once_readable, webhooks.CHECKS):
        tell_django(check, TAG)
    for check in map(_once_readable, (*cluster.DATABASE, *site.DATABASE, *money.DATABASE, *webhooks.DATABASE)):
        tell_django(check, TAG, Tags.database)
    for check in map(_once_readable, site.DEPLOYMENT):
        tell_django(check, TAG, deploy=True)


@cache  # an app that gets ready again registers the same checks, not their like
def _once_readable(check: Check) -> Check:
    """The same check, silent while the settings cannot be read: E001 to E003 say so."""

    @wraps(check)
    def run(**kwargs: Any) -> list[CheckMessage]:
        return [] if any(border() for border in options.BORDER) else list(check(**kwargs))

    return run
