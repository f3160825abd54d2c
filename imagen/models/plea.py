"""Somebody asks for more than a budget allows."""

from __future__ import annotations

from django.conf import settings
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen.messages import money
from imagen.models.budget import Purse
from imagen.models.money import MoneyField


class Answer(models.TextChoices):
    """How a request for more money stands."""

    OPEN = "open", _("waiting for an answer")
    GRANTED = "granted", _("granted once")
    RAISED = "raised", _("limit raised")
    DECLINED = "declined", _("declined")


class Plea(models.Model):
    """How much more, for which budget, why; who answered it and how."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("person"))
    purse = models.ForeignKey(Purse, models.CASCADE, related_name="pleas", verbose_name=_("budget"))
    wanted = MoneyField(_("how much more"), validators=[MinValueValidator(0)])
    reason = models.CharField(_("why"), max_length=500, blank=True, default="")
    asked_at = models.DateTimeField(_("asked"), default=timezone.now)
    answer = models.CharField(_("answer"), max_length=10, choices=Answer.choices, default="open")
    note = models.CharField(_("note"), max_length=500, blank=True, default="")
    answered_at = models.DateTimeField(_("answered"), null=True)
    answered_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("answered by")
    )

    class Meta:
        verbose_name = _("request for more money")
        verbose_name_plural = _("requests for more money")
        ordering = ("-asked_at", "-pk")
        default_permissions = ("view",)
        constraints = (
            models.CheckConstraint(condition=Q(wanted__gt=0), name="imagen_plea_wants_something"),
            models.UniqueConstraint(fields=("user", "purse"), condition=Q(answer="open"), name="imagen_plea_one_open"),
        )

    def __str__(self) -> str:
        return f"{self.user}: {money(self.wanted, self.purse.currency)}"
