"""The one clock that leases are measured with: the database's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection
from django.db.models import DateTimeField, Expression, Value
from django.utils import timezone


def database_now() -> datetime:
    """The time as the database sees it, so that hosts with wrong clocks agree (SQLite: this host's)."""
    if connection.vendor == "sqlite":
        return timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        found: datetime = cursor.fetchone()[0]
    return found.astimezone(UTC)


class Ago(Expression):
    """So long ago by the same clock, within a query that asks for something else anyway."""

    def __init__(self, length: timedelta) -> None:
        super().__init__(output_field=DateTimeField())
        self.length = length

    def as_sql(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """As PostgreSQL says it."""
        return "(clock_timestamp() - %s)", [self.length]

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, Any]:
        """This host's time."""
        sql, params = compiler.compile(Value(timezone.now() - self.length, output_field=self.output_field))
        return sql, params
