"""The same key gets the same answer: the key's row is written in the transaction that spends the money."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils import translation
from rest_framework.request import Request

from imagen import outages
from imagen.exceptions import FieldError, ImagenError, InvalidRequest, Refused
from imagen.models import IdempotencyKey

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A status and a body in some language; ``replayed`` when they were given before."""

    status: int
    body: dict[str, Any]
    replayed: bool = False
    language: str = field(default_factory=lambda: translation.get_language() or "")

    @property
    def headers(self) -> dict[str, str]:
        """What is said about it beside the body."""
        replayed = {"Idempotency-Replayed": "true"} if self.replayed else {}
        return {**replayed, **({"Content-Language": self.language} if self.language else {})}


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """One key of one person, and the fingerprint of what was sent with it."""

    user: Any
    key: str
    fingerprint: str

    @classmethod
    def read(cls, header: str, *, user: Any, method: str, path: str, body: Mapping[str, Any]) -> Once:
        """The key in the header, or ``InvalidRequest``."""
        if not _KEY.fullmatch(header):
            raise InvalidRequest(errors=(FieldError(field=HEADER, code="not_a_key"),))
        canonical = json.dumps([method, path.rstrip("/"), body], sort_keys=True, separators=(",", ":"))
        return cls(user=user, key=header, fingerprint=hashlib.sha256(canonical.encode()).hexdigest())

    @classmethod
    def of(cls, request: Request, body: Mapping[str, Any]) -> Once | None:
        """The key of this request, if it has one."""
        header = request.headers.get(HEADER)
        if header is None:
            return None
        return cls.read(header, user=request.user, method=str(request.method), path=request.path, body=body)

    def answer(self, make: Callable[[], Answer]) -> Answer:
        """What ``make`` answers, kept in its transaction; or what it answered the first time."""
        return self._known() or self._first(make)

    @outages.begun_again
    def _first(self, make: Callable[[], Answer]) -> Answer:
        try:
            with transaction.atomic():
                self._claim()
                return self._known() or self._keep(make())
        except IntegrityError:  # two at once on a database without locks of its own
            if known := self._known():
                return known
            raise

    def renew(self, answer: Answer) -> None:
        """Remember another answer, as far as the first is still there."""
        self._rows().exclude(body={}).update(status=answer.status, body=_stored(answer))

    def _rows(self) -> Any:
        return IdempotencyKey.objects.filter(user=self.user, key=self.key)

    def _claim(self) -> None:
        """Hold the key until the commit; on SQLite the transaction itself, begun IMMEDIATE, does."""
        if connection.vendor != "postgresql":
            return
        digest = hashlib.sha256(f"imagen:{self.user.pk}:{self.key}".encode()).digest()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(digest[:8], signed=True)])
            if not cursor.fetchone()[0]:
                raise ImagenError(code="idempotency_in_progress")

    def _known(self) -> Answer | None:
        row = self._rows().first()
        if row is None:
            return None
        if row.expired:
            row.delete()
            return None
        if row.fingerprint != self.fingerprint:
            raise ImagenError(code="idempotency_conflict")
        if not row.body:
            raise Refused(code="not_found")  # it was deleted since; asking again would buy it again
        told = json.loads(row.body["text"])
        return Answer(status=row.status, body=told, replayed=True, language=row.body.get("language", ""))

    def _keep(self, answer: Answer) -> Answer:
        IdempotencyKey.objects.create(
            user=self.user,
            key=self.key,
            fingerprint=self.fingerprint,
            status=answer.status,
            body=_stored(answer),
        )
        return answer


def _stored(answer: Answer) -> dict[str, str]:
    """The body as text, because a database may reorder an object; the id finds it when it has to be forgotten."""
    return {"id": answer.body["id"], "text": json.dumps(answer.body), "language": answer.language}
