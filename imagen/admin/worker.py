"""Workers in the admin: who is alive."""

from __future__ import annotations

from datetime import timedelta

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from imagen.admin.base import ReadOnlyAdmin
from imagen.admin.words import ago
from imagen.models import Job, Worker, database_now

SILENCE = timedelta(seconds=90)
PATIENCE = timedelta(seconds=5)  # an idle worker is woken by a request and says so at once


def silent() -> bool:
    """Whether something waits and no worker was heard of for a minute and a half."""
    now, beat = database_now(), Worker.last_beat()
    if beat is not None and beat > now - SILENCE:
        return False
    return Job.objects.filter(due_at__lt=now - PATIENCE).exists()


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
