"""What we learned about the other side and about our own workers."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.translation import gettext_lazy as _

CLOSED = frozenset({"provider_auth", "provider_insufficient_credits"})
DOWN = "provider_unavailable"
DOWN_AFTER = 4  # rests in a row
DEAF_AFTER = 3  # webhooks in a row


class Gateway(models.Model):
    """One provider's mood: until when it asked us to wait, and why. One row serialises its claims.

    ``missed`` counts the jobs in a row that were over and whose webhook had not come.
    """

    alias = models.CharField(max_length=50, primary_key=True)
    paused_until = models.DateTimeField(null=True)
    pause_code = models.CharField(max_length=40, blank=True, default="")
    pauses = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return self.alias

    @property
    def broken(self) -> bool:
        """Whether somebody has to do something about it: our key, our account, or the gateway itself."""
        return self.pause_code in CLOSED or (self.pause_code == DOWN and self.pauses >= DOWN_AFTER)

    def rest(self, code: str, now: datetime) -> None:
        """Take in one more reason to leave it alone; only the same counts up, and nothing covers a closed door."""
        if self.pause_code in CLOSED and code not in CLOSED:
            return
        same = self.pause_code == code
        running = same and self.paused_until is not None and self.paused_until > now
        self.pauses = (self.pauses if same else 0) + (not running)
        self.pause_code = code

    def half_open(self, now: datetime) -> None:
        """It seems to work again: one request goes first, and one more failure closes it."""
        self.pause_code, self.pauses, self.paused_until = DOWN, DOWN_AFTER - 1, now

    @property
    def deaf(self) -> bool:
        """Whether its webhooks do not come, so that asking is the only way."""
        return self.missed >= DEAF_AFTER


class Tempo(models.Model):
    """How long one model takes at one provider, learned: moving mean and deviation in seconds."""

    provider = models.CharField(max_length=50)
    provider_model = models.CharField(max_length=150)
    mean = models.FloatField()
    deviation = models.FloatField()
    count = models.PositiveIntegerField(default=1)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("provider", "provider_model"), name="imagen_tempo_unique"),)

    def __str__(self) -> str:
        return f"{self.provider_model}: {self.mean:.1f} s"

    def learn(self, seconds: float) -> None:
        """Take in one more measurement."""
        weight = max(0.1, 1 / (self.count + 1))
        error = seconds - self.mean
        self.mean += weight * error
        self.deviation += weight * (abs(error) - self.deviation)
        self.count += 1


class Worker(models.Model):
    """One engine's sign of life."""

    name = models.CharField(_("name"), max_length=150, primary_key=True)
    started_at = models.DateTimeField(_("started"))
    beat_at = models.DateTimeField(_("last sign of life"), db_index=True)
    in_flight = models.PositiveIntegerField(_("under way"), default=0)

    class Meta:
        verbose_name = _("background worker")
        verbose_name_plural = _("background workers")
        default_permissions = ("view",)

    def __str__(self) -> str:
        return self.name

    @classmethod
    def last_beat(cls) -> datetime | None:
        """When any worker was last heard of."""
        newest = cls.objects.order_by("-beat_at").first()
        return newest.beat_at if newest else None
