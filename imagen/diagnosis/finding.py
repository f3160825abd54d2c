"""What the doctor says: one thing looked at, how it is, what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad a finding is; an error stops pictures from being made."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the doctor looked at, how it is, and what to do about it."""

    level: Level
    subject: str
    text: str
    fix: str = ""


def ok(subject: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(level=Level.OK, subject=subject, text=text)


def hint(subject: str, text: str, fix: str) -> Finding:
    """Nothing has to be done, but something could."""
    return Finding(level=Level.OK, subject=subject, text=text, fix=fix)


def warning(subject: str, text: str, fix: str) -> Finding:
    """Something that makes pictures late, or will one day."""
    return Finding(level=Level.WARNING, subject=subject, text=text, fix=fix)


def error(subject: str, text: str, fix: str) -> Finding:
    """Something that stops pictures from being made."""
    return Finding(level=Level.ERROR, subject=subject, text=text, fix=fix)
