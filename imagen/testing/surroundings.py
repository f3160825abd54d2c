"""What has to be true around the rows: of the files in the storage and of the tasks in the queue."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Mapping
from pathlib import PurePosixPath
from typing import Any

from django.apps import apps

from imagen import kept
from imagen.files import PREFIX
from imagen.models import Erasure, Image, Job
from imagen.models.image import storage
from imagen.states import FINAL
from imagen.testing.site import Site

UNFINISHED = "unfinished"
TASKS = ("imagen.tasks.drive", "imagen.tasks.sweep")


def stored(site: Site) -> Iterator[str]:
    """Every picture has its whole file, every file its picture."""
    for image in site.images:
        yield from (f"Image {image.pk} {wrong}." for wrong in _of_image(image))
    yield from _orphans(site)


def _of_image(image: Image) -> Iterator[str]:
    for name in image.files:
        if not storage().exists(name):
            yield f"has no file {name}"
            return
    with image.file.open("rb") as file:
        data = file.read()
    if (len(data), hashlib.sha256(data).hexdigest()) != (image.bytes, image.sha256):
        yield "serves other bytes than its row says"


def _orphans(site: Site) -> Iterator[str]:
    """Every file belongs to a picture, is about to go, or was kept for a call that may still have it."""
    known = {name for image in site.images for name in image.files}
    unknown = [name for name in names(PREFIX) if name not in known]
    if unknown:
        doomed = set(Erasure.objects.values_list("name", flat=True))
        awaited = [job for job in site.jobs.values() if job.status not in FINAL or kept.open_ended(job)]
        coming = {f"{PREFIX}/{folder}" for job in awaited for folder in _homes(job)}
        lost = (name for name in unknown if name not in doomed and name.rpartition("/")[0] not in coming)
        yield from (f"File {name} belongs to no row." for name in lost)


def _homes(job: Job) -> Iterable[uuid.UUID]:
    return (uuid.uuid5(job.pk, str(slot)) for slot in job.slots)


def names(folder: str) -> Iterator[str]:
    """Every file below this folder of the storage that was written to its end."""
    try:
        folders, files = storage().listdir(folder)
    except FileNotFoundError:
        return
    yield from (str(PurePosixPath(folder, name)) for name in files)
    for inner in folders:
        if inner != UNFINISHED:
            yield from names(str(PurePosixPath(folder, inner)))


def queued(site: Site) -> Iterator[str]:
    """The queue knows that there is something to do, not what."""
    if not site.generations or not apps.is_installed("django_q"):
        return
    for row in apps.get_model("django_q", "OrmQ").objects.all():
        yield from _carried(row.task)
    for row in apps.get_model("django_q", "Task").objects.filter(func__in=TASKS):
        yield from _carried({"func": row.func, "args": row.args, "kwargs": row.kwargs, "result": row.result})


def _carried(task: Mapping[str, Any]) -> Iterator[str]:
    if task.get("func") in TASKS and any(task.get(name) for name in ("args", "kwargs", "result")):
        yield f"The queue carries more than a bell: {task['func']}."
