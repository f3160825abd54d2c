"""A service with one thing to sell."""

from __future__ import annotations

from imagen.providers.sandbox import Sandbox


class OneModel(Sandbox):
    """The sandbox with a single model."""

    offers = {"imagen-4": Sandbox.offers["imagen-4"]}
