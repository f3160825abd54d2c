"""From bytes that claim to be a picture to a file in storage, and out of it again."""

from __future__ import annotations

import errno
import hashlib
import io
import math
import os
import tempfile
import time
import uuid
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from django.core.files import File
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db import transaction
from django.db.models import F
from PIL import Image as Pillow

from imagen import failpoints, marks
from imagen.conf import settings
from imagen.exceptions import OutputError, StorageError
from imagen.models import Erasure, Image
from imagen.models.image import storage

FORMATS = {"PNG": "png", "JPEG": "jpeg", "WEBP": "webp"}
THUMBNAIL = (320, 320)
PREFIX = "imagen"
UNFINISHED = "unfinished"
STALE_SECONDS = 3600.0
PAGE_TRIES = 3  # rounds: an error page in place of a picture is often gone a moment later
_CLEAR_SECONDS = 3.0  # somebody may be waiting for the answer to a deletion
_ROUND = 500
_GIVE_UP = 10  # failures in a row


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
    folder = _workspace()
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _workspace() -> Path:
    found = storage()
    base = Path(found.location) / PREFIX if isinstance(found, FileSystemStorage) else Path(tempfile.gettempdir())
    return base / UNFINISHED


def identity(job: uuid.UUID, slot: int) -> uuid.UUID:
    """The id and folder of the picture in this place of a call: the same, however often it is fetched."""
    return uuid.uuid5(job, str(slot))


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
    name = _store(f"{stem}.{ready.format.replace('jpeg', 'jpg')}", ready.data)
    failpoints.reach("picture kept")
    thumbnail = _store(f"{stem}-small.webp", ready.small)
    failpoints.reach("thumbnail kept")
    return Kept(
        name=name,
        thumbnail=thumbnail,
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


@contextmanager
def told() -> Iterator[None]:
    """Whatever storage raises in here becomes a ``StorageError``."""
    try:
        yield
    except StorageError:
        raise
    except Exception as error:  # a storage backend may raise anything
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise StorageError(code="storage_full" if full else "storage_unavailable") from error


def _store(name: str, data: bytes) -> str:
    place = storage()
    with told():
        if place.exists(name):
            if _holds(name, data):
                return name
            place.delete(name)
        saved = _rename(name, data) if isinstance(place, FileSystemStorage) else place.save(name, ContentFile(data))
        if saved != name and place.exists(name) and _holds(name, data):  # another worker was faster
            place.delete(saved)
            return name
        if not _holds(saved, data):
            place.delete(saved)
            raise StorageError("storage kept something else")
    return saved


def _holds(name: str, data: bytes) -> bool:
    """Whether storage gives back exactly these bytes; it may say that all went well and have lost some."""
    if storage().size(name) != len(data):
        return False
    at = 0
    with storage().open(name) as file:
        for chunk in file.chunks():
            if data[at : at + len(chunk)] != chunk:
                return False
            at += len(chunk)
    return at == len(data)


def _rename(name: str, data: bytes) -> str:
    """A file is there whole or not at all, also after a power cut."""
    handle, path = tempfile.mkstemp(dir=workspace())
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(handle)
        failpoints.reach("file written")
        with open(path, "rb") as file:
            return storage().save(name, _Ready(file, name=path))
    finally:
        Path(path).unlink(missing_ok=True)


def doom(names: Iterable[str]) -> None:
    """Have these files deleted once the transaction is committed, and again until it works."""
    doomed = list(names)
    Erasure.objects.bulk_create([Erasure(name=name) for name in doomed])
    transaction.on_commit(lambda: _erase(_within(_CLEAR_SECONDS, names=doomed)) and None, robust=True)


def clear() -> None:
    """Delete doomed files, for a few seconds and the rest at the next sweep, and unfinished ones an hour old."""
    purge(seconds=_CLEAR_SECONDS)
    tidy(seconds=STALE_SECONDS)


def purge(*, seconds: float = math.inf) -> int:
    """Delete doomed files, those that were tried less often first, and return how many are gone."""
    return _erase(_within(seconds))


def _within(seconds: float, *, names: Collection[str] | None = None) -> Iterator[Erasure]:
    """What is to be deleted, of all or of these, for so long."""
    until, rows = time.monotonic() + seconds, Erasure.objects.order_by("tries", "pk")
    chosen = rows[:_ROUND] if names is None else rows.filter(name__in=names)
    return takewhile(lambda row: time.monotonic() < until, chosen)


def _erase(rows: Iterable[Erasure]) -> int:
    """Delete these files and return how many are gone; storage that fails again and again is left alone."""
    gone = failures = 0
    for row in rows:
        mine = Erasure.objects.filter(pk=row.pk)  # another process may be at it too
        try:
            if not _taken_back(row.name):
                remove(row.name)
            failpoints.reach("file erased")
        except Exception:  # a storage backend may raise anything; the row stays
            failures += 1
            mine.update(tries=F("tries") + 1)
        else:
            gone, failures = gone + 1, 0
            mine.delete()
        if failures == _GIVE_UP:
            break
    return gone


def _taken_back(name: str) -> bool:
    """Whether a picture that was deleted has come again since, as the rest of its call was fetched, under its name."""
    with suppress(ValueError):
        image = Image.objects.filter(pk=uuid.UUID(Path(name).parent.name)).first()
        return image is not None and name in image.files
    return False


def remove(name: str) -> None:
    """Delete a file and the folder it leaves empty; a name that ends with a slash is that of an empty folder."""
    place, inner = storage(), name.count("/") > 1
    if not name.endswith("/"):
        place.delete(name)
    if inner and isinstance(place, FileSystemStorage):
        with suppress(OSError):  # something else is in there, or just came
            Path(place.path(name.rpartition("/")[0])).rmdir()


def tidy(*, seconds: float, dry_run: bool = False) -> int:
    """Delete unfinished files nobody has touched for so long, and return how many there were."""
    found = 0
    for path in _workspace().glob("*"):
        with suppress(FileNotFoundError):  # it was finished meanwhile
            if path.stat().st_mtime <= time.time() - seconds:
                found += 1
                if not dry_run:
                    path.unlink()
    return found
