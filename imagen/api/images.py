"""Pictures: list, look, describe, delete."""

from __future__ import annotations

import uuid
from typing import Any, ClassVar

from django.http import Http404
from rest_framework.request import Request
from rest_framework.response import Response

from imagen import pipeline, presentation
from imagen.api import docs, pagination
from imagen.api.door import Door, unknown_fields
from imagen.api.permissions import person, require_own
from imagen.api.serializers import TEXTS
from imagen.exceptions import FieldError, InvalidRequest
from imagen.models import Image


class ImageDoor(Door):
    """What the views of pictures share."""

    def found(self, request: Request, pk: uuid.UUID) -> Image:
        """The picture, if this person may see it."""
        image = Image.objects.of(person(request)).standing().select_related("generation").filter(pk=pk).first()
        if image is None:
            raise Http404
        return image

    def shown(self, request: Request, image: Image) -> dict[str, Any]:
        """The picture as this person sees it."""
        return presentation.image_json(image, **self.presented(request))


class Images(ImageDoor):
    """All pictures somebody may see."""

    parameters: ClassVar[frozenset[str]] = pagination.PARAMETERS

    @docs.list_images
    def get(self, request: Request) -> Response:
        """One page, newest first."""
        page = pagination.page(Image.objects.of(person(request)).standing(), request.GET)
        options = self.presented(request)
        results = [presentation.image_json(image, **options) for image in page.rows]
        return Response(pagination.answer(page, results, request.build_absolute_uri()))


class ImageDetail(ImageDoor):
    """One picture."""

    @docs.look_at_image
    def get(self, request: Request, pk: uuid.UUID) -> Response:
        """The picture's facts and addresses."""
        return Response(self.shown(request, self.found(request, pk)))

    @docs.describe
    def patch(self, request: Request, pk: uuid.UUID) -> Response:
        """Set its alternative text or its title."""
        image = self.found(request, pk)
        require_own(request, image.generation, "change_image")
        texts = _texts(self.body(request))
        return Response(self.shown(request, pipeline.describe(image, **texts)))

    @docs.delete_image
    def delete(self, request: Request, pk: uuid.UUID) -> Response:
        """Delete this picture and its files."""
        image = self.found(request, pk)
        require_own(request, image.generation, "delete_image")
        pipeline.discard(image, actor=person(request))
        return Response(status=204)


def _texts(body: dict[str, Any]) -> dict[str, str]:
    wrong = [
        error
        for name, limit in TEXTS.items()
        if name in body and (error := _fault(name, body[name], limit))
    ]  # fmt: skip
    if errors := (*unknown_fields(body, frozenset(TEXTS)), *wrong):
        raise InvalidRequest(errors=errors)
    return {name: text.strip() for name, text in body.items()}


def _fault(name: str, value: Any, limit: int) -> FieldError | None:
    if not isinstance(value, str):
        return FieldError(field=name, code="not_a_string")
    if len(value.strip()) > limit:
        return FieldError(field=name, code="too_long", params={"limit": limit})
    return None
