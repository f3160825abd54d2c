"""The life of a job and of a generation: which state may follow which, and one from the other."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class JobStatus(TextChoices):
    """Where one paid call is."""

    QUEUED = "queued", _("waiting")
    SUBMITTING = "submitting", _("about to be sent")
    SENDING = "sending", _("being sent")
    PROCESSING = "processing", _("being made")
    STORING = "storing", _("being saved")
    COMPLETED = "completed", _("ready")
    FAILED = "failed", _("failed")
    CANCELED = "canceled", _("cancelled")
    UNCONFIRMED = "unconfirmed", _("not confirmed")


class Status(TextChoices):
    """Where a generation is, as everybody outside sees it."""

    QUEUED = "queued", _("Waiting")
    PROCESSING = "processing", _("Being made")
    COMPLETED = "completed", _("Ready")
    PARTIAL = "partial", _("Partly ready")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Cancelled")
    UNCONFIRMED = "unconfirmed", _("Needs a person")


class Review(TextChoices):
    """Whether a picture may be shown."""

    NONE = "none", _("not needed")
    HELD = "held", _("held for review")
    RELEASED = "released", _("released")
    REJECTED = "rejected", _("rejected")


_J = JobStatus
NEXT: dict[JobStatus, frozenset[JobStatus]] = {
    _J.QUEUED: frozenset({_J.QUEUED, _J.SUBMITTING, _J.CANCELED, _J.FAILED}),
    _J.SUBMITTING: frozenset({_J.SUBMITTING, _J.SENDING, _J.QUEUED, _J.CANCELED, _J.FAILED}),
    # sending -> sending: the same key again, where the provider remembers keys
    _J.SENDING: frozenset({_J.SENDING, _J.PROCESSING, _J.STORING, _J.QUEUED, _J.UNCONFIRMED, _J.FAILED}),
    _J.PROCESSING: frozenset({_J.PROCESSING, _J.STORING, _J.FAILED}),
    _J.STORING: frozenset({_J.STORING, _J.PROCESSING, _J.COMPLETED, _J.FAILED}),
    _J.UNCONFIRMED: frozenset({_J.UNCONFIRMED, _J.PROCESSING, _J.FAILED}),
    _J.FAILED: frozenset({_J.STORING}),
    _J.COMPLETED: frozenset(),
    _J.CANCELED: frozenset(),
}

BEFORE_SENDING = frozenset({_J.QUEUED, _J.SUBMITTING})
UNSENT = BEFORE_SENDING | {_J.SENDING}
AT_PROVIDER = frozenset({_J.SUBMITTING, _J.SENDING, _J.PROCESSING})
ACCEPTED = frozenset({_J.PROCESSING, _J.STORING})
WORKING = UNSENT | ACCEPTED
HELD = frozenset({_J.SUBMITTING, _J.SENDING, _J.PROCESSING, _J.STORING})
ASKED = frozenset({_J.PROCESSING, _J.UNCONFIRMED})
FINAL = frozenset({_J.COMPLETED, _J.FAILED, _J.CANCELED})

UNFINISHED = frozenset({Status.QUEUED, Status.PROCESSING, Status.UNCONFIRMED})
FINISHED = frozenset(Status) - UNFINISHED
TOLD = FINISHED | {Status.UNCONFIRMED}  # what others are told of
RETRYABLE = frozenset({Status.FAILED, Status.PARTIAL})


@cache
def sources(to: JobStatus) -> frozenset[JobStatus]:
    """The states a job may come from when it becomes ``to``."""
    return frozenset(start for start, ends in NEXT.items() if to in ends)


def outcome(jobs: Iterable[JobStatus], *, images: int, asked: int) -> Status:
    """A generation's status from its standing jobs and its stored images."""
    found = set(jobs)
    if found & WORKING:
        accepted = found - UNSENT - {_J.FAILED, _J.CANCELED}
        return Status.PROCESSING if accepted else Status.QUEUED
    if _J.UNCONFIRMED in found:
        return Status.UNCONFIRMED
    if found == {_J.COMPLETED} and images >= asked:
        return Status.COMPLETED
    if images:
        return Status.PARTIAL
    return Status.FAILED if found - {_J.CANCELED} else Status.CANCELED
