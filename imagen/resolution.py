"""What a person decides about a send nobody confirmed: here is its id, it was not charged, send it again."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.translation import gettext as _

from imagen import alarms, hiring, outages, pipeline, queue, registry
from imagen.exceptions import Conflict, FieldError, InvalidRequest
from imagen.models import Event, Generation, Job, database_now
from imagen.providers.base import REMOTE_ID
from imagen.states import JobStatus

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

ADOPTED = "adopted"
NOT_CHARGED = "not charged"
UNANSWERED = 8  # looks at a named id without an answer
SENT_AGAIN = "sent again"


@outages.begun_again
def adopt(job: Job, remote_id: str, *, actor: AbstractBaseUser | None) -> Generation:
    """Name the provider's id of this call; it is believed once the provider knows it under our key."""
    if not REMOTE_ID.fullmatch(remote_id):
        raise InvalidRequest(errors=(FieldError(field="remote_id", code="not_an_id"),))
    registry.provider(job.provider)  # or there is nobody to ask
    with transaction.atomic():
        job, generation = _unconfirmed(job)
        _name(job, remote_id)
        _note(job, ADOPTED, actor, remote_id)
        alarms.unconfirmed(job.provider)
        queue.ring()
    return generation


@outages.begun_again
def release(job: Job, *, actor: AbstractBaseUser | None, note: str = "") -> Generation:
    """Take this person's word that the provider charged nothing: the call failed, for free."""
    with transaction.atomic():
        job, generation = _unconfirmed(job)
        _refuse_named(job)
        _note(job, NOT_CHARGED, actor, note)
        _end(job, actor, cost=Decimal(0))
        generation.refresh_from_db()
    return generation


@outages.begun_again
def resend(job: Job, *, actor: AbstractBaseUser | None, note: str = "") -> Generation:
    """Ask for the same in a new call, with a new key; what the old one cost stays unknown."""
    with transaction.atomic():
        job, generation = _unconfirmed(job)
        _refuse_deleted(generation)
        _refuse_named(job)
        choice = hiring.who_again(generation)
        _note(job, SENT_AGAIN, actor, note)
        hiring.hand_over(generation, choice, job.slots, cancel_asked_at=None)
        _end(job, actor, cost=None)
        generation.refresh_from_db()
        queue.ring()
    return generation


def _unconfirmed(job: Job) -> tuple[Job, Generation]:
    """The call as it stands now, locked with all of its request; ``Conflict`` when there is nothing to decide."""
    generation = pipeline.locked(job.generation)
    fresh = generation.jobs.get(pk=job.pk)
    if fresh.status != JobStatus.UNCONFIRMED:
        raise Conflict(state=fresh.get_status_display())
    return fresh, generation


def _refuse_deleted(generation: Generation) -> None:
    if generation.deleted_at is not None:
        raise Conflict(state=_("deleted"))


def _refuse_named(job: Job) -> None:
    """A webhook or a person named an id, and it is being asked after: whoever decides now could pay twice."""
    if job.remote_id and job.due_at is not None and job.tries < UNANSWERED:
        raise Conflict(state=_("being looked up"))


def _name(job: Job, remote_id: str) -> None:
    """Make the id due for a look; the word of whoever looks something else up right now does not count any more."""
    candidate = {"remote_id": remote_id, "due_at": database_now(), "holder": "", "fence": F("fence") + 1, "tries": 0}
    try:
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(**candidate)
    except IntegrityError as error:
        raise Conflict(state=_("the id of another call")) from error


def _note(job: Job, what: str, actor: AbstractBaseUser | None, note: str) -> None:
    facts = {"generation_id": job.generation_id, "job": job, "actor_id": actor.pk if actor else None}
    Event.objects.create(**facts, what=what, note=note, at=database_now())


def _end(job: Job, actor: AbstractBaseUser | None, *, cost: Decimal | None) -> None:
    """The call is over; an id that was only named is free again, and no look under way can bring the call back."""
    changes = {"cost": cost, "remote_id": "", "fence": job.fence + 1}
    job.move(JobStatus.FAILED, code="provider_job_lost", actor=actor, changes=changes)
    alarms.unconfirmed(job.provider)
