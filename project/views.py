"""The demo site's page for editors, and its public files."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.static import serve

from imagen.models import Image

LATEST = 12


def editors(request: HttpRequest) -> HttpResponse:
    """The ways in, and a signed-in person's latest pictures."""
    return render(request, "editors.html", {"images": _latest(request)})


def _latest(request: HttpRequest) -> list[Image]:
    if not request.user.is_authenticated:
        return []
    mine = Image.objects.of(request.user).standing().select_related("generation")
    return [image for image in mine[:LATEST] if image.visible_to(request.user)]


def public_file(request: HttpRequest, path: str) -> HttpResponseBase:
    """A file that is on a page, and none outside that folder; without DEBUG the web server serves it."""
    if not settings.DEBUG:
        raise Http404
    return serve(request, path, document_root=str(settings.STORAGES["default"]["OPTIONS"]["location"]))
