"""How a description is put together: an editor's own words, a style, and the rules of the house."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import QuerySet

from imagen.models import HouseRule, Style

_GAP = re.compile(r"\{\s*([^{}\s](?:[^{}]{0,38}[^{}\s])?)\s*\}")  # one way to read it: blanks take no time
_END = re.compile(r"[.!?…:;,]\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Words that somebody else added: ``key`` names the row ("rule:3"), ``locked`` forbids to leave it out."""

    key: str
    name: str
    version: int
    words: str
    locked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wording:
    """A description in the making; ``prompt`` is what will be sent, ``avoid`` what the style wants to avoid."""

    own: str
    parts: tuple[Part, ...] = ()
    avoid: str = ""

    @property
    def pieces(self) -> list[tuple[str, Part | None]]:
        """Everything that is said, a sentence each, with whose it is: ``None`` for own words."""
        known = [(self.own.strip(), None), *((part.words.strip(), part) for part in self.parts)]
        said = [(text, part) for text, part in known if text]
        return [(text if _END.search(text) else f"{text}.", part) for text, part in said[:-1]] + said[-1:]

    @property
    def prompt(self) -> str:
        """All of it."""
        return " ".join(text for text, _part in self.pieces)

    def asdict(self) -> dict[str, Any]:
        """The same for the generation's record."""
        return {"own": self.own, "parts": [asdict(part) for part in self.parts]}


def compose(
    own: str, *, style: Style | None = None, left_out: Collection[str] = (), rules: Iterable[HouseRule] | None = None
) -> Wording:
    """Own words, then the style, then the rules in use, but for those ``left_out`` that may be.

    What the own words say already, as a sentence or a clause, is not said twice, so a whole text may come back as
    somebody's own words.
    """
    kept = [part for part in offered(style, rules) if part.locked or part.key not in left_out]
    parts = tuple(part for part in kept if not _says(own, part.words))
    return Wording(own=own, parts=parts, avoid=style.avoid if style and _named(style, kept) else "")


def _named(style: Style, parts: Iterable[Part]) -> bool:
    return any(part.key == f"style:{style.pk}" for part in parts)


def _says(own: str, words: str) -> bool:
    clause = rf"(?:^|[.!?…:;,]) ?{re.escape(_plain(words))}(?:$|[.!?…:;,])"
    return re.search(clause, _plain(own)) is not None


def _plain(text: str) -> str:
    """The text without what a sentence's place changes."""
    return _END.sub("", " ".join(text.split()).casefold())


def offered(style: Style | None = None, rules: Iterable[HouseRule] | None = None) -> list[Part]:
    """Every part there would be, to show it before anything is left out; ``rules`` are those in use, if read before."""
    chosen = [Part(key=f"style:{style.pk}", name=style.name, version=style.version, words=style.words)] if style else []
    return chosen + [
        Part(key=f"rule:{rule.pk}", name=rule.name, version=rule.version, words=rule.words, locked=rule.locked)
        for rule in (in_use() if rules is None else rules)
    ]


def in_use() -> QuerySet[HouseRule]:
    """The rules of the house that hold now."""
    return HouseRule.objects.filter(active=True)


def gaps(text: str) -> list[str]:
    """The names of a template's gaps, each once, in their order."""
    return list(dict.fromkeys(_GAP.findall(text)))


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with these values in its gaps; a gap without a value stays as it is."""
    return _GAP.sub(lambda gap: values.get(gap[1], "").strip() or gap[0], text)
