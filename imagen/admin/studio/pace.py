"""How long a model usually takes here, measured on our own last requests."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from statistics import quantiles

from django.utils.translation import gettext as _

from imagen.models import Generation, Job, Tempo
from imagen.states import JobStatus, Status

LAST = 50
ENOUGH = 5  # fewer say little about the tenth that takes longest


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds: nine of ten take at least ``low``, half of them ``middle``, one of ten more than ``high``."""

    low: int
    middle: int
    high: int

    @property
    def told(self) -> str:
        """From when until when it is usually ready."""
        if self.low == self.high:
            return _("%(high)s s") % {"high": self.high}
        return _("%(low)s–%(high)s s") % {"low": self.low, "high": self.high}


def usual(model: str, provider: str, names: Collection[str]) -> Pace | None:
    """What the last requests to this model at this service took; while there are few, its calls by their ``names``."""
    done = Generation.objects.filter(model=model, provider=provider, status=Status.COMPLETED)
    times = done.order_by("-created_at").values_list("started_at", "completed_at")[:LAST]
    seconds = [(end - start).total_seconds() for start, end in times if start and end]
    if len(seconds) < ENOUGH:
        return _learned(provider, names)
    tenths = quantiles(seconds, n=10, method="inclusive")
    return _whole(tenths[0], tenths[4], tenths[8])


def of(generation: Generation) -> Pace | None:
    """What is usual for this request."""
    return usual(generation.model, generation.provider, {job.provider_model for job in generation.jobs.all()})


def _learned(provider: str, names: Collection[str]) -> Pace | None:
    tempo = Tempo.objects.filter(provider=provider, provider_model__in=names).first()
    if tempo is None:
        return None
    return _whole(tempo.mean - tempo.deviation, tempo.mean, tempo.mean + tempo.deviation)


def _whole(low: float, middle: float, high: float) -> Pace:
    return Pace(low=max(1, round(low)), middle=max(1, round(middle)), high=max(1, round(high)))


def place(jobs: list[Job]) -> int | None:
    """The place in the queue of the first of these calls that waits: what waits at its service since before, and one.

    ``None`` when none of them waits.
    """
    mine = min((job for job in jobs if job.status == JobStatus.QUEUED), key=lambda job: job.created_at, default=None)
    if mine is None:
        return None
    waiting = Job.objects.filter(provider=mine.provider, status=JobStatus.QUEUED, due_at__isnull=False)
    return waiting.filter(created_at__lt=mine.created_at).exclude(generation=mine.generation_id).count() + 1
