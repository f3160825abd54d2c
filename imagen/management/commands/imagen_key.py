"""``manage.py imagen_key``: API keys are made, listed and revoked; a key is printed once."""

from __future__ import annotations

import json
import re
from argparse import ArgumentTypeError
from datetime import datetime, timedelta
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.debug import sensitive_variables

from imagen import keyring, keys
from imagen.exceptions import Refused
from imagen.management.people import REFUSED, person
from imagen.messages import sentence
from imagen.models import ApiKey, KeyScope
from imagen.presentation import moment
from imagen.rates import Rate

FAILED = 1
USUAL_DAYS, MOST_DAYS = 90, 3650
USUAL_SCOPES = (KeyScope.READ, KeyScope.GENERATE)


class Command(BaseCommand):
    """Makes a key for a person's program, lists keys, takes one away."""

    help = "Makes, lists and revokes API keys. Exit code 1: the person has too many; 2: bad arguments."

    def add_arguments(self, parser: CommandParser) -> None:
        """Take what to do, and with which key."""
        verbs = parser.add_subparsers(dest="verb", required=True)
        create = verbs.add_parser("create", help="Make a key and print it, this once.")
        create.add_argument("name", metavar="NAME", help="Which program uses it, and where.")
        create.add_argument("--user", metavar="NAME", required=True, help="Whose permissions and budget count.")
        opens = "What it opens, once for each; read and generate without it."
        create.add_argument("--scope", choices=KeyScope.values, action="append", dest="scopes", help=opens)
        ends = "When it ends: 90d, which is usual, or never."
        create.add_argument("--expires", type=_end, metavar="DAYS", default=f"{USUAL_DAYS}d", help=ends)
        create.add_argument("--rate", type=_rate, help="How often it may ask, such as 60/min.")
        create.add_argument("--webhook-urls", action="store_true", help="Its requests may say which address to ring.")
        create.add_argument("--json", action="store_true", help="Print the key and what is known of it as JSON.")
        listing = verbs.add_parser("list", help="List keys.")
        listing.add_argument("--user", metavar="NAME", help="Those of this person.")
        listing.add_argument("--json", action="store_true", help="Print JSON.")
        revoke = verbs.add_parser("revoke", help="Take a key away for good.")
        revoke.add_argument("handle", metavar="KEY", help=f"The eight signs after {keys.PREFIX}; list shows them.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Do it."""
        {"create": self._create, "list": self._list, "revoke": self._revoke}[options["verb"]](options)

    @sensitive_variables("text")
    def _create(self, options: dict[str, Any]) -> None:
        row, text = _issued(options)
        if options["json"]:
            self.stdout.write(json.dumps({**_facts(row), "key": text}, indent=2))
            return
        self.stdout.write(text)
        said = _("This is the only time the key is shown; nobody can look it up again.")
        self.stderr.write(said, self.style.WARNING)

    def _list(self, options: dict[str, Any]) -> None:
        owner = person(options["user"])
        rows = (ApiKey.objects.of(owner) if owner else ApiKey.objects.all()).select_related("user")
        if options["json"]:
            self.stdout.write(json.dumps([_facts(row) for row in rows], indent=2))
        else:
            self.stdout.write("\n".join(map(_line, rows)) or _("There are no API keys."))

    def _revoke(self, options: dict[str, Any]) -> None:
        row = ApiKey.objects.select_related("user").filter(handle=options["handle"]).first()
        if row is None:
            text = _("There is no API key %(handle)s. manage.py imagen_key list shows them.")
            raise CommandError(text % {"handle": options["handle"][:20]}, returncode=REFUSED)
        fresh = keyring.revoke(row)
        text = _("Revoked: %(key)s.") if fresh else _("It was revoked before: %(key)s.")
        self.stdout.write(text % {"key": row})


def _issued(options: dict[str, Any]) -> tuple[ApiKey, str]:
    owner: Any = person(options["user"])
    asked = {"name": options["name"], "rate": options["rate"] or "", "webhook_urls": options["webhook_urls"]}
    try:
        return keyring.issue(
            user=owner, scopes=options["scopes"] or USUAL_SCOPES, expires_at=options["expires"], **asked
        )
    except ValidationError as error:
        raise CommandError(" ".join(error.messages), returncode=REFUSED) from error
    except Refused as refused:
        raise CommandError(sentence(refused.code, **refused.params), returncode=FAILED) from refused


def _facts(row: ApiKey) -> dict[str, Any]:
    """What is known of a key."""
    return {
        "handle": row.handle,
        "last_four": row.last_four,
        "name": row.name,
        "user": row.user.get_username(),
        "scopes": row.scopes,
        "rate": row.rate or None,
        "webhook_urls": row.webhook_urls,
        "state": str(row.state),
        "created_at": moment(row.created_at),
        "expires_at": moment(row.expires_at),
        "revoked_at": moment(row.revoked_at),
        "last_used_at": moment(row.last_used_at),
    }


def _line(row: ApiKey) -> str:
    ends, used = (f"{at:%Y-%m-%d}" if at else _("never") for at in (row.expires_at, row.last_used_at))
    told = _("expires: %(ends)s, last used: %(used)s") % {"ends": ends, "used": used}
    opened = ",".join(row.scopes)
    return f"{row.handle}  …{row.last_four}  {row.state:<7}  {row.user.get_username()}  {opened}  {told}  {row.name}"


def _end(text: str) -> datetime | None:
    """The moment so many days from now, none for “never”, or an error argparse can show."""
    days = re.fullmatch(r"([1-9][0-9]{0,3})d", text)
    if text != "never" and not (days and int(days[1]) <= MOST_DAYS):
        raise ArgumentTypeError(f"a key ends after 1d to {MOST_DAYS}d, or never")
    return timezone.now() + timedelta(days=int(days[1])) if days else None


def _rate(text: str) -> str:
    """The rate, or an error argparse can show."""
    try:
        Rate.read(text)
    except ValueError as right:
        raise ArgumentTypeError(f"a rate is a number and a time, such as {right}") from right
    return text
