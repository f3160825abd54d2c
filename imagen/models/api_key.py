"""Keys with which programs ask in a person's name."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen.rates import Rate

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser

SOON = timedelta(days=14)


class KeyScope(models.TextChoices):
    """What a key opens."""

    READ = "read", _("look: requests, pictures, models, usage")
    GENERATE = "generate", _("ask: new pictures, prices, trying again, cancelling")
    MANAGE = "manage", _("change and delete")


class KeyState(models.TextChoices):
    """Whether a key opens anything."""

    VALID = "valid", _("valid")
    EXPIRED = "expired", _("expired")
    REVOKED = "revoked", _("revoked")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    """Questions about keys."""

    def of(self, user: AbstractBaseUser) -> ApiKeyQuerySet:
        """Those of this person."""
        return self.filter(user=user.pk)

    def valid(self) -> ApiKeyQuerySet:
        """Those that open something today."""
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=timezone.now()), revoked_at=None)

    def ending(self) -> ApiKeyQuerySet:
        """Those that still do, and will not for long."""
        return self.valid().filter(expires_at__lte=timezone.now() + SOON)


def check_rate(text: str) -> None:
    """Refuse what is no rate, with the nearest right one."""
    try:
        Rate.read(text)
    except ValueError as right:
        raise ValidationError(_("Write a number and a time, such as %(right)s."), params={"right": right}) from None


class ApiKey(models.Model):
    """One program's key: whose permissions count, what of them it opens, until when; its text is kept nowhere."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+", verbose_name=_("person"))
    name = models.CharField(_("name"), max_length=80, help_text=_("Which program uses it, and where."))
    handle = models.CharField(max_length=8, unique=True, editable=False)
    digest = models.CharField(max_length=64, editable=False)
    last_four = models.CharField(_("last four"), max_length=4, editable=False)
    scopes = models.JSONField(_("opens"), default=list)
    webhook_urls = models.BooleanField(
        _("may name webhook addresses"), default=False, help_text=_("A request may say which address to ring.")
    )
    rate = models.CharField(
        _("at most"),
        max_length=20,
        blank=True,
        default="",
        validators=[check_rate],
        help_text=_("How often it may ask, such as 60/min. The site’s own limits hold as well."),
    )
    created_at = models.DateTimeField(_("made"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"), null=True, blank=True)
    revoked_at = models.DateTimeField(_("revoked"), null=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, editable=False)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")
        ordering = ("-created_at", "-pk")
        default_permissions = ("add", "change", "view")

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})"

    @property
    def state(self) -> KeyState:
        """Whether it opens anything now."""
        if self.revoked_at is not None:
            return KeyState.REVOKED
        over = self.expires_at is not None and self.expires_at <= timezone.now()
        return KeyState.EXPIRED if over else KeyState.VALID

    def opens(self, scope: str) -> bool:
        """Whether this scope is among its own."""
        return scope in self.scopes
