"""Every page that is written by the code: where it stands, and what it says now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from manual import errors, rest, schema

REFERENCE = Path(__file__).resolve().parents[1] / "docs" / "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One page; ``write`` makes its text."""

    name: str
    write: Callable[[], str]

    @property
    def path(self) -> Path:
        """Where it stands."""
        return REFERENCE / self.name

    @property
    def text(self) -> str:
        """What it has to say now."""
        return self.write()

    @property
    def current(self) -> bool:
        """Whether that is what it says."""
        return self.path.exists() and self.path.read_text() == self.text


PAGES = (
    Page(name="openapi.yaml", write=schema.text),
    Page(name="rest.md", write=rest.text),
    Page(name="errors.md", write=errors.text),
)
