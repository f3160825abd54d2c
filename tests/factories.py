"""Rows as the engine would leave them, made directly."""

from __future__ import annotations

import hashlib
import io
import uuid
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import Permission, User
from django.core.files.base import ContentFile
from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from PIL import Image as Pillow

from imagen import budgets, costs, files, keyring
from imagen.models import ApiKey, Change, Entry, Event, Generation, Image, Job, KeyScope
from imagen.models.image import storage
from imagen.offers import MODELS

TERMS = {"price": "0.0380", "unit": "USD", "images_per_call": 4, "poll_seconds": 0.0}


def person(name: str = "ann", *permissions: str, **fields: Any) -> User:
    """A user with these permissions of ours."""
    user = User.objects.create_user(name, password=None, **fields)
    user.user_permissions.add(
        *Permission.objects.filter(content_type__app_label="imagen", codename__in=permissions),
    )
    return User.objects.get(pk=user.pk)  # without a cache of what it may do


def editor(name: str = "ann", *permissions: str, **fields: Any) -> User:
    """A user who may generate."""
    return person(name, "generate", *permissions, **fields)


def terms(model: str) -> dict[str, Any]:
    """What stands on a job about its offer."""
    facts = MODELS.get(model)
    retired = facts.retired_upstream_on if facts else None
    return {
        **TERMS,
        "retired_upstream_on": retired and retired.isoformat(),
        "successor": facts.successor if facts else "",
    }


ROAD = ("submitting", "sending", "processing", "storing")
ROADS: dict[str, tuple[str, ...]] = {
    "queued": (),
    **{status: ROAD[: place + 1] for place, status in enumerate(ROAD)},
    "completed": (*ROAD, "completed"),
    "failed": (*ROAD[:2], "failed"),  # refused, for nothing; one that started was taken
    "canceled": ("canceled",),
    "unconfirmed": (*ROAD[:2], "unconfirmed"),
}


def generation(
    user: User | None = None, *, job: dict[str, Any] | None = None, pictures: bool = False, **fields: Any
) -> Generation:
    """A request with its one job, in the same state unless said otherwise; its pictures, if any, were deleted since."""
    status = fields.get("status", "queued")
    known = {"prompt": "a lighthouse", "model": "imagen-4", "provider": "sandbox", "resolution": "1k"}
    times = {} if status in ("queued", "processing", "unconfirmed") else {"completed_at": timezone.now()}
    made = Generation.objects.create(user=user, **{**known, **times, "cost_estimated": Decimal("0.038"), **fields})
    call = add_job(made, **(job or {}))
    if call.cost != made.cost_actual and "cost_actual" not in fields:
        made.cost_actual = call.cost
        made.save(update_fields=["cost_actual"])
    if status in ("completed", "partial") and not pictures:
        Event.objects.create(generation=made, what="picture deleted")
    return made


def kept(user: User | None = None, *, code: str = "storage_unavailable", **fields: Any) -> Generation:
    """A request that failed though its picture was made and paid; its gateway keeps it."""
    paid = {"cost_actual": Decimal("0.038"), "started_at": timezone.now(), "provider": "wavespeed"}
    job = {"error_code": code, **fields.pop("job", {})}
    return generation(user, **{"status": "failed", "error_code": code, **paid, **fields}, job=job)


def add_job(generation: Generation, **fields: Any) -> Job:
    """One call for all places of the request with its history, due only while it waits."""
    status = fields.get("status", {"partial": "completed"}.get(generation.status, generation.status))
    taken = (
        generation.started_at is not None or generation.cost_actual is not None or status in ("completed", *ROAD[2:])
    )
    road = (*ROAD[:3], "failed") if taken and status == "failed" else ROADS[status]
    known = {
        "provider": generation.provider,
        "provider_model": "google/imagen4",
        "slots": list(range(generation.num_images)),
        "status": status,
        "price": generation.cost_estimated,
        "stake": generation.cost_estimated or Decimal(0),
        "rate": Decimal(1),
        "terms": terms(generation.model),
        "due_at": timezone.now() if status in ("queued", *ROAD) else None,
        "fence": road.count("submitting"),
        "sent_at": timezone.now() if "sending" in road else None,
    }
    if "processing" in road:
        known |= {"accepted_at": timezone.now(), "remote_id": uuid.uuid4().hex, "cost": generation.cost_actual}
    made = Job.objects.create(generation=generation, **{**known, **fields})
    _tell(made, road)
    budgets.book([made])
    return made


