"""What administrators have to know, each cause told once a day."""

from __future__ import annotations

from datetime import timedelta

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

DAY = timedelta(days=1)


class Alarm(models.Model):
    """One cause, whom or what it is about, since when, and when it was last told; ``over_at`` when it is no more."""

    cause = models.CharField(_("cause"), max_length=40)
    about = models.CharField(_("about"), max_length=150, blank=True, default="")
    since = models.DateTimeField(_("since"), default=timezone.now)
    told_at = models.DateTimeField(_("told"), null=True)
    over_at = models.DateTimeField(_("over"), null=True)

    class Meta:
        verbose_name = _("alarm")
        verbose_name_plural = _("alarms")
        default_permissions = ("view",)
        constraints = (models.UniqueConstraint(fields=("cause", "about"), name="imagen_alarm_unique"),)

    def __str__(self) -> str:
        return f"{self.cause} {self.about}".strip()


class Duty(Alarm):
    """Whatever waits for a person: no table of its own, a name in the admin's list."""

    class Meta:
        proxy = True
        verbose_name = _("what needs you")
        verbose_name_plural = _("needs you")
        default_permissions = ()
