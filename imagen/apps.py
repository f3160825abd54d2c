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
        """Register the system checks and the sweep's schedule."""
        from django.db.models.signals import post_migrate  # noqa: PLC0415  # apps are not loaded before

        from imagen import checks, tasks  # noqa: PLC0415  # likewise

        checks.register()
        post_migrate.connect(tasks.schedule_sweep, sender=self, dispatch_uid="imagen.sweep")
