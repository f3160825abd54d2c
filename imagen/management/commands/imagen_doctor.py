"""``manage.py imagen_doctor``: is everything in place, keys and balances included."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand

from imagen.diagnosis import Finding, Level, examine


class Command(BaseCommand):
    """Looks at everything a picture needs; each line is ok, a warning or an error, with its fix."""

    help = "Says whether everything is in place, keys and balances included. Exit code 1 when something is not."
    requires_system_checks = ()  # it runs them itself, as findings

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--json``."""
        parser.add_argument("--json", action="store_true", help="Print the findings as JSON and nothing else.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print every finding; leave with 1 when one is an error."""
        well = self._document(examine()) if options["json"] else self._lines(examine())
        if not well:
            sys.exit(1)

    def _document(self, findings: Iterable[Finding]) -> bool:
        told = list(findings)
        well = all(finding.level is not Level.ERROR for finding in told)
        self.stdout.write(json.dumps({"ok": well, "findings": [asdict(finding) for finding in told]}, indent=2))
        return well

    def _lines(self, findings: Iterable[Finding]) -> bool:
        well = True
        styles = {Level.OK: self.style.SUCCESS, Level.WARNING: self.style.WARNING, Level.ERROR: self.style.ERROR}
        for finding in findings:
            well = well and finding.level is not Level.ERROR
            self.stdout.write(f"{styles[finding.level](f'{finding.level:<7}')}  {finding.subject}: {finding.text}")
            if finding.fix:
                self.stdout.write(f"         {finding.fix}")
        return well
