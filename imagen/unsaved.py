"""Calls whose pictures are there and could not be saved yet: which they are, and having them saved at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from imagen.kept import STORED
from imagen.models import Event, Generation, Job, database_now
from imagen.states import JobStatus

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

ASKED = "save asked"


def of(generation: Generation) -> list[Job]:
    """Those of this request, read from its calls; prefetch them for many."""
    return [job for job in generation.jobs.all() if job.status == JobStatus.STORING and job.error_code in STORED]


def resting(jobs: Sequence[Job]) -> list[Job]:
    """Those of these that wait for their time: nobody holds them, and it has not come."""
    now = database_now()
    return [job for job in jobs if not job.holder and job.due_at is not None and job.due_at > now]


def hurry(jobs: Sequence[Job], *, actor: AbstractBaseUser | None) -> None:
    """Have these looked at now, on behalf of a person; call it where their rows are locked.

    What a worker holds is left to it, and so is what is due.
    """
    now, who = database_now(), actor.pk if actor else None
    for job in resting(jobs):
        Job.objects.filter(pk=job.pk).update(due_at=now)
        Event.objects.create(generation_id=job.generation_id, job=job, what=ASKED, actor_id=who, at=now)
