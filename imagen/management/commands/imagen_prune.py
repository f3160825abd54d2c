"""``manage.py imagen_prune``: what is kept no longer goes, and storage and rows are compared in both directions."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError
from django.db.models import QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import files, housekeeping, renditions, strays
from imagen.conf import settings
from imagen.exceptions import StorageError
from imagen.management.people import person
from imagen.models import Batch, Erasure, Generation, leftovers

FAILED = 1
CENTURY, YEAR = 36_500, 366 * 86_400
DONE: Mapping[str, Any] = {
    "requests": gettext_lazy("Requests erased: %d"),
    "keys": gettext_lazy("Idempotency keys of this person deleted: %d"),
    "api_keys": gettext_lazy("API keys of this person deleted: %d"),
    "words": gettext_lazy("Styles and templates of this person deleted: %d"),
    "endpoints": gettext_lazy("Webhook endpoints and deliveries of this person deleted: %d"),
    "batches": gettext_lazy("Batches of which nothing is left deleted: %d"),
    "rows": gettext_lazy("Old keys, workers, anomalies and deliveries forgotten: %d"),
    "doomed": gettext_lazy("Files of erased pictures that are still there: %d"),
    "unfinished": gettext_lazy("Unfinished files deleted: %d"),
    "strays": gettext_lazy("Files without a picture deleted: %d"),
    "folders": gettext_lazy("Empty folders deleted: %d"),
    "renditions": gettext_lazy("Small copies of replaced pictures deleted: %d"),
    "missing": gettext_lazy("Pictures without a file: %d"),
}
WOULD: Mapping[str, Any] = {
    **DONE,
    "requests": gettext_lazy("Requests to erase: %d"),
    "keys": gettext_lazy("Idempotency keys of this person to delete: %d"),
    "api_keys": gettext_lazy("API keys of this person to delete: %d"),
    "words": gettext_lazy("Styles and templates of this person to delete: %d"),
    "endpoints": gettext_lazy("Webhook endpoints of this person to delete: %d"),
    "batches": gettext_lazy("Batches of which nothing is left to delete: %d"),
    "rows": gettext_lazy("Old keys, workers, anomalies and deliveries to forget: %d"),
    "unfinished": gettext_lazy("Unfinished files to delete: %d"),
    "strays": gettext_lazy("Files without a picture to delete: %d"),
    "folders": gettext_lazy("Empty folders to delete: %d"),
    "renditions": gettext_lazy("Small copies of replaced pictures to delete: %d"),
}


class Command(BaseCommand):
    """Erases what was kept long enough or is a person's, then tidies up; a line for each kind says how much."""

    help = (
        "Erases old requests, or those of one person, deletes files that no picture has, and names pictures that have "
        "no file. Exit code 0: all is in place; 1: something is not, or storage failed; 2: bad arguments."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take what to erase, how old a file has to be, and whether to do it."""
        chosen = parser.add_mutually_exclusive_group()
        days = "Erase requests that were finished so many days ago; KEEP_DAYS without it."
        chosen.add_argument("--days", type=_days, metavar="N", help=days)
        chosen.add_argument("--user", metavar="NAME", help="Erase every request of this person, and nobody else's.")
        grace = "How old a file that no picture has must be to be deleted; one hour without it."
        parser.add_argument("--grace", type=_seconds, metavar="SECONDS", default=files.STALE_SECONDS, help=grace)
        parser.add_argument("--dry-run", action="store_true", help="Change nothing and say what would be done.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Erase, tidy up, compare; whatever is left over is said last."""
        self.dry_run, self.verbosity = options["dry_run"], options["verbosity"]
        owner = person(options["user"])
        if self.dry_run and self.verbosity:
            self.stdout.write(_("This is a dry run: nothing is changed."))
        chosen = _chosen(owner, days=options["days"] or settings.KEEP_DAYS)
        if chosen is not None:
            self._erase(chosen)
        if owner is not None:
            self._delete("keys", housekeeping.keys_of(owner))
            self._delete("api_keys", housekeeping.api_keys_of(owner))
            self._delete("words", *housekeeping.words_of(owner))
            self._delete("endpoints", housekeeping.endpoints_of(owner))
        self._delete("batches", Batch.objects.empty(without=chosen if self.dry_run else None))
        self._delete("rows", *leftovers())
        if not self.dry_run:
            housekeeping.hush(owner)
        self._compare(timedelta(seconds=options["grace"]))

    def _compare(self, grace: timedelta) -> None:
        """Bring storage in line with the rows, or say what keeps us from it."""
        try:
            left = self._clear(grace)
            gone = self._missing()
        except StorageError as error:
            raise CommandError(_failure(error), returncode=FAILED) from error
        if wrong := [*_undeleted(left), *_lost(gone)]:
            raise CommandError("\n".join(wrong), returncode=FAILED)

    def _erase(self, chosen: QuerySet[Generation]) -> None:
        if self.dry_run:
            self._say("requests", chosen.count())
        else:
            self._count(housekeeping.erase(chosen), lambda pk: "requests", "requests")

    def _delete(self, kind: str, *querysets: QuerySet[Any]) -> None:
        self._say(kind, sum(rows.count() if self.dry_run else rows.delete()[0] for rows in querysets))

    def _clear(self, grace: timedelta) -> int:
        """Delete what has to leave storage and return how many erased files would not go."""
        while not self.dry_run and files.purge():
            pass  # as long as some go
        left = Erasure.objects.count()
        self._say("doomed", left)
        self._say("unfinished", files.tidy(seconds=grace.total_seconds(), dry_run=self.dry_run))
        self._count(strays.strays(grace=grace, dry_run=self.dry_run), _kind, "strays", "folders")
        self._count(renditions.clear(dry_run=self.dry_run), lambda name: "renditions", "renditions")
        return 0 if self.dry_run else left

    def _missing(self) -> int:
        return self._count(strays.missing(), lambda pk: "missing", "missing", named=True)

    def _count(self, items: Iterable[Any], kind: Callable[[Any], str], *kinds: str, named: bool = False) -> int:
        """Go through them, say how many of each kind there were, also when it ends early, and return how many."""
        found: Counter[str] = Counter()
        try:
            for item in items:
                found[kind(item)] += 1
                if named or self.verbosity > 1:
                    self.stdout.write(f"    {item}")
        finally:
            for each in kinds:
                self._say(each, found[each])
        return found.total()

    def _say(self, kind: str, count: int) -> None:
        if self.verbosity:
            self.stdout.write(str((WOULD if self.dry_run else DONE)[kind]) % count)


def _chosen(owner: AbstractBaseUser | None, *, days: int | None) -> QuerySet[Generation] | None:
    """The requests that have to go; ``None`` where all are kept."""
    if owner is not None:
        return housekeeping.requests_of(owner)
    return housekeeping.outlived(days=days) if days else None


def _kind(name: str) -> str:
    return "folders" if name.endswith("/") else "strays"


def _failure(error: StorageError) -> str:
    text = _(
        "The storage failed (%(error)s). What was done stays done, and nothing is lost. "
        "manage.py imagen_doctor says whether it works again; then run imagen_prune once more."
    )
    return text % {"error": type(error.__cause__ or error).__name__}


def _undeleted(count: int) -> Iterator[str]:
    if count:
        text = ngettext(
            "%(count)s file of an erased picture could not be deleted. Every sweep tries again; "
            "manage.py imagen_doctor says whether the storage lets us delete.",
            "%(count)s files of erased pictures could not be deleted. Every sweep tries again; "
            "manage.py imagen_doctor says whether the storage lets us delete.",
            count,
        )
        yield text % {"count": count}


def _lost(count: int) -> Iterator[str]:
    if count:
        text = ngettext(
            "%(count)s picture has no file or no preview in storage; its id stands above and its row was kept. "
            "Restore the file from a backup, or delete the picture in the admin.",
            "%(count)s pictures have no file or no preview in storage; their ids stand above and their rows were kept. "
            "Restore the files from a backup, or delete the pictures in the admin.",
            count,
        )
        yield text % {"count": count}


def _days(text: str) -> int:
    """A number of days, or an error argparse can show."""
    if not (text.isdecimal() and 1 <= int(text) <= CENTURY):
        raise ArgumentTypeError("days are a whole number from 1 to 36500")
    return int(text)


def _seconds(text: str) -> float:
    """A number of seconds, or an error argparse can show."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= YEAR:
        raise ArgumentTypeError("seconds are a number from 0 to 31622400")
    return seconds
