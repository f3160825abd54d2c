"""A milder wording for a description that a service declined: by a table of ours, or by a function of the site's."""

from __future__ import annotations

import re

from imagen import rewriting

WORDS = (  # whole words in any case, and what is said instead
    # violence
    (r"blood[- ](?:soaked|stained|covered|spattered)", "weathered"),
    (r"bloody|gory|gruesome", "dramatic"),
    (r"blut(?:ig|überströmt|verschmiert)(e[mnrs]?)?", r"dramatisch\1"),
    (r"sanglante?(s?)", r"dramatique\1"),
    (r"corpse|dead body", "lying figure"),
    (r"corpses|dead bodies", "lying figures"),
    (r"cadavre(s?)", r"silhouette\1"),
    (r"shooting(?! stars?\b)|killing|attacking|stabbing", "facing"),
    (r"kills|attacks|stabs", "faces"),
    (r"massacre|slaughter", "battle scene"),
    (r"(?:gun|pistol|rifle|weapon)(s?)", r"prop\1"),
    # what is not worn
    (r"naked|nude|topless", "dressed"),
    (r"nackt(e[mnrs]?)?", r"bekleidet\1"),
    (r"sexy|seductive|erotic", "elegant"),
    # children
    (r"children|kids|toddlers", "people"),
    (r"(?:child|kid|toddler|boy|girl)", "young adult"),
    (r"boys|girls", "young adults"),
    (r"enfants", "personnes"),
    # brands
    (r"coca[- ]cola|pepsi", "cola"),
    (r"(?:disney|pixar)(?:['’]s)?", "classic animation"),
    (r"mickey mouse", "cartoon mouse"),
    (r"micky maus", "Zeichentrickmaus"),
    (r"lego", "toy brick"),
    (r"iphone", "mobile phone"),
    (r"pok[eé]mon", "cartoon creature"),
    (r"nike|adidas", "sports"),
)
_NAME = r"(?: [A-Z]\w[\w'’-]*)+"
NAMES = (  # the same as they are written here: only capitals tell that these are real people, or German nouns
    (rf"(?:(?:the|an?) )?(?:President|Chancellor|Prime Minister|Minister|Senator){_NAME}", "a politician"),
    (rf"(?:Präsident|Kanzler|Bundeskanzler|Minister){_NAME}", "ein Politiker"),
    (rf"(?:(?:the|an?) )?(?:King|Queen|Prince|Princess|Pope){_NAME}", "a dignitary"),
    (rf"in the style of{_NAME}", "in a painterly style"),
    (rf"im Stil von{_NAME}", "in malerischem Stil"),
    (rf"dans le style de{_NAME}", "dans un style pictural"),
    ("Leiche", "Gestalt"),
    ("Leichen", "Gestalten"),
    ("Waffen", "Requisiten"),
    ("Kinder", "Menschen"),
)
_RULES = (
    *((re.compile(rf"\b(?:{pattern})\b"), words) for pattern, words in NAMES),
    *((re.compile(rf"\b(?:{pattern})\b", re.IGNORECASE), words) for pattern, words in WORDS),
)
_BEGINS = re.compile(r"(?:^|[.!?…]\s+)$")


def milder(text: str) -> str:
    """This description as ``IMAGEN["REWORDING"]`` would say it; empty when that has nothing to offer."""
    said = rewriting.said("REWORDING", text)
    return said if said and said != text.strip() else ""


def by_table(text: str) -> str:
    """This description with every word of the tables replaced."""
    for pattern, words in _RULES:
        text = pattern.sub(lambda found, words=words: _replaced(found, words), text)  # type: ignore[misc]  # mypy cannot infer a lambda with a default
    return text


def _replaced(found: re.Match[str], words: str) -> str:
    said = found.expand(words)
    begins = found.group()[0].isupper() and _BEGINS.search(found.string[: found.start()])
    return said[0].upper() + said[1:] if begins else said
