"""``manage.py imagen_models``: what can be asked for here."""

from __future__ import annotations

import json
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping
from typing import Any

from django.core.management.base import BaseCommand

from imagen import presentation

PLAIN = frozenset({"prompt", "num_images"})


class Command(BaseCommand):
    """The catalogue: each model with who sells it, at what price, and what may be sent."""

    help = "Lists the models on sale here with their offers."

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Take ``--json``."""
        parser.add_argument("--json", action="store_true", help="Print what GET models/ answers.")

    def handle(self, *args: Any, **options: Any) -> None:
        """Print the catalogue."""
        models = presentation.models_json()
        if options["json"]:
            self.stdout.write(json.dumps(models, indent=2))
        else:
            self.stdout.write(
                "\n".join(line for model in models for line in _lines(model)) or "Nothing is on sale here."
            )


def _lines(model: Mapping[str, Any]) -> Iterator[str]:
    yield f"{model['id']}  {model['name']}{_end(model)}"
    for offer in model["offers"]:
        yield f"    {offer['provider']}  {offer['provider_model']}  {_price(offer)}"
        yield f"        {_parameters(offer['parameters']['properties'])}"


def _end(model: Mapping[str, Any]) -> str:
    if not model["retired_upstream_on"]:
        return ""
    return f", retired upstream on {model['retired_upstream_on']}, successor {model['successor'] or 'unknown'}"


def _price(offer: Mapping[str, Any]) -> str:
    return "price unknown" if offer["price"] is None else f"{offer['price']} {offer['unit']} a picture"


def _parameters(properties: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}{_choices(facts)}" for name, facts in properties.items() if name not in PLAIN)


def _choices(facts: Mapping[str, Any]) -> str:
    return f" {' '.join(facts['enum'])}" if "enum" in facts else ""
