"""Reads texts out of the source and translations out of catalogues, without gettext's own tools."""

from __future__ import annotations

import ast
import gettext
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from django.utils.translation import templatize

import imagen

ROOT = Path(imagen.__file__).parents[1]
LANGUAGES = ("ar", "de", "fr")
SOURCES = {"imagen": ("imagen",), "project": ("project", "templates")}  # where a catalogue is, and what is in it
CALLS = {
    *("_", "gettext", "gettext_lazy", "gettext_noop", "ngettext", "ngettext_lazy"),
    *("pgettext", "pgettext_lazy", "npgettext"),
}
_CALL = re.compile(r"""\b(n?p?gettext|_)\(((?:u?(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")[,\s]*)+)""")
_LINE = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d\])?)? ?("(?:[^"\\]|\\.)*")$')


@dataclass(frozen=True, slots=True)
class Text:
    """One text to translate; its context and its plural may be empty."""

    one: str
    many: str = ""
    context: str = ""


@dataclass(slots=True)
class Entry:
    """One text of a catalogue with its translations; a text without plural has one."""

    text: Text
    said: list[str] = field(default_factory=list)
    fuzzy: bool = False


def _text(call: str, words: tuple[str, ...]) -> Text:
    context, words = (words[0], words[1:]) if "pgettext" in call else ("", words)
    return Text(words[0], words[1] if "ngettext" in call or call.startswith("np") else "", context)


def _of_python(path: Path) -> Iterator[Text]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in CALLS:
            words = [each.value for each in node.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
            assert words, f"{path.name}:{node.lineno} translates what nobody can read out of the source"
            yield _text(node.func.id, tuple(words))


def _of_template(path: Path) -> Iterator[Text]:
    for call, words in _CALL.findall(templatize(path.read_text(), origin=str(path))):
        yield _text(call, ast.literal_eval(f"({words.rstrip().rstrip(',')},)"))


@cache
def source(where: str = "imagen") -> set[Text]:
    """Every text there that is to be translated."""
    files = [path for folder in SOURCES[where] for path in (ROOT / folder).rglob("*.*")]
    python = (path for path in files if path.suffix == ".py" and path.parent.name != "migrations")
    templates = (path for path in files if path.suffix == ".html")
    found = {text for path in python for text in _of_python(path)}
    return found | {text for path in templates for text in _of_template(path)}


@cache
def catalogue(where: str, language: str) -> list[Entry]:
    """The entries of a .po file, its header left out."""
    blocks = (ROOT / f"{where}/locale/{language}/LC_MESSAGES/django.po").read_text().split("\n\n")
    return [entry for block in blocks if (entry := _entry(block)).text.one]


def _entry(block: str) -> Entry:
    words: dict[str, str] = {}
    keyword = ""
    for line in block.splitlines():
        if found := _LINE.match(line):
            keyword = found[1] or keyword
            words[keyword] = words.get(keyword, "") + ast.literal_eval(found[2])
    text = Text(words.get("msgid", ""), words.get("msgid_plural", ""), words.get("msgctxt", ""))
    said = [word for keyword, word in words.items() if keyword.startswith("msgstr")]
    return Entry(text, said, fuzzy=bool(re.search(r"^#,.*fuzzy", block, re.MULTILINE)))


def compiled(where: str, language: str) -> dict[Any, str]:
    """What the .mo file answers: by text, or by text and number of the plural's form."""
    with (ROOT / f"{where}/locale/{language}/LC_MESSAGES/django.mo").open("rb") as file:
        found: dict[Any, str] = dict(vars(gettext.GNUTranslations(file))["_catalog"])
    found.pop("")  # the header
    return found
