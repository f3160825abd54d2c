"""The magazine as an app."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ArticlesConfig(AppConfig):
    """A small real CMS to try imagen in."""

    name = "project.articles"
    verbose_name = _("Magazine")
    default_auto_field = "django.db.models.BigAutoField"
