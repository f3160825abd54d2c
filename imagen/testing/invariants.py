"""What has to be true of the rows and files of a site at any moment; ``check`` says what is not."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from decimal import Decimal
from pathlib import PurePosixPath

from django.db.models import Count

from imagen.costs import currency, shown, shown_in
from imagen.files import PREFIX
from imagen.models import Erasure, Generation, Image, Job
from imagen.models.image import storage
from imagen.states import ACCEPTED, FINAL, HELD, NEXT, JobStatus, outcome

UNFINISHED = "unfinished"


def check() -> None:
    """Raise ``AssertionError`` with one line for everything that is not as it has to be."""
    if wrong := list(violations()):
        raise AssertionError("\n".join(wrong))


def violations() -> Iterator[str]:
    """Everything that is not as it has to be, a sentence each."""
    for job in Job.objects.prefetch_related("events"):
        yield from (f"Job {job.pk} ({job.status}) {wrong}." for wrong in _of_job(job))
    for asked in Generation.objects.prefetch_related("jobs", "images", "events"):
        yield from (f"Generation {asked.pk} ({asked.status}) {wrong}." for wrong in _of_generation(asked))
    for image in Image.objects.all():
        yield from (f"Image {image.pk} {wrong}." for wrong in _of_image(image))
    yield from _bought_together()
    yield from _orphans()


def _of_job(job: Job) -> Iterator[str]:
    status = JobStatus(job.status)
    rules = {
        "is over and still due": status in FINAL and job.due_at is not None,
        "is not over and never due": status not in FINAL | {JobStatus.UNCONFIRMED} and job.due_at is None,
        "is held by a worker": status not in HELD | {JobStatus.UNCONFIRMED} and job.holder != "",
        "was accepted without an id": status in ACCEPTED and job.remote_id == "",
        "was accepted and never sent": job.accepted_at is not None and job.sent_at is None,
        "cost something and was never accepted": bool(job.cost) and job.accepted_at is None,
    }
    yield from (wrong for wrong, applies in rules.items() if applies)
    yield from _of_history(job)


def _of_history(job: Job) -> Iterator[str]:
    """The lines of history lead from one state to a next one, and end where the job stands."""
    before = JobStatus.QUEUED
    moves = (event for event in job.events.all() if event.what in JobStatus.values)
    for event in sorted(moves, key=lambda event: event.pk):
        after = JobStatus(event.what)
        if after not in NEXT[before] and after != before:
            yield f"became {after} after {before}"
        before = after
    if before != job.status:
        yield f"was last said to be {before}"


def _of_generation(generation: Generation) -> Iterator[str]:
    jobs, images = list(generation.jobs.all()), list(generation.images.all())
    costs = [shown(job, job.cost) or Decimal(0) for job in jobs if job.cost is not None]
    told = currency(generation.provider, generation.cost_unit)
    if any(job.cost and shown_in(job) != told for job in jobs):
        costs = []  # nobody can add them up
    if generation.cost_actual != (sum(costs, Decimal(0)) if costs else None):
        yield f"says it cost {generation.cost_actual}, its jobs say {costs}"
    if generation.deleted_at is not None:
        yield from ["was deleted and has pictures"] if images else []
        return
    if any(event.what == "picture deleted" for event in generation.events.all()):
        return  # what is missing was there
    replaced = {job.replaces_id for job in jobs}
    standing = [JobStatus(job.status) for job in jobs if job.pk not in replaced]
    due = outcome(standing, images=len(images), asked=generation.num_images)
    if generation.status != due:
        yield f"has to be {due}: jobs {sorted(standing)}, {len(images)} pictures"


def _of_image(image: Image) -> Iterator[str]:
    for name in image.files:
        if not storage().exists(name):
            yield f"has no file {name}"
            return
    with image.file.open("rb") as file:
        data = file.read()
    if (len(data), hashlib.sha256(data).hexdigest()) != (image.bytes, image.sha256):
        yield "serves other bytes than its row says"


def _bought_together() -> Iterator[str]:
    named = Job.objects.exclude(remote_id="").order_by().values("provider", "remote_id")
    for pair in named.annotate(count=Count("pk")).filter(count__gt=1):
        yield f"{pair['count']} jobs have the id {pair['remote_id']} at {pair['provider']}."


def _orphans() -> Iterator[str]:
    known = {name for image in Image.objects.all() for name in image.files}
    known |= set(Erasure.objects.values_list("name", flat=True))
    yield from (f"File {name} belongs to no row." for name in _files(PREFIX) if name not in known)


def _files(folder: str) -> Iterator[str]:
    try:
        folders, names = storage().listdir(folder)
    except FileNotFoundError:
        return
    yield from (str(PurePosixPath(folder, name)) for name in names)
    for inner in folders:
        if inner != UNFINISHED:
            yield from _files(str(PurePosixPath(folder, inner)))
