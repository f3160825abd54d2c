"""The site's own rules for descriptions: words that nobody may ask for here, each under the name of its rule."""

from __future__ import annotations

import re
from collections.abc import Iterable

from imagen.conf import settings
from imagen.exceptions import FieldError, PromptBlocked


def check(prompt: str) -> None:
    """``PromptBlocked`` for the first word of ``IMAGEN["PROMPT_RULES"]`` in it: a whole word, in any case."""
    for rule, words in settings.PROMPT_RULES.items():
        if found := _any_of(words).search(prompt):
            facts = {"word": found[0], "rule": rule}
            raise PromptBlocked(errors=(FieldError(field="prompt", code="prompt_blocked", params=facts),), **facts)


def _any_of(words: Iterable[str]) -> re.Pattern[str]:
    choice = "|".join(r"\s+".join(map(re.escape, word.split())) for word in words)
    return re.compile(rf"(?<!\w)(?:{choice})(?!\w)", re.IGNORECASE)
