"""``manage.py imagen_rekey``: what is encrypted moves to the first of ``ENCRYPTION_KEYS``; the others can go."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils.translation import gettext as _

from imagen import webhooks
from imagen.exceptions import VaultClosed


class Command(BaseCommand):
    """Encrypts every webhook secret anew; all of them or, when one cannot be read, none."""

    help = (
        "Encrypts every webhook secret with the first of IMAGEN['ENCRYPTION_KEYS']; the others can be taken out "
        "afterwards. Exit code 1: a secret cannot be read with any of the keys, and nothing was changed."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it and say how many there are."""
        try:
            count = webhooks.turn_keys()
        except VaultClosed as error:
            raise CommandError(_("Nothing was changed: %(reason)s.") % {"reason": error.message}) from error
        self.stdout.write(_("Endpoints encrypted with the first key: %d") % count)
