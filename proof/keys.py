"""What people may do with idempotency keys, and what the contract answers: a reference that knows no database."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

DAY = 24 * 3600.0
Held = frozenset[tuple[str, str]]  # whose keys are in the hands of a request that is being taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """How a body is written down; it says the same whichever way."""

    backwards: bool = False
    airy: bool = False
    escaped: bool = False
    slash: bool = True

    def write(self, body: dict[str, Any]) -> bytes:
        """The bytes."""
        words = _reversed(body) if self.backwards else body
        return json.dumps(words, indent=1 if self.airy else None, ensure_ascii=self.escaped).encode()


def _reversed(value: Any) -> Any:
    return {name: _reversed(value[name]) for name in reversed(value)} if isinstance(value, dict) else value


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Somebody asks; where it ``breaks``, the server stumbles before it could commit."""

    person: str
    key: str | None
    body: dict[str, Any]
    spelling: Spelling
    breaks: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """While the first is being taken, and nothing is committed, others ask."""

    first: Ask
    others: tuple[Ask, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    """Time passes."""

    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What was made under a key is cancelled or deleted."""

    person: str
    key: str
    delete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What is heard: the bytes and the address of a taken request, the code of a problem."""

    status: int
    code: str = ""
    again: str = ""  # after so many seconds
    replayed: bool = False
    content: bytes = b""
    location: str = ""


@dataclass(slots=True, kw_only=True)
class _Kept:
    body: dict[str, Any]
    answer: Answer
    at: float
    deleted: bool = False


TAKEN = Answer(status=202)
BROKEN = Answer(status=500, code="internal_error")
REFUSED = Answer(status=400, code="invalid_request")
CONFLICT = Answer(status=422, code="idempotency_conflict")
IN_PROGRESS = Answer(status=409, code="idempotency_in_progress", again="1")
GONE = Answer(status=404, code="not_found")


@dataclass(slots=True)
class Memory:
    """What was answered first under each person's key, for a day."""

    now: float = 0.0
    taken: int = 0
    _kept: dict[tuple[str, str], _Kept] = field(default_factory=dict)

    def answer(self, asked: Ask, held: Held = frozenset()) -> Answer:
        """What has to be answered; of ``TAKEN``, bytes and address are the server's to choose."""
        if asked.key is not None and (kept := self.kept(asked.person, asked.key)):
            return self._again(asked, kept)
        if (asked.person, asked.key) in held:
            return IN_PROGRESS
        return REFUSED if wrong(asked.body) else BROKEN if asked.breaks else TAKEN

    def keep(self, asked: Ask, answer: Answer) -> None:
        """This is what was answered first."""
        self.taken += 1
        if asked.key is not None:
            self._kept[asked.person, asked.key] = _Kept(body=asked.body, answer=answer, at=self.now)

    def kept(self, person: str, key: str) -> _Kept | None:
        """What is remembered; a day later, nothing."""
        found = self._kept.get((person, key))
        return found if found and self.now - found.at < DAY else None

    @staticmethod
    def _again(asked: Ask, kept: _Kept) -> Answer:
        if asked.body != kept.body:
            return CONFLICT
        return GONE if kept.deleted else kept.answer


def wrong(body: dict[str, Any]) -> bool:
    """Whether a body is refused wherever it comes."""
    return not body["prompt"] or body.get("num_images", 1) > 4 or "colour" in body
