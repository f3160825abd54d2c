"""Server-sent events of one generation: https://html.spec.whatwg.org/multipage/server-sent-events.html."""

from __future__ import annotations

import asyncio
import select
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from asgiref.sync import sync_to_async
from django.db import Error

from imagen import outages
from imagen.api.lookout import lookout
from imagen.api.places import Place, let_go
from imagen.conf import settings
from imagen.states import FINISHED, Status

LOOK_SECONDS = 1.0
HEARTBEAT_SECONDS = 15.0  # proxies give up on a connection after 30 to 60 seconds of silence
LONGEST_SECONDS = 300.0
AGAIN_SECONDS = 2
PERSON_SECONDS = 60  # what waits for a person is not worth a thread


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """The generation as somebody may see it now, as JSON on one line."""

    pk: uuid.UUID
    version: int
    status: str
    text: str

    def __bytes__(self) -> bytes:
        name = "done" if self.status in FINISHED else "status"
        return f"id: {mark(self.pk, self.version)}\nevent: {name}\ndata: {self.text}\n\n".encode()


class Follower:
    """Says what is new since ``seen``, look by look, until it is ``over``; between looks it holds nothing.

    ``tell`` hears whether it has been long enough to ask again who is listening.
    """

    def __init__(self, pk: uuid.UUID, tell: Callable[[bool], News | None], *, seen: int | None) -> None:
        self.pk, self._tell, self._seen = pk, tell, seen
        self.over = False
        self._began = time.monotonic()
        self._spoke: float | None = None

    def look(self) -> bytes:
        """What there is to say now; mostly nothing."""
        try:
            return self._spoken(self._said())
        except Error as error:
            if not outages.passing(error):
                raise
            self.over = True  # who comes again is told when
            return b""
        finally:
            let_go()

    def _said(self) -> bytes:
        now = lookout.standing(self.pk)
        if now is None or time.monotonic() - self._began >= seconds("stream_seconds", LONGEST_SECONDS):
            self.over = True
            return b""
        if now.version == self._seen:
            return self._ended(now.status)
        news = self._tell(self._spoke is not None)
        if news is None:
            self.over = True
            return b""
        return self._ended(news.status) + self._new(news)

    def _ended(self, status: str) -> bytes:
        """Whether that is the end, and when to come again if it is not for good."""
        self.over = status in FINISHED or status == Status.UNCONFIRMED
        return _again(PERSON_SECONDS) if status == Status.UNCONFIRMED else b""

    def _new(self, news: News) -> bytes:
        if news.version == self._seen:
            return b""
        self._seen = news.version
        return bytes(news)

    def _spoken(self, said: bytes) -> bytes:
        now = time.monotonic()
        if self._spoke is None:
            said = _again(AGAIN_SECONDS) + said
        elif not said and now - self._spoke >= seconds("heartbeat_seconds", HEARTBEAT_SECONDS):
            said = b":\n\n"
        if said:
            self._spoke = now
        return said


class _Open:
    """A stream that is open; whoever leaves frees the place."""

    def __init__(self, follower: Follower, place: Place, environ: Mapping[str, Any]) -> None:
        self._follower, self._place, self._environ = follower, place, environ
        self._begun = False

    def _pause(self) -> float:
        """Seconds until the next look; the first is at once."""
        begun, self._begun = self._begun, True
        return LOOK_SECONDS if begun else 0

    def close(self) -> None:
        """Free the place: the server calls this when the client left as well."""
        self._place.leave()

    __del__ = close  # an answer that something threw away is never closed


class Stream(_Open):
    """What a follower says, for a server of threads."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> bytes:
        while not self._follower.over:
            time.sleep(self._pause())
            if left(self._environ):
                break
            if said := self._follower.look():
                return said
        self.close()
        raise StopIteration


class AsyncStream(_Open):
    """The same where nobody holds a thread."""

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        while not self._follower.over:
            await asyncio.sleep(self._pause())
            if said := await sync_to_async(self._follower.look)():
                return said
        self.close()
        raise StopAsyncIteration


def mark(pk: uuid.UUID, version: int) -> str:
    """The id of the event that tells of this version: no other generation has the same."""
    return f"{version}-{pk.hex[:8]}"


def left(environ: Mapping[str, Any]) -> bool:
    """Whether the client hung up, where the server shows its socket: gunicorn does, others notice when they write."""
    peer, hangs_up = environ.get("gunicorn.socket"), getattr(select, "POLLRDHUP", 0)  # which Linux alone tells
    if peer is None or not hangs_up:
        return False
    poll = select.poll()
    try:
        poll.register(peer, hangs_up)
    except (OSError, ValueError):  # it is closed already
        return True
    return bool(poll.poll(0))


def seconds(name: str, usual: float) -> float:
    """So many, as ``IMAGEN["API"]`` says."""
    return float(settings.API.get(name, usual))


def _again(wait: int) -> bytes:
    return f"retry: {wait * 1000}\n\n".encode()
