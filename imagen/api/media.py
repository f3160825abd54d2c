"""The pixels: who may see them is checked, then storage serves them."""

from __future__ import annotations

import uuid
from contextlib import suppress
from inspect import signature
from typing import Any, cast

from django.core.files.storage import Storage
from django.db.models.fields.files import FieldFile
from django.http import FileResponse, Http404, HttpResponseBase, HttpResponseRedirect
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from imagen.api import throttles
from imagen.api.door import Anything
from imagen.api.images import ImageDoor
from imagen.api.permissions import person
from imagen.exceptions import ImagenError
from imagen.models import Image, Style

SIGNED_SECONDS = 900
CACHED_SECONDS = 600
_TYPES = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}


class Picture(ImageDoor):
    """A picture as it is stored; one that was placed on a page is there for everybody."""

    renderer_classes = [Anything]
    reads = throttles.NOT_COUNTED  # one page shows a hundred of them
    permission_classes = [AllowAny]
    suffix = ""

    def get(self, request: Request, pk: uuid.UUID) -> HttpResponseBase:
        """Serve the file, or send to the storage's own signed address."""
        image = self.found(request, pk)
        file = self.file(image)
        if not image.visible_to(person(request)) or not file.name:
            raise Http404
        return _guarded(_serve(file, stem=f"{image.pk}{self.suffix}"))

    def found(self, request: Request, pk: uuid.UUID) -> Image:
        """The picture, if this person may see it, or everybody may."""
        if request.user.is_authenticated:
            with suppress(Http404):
                return super().found(request, pk)
        image = Image.objects.public().filter(pk=pk).first()
        if image is None:
            raise Http404 if request.user.is_authenticated else NotAuthenticated
        return image

    def file(self, image: Image) -> FieldFile:
        """Which of its files."""
        return image.file


class Preview(Picture):
    """A small picture for lists."""

    suffix = "-preview"

    def found(self, request: Request, pk: uuid.UUID) -> Image:
        """The picture, also if all this person may know of it is that it shows a style they are offered."""
        try:
            return super().found(request, pk)
        except Http404:
            offered: Any = Style.objects.of(person(request))
            style = offered.filter(active=True, example=pk).select_related("example__generation").first()
            if style is None:
                raise
            return cast("Image", style.example)

    def file(self, image: Image) -> FieldFile:
        """Which of its files."""
        return image.thumbnail


def _serve(file: FieldFile, *, stem: str) -> HttpResponseBase:
    name = str(file.name)
    ending = name.rpartition(".")[2].lower()
    kind, called = _TYPES.get(ending, "application/octet-stream"), f"{stem}.{ending}"
    try:
        file.storage.path(name)
    except NotImplementedError:  # the storage is somewhere else
        return HttpResponseRedirect(_signed(file.storage, name, kind=kind, called=called))
    try:
        opened = file.storage.open(name)
    except FileNotFoundError as error:
        raise Http404 from error
    except OSError as error:
        raise ImagenError(code="service_unavailable") from error
    return FileResponse(opened, content_type=kind, filename=called)


def _signed(storage: Storage, name: str, *, kind: str, called: str) -> str:
    known = signature(storage.url).parameters
    options: dict[str, Any] = {"expire": SIGNED_SECONDS} if "expire" in known else {}
    if "http_method" in known:  # S3: what it answers is signed too, whatever type was guessed when the file was stored
        said = {"ResponseContentType": kind, "ResponseContentDisposition": f'inline; filename="{called}"'}
        options["parameters"] = said
    return storage.url(name, **options)


def _guarded(response: HttpResponseBase) -> HttpResponseBase:
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = f"private, max-age={CACHED_SECONDS}"
    return response
