"""``manage.py imagen_generate``: a picture from the command line, through the same pipeline as everywhere."""

from __future__ import annotations

import json
import logging
import shutil
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from django.contrib.auth.models import AbstractBaseUser
from django.core.management.base import BaseCommand, CommandError
from django.db import Error, OperationalError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imagen import messages, pipeline, presentation
from imagen.exceptions import Refused
from imagen.management.people import REFUSED, person
from imagen.management.progress import Progress
from imagen.management.spare import Spare
from imagen.models import Generation, Image
from imagen.states import Status

LOOK_SECONDS = 0.25
LOGGERS = ("imagen", "django-q")
FAILED, UNCONFIRMED, INTERRUPTED = 1, 3, 130
ASKED = ("model", "provider", "aspect_ratio", "resolution", "num_images", "seed", "negative_prompt")


class Command(BaseCommand):
    """Asks for pictures, works itself when nobody else does, waits, and says in plain words how it went."""

    help = "Generates pictures. Exit code 0: ready, at least in part; 1: failed; 2: refused; 3: nobody knows."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take the fields of a request, and what to do with the pictures."""
        parser.add_argument("prompt", help="What the picture shows.")
        for name in ASKED:
            kind = int if name in ("num_images", "seed") else str
            parser.add_argument(f"--{name.replace('_', '-')}", type=kind)
        parser.add_argument("--user", help="Whose request it is, by the name they sign in with.")
        parser.add_argument("--output", type=Path, metavar="DIR", help="Copy the pictures into this folder.")
        parser.add_argument("--json", action="store_true", help="Print the generation as JSON and nothing else.")
        parser.add_argument("--no-wait", action="store_true", help="Return as soon as it is queued.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Ask, wait, deliver."""
        with _hushed(*(LOGGERS if options["verbosity"] < 2 else ())):
            self._generate(options)

    def _generate(self, options: dict[str, Any]) -> None:
        owner, folder = person(options["user"]), _folder(options["output"])
        progress = None if options["json"] else Progress(self.stdout)
        generation = _ask(options, owner, progress)
        if not options["no_wait"]:
            self._wait(generation, progress)
        self._deliver(generation, owner, folder=folder, as_json=options["json"])

    def _wait(self, generation: Generation, progress: Progress | None) -> None:
        try:
            with Spare() as spare:
                _follow(generation, progress, spare)
        except KeyboardInterrupt:
            text = _("No longer waiting: request %(id)s stays queued, and the next worker goes on with it.")
            raise CommandError(text % {"id": generation.pk}, returncode=INTERRUPTED) from None
        finally:
            if progress:
                progress.end()

    def _deliver(
        self, generation: Generation, owner: AbstractBaseUser | None, *, folder: Path | None, as_json: bool
    ) -> None:
        may_review = owner is not None and owner.has_perm("imagen.review")  # type: ignore[attr-defined]  # AbstractBaseUser leaves permissions to its mixin
        copied = list(_copies(generation, folder, may_review=may_review))
        if as_json:
            self.stdout.write(json.dumps(presentation.generation_json(generation, may_review=may_review), indent=2))
        else:
            self.stdout.write("\n".join(_told(generation, copied, may_review=may_review)))
        _conclude(generation)


@contextmanager
def _hushed(*names: str) -> Iterator[None]:
    """The log's small talk stays off the terminal; warnings do not."""
    logs = [logging.getLogger(name) for name in names]
    levels = [log.level for log in logs]
    for log in logs:
        log.setLevel(max(log.level, logging.WARNING))
    try:
        yield
    finally:
        for log, level in zip(logs, levels, strict=True):
            log.setLevel(level)


def _folder(folder: Path | None) -> Path | None:
    """The folder, made and writable before anything is paid."""
    if folder is not None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (probe := folder / ".imagen").touch()
            probe.unlink()
        except OSError as error:
            text = _("The folder %(folder)s cannot be written to.") % {"folder": folder}
            raise CommandError(text, returncode=REFUSED) from error
    return folder


def _ask(options: dict[str, Any], owner: AbstractBaseUser | None, progress: Progress | None) -> Generation:
    """Say what it would cost, then ask for it."""
    asked = {name: options[name] for name in ASKED if options[name] is not None}
    try:
        if progress:
            quote = pipeline.quote(prompt=options["prompt"], user=owner, **asked)
            progress.begin(quote, count=asked.get("num_images", 1))
        return pipeline.request(prompt=options["prompt"], user=owner, **asked)
    except Refused as error:
        raise CommandError(_refusal(error), returncode=REFUSED) from error
    except Error as error:
        text = _("The database did not take the request; nothing was spent. manage.py imagen_doctor says more.")
        raise CommandError(text, returncode=FAILED) from error


def _refusal(refused: Refused) -> str:
    fields = (f"  {wrong.field}: {messages.field_sentence(wrong.code, **wrong.params)}" for wrong in refused.errors)
    return "\n".join([messages.answer(refused.code, **refused.params), *fields])


def _follow(generation: Generation, progress: Progress | None, spare: Spare) -> None:
    """Look again and again until it is over; a database that does not answer is asked again."""
    while True:
        with suppress(OperationalError):
            generation.refresh_from_db()
            if progress:
                progress.show(generation)
            if generation.finished or generation.status == Status.UNCONFIRMED:
                return
            spare.help(generation)
        time.sleep(LOOK_SECONDS)


def _copies(generation: Generation, folder: Path | None, *, may_review: bool) -> Iterator[Path]:
    if folder is not None:
        for image in generation.images.order_by("index"):
            if may_review or not image.withheld:
                yield _copy(image, folder)


def _copy(image: Image, folder: Path) -> Path:
    target = folder / f"{image.pk}.{image.format.replace('jpeg', 'jpg')}"
    try:
        with image.file.open("rb") as source, target.open("wb") as copy:
            shutil.copyfileobj(source, copy)
    except Exception as error:  # a storage backend may raise anything
        text = _("The picture %(id)s is in the site's storage, but could not be copied.") % {"id": image.pk}
        raise CommandError(text, returncode=FAILED) from error
    return target


def _told(generation: Generation, copied: list[Path], *, may_review: bool) -> Iterator[str]:
    """The last lines: where the pictures are, what is held back, the id."""
    images = list(generation.images.order_by("index"))
    held = 0 if may_review else sum(image.withheld for image in images)
    yield from (str(path) for path in copied)
    if not copied:
        yield from (str(image.file) for image in images if may_review or not image.withheld)
    if held:
        yield ngettext("%(count)s picture is held for review.", "%(count)s pictures are held for review.", held) % {
            "count": held
        }
    yield _("Request %(id)s") % {"id": generation.pk}


def _conclude(generation: Generation) -> None:
    """Leave with the exit code of how it ended, and the reason."""
    codes = {Status.FAILED: FAILED, Status.CANCELED: FAILED, Status.UNCONFIRMED: UNCONFIRMED}
    if generation.status in codes:
        error = presentation.story(generation).error
        text = error.whole if error else generation.get_status_display()
        raise CommandError(text, returncode=codes[Status(generation.status)])
