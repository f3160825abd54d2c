"""``manage.py imagen_worker``: the engine without django-q2."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand

from imagen import engine


class Command(BaseCommand):
    """One process that works until SIGTERM or SIGINT, then finishes or gives back what is under way."""

    help = "Works on everything that is due, in one process and without django-q2, until SIGTERM or Ctrl-C."

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve, with one line at the start and one at the end."""
        engine.serve(ready=self._say_ready)
        self.stdout.write("The worker has stopped; nothing is lost.")

    def _say_ready(self) -> None:
        self.stdout.write("The worker is ready.")
        self.stdout.flush()
