"""Pictures as one zip file, sent while it is made: neither memory nor disk holds it whole."""

from __future__ import annotations

import logging
import zipfile
from collections.abc import Iterable, Iterator

from django.http import StreamingHttpResponse

from imagen.models import Image

CHUNK = 1 << 18
logger = logging.getLogger("imagen")


class _Sink:
    """A file that can only be written, emptied as it fills."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, part: bytes) -> int:
        self.parts.append(bytes(part))
        return len(part)

    def flush(self) -> None:
        """Nothing waits here."""

    def taken(self) -> Iterator[bytes]:
        parts, self.parts = self.parts, []
        return iter(parts)


def response(images: Iterable[Image]) -> StreamingHttpResponse:
    """A download of these pictures."""
    found = StreamingHttpResponse(stream(images), content_type="application/zip")
    found["Content-Disposition"] = 'attachment; filename="pictures.zip"'
    return found


def stream(images: Iterable[Image]) -> Iterator[bytes]:
    """The bytes of the zip file, picture by picture; one that storage has lost is left out."""
    sink = _Sink()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:  # type: ignore[call-overload]  # zipfile needs no more than write and flush
        for image in images:
            yield from _member(archive, sink, image)
    yield from sink.taken()


def _member(archive: zipfile.ZipFile, sink: _Sink, image: Image) -> Iterator[bytes]:
    try:
        source = image.file.open()
    except OSError:
        logger.warning("a picture's file is missing", extra={"image": str(image.pk)})
        return
    with source, archive.open(f"{image.pk}.{image.format}", "w", force_zip64=True) as member:
        for chunk in source.chunks(CHUNK):
            member.write(chunk)
            yield from sink.taken()
