"""A storage that does what a file says: its first word is the mood, its second how often that still is so."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from django.utils.deconstruct import deconstructible

MOOD = "IMAGEN_TEST_MOOD"


def be(path: Path, mood: str = "well") -> None:
    """Change the mood of the storage of every process that looks at this file."""
    fresh = path.with_suffix(".new")
    fresh.write_text(mood)
    fresh.replace(path)


def _mood() -> str:
    return Path(os.environ[MOOD]).read_text()


@deconstructible
class Lying(Storage):
    """Files in a folder, behind a storage that is no file system: full, failing, or losing what it was given."""

    def __init__(self, location: str | None = None) -> None:
        self._inner = FileSystemStorage(location=location)

    def _save(self, name: str, content: Any) -> str:
        data = content.read()
        mood = _mood()
        if mood == "full":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        if mood == "failing":
            raise ConnectionError("the storage does not answer")
        kept = {"short": data[:-1], "changed": data[:-1] + bytes([data[-1] ^ 1])}.get(mood, data)
        return self._inner.save(name, ContentFile(kept))

    def _open(self, name: str, mode: str = "rb") -> Any:
        return self._inner.open(name, mode)

    def exists(self, name: str) -> bool:
        return self._inner.exists(name)

    def delete(self, name: str) -> None:
        self._inner.delete(name)

    def size(self, name: str) -> int:
        return self._inner.size(name)

    def listdir(self, path: str) -> tuple[list[str], list[str]]:
        return self._inner.listdir(path)

    def url(self, name: str | None, **options: Any) -> str:
        return f"http://127.0.0.1/{name}"
