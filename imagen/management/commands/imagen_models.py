"""``manage.py imagen_models``: what can be asked for here, and what the providers changed about it."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import Error
from django.utils.timezone import localdate
from django.utils.translation import gettext as _

from imagen import listings, presentation, registry
from imagen.exceptions import ProviderNotConfigured
from imagen.listings import Report
from imagen.management import synced

PLAIN = frozenset({"prompt", "num_images"})
FAILED, REFUSED = 1, 2


class Command(BaseCommand):
    """The catalogue: each model with who sells it, at what price, what may be sent; ``--sync`` brings it up to date."""

    help = "Lists the models on sale here with their offers. Exit code 1: a provider's list could not be read."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--sync`` and what goes with it, and ``--json``."""
        parser.add_argument("--sync", action="store_true", help="Read the providers' lists and prices.")
        parser.add_argument("--provider", metavar="ALIAS", help="With --sync: this provider only.")
        parser.add_argument("--dry-run", action="store_true", help="With --sync: show what would change.")
        parser.add_argument("--json", action="store_true", help="Print JSON: what GET models/ answers, or the sync.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the catalogue, or sync it and print the differences."""
        if options["sync"]:
            self._sync(options)
        elif options["provider"] or options["dry_run"]:
            raise CommandError(_("--provider and --dry-run go with --sync."), returncode=REFUSED)
        else:
            self._list(as_json=options["json"])

    def _sync(self, options: dict[str, Any]) -> None:
        reports = _synced(options["provider"], dry_run=options["dry_run"])
        if options["json"]:
            self.stdout.write(json.dumps(synced.document(reports, dry_run=options["dry_run"]), indent=2))
        else:
            lines = [line for report in reports for line in synced.told(report)]
            self.stdout.write("\n".join([*lines, _closing(reports, dry_run=options["dry_run"])]))
        if any(report.error for report in reports):
            sys.exit(FAILED)

    def _list(self, *, as_json: bool) -> None:
        models = presentation.models_json()
        if as_json:
            self.stdout.write(json.dumps(models, indent=2))
        else:
            self.stdout.write(
                "\n".join(line for model in models for line in _lines(model)) or "Nothing is on sale here."
            )


def _synced(alias: str | None, *, dry_run: bool) -> tuple[Report, ...]:
    try:
        return listings.sync([alias] if alias else registry.configured(), dry_run=dry_run)
    except ProviderNotConfigured as error:
        known = ", ".join(registry.configured()) or "–"
        text = _("There is no provider %(alias)s with a key. There are: %(known)s.")
        raise CommandError(text % {"alias": alias, "known": known}, returncode=REFUSED) from error
    except Error as error:
        text = _("The database did not take the catalogue; nothing was changed. manage.py imagen_doctor says more.")
        raise CommandError(text, returncode=FAILED) from error


def _closing(reports: tuple[Report, ...], *, dry_run: bool) -> str:
    if not reports:
        return _("No provider is set up here.")
    if not any(report.changes for report in reports):
        return _("The catalogue stays as it is.")
    if dry_run:
        return _("Nothing was written: this was a dry run.")
    if any(report.error for report in reports):
        return _("What could be read is written down; running processes notice within a minute.")
    return _("The catalogue is up to date; running processes notice within a minute.")


def _lines(model: Mapping[str, Any]) -> Iterator[str]:
    yield f"{model['id']}  {model['name']}{_end(model)}"
    for offer in model["offers"]:
        yield f"    {offer['provider']}  {offer['provider_model']}  {_price(offer)}{_gone(offer)}"
        yield f"        {_parameters(offer['parameters']['properties'])}"


def _end(model: Mapping[str, Any]) -> str:
    if not model["retired_upstream_on"]:
        return ""
    return f", retired upstream on {model['retired_upstream_on']}, successor {model['successor'] or 'unknown'}"


def _price(offer: Mapping[str, Any]) -> str:
    return "price unknown" if offer["price"] is None else f"{offer['price']} {offer['unit']} a picture"


def _gone(offer: Mapping[str, Any]) -> str:
    since = registry.gone(offer["provider"]).get(offer["provider_model"])
    if since is None:
        return ""
    name = presentation.provider_label(offer["provider"])
    return f", no longer listed by {name} since {localdate(since)}"


def _parameters(properties: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}{_choices(facts)}" for name, facts in properties.items() if name not in PLAIN)


def _choices(facts: Mapping[str, Any]) -> str:
    return f" {' '.join(facts['enum'])}" if "enum" in facts else ""
