"""How batches stand, from the rows of their requests: a constant number of queries for a whole page of them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, Max, Q, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils import timezone

from imagen import costs
from imagen.models import Batch, Generation, Job, Tempo
from imagen.presentation import BuildUrl, moment, money, public_url
from imagen.states import FINISHED, WORKING, Status

_UNDER_WAY = (Status.QUEUED, Status.PROCESSING)
DELETED = "deleted"


class Cost(NamedTuple):
    """What all requests cost in one unit; nothing at all where they are counted in several."""

    unit: str | None
    estimated: Decimal | None
    actual: Decimal | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many requests are in which state, and what follows from it; ``version`` changes with any of them."""

    counts: Mapping[str, int]
    status: Status
    cost: Cost
    version: int
    cancelable: bool
    completed_at: datetime | None
    eta_seconds: int | None


def of(batches: Sequence[Batch]) -> dict[uuid.UUID, Progress]:
    """The progress of each of these batches."""
    pks = [batch.pk for batch in batches]
    parts, etas = _parts(pks), _etas(pks)
    return {pk: _progress(parts[pk], etas.get(pk)) for pk in pks}


def _parts(pks: list[uuid.UUID]) -> dict[uuid.UUID, list[dict[str, Any]]]:
    rows = Generation.objects.filter(batch__in=pks).order_by()
    alike: Any = rows.values("batch", "status", "provider", "cost_unit", gone=Q(deleted_at__isnull=False))
    found: dict[uuid.UUID, list[dict[str, Any]]] = defaultdict(list)
    for part in alike.annotate(
        number=Count("pk"),
        unpriced=Count("pk", filter=Q(cost_estimated=None)),
        estimated=Sum("cost_estimated"),
        actual=Sum("cost_actual"),
        versions=Sum("version"),
        asked_to_stop=Count("cancel_asked_at"),
        ended_at=Max("completed_at"),
    ):
        found[part["batch"]].append(part)
    return found


def _progress(parts: list[dict[str, Any]], eta: int | None) -> Progress:
    counts = dict.fromkeys([*map(str, Status), DELETED], 0)
    for part in parts:
        counts[DELETED if part["gone"] else part["status"]] += part["number"]
    status = overall(counts)
    ends = [part["ended_at"] for part in parts if part["ended_at"]]
    return Progress(
        counts=counts,
        status=status,
        cost=_cost(parts),
        version=sum(part["versions"] for part in parts),
        cancelable=any(map(_cancelable, parts)),
        completed_at=max(ends) if ends and status in FINISHED else None,
        eta_seconds=eta,
    )


def _cancelable(part: dict[str, Any]) -> bool:
    """Deleting asks to stop as well."""
    return part["status"] in _UNDER_WAY and part["asked_to_stop"] < part["number"]


def overall(counts: Mapping[str, int]) -> Status:
    """One status for all requests that stand, as a generation has one for all its calls."""
    found = {Status(name) for name, number in counts.items() if number and name != DELETED}
    if found & set(_UNDER_WAY):
        return Status.QUEUED if found == {Status.QUEUED} else Status.PROCESSING
    if Status.UNCONFIRMED in found:
        return Status.UNCONFIRMED
    if found & {Status.COMPLETED, Status.PARTIAL}:
        return Status.COMPLETED if found == {Status.COMPLETED} else Status.PARTIAL
    return Status.FAILED if Status.FAILED in found else Status.CANCELED


def _cost(parts: list[dict[str, Any]]) -> Cost:
    if len({costs.currency(part["provider"], part["cost_unit"]) for part in parts}) > 1:
        return Cost(None, None, None)
    unknown = any(part["unpriced"] for part in parts)
    known = [part["actual"] for part in parts if part["actual"] is not None]
    return Cost(
        unit=parts[0]["cost_unit"] if parts else None,
        estimated=None if unknown else sum((part["estimated"] for part in parts), Decimal(0)),
        actual=sum(known, Decimal(0)) if known else None,
    )


def _etas(pks: list[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Seconds until the last request of each is probably ready; left out where one of its models is not known."""
    now, tempos = timezone.now(), {(each.provider, each.provider_model): each for each in Tempo.objects.all()}
    calls = Job.objects.filter(status__in=WORKING, generation__batch__in=pks, generation__deleted_at=None)
    begun = Coalesce("generation__started_at", "generation__created_at")
    rows = calls.order_by().values_list("generation__batch", "provider", "provider_model").annotate(begun=Max(begun))
    found: dict[uuid.UUID, list[float | None]] = defaultdict(list)
    for pk, provider, model, at in rows:
        tempo, gone = tempos.get((provider, model)), (now - at).total_seconds()
        found[pk].append(tempo.mean + tempo.deviation - gone if tempo else None)
    return {pk: max(1, round(max(each))) for pk, each in _all_known(found)}


def _all_known(found: Mapping[uuid.UUID, list[float | None]]) -> Iterable[tuple[uuid.UUID, list[float]]]:
    for pk, seconds in found.items():
        known = [each for each in seconds if each is not None]
        if len(known) == len(seconds):
            yield pk, known


def batch_json(batch: Batch, progress: Progress, *, build_url: BuildUrl = public_url) -> dict[str, Any]:
    """The Batch of the public contract."""
    generations = f"{reverse('imagen:generations')}?batch={batch.pk}"
    return {
        "id": str(batch.pk),
        "status": str(progress.status),
        "progress": {"total": batch.total, **progress.counts},
        "metadata": batch.metadata,
        "cost": {
            "unit": progress.cost.unit,
            "estimated": money(progress.cost.estimated),
            "actual": money(progress.cost.actual),
        },
        "eta_seconds": progress.eta_seconds,
        "created_at": moment(batch.created_at),
        "completed_at": moment(progress.completed_at),
        "urls": {
            "self": build_url(reverse("imagen:batch", args=[batch.pk])),
            "generations": build_url(generations),
            "cancel": build_url(reverse("imagen:batch-cancel", args=[batch.pk])) if progress.cancelable else None,
        },
    }
