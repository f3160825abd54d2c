"""``manage.py imagen_register``: where pictures are and were used, and what was decided of each."""

from __future__ import annotations

import csv
import json
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand
from django.db.models import F, Value
from django.db.models.functions import Concat
from django.utils import timezone

from imagen.models import Placement
from imagen.presentation import moment

CHUNK = 500
FORMULAS = ("=", "+", "-", "@", "\t", "\r")  # https://owasp.org/www-community/attacks/CSV_Injection
COLUMNS: Mapping[str, Any] = {
    "object_type": Concat("content_type__app_label", Value("."), "content_type__model"),
    "object_id": F("object_id"),
    "field": F("field"),
    "picture": F("image_id"),
    "model": F("image__generation__model"),
    "provider": F("image__job__provider"),
    "user": F(f"user__{get_user_model().USERNAME_FIELD}"),
    "placed_at": F("placed_at"),
    "replaced_at": F("ended_at"),
    "purpose": F("meaning"),
    "alt_text": F("alt_text"),
    "disclosure": F("disclosure"),
    "reason": F("reason"),
    "question": F("question"),
}


class Command(BaseCommand):
    """A row for every use of a picture, the first one first, as CSV or JSON; written as it is read, in one query."""

    help = "Prints where pictures are and were used, by whom, and whether readers are told. Exit code 2: bad arguments."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take from which day on, and ``--json``."""
        since = "Uses that began on this day, such as 2026-11-29, or later; all without it."
        parser.add_argument("--since", type=_day, metavar="DAY", help=since)
        parser.add_argument("--json", action="store_true", help="Print a JSON list instead of CSV.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print them."""
        rows = _rows(options["since"])
        (self._json if options["json"] else self._csv)(rows)

    def _csv(self, rows: Iterator[dict[str, Any]]) -> None:
        sheet = csv.DictWriter(self.stdout, COLUMNS, lineterminator="\n")
        sheet.writeheader()
        sheet.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)

    def _json(self, rows: Iterator[dict[str, Any]]) -> None:
        before = "["
        for row in rows:
            self.stdout.write(f"{before}{json.dumps(row)}", ending="")
            before = ",\n "
        self.stdout.write("]" if before != "[" else "[]")


def _rows(since: datetime | None) -> Iterator[dict[str, Any]]:
    chosen = Placement.objects.filter(placed_at__gte=since) if since else Placement.objects.all()
    for row in chosen.order_by("pk").values_list(*COLUMNS.values()).iterator(chunk_size=CHUNK):
        yield {name: _plain(value) for name, value in zip(COLUMNS, row, strict=True)}


def _plain(value: Any) -> Any:
    """As JSON has it; what is not there, or was not asked, is nothing."""
    if isinstance(value, datetime):
        return moment(value)
    return value if value is None or isinstance(value, int) else str(value)


def _harmless(value: Any) -> Any:
    """Text no spreadsheet takes for a formula."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULAS) else value


def _day(text: str) -> datetime:
    """Its first moment here, or an error argparse can show."""
    try:
        return timezone.make_aware(datetime.combine(date.fromisoformat(text), time.min))
    except ValueError as error:
        raise ArgumentTypeError("a day is written like 2026-11-29") from error
