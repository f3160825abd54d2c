"""All the rows of a site, read once, for whoever checks them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from imagen.models import Event, Generation, Image, Job
from imagen.testing.ledger import Ledger


@dataclass(slots=True, kw_only=True)
class Site:
    """All the rows there are, each kind read once, and what the gateway knows, if there is one to ask."""

    ledger: Ledger | None = None
    generations: dict[uuid.UUID, Generation] = field(default_factory=dict)
    jobs: dict[uuid.UUID, Job] = field(default_factory=dict)
    images: list[Image] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    of: dict[Any, list[Job]] = field(default_factory=lambda: defaultdict(list))
    shown: dict[Any, list[Image]] = field(default_factory=lambda: defaultdict(list))
    history: dict[Any, list[Event]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def read(cls, ledger: Ledger | None) -> Site:
        """The site as it stands; one without requests has nothing to read."""
        site = cls(ledger=ledger, generations=Generation.objects.in_bulk())
        if site.generations:
            site.jobs, site.images = Job.objects.in_bulk(), list(Image.objects.all())
            site.events = list(Event.objects.order_by("pk"))
        for job in site.jobs.values():
            site.of[job.generation_id].append(job)
        for image in site.images:
            site.shown[image.generation_id].append(image)
        for event in site.events:
            site.history[event.job_id or event.generation_id].append(event)
        return site
