"""One generation followed live, as server-sent events."""

from __future__ import annotations

import json
import uuid
from typing import ClassVar

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.utils import translation
from rest_framework.request import Request
from rest_framework.response import Response

from imagen.api import live_docs, places
from imagen.api.door import Json
from imagen.api.streams import AsyncStream, Follower, News, Stream
from imagen.api.views import GenerationDoor

MEDIA_TYPE = "text/event-stream"


class Events(Json):
    """What is sent here; errors are problem details all the same."""

    media_type = MEDIA_TYPE
    format = "events"


class GenerationEvents(GenerationDoor):
    """What happens to one generation, as it happens."""

    scopes: ClassVar[dict[str, str]] = {"GET": "read"}
    http_method_names = ["get"]
    renderer_classes = [Events]

    @live_docs.follow
    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """Tell each change until it is finished; 204 tells who saw the end not to come again."""
        generation, seen = self.found(request, pk), _seen(request.headers.get("Last-Event-ID", ""))
        if generation.finished and seen == generation.version:
            return Response(status=204)
        request._request.META.pop("HTTP_ACCEPT_ENCODING", None)  # Django's GZipMiddleware would hold events back
        kind = AsyncStream if isinstance(request._request, ASGIRequest) else Stream
        follower = Follower(pk, lambda: self._news(request, pk, language), seen=seen)
        language = translation.get_language()
        stream = kind(follower, places.here.take(str(request.user.pk)), request.META)
        return StreamingHttpResponse(stream, content_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})

    def _news(self, request: Request, pk: uuid.UUID, language: str | None) -> News | None:
        """How it stands, in the language it was asked in; nothing when it was deleted a moment ago."""
        with translation.override(language):
            try:
                generation = self.found(request, pk)
            except Http404:
                return None
            text = json.dumps(self.shown(request, generation), ensure_ascii=False, separators=(",", ":"))
            return News(version=generation.version, status=generation.status, text=text)


def _seen(header: str) -> int | None:
    return int(header) if header.isascii() and header.isdecimal() and len(header) < 12 else None
