"""Workers in the admin: who is alive."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen.admin.base import PlainAdmin
from imagen.admin.words import ago
from imagen.models import Worker

SILENCE = timedelta(seconds=90)


def silent() -> bool:
    """Whether no worker was heard of for a minute and a half."""
    beat = Worker.last_beat()
    return beat is None or beat < timezone.now() - SILENCE


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
