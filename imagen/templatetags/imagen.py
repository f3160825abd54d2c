"""Tags for a site's own templates."""

from __future__ import annotations

from typing import Any

from django import template

from imagen import duties

register = template.Library()


@register.inclusion_tag("imagen/needs_you.html", takes_context=True)
def imagen_needs_you(context: dict[str, Any]) -> dict[str, Any]:
    """What waits for who looks, as sentences with their links; nothing when nothing does."""
    return {"duties": duties.of(context["request"])}
