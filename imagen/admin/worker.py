"""Workers in the admin: who is alive."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin
from django.db.models import Exists
from django.utils.translation import gettext_lazy as _

from imagen import alarms
from imagen.admin.base import ReadOnlyAdmin
from imagen.admin.words import ago
from imagen.models import Ago, Job, Worker

SILENCE = timedelta(seconds=90)
PATIENCE = timedelta(seconds=5)  # an idle worker is woken by a request and says so at once


def silent() -> bool:
    """Whether something waits and no worker was heard of for a minute and a half."""
    alive = Worker.objects.filter(beat_at__gt=Ago(SILENCE))
    return Job.objects.filter(~Exists(alive), due_at__lt=Ago(PATIENCE)).exists()


def reported() -> bool:
    """Whether administrators know that nobody works: they are told once work was due for a minute and a half."""
    overdue = Job.objects.filter(due_at__lt=Ago(SILENCE)).exists()
    if overdue:
        alarms.sound(alarms.SILENT)
    return overdue


@admin.register(Worker)
class WorkerAdmin(ReadOnlyAdmin):
    """Signs of life, to look at."""

    list_display = ("name", "in_flight", "heard", "started")
    ordering = ("-beat_at",)

    @admin.display(description=_("last sign of life"))
    def heard(self, worker: Worker) -> str:
        """How long ago it was heard of."""
        return ago(worker.beat_at)

    @admin.display(description=_("started"))
    def started(self, worker: Worker) -> str:
        """How long ago it started."""
        return ago(worker.started_at)
