"""Small copies of a placed file, beside it in its own storage, for pages that offer the browser a choice of sizes."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from datetime import timedelta
from pathlib import PurePosixPath
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import Storage
from django.db.models import QuerySet
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from PIL import Image as Pillow
from PIL import ImageOps

from imagen import files, marks
from imagen.conf import settings
from imagen.models import Placement

logger = logging.getLogger("imagen")
WIDTHS = (480, 960, 1440)
QUALITY = 82
REMEMBERED = timedelta(days=30)  # as long as a page kept in some cache may still name them


def make(placed: Placement, file: FieldFile) -> None:
    """Copies narrower than the file, marked like it; a page does without those that cannot be made."""
    made: list[tuple[int, str]] = []
    try:
        made.extend(_stored(file))
    except Exception as error:  # a storage backend may raise anything, and Pillow nearly so
        logger.warning("a placed picture has no small copies (%s)", type(error).__name__)
    if made:
        Placement.objects.filter(pk=placed.pk).update(renditions=made)


def _stored(file: FieldFile) -> Iterator[tuple[int, str]]:
    with file.storage.open(str(file.name)) as stored:
        picture = _opened(stored.read())
    name = PurePosixPath(str(file.name))
    for width in [width for width in WIDTHS if width < picture.width]:
        beside = str(name.with_name(f"{name.stem}-{width}w.webp"))
        yield width, file.storage.save(beside, ContentFile(_narrow(picture, width)))


def _opened(data: bytes) -> Pillow.Image:
    picture = Pillow.open(io.BytesIO(data), formats=tuple(files.FORMATS))
    if picture.width * picture.height > settings.MAX_PIXELS or getattr(picture, "n_frames", 1) != 1:
        raise ValueError("too large, or it moves")
    upright = ImageOps.exif_transpose(picture)
    return upright if upright.mode in ("RGB", "RGBA") else upright.convert("RGBA" if "A" in upright.mode else "RGB")


def _narrow(picture: Pillow.Image, width: int) -> bytes:
    size = (width, max(1, round(picture.height * width / picture.width)))
    out = io.BytesIO()
    small = picture.resize(size, Pillow.Resampling.LANCZOS, reducing_gap=3.0)
    small.save(out, "WEBP", quality=QUALITY, icc_profile=picture.info.get("icc_profile"))
    return marks.mark(out.getvalue(), system="")


def srcset(placed: Placement, file: FieldFile, width: int | None) -> str:
    """The copies and the file itself for ``srcset``; empty without copies."""
    if not placed.renditions or not width:
        return ""
    known = [(file.storage.url(name), each) for each, name in placed.renditions]
    return ", ".join(f"{address} {each}w" for address, each in [*known, (file.url, width)])


# --- clearing up ---


def outlived() -> QuerySet[Placement]:
    """Uses that ended so long ago that no page shows their copies any more."""
    ended = Placement.objects.filter(ended_at__lt=timezone.now() - REMEMBERED)
    return ended.exclude(renditions=[]).order_by("pk")


def clear(*, dry_run: bool = False) -> Iterator[str]:
    """Delete the copies of what was replaced long ago and tell their names; raises ``StorageError``."""
    for placed in outlived().iterator(chunk_size=100):
        place = _storage(placed)
        for _width, name in placed.renditions:
            if place and not dry_run:
                with files.told():
                    place.delete(name)
            yield str(name)
        if not dry_run:
            Placement.objects.filter(pk=placed.pk).update(renditions=[])


def _storage(placed: Placement) -> Storage | None:
    """Where its field keeps files; nothing when the model or the field is gone."""
    model = placed.content_type.model_class()
    fields: dict[str, Any] = {field.name: field for field in model._meta.get_fields()} if model else {}
    return getattr(fields.get(placed.field), "storage", None)
