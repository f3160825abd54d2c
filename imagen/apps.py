"""The Django app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ImagenConfig(AppConfig):
    """AI image generation."""

    name = "imagen"
    verbose_name = _("AI images")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Register the system checks, the sweep's schedule, and hear of clusters that stop and accounts that go."""
        from django.contrib.auth import get_user_model  # noqa: PLC0415  # apps are not loaded before
        from django.db.models.signals import post_migrate, pre_delete  # noqa: PLC0415  # likewise

        from imagen import checks, cluster, housekeeping, outbox, signals, tasks  # noqa: PLC0415  # likewise

        checks.register()
        cluster.listen()
        signals.generations_turned.connect(outbox.turned, dispatch_uid="imagen.outbox")
        post_migrate.connect(tasks.schedule_sweep, sender=self, dispatch_uid="imagen.sweep")
        pre_delete.connect(housekeeping.depart, sender=get_user_model(), dispatch_uid="imagen.depart")
