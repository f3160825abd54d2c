"""The demo site as an app: it takes down what would be dangerous in an admin."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib import admin


class ProjectConfig(AppConfig):
    """The demo project; it stands after the admin in ``INSTALLED_APPS``."""

    name = "project"

    def ready(self) -> None:
        """Take django-q2's pages out of the admin: a schedule there runs any function by its dotted name."""
        from django_q.models import Failure, OrmQ, Schedule, Success  # noqa: PLC0415 - rows exist only now

        for model in (Failure, OrmQ, Schedule, Success):
            if admin.site.is_registered(model):
                admin.site.unregister(model)
