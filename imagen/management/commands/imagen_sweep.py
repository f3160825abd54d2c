"""``manage.py imagen_sweep``: picks up whatever went quiet."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, ArgumentTypeError
from threading import Event
from typing import Any

from django.core.management.base import BaseCommand
from django.utils import timezone

from imagen import tasks
from imagen.models import Job

STOPPING = (signal.SIGINT, signal.SIGTERM)


class Command(BaseCommand):
    """One sweep, or one every so many seconds until SIGTERM or SIGINT."""

    help = "Picks up whatever went quiet: works on what is due for a while, deletes files that have to go."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--every``."""
        parser.add_argument("--every", type=_seconds, metavar="N", help="Sweep again every N seconds until stopped.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep once or for ever."""
        self._sweep()
        if options["every"]:
            self._again(options["every"])

    def _again(self, seconds: float) -> None:
        stop = Event()
        before = {number: signal.signal(number, lambda *_: stop.set()) for number in STOPPING}
        try:
            while not stop.wait(seconds):
                self._sweep()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _sweep(self) -> None:
        due = Job.objects.due().count()
        tasks.sweep()
        left = Job.objects.due().count()
        self.stdout.write(f"{timezone.localtime():%Y-%m-%d %H:%M:%S} Calls due before: {due}, after: {left}.")
        self.stdout.flush()


def _seconds(text: str) -> float:
    """A number of seconds, or an error argparse can show."""
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 1 <= seconds <= 86_400:
        raise ArgumentTypeError("seconds are a number from 1 to 86400")
    return seconds
