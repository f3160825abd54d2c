"""Webhooks in: the address a provider may ring at, and what a ring does; of its body only the id is believed."""

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

from imagen import queue, registry
from imagen.conf import settings
from imagen.exceptions import NotFound
from imagen.models import Event, Gateway, Job, database_now
from imagen.providers.base import Provider
from imagen.states import JobStatus

logger = logging.getLogger("imagen")
HEARD = "webhook"
_DIGITS = 32  # 128 bits
_OPEN = frozenset({JobStatus.SENDING, JobStatus.PROCESSING, JobStatus.UNCONFIRMED})


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
        if _ring(pk, alias, remote_id):
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


def _ring(pk: uuid.UUID, alias: str, remote_id: str) -> bool:
    """Whether a job waited for this; one that is held now is looked at again as soon as it is let go."""
    job = Job.objects.filter(pk=pk, provider=alias).select_for_update().first()
    if job is None or job.status not in _OPEN:
        return False
    if job.remote_id not in ("", remote_id) and job.status != JobStatus.UNCONFIRMED:  # there it is only a candidate
        logger.warning("a webhook names another job", extra=_facts(job))
        return False
    if job.heard and job.remote_id == remote_id:
        return False  # it rang already, and nobody has looked since
    return _note(job, remote_id)


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
        logger.warning("a webhook names the job of another request", extra=_facts(job))
        return False
    if not job.events.filter(what=HEARD).exists():
        Event.objects.create(generation_id=job.generation_id, job=job, what=HEARD)
    return True


def _facts(job: Job) -> dict[str, str]:
    ids = {"generation": str(job.generation_id), "job": str(job.pk)}
    return {**ids, "provider": job.provider, "status": job.status, "code": ""}
