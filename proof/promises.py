"""The reference of the state machine: what was asked for, how often somebody agreed to pay, what may be billed."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from imagen.costs import doubtful
from imagen.models import Generation, Image, Job, Purse
from imagen.states import FINISHED, JobStatus
from imagen.testing.ledger import Ledger
from imagen.testing.site import Site

_IN_DOUBT = (JobStatus.SENDING, JobStatus.UNCONFIRMED)


@dataclass(slots=True, kw_only=True)
class Promise:
    """One request: its pictures, how often each of them was asked for, and how it ended when it did."""

    token: str
    images: int
    bought: Counter[int]
    ended: str = ""
    failed: dict[uuid.UUID, tuple[int, int]] = field(default_factory=dict)  # steps, and looks that showed outputs

    def again(self, slots: list[int] | set[int]) -> None:
        """Somebody asks for these once more, and knows that they may cost once more."""
        self.bought.update(slots)
        self.ended = ""


@dataclass(slots=True)
class Promises:
    """All of them, and whether a site and a gateway keep them."""

    known: dict[uuid.UUID, Promise] = field(default_factory=dict)

    def take(self) -> None:
        """Learn of the requests that are new."""
        for asked in Generation.objects.exclude(pk__in=self.known):
            bought = Counter(range(asked.num_images))
            self.known[asked.pk] = Promise(token=asked.prompt, images=asked.num_images, bought=bought)

    def broken(self, site: Site, ledger: Ledger) -> Iterator[str]:
        """Everything that is not as promised."""
        for pk, promise in self.known.items():
            if pk not in site.generations:
                yield f"{pk} was promised and is lost"
                continue
            yield from (f"{promise.token}: {wrong}" for wrong in _proven(promise, site, site.of[pk], ledger))
            kept = _kept(promise, site.generations[pk], site.of[pk], site.shown[pk])
            yield from (f"{promise.token}: {wrong}" for wrong in kept)
            yield from (f"{promise.token}: {wrong}" for wrong in _billed(promise, site.of[pk], ledger))
        yield from _limited()


def _proven(promise: Promise, site: Site, jobs: list[Job], ledger: Ledger) -> Iterator[str]:
    """What had failed goes on only after a look that showed its outputs; then its request goes on too."""
    for job in jobs:
        there, steps = ledger.job(job.remote_id), _steps(site, job)
        shown = there.shown if there else 0
        before, seen = promise.failed.pop(job.pk, (len(steps), shown))
        if JobStatus.STORING in steps[before:]:
            promise.ended = ""
            yield from [] if shown > seen else [f"{job.pk} went on without proof"]
        if job.status == JobStatus.FAILED:
            promise.failed[job.pk] = len(steps), shown


def _steps(site: Site, job: Job) -> list[str]:
    return [event.what for event in site.history[job.pk] if event.what in JobStatus.values]


def _kept(promise: Promise, asked: Generation, jobs: list[Job], images: list[Image]) -> Iterator[str]:
    """No picture twice, none too many calls, and an end stays until somebody asks again."""
    calls = Counter(slot for job in jobs if job.status != JobStatus.CANCELED for slot in job.slots)
    if more := calls - promise.bought:
        yield f"calls nobody asked for: {dict(more)}"
    if not {image.index for image in images} <= set(range(promise.images)) or len(images) > promise.images:
        yield f"{len(images)} pictures of {promise.images}"
    if promise.ended and asked.status != promise.ended:
        yield f"was {promise.ended} and is {asked.status}"
    promise.ended = asked.status if asked.status in FINISHED else ""


def _billed(promise: Promise, jobs: list[Job], ledger: Ledger) -> Iterator[str]:
    """Never more jobs at a gateway than calls that count as paid, or may have to."""
    there = Counter(job.vendor for job in ledger.jobs if job.prompt == promise.token)
    counted = Counter(job.provider for job in jobs if _counts(job))
    if more := there - counted:
        yield f"the gateway bills {dict(more)} that nobody here counts"
    yield from (f"{job.pk} is no job there" for job in jobs if job.accepted_at and ledger.job(job.remote_id) is None)


def _counts(job: Job) -> bool:
    doubt = job.sent_at is not None and job.status in _IN_DOUBT
    return job.accepted_at is not None or doubt or doubtful(job)


def _limited() -> Iterator[str]:
    for purse in Purse.objects.select_related("budget"):
        limit = purse.budget.limit if purse.budget else Decimal("Infinity")
        if purse.spent + purse.reserved > limit + purse.extra:
            yield f"{purse} has {purse.spent} spent and {purse.reserved} set aside of {limit}"
