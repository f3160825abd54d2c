"""The listings as this process remembers them: read again at most once a minute, never in an event loop."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import Error, transaction

from imagen.models import Listing

logger = logging.getLogger("imagen")
FRESH_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One offer as the last sync left it; ``gone_since`` when it was not in the list any more."""

    alias: str
    id: str
    model: str
    facts: Any
    gone_since: datetime | None


@dataclass(frozen=True, eq=False, kw_only=True)
class Shelf:
    """What one look at the database found; another look that finds the same gives the same shelf."""

    rows: tuple[Listed, ...] = ()

    def at(self, alias: str) -> tuple[Listed, ...]:
        """What is remembered of one provider."""
        return tuple(row for row in self.rows if row.alias == alias)


class _Memory:
    """This process's shelf, when it was read, and which offers were looked for since."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.prime(read_at=None)

    def prime(self, *rows: Listed, read_at: float | None) -> None:
        self.shelf, self.read_at = Shelf(rows=rows), read_at
        self.missed: set[tuple[str, str]] = set()

    def due(self, missing: Collection[tuple[str, str]]) -> bool:
        """Whether to read now; who is told so is the only one, so the next has to wait."""
        with self.lock:
            old = self.read_at is None or time.monotonic() - self.read_at >= FRESH_SECONDS
            if not old and set(missing) <= self.missed:
                return False
            self.missed = set(missing) if old else self.missed | set(missing)
            self.read_at = time.monotonic()
            return True


_memory = _Memory()


def current() -> Shelf:
    """What is remembered now; it never asks the database."""
    return _memory.shelf


def prime() -> None:
    """Remember that there are no listings, as if just read."""
    _memory.prime(read_at=time.monotonic())


def refresh(*, missing: Collection[tuple[str, str]] = ()) -> None:
    """Read the listings when a minute is over, or once for each offer that is ``missing`` (alias, id) on the shelf.

    It raises nothing: in an event loop, or while the database has no answer, what is remembered stays.
    """
    if not _in_a_loop() and _memory.due(missing):
        try:
            read()
        except Error as reason:  # away, or not migrated yet
            logger.warning("the listings could not be read: %s", type(reason).__name__)


def read() -> None:
    """Read the listings now."""
    rows = _rows()
    if rows != _memory.shelf.rows:
        _memory.shelf = Shelf(rows=rows)


def _rows() -> tuple[Listed, ...]:
    listings = Listing.objects.order_by("pk").values_list("provider", "provider_model", "model", "facts", "gone_since")
    inside = transaction.get_connection(listings.db).in_atomic_block
    with transaction.atomic(using=listings.db) if inside else nullcontext():  # a failure must not end the caller's
        return tuple(
            Listed(alias=alias, id=id_, model=model, facts=facts, gone_since=gone_since)
            for alias, id_, model, facts, gone_since in listings
        )


def _in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
