"""A picture made ready for a public page: a small copy for cards, marked like the large one."""

from __future__ import annotations

import io
from pathlib import PurePath
from typing import TYPE_CHECKING

from django.core.files.base import ContentFile, File
from django.utils.translation import gettext as _
from PIL import Image as Pillow
from PIL import ImageOps

from imagen import marks

if TYPE_CHECKING:
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


def small(file: Upload) -> Bytes:
    """A small copy of it, which says too when AI made it. Raises ``Unusable``."""
    file.seek(0)
    data = file.read()
    file.seek(0)
    try:
        made = _shrunk(data)
        made = marks.mark(made, system="") if marks.marked(data) else made
    except (OSError, SyntaxError, ValueError) as error:
        raise Unusable(_("This is not a whole PNG, JPEG or WebP picture.")) from error
    return ContentFile(made, name=f"{PurePath(str(file.name)).stem}-small.webp")


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
