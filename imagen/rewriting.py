"""A description as a function that the site names in its settings says it: called safely, and what it changed."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from difflib import SequenceMatcher
from itertools import takewhile
from typing import Any

from django.utils.module_loading import import_string

from imagen.conf import settings
from imagen.types import MAX_PROMPT

logger = logging.getLogger("imagen")

ALL_TOKENS = 500  # of more, the frequent ones are left aside: a text that repeats itself would take minutes
_TOKEN = re.compile(r"\s*(?:\w+(?:['’-]\w+)*|[^\w\s])")


def function(setting: str) -> Callable[..., Any] | None:
    """The function this setting names; ``None`` when it names none or there is none."""
    try:
        found: Any = import_string(getattr(settings, setting))
    except Exception:  # a module of the site's own may break in any way; the system check names it
        return None
    return found if callable(found) else None


def said(setting: str, text: str, **facts: str) -> str | None:
    """What the site's function makes of this text; ``None`` when there is none, it fails or it says too much."""
    rewrite = function(setting)
    if rewrite is None:
        return None
    try:
        found = str.strip(rewrite(text, **facts))
    except Exception as error:  # a site's own function may raise anything, and the page has more to show
        logger.warning("IMAGEN[%r] failed: %s", setting, type(error).__name__)
        return None
    return found if len(found) <= MAX_PROMPT else None


def changes(before: str, after: str) -> list[dict[str, str]]:
    """The words that differ, what each ``was`` and is ``now``; one of the two may be empty."""
    pairs = [(was.strip(), now.strip()) for was, now in steps(before, after)]
    return [{"was": was, "now": now} for was, now in pairs if was != now]


def steps(before: str, after: str) -> Iterator[tuple[str, str]]:
    """Both texts from their beginning to their end, in runs of words that are the same and runs that differ."""
    was, now = _TOKEN.findall(before), _TOKEN.findall(after)
    alike = takewhile(lambda pair: pair[0] == pair[1], zip(_bare(was), _bare(now), strict=False))
    same = len(list(alike))  # most of it where words are only added
    if same:
        yield "".join(was[:same]), "".join(now[:same])
    many = max(len(was), len(now)) > ALL_TOKENS
    rest = SequenceMatcher(None, _bare(was[same:]), _bare(now[same:]), autojunk=many)
    for _kind, a, b, c, d in rest.get_opcodes():
        yield "".join(was[same + a : same + b]), "".join(now[same + c : same + d])


def _bare(tokens: list[str]) -> list[str]:
    return [token.strip() for token in tokens]
