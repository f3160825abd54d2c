"""The history: who or what moved a generation, when, and why."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _


class Event(models.Model):
    """One line of history; it is written once and never changed."""

    generation = models.ForeignKey(
        "imagen.Generation", models.CASCADE, related_name="events", verbose_name=_("request")
    )
    job = models.ForeignKey("imagen.Job", models.CASCADE, null=True, related_name="events", verbose_name=_("call"))
    at = models.DateTimeField(_("when"), default=timezone.now)
    what = models.CharField(_("what"), max_length=30)
    code = models.CharField(_("reason"), max_length=40, blank=True, default="")
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    actor = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("who")
    )

    class Meta:
        verbose_name = _("event")
        verbose_name_plural = _("events")
        ordering = ("at", "pk")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return f"{self.what} {self.code}".strip()
