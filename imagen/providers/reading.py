"""How any gateway's answers are read: a status becomes its error, a surprise an unreadable answer."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar, TypeVar

from imagen.exceptions import Busy, Declined, NotFound, ProviderError, Unclear, Unreadable
from imagen.providers.cleaning import cleaned, quoted
from imagen.types import Failure, Reply

REMOTE_ID = re.compile(r"(?!\.)[A-Za-z0-9_.:-]{1,255}")  # never "..": it stands in a path
SURPRISES = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
_FILTERED = re.compile(r"filtered|sensitive|moderat|safety|content.?polic|prohibited|nsfw", re.IGNORECASE)
_POOR = re.compile(r"insufficient[ _-]?(credit|balance|fund)", re.IGNORECASE)
_UNDECIDED = frozenset({408, 409, 499})  # a proxy may say these after the call went through
T = TypeVar("T")


class Reader:
    """What every gateway's answers have in common."""

    label: ClassVar[str]
    api_key: str
    webhook_secrets: tuple[str, ...]

    def understand(self, reply: Reply, parse: Callable[[dict[str, Any]], T]) -> T:
        """What ``parse`` makes of a good answer; what it stumbles over is an unreadable one."""
        try:
            return parse(self.accept(reply))
        except SURPRISES as error:
            raise Unreadable(f"{self.label} answered in an unknown shape") from error

    def accept(self, reply: Reply) -> dict[str, Any]:
        """The document of a successful reply; any other status becomes its error."""
        if 200 <= reply.status < 300:
            return reply.document()
        if reply.status == 429:
            raise Busy("too many requests", retry_after=_seconds(reply.headers.get("retry-after", "")))
        if 400 <= reply.status < 500:
            raise self.refusal(reply.status, self.message(reply.document()))
        raise Unclear(f"{self.label} answered {reply.status}", code=_unclear_code(reply.status))

    def refusal(self, status: int, message: str) -> ProviderError:
        """The error for a complete, definite refusal with this HTTP status."""
        text = self.clean(message)
        if status == 429:
            return Busy(text)
        if status == 402 or _POOR.search(text):
            return Declined(text, code="provider_insufficient_credits")
        if status in (401, 403):
            return Declined(text, code="provider_auth")
        if status in (404, 410):
            return NotFound(text)
        if 400 <= status < 500 and status not in _UNDECIDED:
            return Declined(text, code=self.failure(text, "provider_rejected").code)
        return Unclear(text, code=_unclear_code(status))

    def failure(self, message: str, code: str = "provider_failed") -> Failure:
        """Why a job failed: the filter is recognised by its words, everything else is ``code``."""
        return Failure(code="content_filtered" if _FILTERED.search(message) else code, message=message)

    def message(self, document: dict[str, Any]) -> str:
        """The provider's own words in an error document; ``detail`` and ``title`` are RFC 9457's."""
        words = (document.get(name) for name in ("message", "error", "detail", "title"))
        return str(next(filter(None, words), ""))

    def clean(self, text: str) -> str:
        """Text fit to keep and show: no control characters, no key, at most 500 characters."""
        return cleaned(text, limit=500, secrets=(self.api_key,))

    def quote(self, reply: Reply, *secrets: str) -> str:
        """A reply as administrators may read it: its status and 2000 characters, without our keys and ``secrets``."""
        return quoted(reply, secrets=(self.api_key, *self.webhook_secrets, *secrets))


def is_empty(balance: str) -> bool:
    """Whether a balance in plain words, as ``read_balance`` gives it, says that nothing is left."""
    try:
        return Decimal(balance.partition(" ")[0]) <= 0
    except InvalidOperation:
        return False


def moment(text: Any) -> datetime:
    """A time as a gateway writes it, nanoseconds or not; without a zone it is in UTC."""
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def between(start: Any, end: Any) -> float | None:
    """Seconds from one time a gateway writes to another; ``None`` where that makes no sense."""
    with suppress(*SURPRISES):
        seconds = (moment(end) - moment(start)).total_seconds()
        return seconds if seconds > 0 else None
    return None


def first(document: Mapping[str, Any], *names: str) -> Any:
    """What stands under the first of these names that says anything; ``None`` where none does."""
    return next((document[name] for name in names if document.get(name) not in (None, "")), None)


def readable(rows: Any, read: Callable[[Any], T]) -> tuple[T, ...]:
    """What ``read`` makes of each of the rows; one it cannot read is left out, no list at all is an error."""
    if not isinstance(rows, list):
        raise Unreadable("there is no list in the answer")
    found = []
    for row in rows:
        with suppress(*SURPRISES):
            found.append(read(row))
    return tuple(found)


def possible(remote_id: Any) -> bool:
    """Whether this can be a remote id."""
    return isinstance(remote_id, str) and REMOTE_ID.fullmatch(remote_id) is not None


def _seconds(text: str) -> float | None:
    try:
        seconds = float(text)
    except ValueError:
        return None
    return None if math.isnan(seconds) else min(max(seconds, 0.0), 900.0)


def _unclear_code(status: int) -> str:
    return "provider_unavailable" if status >= 500 else "provider_protocol_error"
