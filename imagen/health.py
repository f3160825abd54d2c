"""Whether the site can take and do work, in one look."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import Error
from django.db.models import Min

from imagen import alarms, queue
from imagen.conf import settings
from imagen.models import Anomaly, Job, Worker, database_now


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """What answers, when a worker was last heard of, how long the oldest work is overdue, what needs a person.

    ``anomalies`` counts what was odd and nobody has seen; it says nothing about health.
    """

    database: bool
    broker: bool = False
    last_heartbeat: datetime | None = None
    oldest_waiting_seconds: float | None = None
    attended: bool = True
    alarms: int = 0
    anomalies: int = 0

    @property
    def well(self) -> bool:
        """Whether work can be taken and somebody does it; a broker that is down only makes it slower."""
        return self.database and self.attended


def look() -> Health:
    """How things stand now; it never raises."""
    try:
        now, beat = database_now(), Worker.last_beat()
        due = Job.objects.due().aggregate(first=Min("due_at"))["first"]
        open_alarms, odd = alarms.current().count(), Anomaly.objects.unseen().count()
    except Error:
        return Health(database=False)
    patience = 2 * settings.SWEEP_SECONDS
    waiting = max((now - due).total_seconds(), 0.0) if due else None
    quiet = beat is None or (now - beat).total_seconds() > patience
    return Health(
        database=True,
        broker=queue.answers(),
        last_heartbeat=beat,
        oldest_waiting_seconds=waiting,
        attended=not (quiet and (waiting or 0) > patience),
        alarms=open_alarms,
        anomalies=odd,
    )
