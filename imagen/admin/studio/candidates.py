"""Putting a candidate aside, and taking it back."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils import timezone

from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.studio import placing, replies, results
from imagen.models import Generation, Image


@replies.permitted
def discard(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Put this picture aside, or with ``undo`` take it back; nothing is deleted."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    image = Image.objects.of(viewer(request)).standing().filter(pk=pk).first()
    if image is None:
        return placing.gone(request)

    def put(generation: Generation) -> Generation:
        Image.objects.filter(pk=pk).update(discarded_at=None if "undo" in request.POST else timezone.now())
        return generation

    return results.act(request, image.generation_id, put)
