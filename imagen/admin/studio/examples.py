"""Descriptions to begin with, for somebody who has not asked for anything yet."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext_lazy

from imagen.admin.studio.doorway import example

EXAMPLES = (
    gettext_lazy("A lighthouse on a rocky coast at dawn, soft mist, photographed from the sea"),
    gettext_lazy("A tidy desk seen from above: notebook, pencil and a cup of coffee, morning light"),
    gettext_lazy("A city of the future with gardens on its roofs, flat illustration in calm colours"),
)


def links(request: HttpRequest) -> list[dict[str, Any]]:
    """Each of them with the address where the form begins with it; the address carries its number alone."""
    return [{"text": text, "href": example(request, number)} for number, text in enumerate(EXAMPLES, start=1)]


def chosen(request: HttpRequest) -> str:
    """The one the address names; empty for none."""
    known = {str(number): str(text) for number, text in enumerate(EXAMPLES, start=1)}
    return known.get(request.GET.get("example", ""), "")
