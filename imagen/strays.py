"""Files that no row names, and pictures whose files are gone."""

from __future__ import annotations

import os
import posixpath
import uuid
from collections.abc import Collection, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, Storage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from imagen import files
from imagen.files import PREFIX, UNFINISHED
from imagen.models import Erasure, Image, Job
from imagen.models.image import storage
from imagen.states import JobStatus

T = TypeVar("T")
BATCH = 400
LOOKS = 8  # at once
_OVER = (JobStatus.COMPLETED, JobStatus.CANCELED)  # nothing is ever stored for these again
Writer = tuple[uuid.UUID, str]


def strays(*, grace: timedelta, dry_run: bool = False) -> Iterator[str]:
    """Delete every file that is older than ``grace`` and that no row names or ever will, and tell its name.

    Raises ``StorageError``. The name of an empty folder ends with a slash.
    """
    before = (timezone.now() if dry_run else storage_now()) - grace
    for names in _batches(_unnamed(tree())):
        for name, job in _abandoned(names, before):
            if dry_run or _remove(name, job):
                yield name


def missing() -> Iterator[uuid.UUID]:
    """The ids of the pictures that have no file or no preview in storage. Raises ``StorageError``."""
    with ThreadPoolExecutor(LOOKS, thread_name_prefix="imagen-look") as looks:
        for rows in _rows():
            with files.told():
                there = list(looks.map(_there, rows))
            gone = [row[0] for row, found in zip(rows, there, strict=True) if not found]
            yield from Image.objects.filter(pk__in=gone).order_by("pk").values_list("pk", flat=True)  # not erased since


def storage_now() -> datetime:
    """The time as storage sees it, which is the clock its files are dated by."""
    place = storage()
    with files.told():
        name = place.save(f"{PREFIX}/{UNFINISHED}/{uuid.uuid4()}", ContentFile(b"What time is it?"))
        try:
            now = place.get_modified_time(name)
        finally:
            place.delete(name)
    return now


def tree() -> Iterator[str]:
    """The name of everything in storage that is ours; one that ends with a slash is an empty folder."""
    place = storage()
    bucket = getattr(place, "bucket", None)
    with files.told():
        if isinstance(place, FileSystemStorage):
            yield from _on_disk(place, PREFIX)
        elif hasattr(bucket, "objects"):
            yield from _in_bucket(bucket, posixpath.join(getattr(place, "location", "").strip("/"), ""))
        else:
            yield from _listed(place, PREFIX)


def _on_disk(place: FileSystemStorage, folder: str) -> Iterator[str]:
    """Entry by entry: a folder may hold more than fits into memory."""
    try:
        entries = os.scandir(place.path(folder))
    except FileNotFoundError:
        return
    empty = True
    with entries:
        for entry in entries:
            empty, inner = False, f"{folder}/{entry.name}"
            if not entry.is_dir(follow_symlinks=False):
                yield inner
            elif inner != f"{PREFIX}/{UNFINISHED}":
                yield from _on_disk(place, inner)
    if empty and folder != PREFIX:
        yield f"{folder}/"


def _in_bucket(bucket: Any, root: str) -> Iterator[str]:
    """A bucket has no folders: one list of a thousand names at a time, not a call for each picture."""
    for entry in bucket.objects.filter(Prefix=f"{root}{PREFIX}/"):
        if not entry.key.endswith("/"):
            yield entry.key.removeprefix(root)


def _listed(place: Storage, folder: str) -> Iterator[str]:
    try:
        folders, names = place.listdir(folder)
    except FileNotFoundError:
        return
    yield from (f"{folder}/{name}" for name in names)
    for inner in folders:
        yield from _listed(place, f"{folder}/{inner}")


def _batches(items: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(items)
    while batch := list(islice(rest, BATCH)):
        yield batch


def _unnamed(names: Iterable[str]) -> Iterator[str]:
    for batch in _batches(names):
        named = _named(batch)
        yield from (name for name in batch if name not in named)


def _named(names: Collection[str]) -> set[str]:
    """Those of these files that a row names: by the picture whose folder it is, the rest by its name."""
    found = set(Erasure.objects.filter(name__in=names).values_list("name", flat=True))
    found |= _files(Image.objects.filter(pk__in={owner for name in names if (owner := _owner(name))}))
    rest = set(names) - found
    return found | _files(Image.objects.filter(Q(file__in=rest) | Q(thumbnail__in=rest))) if rest else found


def _files(images: QuerySet[Image]) -> set[str]:
    return {name for pair in images.order_by().values_list("file", "thumbnail") for name in pair}


def _owner(name: str) -> uuid.UUID | None:
    """The id of the picture in whose folder it is."""
    try:
        return uuid.UUID(name.split("/")[1])
    except (ValueError, IndexError):
        return None


def _abandoned(names: Collection[str], before: datetime) -> Iterator[tuple[str, uuid.UUID | None]]:
    """Those that are old enough and that nobody is about to name, with the failed call they may be of.

    Calls are looked at before rows: what a call has stored is named in the transaction that ends it.
    """
    writers = _writers({_owner(name) for name in names})
    named = _named(names)
    for name in names:
        job, status = writers.get(_owner(name), (None, JobStatus.FAILED))
        if name not in named and status == JobStatus.FAILED and _older(name, before):
            yield name, job


def _writers(folders: Collection[uuid.UUID | None]) -> dict[uuid.UUID | None, Writer]:
    """The calls that may store something into these folders, now or later."""
    jobs = Job.objects.exclude(status__in=_OVER).order_by().values_list("pk", "slots", "status")
    return {
        folder: (pk, status)
        for pk, slots, status in jobs.iterator()
        for slot in slots
        if (folder := files.identity(pk, slot)) in folders
    }


def _older(name: str, before: datetime) -> bool:
    place = storage()
    with files.told():
        try:
            dated = place.get_modified_time(name)
        except Exception:  # a storage backend may raise anything
            if place.exists(name):
                raise
            return False  # somebody deleted it meanwhile
    return dated <= before


def _remove(name: str, job: uuid.UUID | None) -> bool:
    """Delete it; a failed call is held meanwhile, for it may be taken up again."""
    if job is None:
        _delete(name)
        return True
    with transaction.atomic():
        free = _still_failed(job) and not _named([name])
        if free:
            _delete(name)
    return free


def _delete(name: str) -> None:
    with files.told():
        files.remove(name)


def _still_failed(job: uuid.UUID) -> bool:
    """Whether it is, and stays so until the end of the transaction."""
    return bool(Job.objects.filter(pk=job, status=JobStatus.FAILED).update(status=JobStatus.FAILED))


def _rows() -> Iterator[list[tuple[uuid.UUID, str, str]]]:
    rows = list(_row_values()[:BATCH])
    while rows:
        yield rows
        rows = list(_row_values().filter(pk__gt=rows[-1][0])[:BATCH])


def _row_values() -> Any:
    return Image.objects.order_by("pk").values_list("pk", "file", "thumbnail")


def _there(row: tuple[uuid.UUID, str, str]) -> bool:
    return all(storage().exists(name) for name in row[1:] if name)
