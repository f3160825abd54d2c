"""The demo site's own page."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from imagen.models import Image

LATEST = 12


def home(request: HttpRequest) -> HttpResponse:
    """A welcome, the ways in, and a signed-in person's latest pictures."""
    return render(request, "home.html", {"images": _latest(request)})


def _latest(request: HttpRequest) -> list[Image]:
    if not request.user.is_authenticated:
        return []
    mine = Image.objects.of(request.user).standing().select_related("generation")
    return [image for image in mine[:LATEST] if image.visible_to(request.user)]
