"""The ledger: every amount that was set aside, spent or given back, written once and never changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen.costs import NOTHING, Position
from imagen.models.budget import Purse
from imagen.models.money import MoneyField

if TYPE_CHECKING:
    from imagen.models.job import Job


class What(models.TextChoices):
    """What one line of the ledger says."""

    RESERVED = "reserved", _("set aside")
    CAPTURED = "captured", _("spent")
    RELEASED = "released", _("given back")
    CORRECTED = "corrected", _("corrected")


class Change(NamedTuple):
    """The money of one call, before a step and after it."""

    job: Job
    before: Position
    after: Position

    @property
    def difference(self) -> Position:
        """What has to be added to the ledger and to the purses."""
        return Position(self.after.reserved - self.before.reserved, self.after.spent - self.before.spent)

    @property
    def what(self) -> What:
        """What this is called."""
        reserved, spent = self.difference
        if reserved > 0:
            return What.RESERVED
        if spent and reserved:
            return What.CAPTURED
        return What.RELEASED if reserved else What.CORRECTED


class EntryQuerySet(models.QuerySet["Entry"]):
    """Only adding is possible."""

    def post(self, changes: Iterable[Change], *, at: datetime) -> None:
        """Write these changes down and move the purses alike; the caller's transaction holds both together."""
        real = [change for change in changes if any(change.difference)]
        self.write(real, at=at)
        Purse.objects.book(_by_purse(real))

    def write(self, changes: Iterable[Change], *, at: datetime | None = None) -> None:
        """Write these changes down; the purses know already."""
        now = at or timezone.now()
        self.bulk_create([_entry(change, now) for change in changes if any(change.difference)])

    def update(self, **changes: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("the ledger is only added to")

    def delete(self) -> NoReturn:
        """Refuse."""
        raise TypeError("the ledger is only added to")


def _entry(change: Change, at: datetime) -> Entry:
    reserved, spent = change.difference
    job = change.job
    return Entry(
        generation_id=job.generation_id,
        job=job,
        at=at,
        what=change.what,
        reserved=reserved,
        spent=spent,
        currency=job.stake_unit,
    )


def _by_purse(changes: Sequence[Change]) -> dict[int, Position]:
    found: dict[int, Position] = defaultdict(Position)
    for change in changes:
        reserved, spent = change.difference
        for pk in change.job.purses:
            found[pk] = Position(found[pk].reserved + reserved, found[pk].spent + spent)
    return {pk: both for pk, both in found.items() if both != (NOTHING, NOTHING)}


class Entry(models.Model):
    """One line: so much more or less set aside and spent for one call; their sum is where its money is."""

    generation = models.ForeignKey(
        "imagen.Generation", models.PROTECT, related_name="entries", verbose_name=_("request")
    )
    job = models.ForeignKey("imagen.Job", models.PROTECT, related_name="entries", verbose_name=_("call"))
    at = models.DateTimeField(_("when"), default=timezone.now)
    what = models.CharField(_("what"), max_length=10, choices=What.choices)
    reserved = MoneyField(_("set aside"))
    spent = MoneyField(_("spent"))
    currency = models.CharField(_("currency"), max_length=3)

    objects = EntryQuerySet.as_manager()

    class Meta:
        verbose_name = _("ledger entry")
        verbose_name_plural = _("ledger entries")
        ordering = ("at", "pk")
        default_permissions = ("view",)
        indexes = (models.Index(fields=("at",), name="imagen_entry_at"),)

    def __str__(self) -> str:
        return f"{self.what} {self.reserved} {self.spent} {self.currency}"

    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write a new line; one that stands is never written again."""
        if not self._state.adding:
            raise TypeError("the ledger is only added to")
        super().save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse."""
        raise TypeError("the ledger is only added to")
