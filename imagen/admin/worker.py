"""Workers in the admin: who is alive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from imagen.admin.base import PlainAdmin
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
class WorkerAdmin(PlainAdmin):
    """Signs of life, to look at."""

    list_display = ("name", "in_flight", "heard", "started")
    list_display_links = None
    ordering = ("-beat_at",)
    actions = None

    @admin.display(description=_("last sign of life"))
    def heard(self, worker: Worker) -> str:
        """How long ago it was heard of."""
        return ago(worker.beat_at)

    @admin.display(description=_("started"))
    def started(self, worker: Worker) -> str:
        """How long ago it started."""
        return ago(worker.started_at)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Workers announce themselves."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody writes here."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody deletes here."""
        return False
