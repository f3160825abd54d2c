"""A picture made ready for a public page: the file, a small copy for cards, and whether AI made it."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import PurePath
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile, File
from django.utils.text import slugify
from django.utils.translation import gettext as _
from PIL import Image as Pillow
from PIL import ImageOps

from imagen import marks
from imagen.models import Image
from imagen.models.image import ImageQuerySet
from imagen.states import Review

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

    Bytes = ContentFile[bytes]
    Upload = File[bytes]
else:  # neither can be subscripted at run time
    Bytes = ContentFile
    Upload = File

ENDINGS = ("png", "jpg", "jpeg", "webp")
SMALL = 720
MOST_PIXELS = 40_000_000


class Unusable(Exception):
    """This file cannot go on a page; the message is one sentence for the editor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plate:
    """A picture ready to be printed, and the generated picture it is a copy of, if any."""

    large: Bytes
    small: Bytes
    generated: bool
    source: Image | None = None


def placeable(user: AbstractBaseUser) -> ImageQuerySet:
    """The generated pictures this person may put on a page: theirs to see, and neither held nor rejected."""
    withheld = (Review.HELD, Review.REJECTED)
    return Image.objects.of(user).standing().exclude(review__in=withheld).select_related("generation")


def of_picture(image: Image, *, title: str) -> Plate:
    """A public copy of a generated picture, named after the article. Raises ``Unusable``."""
    try:
        with image.file.open() as file:
            data = file.read()
    except Exception as error:  # a storage backend may raise anything
        raise Unusable(_("The picture cannot be read just now. Try again in a moment.")) from error
    ending = PurePath(str(image.file.name)).suffix
    return _plate(data, name=f"{slugify(title)[:60] or 'picture'}{ending}", system=image.provider_model, source=image)


def of_upload(upload: Upload) -> Plate:
    """A file somebody chose from their own disk. Raises ``Unusable``."""
    upload.seek(0)
    return _plate(upload.read(), name=PurePath(str(upload.name)).name, system="")


def _plate(data: bytes, *, name: str, system: str, source: Image | None = None) -> Plate:
    try:
        generated = source is not None or marks.marked(data)
        small = _shrunk(data)
        small = marks.mark(small, system=system) if generated else small
    except (OSError, SyntaxError, ValueError) as error:
        raise Unusable(_("This is not a whole PNG, JPEG or WebP picture.")) from error
    return Plate(
        large=ContentFile(data, name=name),
        small=ContentFile(small, name=f"{PurePath(name).stem}-small.webp"),
        generated=generated,
        source=source,
    )


def _shrunk(data: bytes) -> bytes:
    picture = Pillow.open(io.BytesIO(data))
    if picture.width * picture.height > MOST_PIXELS:
        raise Unusable(_("This picture has too many pixels. Choose one with at most 40 million."))
    upright = ImageOps.exif_transpose(picture)
    small = upright if upright.mode in ("RGB", "RGBA") else upright.convert("RGBA" if "A" in upright.mode else "RGB")
    small.thumbnail((SMALL, small.height))
    out = io.BytesIO()
    small.save(out, "WEBP", quality=82)
    return out.getvalue()
