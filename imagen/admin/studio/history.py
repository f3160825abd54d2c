"""Earlier and later requests for the same field, to leaf through."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any

from django.db.models import Exists, OuterRef
from django.http import HttpRequest
from django.utils import timezone

from imagen import placing
from imagen.doors import Door
from imagen.models import Generation
from imagen.models.generation import GenerationQuerySet
from imagen.states import Status

FRESH = timedelta(days=1)  # as long as the form of an object that is not saved yet can be open
MOST = 100


def runs(door: Door | None, user: Any) -> GenerationQuerySet:
    """What was asked for in this field and may be seen; without a field, what this person asked for in none."""
    seen = Generation.objects.of(user).standing()
    if door is None:
        return seen.filter(user=user.pk, place="").exclude(wording={})
    if door.place_id:
        return seen.filter(place=door.place, place_id=door.place_id)
    return seen.filter(user=user.pk, place=door.place, place_id="", created_at__gt=timezone.now() - FRESH)


def under_way(request: HttpRequest, door: Door | None) -> list[Generation]:
    """What pictures are being made for in this field, whoever asked, the newest first; looked up once a page."""
    if door and not hasattr(request, "_imagen_under_way"):
        here = Generation.objects.standing().filter(place=door.place, place_id=door.place_id)
        found = here if door.place_id else runs(door, request.user)
        still = found.filter(status__in=(Status.QUEUED, Status.PROCESSING)).order_by("-created_at")
        request._imagen_under_way = list(still[:MOST])  # type: ignore[attr-defined]  # ours
    return getattr(request, "_imagen_under_way", [])


def _chosen_from(user: Any) -> GenerationQuerySet:
    """What a field offers of which no picture was made for it yet: this person's own requests with a usable one."""
    usable = placing.placeable(user).filter(generation=OuterRef("pk"), discarded_at=None)
    return Generation.objects.of(user).standing().filter(Exists(usable), user=user.pk)


def around(generation: Generation | None, door: Door | None, user: Any) -> dict[str, uuid.UUID | None]:
    """The next earlier and the next later one, if any; from an empty page the newest is the earlier one."""
    known = _keys(runs(door, user))
    if door and generation and generation.pk not in known:
        known = _keys(_chosen_from(user))
    here = known.index(generation.pk) if generation and generation.pk in known else -1
    earlier = known[here + 1] if here + 1 < len(known) else None
    return {"earlier": earlier, "later": known[here - 1] if here > 0 else None}


def _keys(found: GenerationQuerySet) -> list[uuid.UUID]:
    return list(found.order_by("-created_at", "-pk").values_list("pk", flat=True)[:MOST])
