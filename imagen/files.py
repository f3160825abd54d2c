"""From bytes that claim to be a picture to a file in storage, and out of it again."""

from __future__ import annotations

import errno
import hashlib
import io
import os
import tempfile
import time
import uuid
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import transaction
from PIL import Image as Pillow

from imagen import marks
from imagen.conf import settings
from imagen.exceptions import OutputError, StorageError
from imagen.models import Erasure
from imagen.models.image import storage

FORMATS = {"PNG": "png", "JPEG": "jpeg", "WEBP": "webp"}
THUMBNAIL = (320, 320)
PREFIX = "imagen"
PAGE_TRIES = 3  # rounds: an error page in place of a picture is often gone a moment later
_STALE_SECONDS = 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A picture in storage: its names there, its pixels' size, and what its address serves."""

    name: str
    thumbnail: str
    width: int
    height: int
    format: str
    bytes: int
    sha256: str


def workspace() -> Path:
    """A folder for unfinished files, on the storage's own disk where it has one."""
    found = storage()
    base = Path(found.location) / PREFIX if isinstance(found, FileSystemStorage) else Path(tempfile.gettempdir())
    folder = base / "unfinished"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A picture checked and marked: the bytes to serve, a small one, and the facts about them."""

    data: bytes
    small: bytes
    width: int
    height: int
    format: str
    sha256: str


def prepare(data: bytes, *, system: str) -> Ready:
    """Check and mark what claims to be a picture; raises ``OutputError`` for anything else."""
    picture = _decode(data)
    try:
        final = marks.mark(marks.trim(data), system=system)
    except ValueError as error:  # Pillow is content with a PNG that lacks its end
        raise OutputError("not a whole picture", tries=PAGE_TRIES) from error
    return Ready(
        data=final,
        small=marks.mark(_shrink(picture), system=system),
        width=picture.width,
        height=picture.height,
        format=FORMATS[str(picture.format)],
        sha256=hashlib.sha256(final).hexdigest(),
    )


def keep(ready: Ready, *, folder: uuid.UUID) -> Kept:
    """Store a picture; the same bytes always get the same name. Raises ``StorageError``."""
    stem = f"{PREFIX}/{folder}/{ready.sha256[:16]}"
    return Kept(
        name=_store(f"{stem}.{ready.format.replace('jpeg', 'jpg')}", ready.data),
        thumbnail=_store(f"{stem}-small.webp", ready.small),
        width=ready.width,
        height=ready.height,
        format=ready.format,
        bytes=len(ready.data),
        sha256=ready.sha256,
    )


def _decode(data: bytes) -> Pillow.Image:
    try:
        picture = Pillow.open(io.BytesIO(data), formats=tuple(FORMATS))
        _refuse(picture)
        picture.load()
    except (Pillow.DecompressionBombError, Pillow.DecompressionBombWarning) as error:
        raise OutputError("too many pixels", code="output_too_large") from error
    except (OSError, SyntaxError, ValueError, EOFError) as error:
        raise OutputError("not a whole picture", tries=PAGE_TRIES) from error
    return picture


def _refuse(picture: Pillow.Image) -> None:
    if picture.width * picture.height > settings.MAX_PIXELS:
        raise OutputError("too many pixels", code="output_too_large")
    if getattr(picture, "n_frames", 1) != 1:
        raise OutputError("more than one frame")


def _shrink(picture: Pillow.Image) -> bytes:
    small = picture if picture.mode in ("RGB", "RGBA") else picture.convert("RGBA" if "A" in picture.mode else "RGB")
    small = small.reduce(max(1, max(small.size) // max(THUMBNAIL)))
    small.thumbnail(THUMBNAIL)
    out = io.BytesIO()
    small.save(out, "WEBP", quality=80, method=0)
    return out.getvalue()


class _Ready(File):  # type: ignore[type-arg]  # File is generic in the stubs alone
    """A finished file that a file system storage may simply rename."""

    def temporary_file_path(self) -> str:
        """Where it lies."""
        return str(self.name)


def _store(name: str, data: bytes) -> str:
    try:
        place = storage()
        if place.exists(name):
            if place.size(name) == len(data):
                return name
            place.delete(name)
        saved = _rename(name, data) if isinstance(place, FileSystemStorage) else place.save(name, ContentFile(data))
        if place.size(saved) != len(data):
            place.delete(saved)
            raise StorageError("storage kept another size")
    except StorageError:
        raise
    except Exception as error:  # a storage backend may raise anything
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise StorageError(code="storage_full" if full else "storage_unavailable") from error
    return saved


def _rename(name: str, data: bytes) -> str:
    """A file is there whole or not at all, also after a power cut."""
    handle, path = tempfile.mkstemp(dir=workspace())
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        with open(path, "rb") as file:
            return storage().save(name, _Ready(file, name=path))
    finally:
        Path(path).unlink(missing_ok=True)


def doom(names: Iterable[str]) -> None:
    """Have these files deleted once the transaction is committed, and again until it works."""
    Erasure.objects.bulk_create([Erasure(name=name) for name in names])
    transaction.on_commit(clear, robust=True)


def clear() -> None:
    """Delete doomed files, and unfinished ones nobody has touched for an hour."""
    for row in Erasure.objects.order_by("tries", "pk")[:500]:
        try:
            storage().delete(row.name)
        except Exception:  # a storage backend may raise anything; the row stays
            row.tries += 1
            row.save(update_fields=["tries"])
        else:
            row.delete()
    for path in workspace().iterdir():
        with suppress(FileNotFoundError):  # it was finished meanwhile
            if path.stat().st_mtime < time.time() - _STALE_SECONDS:
                path.unlink()
