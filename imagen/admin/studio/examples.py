"""Descriptions to begin with, for somebody who has not asked for anything yet."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.translation import gettext_lazy

EXAMPLES = (
    gettext_lazy("A lighthouse on a rocky coast at dawn, soft mist, photographed from the sea"),
    gettext_lazy("A tidy desk seen from above: notebook, pencil and a cup of coffee, morning light"),
    gettext_lazy("A city of the future with gardens on its roofs, flat illustration in calm colours"),
)


def begun(said: Mapping[str, str]) -> str:
    """The description once the example that was pressed has begun it; words of one's own stay."""
    own = said.get("prompt", "")
    known = {str(number): str(text) for number, text in enumerate(EXAMPLES, start=1)}
    return own if own.strip() and own not in known.values() else known.get(said.get("example", ""), own)
