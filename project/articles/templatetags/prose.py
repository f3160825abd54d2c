"""Plain text as paragraphs."""

from __future__ import annotations

import re

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

register = template.Library()


@register.filter
def prose(text: str) -> SafeString:
    """Blank lines part paragraphs, ``## `` starts a heading; everything else is shown as it was typed."""
    blocks = (block.strip() for block in re.split(r"\n\s*\n", text))
    return format_html_join("\n", "{}", ((_block(block),) for block in blocks if block))


def _block(block: str) -> SafeString:
    if block.startswith("## "):
        heading, _, rest = block.removeprefix("## ").partition("\n")
        return format_html("<h2>{}</h2>{}", heading.strip(), format_html("\n<p>{}</p>", rest) if rest else "")
    return format_html("<p>{}</p>", block)
