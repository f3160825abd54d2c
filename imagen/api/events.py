"""One generation followed live, as server-sent events."""

from __future__ import annotations

import json
import uuid
from typing import ClassVar

from django.core.handlers.asgi import ASGIRequest
from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.utils import translation
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from imagen.api import live_docs, places
from imagen.api.door import Json
from imagen.api.streams import AsyncStream, Follower, News, Stream, mark
from imagen.api.views import GenerationDoor
from imagen.exceptions import Refused

MEDIA_TYPE = "text/event-stream"
_DIGITS = 12


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
        generation = self.found(request, pk)
        seen = _seen(request.headers.get("Last-Event-ID", ""), pk)
        if generation.finished and seen == generation.version:
            return Response(status=204)
        request._request.META.pop("HTTP_ACCEPT_ENCODING", None)  # Django's GZipMiddleware would hold events back
        kind = AsyncStream if isinstance(request._request, ASGIRequest) else Stream
        follower = Follower(pk, lambda later: self._news(request, pk, language, later=later), seen=seen)
        language = translation.get_language()
        stream = kind(follower, places.here.take(str(request.user.pk)), request.META)
        return StreamingHttpResponse(stream, content_type=MEDIA_TYPE, headers={"X-Accel-Buffering": "no"})

    def _news(self, request: Request, pk: uuid.UUID, language: str | None, *, later: bool) -> News | None:
        """How it stands, in the language it was asked in; nothing when it is gone, or not for these eyes any more."""
        with translation.override(language):
            try:
                asked = self.again(request) if later else request
                generation = self.found(asked, pk)
            except (APIException, Http404, Refused):
                return None
            text = json.dumps(self.shown(asked, generation), ensure_ascii=False, separators=(",", ":"))
            return News(pk=pk, version=generation.version, status=generation.status, text=text)


def _seen(header: str, pk: uuid.UUID) -> int | None:
    version = header.partition("-")[0][:_DIGITS]
    return int(version) if version.isdecimal() and header == mark(pk, int(version)) else None