def _tell(job: Job, road: tuple[str, ...]) -> None:
    Event.objects.bulk_create([Event(generation_id=job.generation_id, job=job, what=what) for what in road])


@transaction.atomic
def leave(generation: Generation, status: str, **changes: Any) -> list[Job]:
    """The calls of a request as a worker that died a minute ago left them, with their history."""
    now = timezone.now()
    facts: dict[str, Any] = {"due_at": now - timedelta(minutes=1), "holder": "a dead worker", "fence": 3}
    road = ROADS[status]
    facts |= {} if status in ROAD else {"holder": ""}
    facts |= {} if status in ("queued", *ROAD) else {"due_at": None}
    facts |= {"sent_at": now, "tries": 1} if "sending" in road else {}
    facts |= {"accepted_at": now} if "processing" in road else {}
    for job in generation.jobs.order_by("pk"):
        known = {"remote_id": job.remote_id or job.pk.hex} if "processing" in road else {}
        before = costs.position(job)
        Job.objects.filter(pk=job.pk).update(status=status, **{**facts, **known, **changes})
        job.refresh_from_db()
        Entry.objects.post([Change(job, before, costs.position(job))], at=now)
        job.events.all().delete()
        _tell(job, road)
    Generation.objects.refresh_outcomes([generation.pk])
    return list(generation.jobs.order_by("pk"))


def picture_bytes(color: str = "teal", size: tuple[int, int] = (64, 36), format: str = "PNG") -> bytes:  # noqa: A002  # Pillow's word
    """A small real picture."""
    out = io.BytesIO()
    Pillow.new("RGB", size, color).save(out, format)
    return out.getvalue()


def preview(data: bytes) -> tuple[int, int, bytes]:
    """How wide and high a picture is, and a small one of it."""
    with Pillow.open(io.BytesIO(data)) as shown:
        (width, height), out = shown.size, io.BytesIO()
        shown.thumbnail(files.THUMBNAIL)
        shown.save(out, "WEBP")
    return width, height, out.getvalue()


def image(generation: Generation, *, content: bytes | None = None, **fields: Any) -> Image:
    """A picture in storage, with its preview."""
    data = picture_bytes() if content is None else content
    width, height, small = preview(data)
    index = generation.images.aggregate(last=Max("index"))["last"]
    place = storage()
    stem = f"imagen/{generation.pk}/{hashlib.sha256(data).hexdigest()[:16]}"
    known = {
        "job": generation.jobs.first(),
        "index": 0 if index is None else index + 1,
        "file": place.save(f"{stem}.png", ContentFile(data)),
        "thumbnail": place.save(f"{stem}-small.webp", ContentFile(small)),
        "width": width,
        "height": height,
        "format": "png",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "provider_model": "google/imagen4",
        "created_at": timezone.now(),
    }
    return Image.objects.create(generation=generation, **{**known, **fields})


def completed(user: User | None = None, *, images: int = 1, **fields: Any) -> Generation:
    """A finished request with its pictures."""
    made = generation(
        user,
        pictures=True,
        **{"status": "completed", "num_images": images, "cost_actual": Decimal("0.038") * images, **fields},
    )
    for _ in range(images):
        image(made)
    return made


def api_key(user: User, *scopes: str, **fields: Any) -> tuple[ApiKey, str]:
    """A key of this person that opens these scopes, all of them when none is named; and its text."""
    return keyring.issue(user=user, name="Shop", scopes=scopes or KeyScope.values, **fields)
