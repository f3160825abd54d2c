"""What happened, written down for whoever wants to be told, in the transaction in which it happened."""

from __future__ import annotations

import json
import logging
import uuid
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.db import Error
from django.utils import translation

from imagen import presentation, queue
from imagen.models import Delivery, Endpoint, Generation, database_now
from imagen.models.webhook import HAPPENINGS, Happening
from imagen.states import Status

logger = logging.getLogger("imagen")
MOST_BYTES = 20_000  # https://www.standardwebhooks.com: payload size
_WORDS = ("prompt", "negative_prompt")
_DROPPED = ((), _WORDS, (*_WORDS, "metadata"))  # one after the other, until it is small enough


def announce(*generations: Generation, **kwargs: Any) -> None:
    """Write down for every endpoint that listens how these stand now; their transaction takes it along."""
    turned = [asked for asked in generations if asked.status in HAPPENINGS and asked.user_id and not asked.deleted_at]
    endpoints = _listening({asked.user_id for asked in turned}) if turned else []
    found = [found for asked in turned for found in _wanted(asked, endpoints)]
    if found:
        now = database_now()
        whole = _whole({asked.pk for asked, *_ in found})
        Delivery.objects.bulk_create([_message(endpoint, whole[asked.pk], url, now) for asked, endpoint, url in found])
        queue.ring()


def turned(*, generations: Iterable[Generation], **kwargs: Any) -> None:
    """The same, as a receiver of ``signals.generations_turned``."""
    announce(*generations)


def origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port of an address, as far as they can be read."""
    try:
        parts = urlsplit(url)
        scheme, host, port = parts.scheme.lower(), (parts.hostname or "").lower(), parts.port
    except ValueError:
        return "", url, None
    return scheme, host, port or {"https": 443, "http": 80}.get(scheme)


def _listening(users: Iterable[Any]) -> list[Endpoint]:
    """Their endpoints, held until the transaction ends: none is taken away while a message to it is written.

    Whose account is closed is told nothing.
    """
    rows = Endpoint.objects.listening().filter(user__in=users).order_by("pk").select_related("user")
    return [found for found in rows.select_for_update(of=("self",), no_key=True) if found.user.is_active]


def _wanted(asked: Generation, endpoints: Iterable[Endpoint]) -> Iterator[tuple[Generation, Endpoint, str]]:
    """Who is told of this, and at which address of the request's own if not at the endpoint's."""
    own = [endpoint for endpoint in endpoints if endpoint.user_id == asked.user_id]
    told = [endpoint for endpoint in own if _happening(asked) in endpoint.events]
    yield from ((asked, endpoint, "") for endpoint in told)
    if asked.webhook_url and asked.webhook_url not in [endpoint.url for endpoint in told]:
        there = [each for each in own if origin(each.url) == origin(asked.webhook_url)]
        yield from ((asked, endpoint, asked.webhook_url) for endpoint in there[:1])


def _happening(asked: Generation) -> Happening:
    return HAPPENINGS[Status(asked.status)]


def _whole(pks: set[uuid.UUID]) -> Mapping[uuid.UUID, Generation]:
    """As they stand in this transaction; what somebody holds in memory is left alone."""
    return {found.pk: found for found in presentation.whole(Generation.objects.filter(pk__in=pks))}


def _message(endpoint: Endpoint, asked: Generation, url: str, now: datetime) -> Delivery:
    happening = _happening(asked)
    body = written(happening, now, _said(asked), without=() if endpoint.include_prompt else _WORDS)
    return message(endpoint, happening, body, now, generation=asked, url=url)


def message(endpoint: Endpoint, event: str, body: str, now: datetime, **facts: Any) -> Delivery:
    """A new, unsaved message that is due at once."""
    known = {"endpoint": endpoint, "event": event, "body": body, "webhook_id": f"msg_{uuid.uuid4().hex}"}
    return Delivery(**{**known, "created_at": now, "due_at": now, **facts})


def written(event: str, now: datetime, data: Mapping[str, Any], *, without: tuple[str, ...] = ()) -> str:
    """The body of a message: below 20 kB, if need be without what its receiver can ask for."""
    text = ""
    for dropped in _DROPPED:
        kept = {name: value for name, value in data.items() if name not in (*without, *dropped)}
        known = {"type": str(event), "timestamp": presentation.moment(now), "data": kept}
        text = json.dumps(known, ensure_ascii=False, separators=(",", ":"))
        if len(text.encode()) < MOST_BYTES:
            return text
    few = {name: data[name] for name in ("id", "status") if name in data}
    return written(event, now, few)


def _said(asked: Generation) -> dict[str, Any]:
    """The Generation of the public contract; where that cannot be told, at least which one and how it stands."""
    try:
        with translation.override(django_settings.LANGUAGE_CODE):  # the site's, not that of whoever asks
            return presentation.generation_json(asked)
    except Error:
        raise
    except Exception:  # what happened to a request must not depend on what is said about it
        logger.exception("a request could not be put into words", extra={"generation": str(asked.pk)})
        return {"id": str(asked.pk), "status": str(asked.status)}
