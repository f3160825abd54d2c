"""``manage.py demo``: the whole site on this machine with one command."""

from __future__ import annotations

import json
import logging
import time
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from project import demo
from project.processes import Gone, Processes, Stopped


class Command(BaseCommand):
    """Sets up, starts the processes, generates a first image, then prints it or serves until stopped."""

    requires_system_checks = ()  # from Django 6.1 they would call a database that is away one without JSON
    help = "Runs the demo on 127.0.0.1: accounts, web server, queue cluster and a first image from the sandbox."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--once`` and ``--port``."""
        parser.add_argument("--once", action="store_true", help="Generate one image, print it as JSON and end.")
        parser.add_argument("--port", type=_port, default=8000, help="The port to serve on (default: 8000).")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run the demo; every failure is one sentence."""
        if not settings.DEBUG:
            raise CommandError("The demo has public passwords, so it runs only with DEBUG=1.")
        self.check(databases=[])
        for name in ("imagen", "django-q"):
            logging.getLogger(name).setLevel(logging.WARNING)
        try:
            with Processes(settings.BASE_DIR / "manage.py") as processes:
                self._once(processes) if options["once"] else self._stay(processes, options["port"])
        except (demo.DemoError, Gone) as error:
            raise CommandError(str(error)) from error
        except Stopped as error:
            if options["once"]:
                raise CommandError("The demo was stopped before its image was ready.") from error
            self._say("Stopped.")

    def _once(self, processes: Processes) -> None:
        user = demo.prepare()
        processes.start("queue cluster", ["qcluster"])
        generation = demo.first_image(user, check=processes.check)
        demo.magazine(user, check=processes.check)
        self.stdout.write(json.dumps(demo.presented(generation), ensure_ascii=False))

    def _stay(self, processes: Processes, port: int) -> None:
        demo.require_free(port)
        user = demo.prepare()
        processes.start("queue cluster", ["qcluster"])
        processes.start("web server", ["runserver", "--noreload", f"127.0.0.1:{port}"])
        demo.wait_for(port, check=processes.check)
        self._say(demo.welcome(port, key=demo.key(user)))
        generation = demo.first_image(user, check=processes.check)
        self._say(f"The first image is ready: {demo.location(generation, port)}\n")
        demo.magazine(user, check=processes.check)
        self._say("The magazine is out.\nCtrl-C ends the demo.\n")
        while True:
            processes.check()
            time.sleep(0.2)

    def _say(self, text: str) -> None:
        """Print at once, also into a pipe."""
        self.stdout.write(text)
        self.stdout.flush()


def _port(text: str) -> int:
    """A port number, or an error argparse can show."""
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise ArgumentTypeError("a port is a number from 1 to 65535")
    return int(text)
