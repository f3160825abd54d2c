"""Webhooks in: the address a provider may ring at, and what a ring does; of its body only the id is believed.

What a signed one says besides may be odd, and is noted for a person.
"""

from __future__ import annotations

import hmac
import logging
import uuid
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from django.conf import settings as django_settings
from django.db import IntegrityError, transaction
from django.db.models import F
from django.urls import NoReverseMatch, reverse
from django.utils.encoding import force_bytes

from imagen import anomalies, kept, queue, registry
from imagen.conf import settings
from imagen.exceptions import NotFound
from imagen.models import Event, Gateway, Job, Oddity, database_now
from imagen.providers.base import Provider
from imagen.states import FINAL, JobStatus
from imagen.types import State

logger = logging.getLogger("imagen")
HEARD = "webhook"
_DIGITS = 32  # 128 bits
_OPEN = frozenset({JobStatus.SENDING, JobStatus.PROCESSING, JobStatus.UNCONFIRMED})
_MADE = frozenset(  # failed here, although the provider was done
    {
        *("no_outputs", "output_expired", "output_invalid", "output_too_large"),
        *("egress_blocked", "storage_full", "storage_unavailable"),
    }
)


def address(job: Job, provider: Provider) -> str:
    """Where the provider may ring about this job; empty where it cannot, or could not be believed."""
    if not settings.PUBLIC_URL or not provider.calls_back:
        return ""
    try:
        path = reverse("imagen:hook", args=[job.provider, token(job)])
    except NoReverseMatch:  # a site may use the engine without our URLs
        return ""
    except Exception as error:  # or have a URLconf that does not import here; the call goes out without an address
        logger.warning("no webhook can be asked for: %s", type(error).__name__, extra=_facts(job))
        return ""
    return settings.PUBLIC_URL.rstrip("/") + path


def token(job: Job) -> str:
    """The job's id and proof that we gave it out; nothing of it is stored."""
    return job.pk.hex + _proof(job.pk, job.provider, django_settings.SECRET_KEY)


def overhear(alias: str, given: str, *, headers: Mapping[str, str], body: bytes) -> None:
    """Take a ring: the job is asked after again. ``NotFound`` for a wrong address, ``BadSignature`` without proof."""
    provider = registry.configured().get(alias)
    if provider is None or (pk := _read(given, alias)) is None:
        raise NotFound("there is no such address")
    remote_id = provider.ring(headers, body)
    with transaction.atomic():
        job = Job.objects.filter(pk=pk, provider=alias).select_for_update().first()
        if job is None or _stray(job, remote_id):
            _wonder(provider, alias, remote_id, job)
        elif kept.hint(job, remote_id):
            _told(job)
            queue.ring()
        elif job.status in FINAL:
            _compare(job, provider.claimed(body))
        elif _ring(job, remote_id):
            queue.ring()
        Gateway.objects.filter(pk=alias, missed__gt=0).update(missed=0)


def _proof(pk: uuid.UUID, alias: str, secret: str | bytes) -> str:
    return hmac.new(force_bytes(secret), f"imagen.hooks {alias} {pk.hex}".encode(), sha256).hexdigest()[:_DIGITS]


def _read(given: str, alias: str) -> uuid.UUID | None:
    try:
        pk = uuid.UUID(given[:_DIGITS])
    except ValueError:
        return None
    secrets = (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)
    proofs = [pk.hex + _proof(pk, alias, secret) for secret in secrets]
    return pk if any(hmac.compare_digest(given.encode(), proof.encode()) for proof in proofs) else None


def _stray(job: Job, remote_id: str) -> bool:
    """Whether this is no id of the job's; while it is in doubt any may be, unless another call of ours has it."""
    if job.remote_id and job.status != JobStatus.UNCONFIRMED:
        return job.remote_id != remote_id
    return Job.objects.filter(provider=job.provider, remote_id=remote_id).exclude(pk=job.pk).exists()


def _wonder(provider: Provider, alias: str, remote_id: str, job: Job | None) -> None:
    """A ring about another job is answered like any other, and leaves a trace only where it is signed."""
    logger.warning("a webhook names another job", extra=_facts(job) if job else {"provider": alias})
    if provider.signed:
        anomalies.note(Oddity.RING_UNKNOWN, provider=alias, note=remote_id)


def _compare(job: Job, claim: State | None) -> None:
    """A ring after the end changes nothing; one that claims another end is noted."""
    made = job.status == JobStatus.COMPLETED or job.error_code in _MADE
    if job.due_at is not None:
        return  # it is asked after once more: that answer counts
    if claim is (State.FAILED if made else State.DONE):
        logger.warning("a webhook claims another end: %s", claim, extra=_facts(job))
        anomalies.note(Oddity.RING_DIFFERS, job=job, note=f"says {claim}, is {job.status}")


def _ring(job: Job, remote_id: str) -> bool:
    """Whether a job waited for this; one that is held now is looked at again as soon as it is let go."""
    again = job.heard and job.remote_id == remote_id  # and nobody has looked since
    return job.status in _OPEN and not again and _note(job, remote_id)


def _note(job: Job, remote_id: str) -> bool:
    """Write down that it rang, and under which id where we know none: the next look finds out whether it is true."""
    changes: dict[str, Any] = {"heard": True, "remote_id": remote_id}
    if job.status == JobStatus.UNCONFIRMED:  # a look under way is about another id, or about none
        changes |= {"due_at": database_now(), "holder": "", "fence": F("fence") + 1, "tries": 0}
    elif not job.holder:
        changes["due_at"] = database_now()
    try:
        with transaction.atomic():
            Job.objects.filter(pk=job.pk).update(**changes)
    except IntegrityError:
        logger.warning("a webhook names another job", extra=_facts(job))  # which got this id a moment ago
        return False
    _told(job)
    return True


def _told(job: Job) -> None:
    """One line of history, however often it rings."""
    if not job.events.filter(what=HEARD).exists():
        Event.objects.create(generation_id=job.generation_id, job=job, what=HEARD)


def _facts(job: Job) -> dict[str, str]:
    ids = {"generation": str(job.generation_id), "job": str(job.pk)}
    return {**ids, "provider": job.provider, "status": job.status, "code": ""}
