"""What was odd about a service: written once, counted from then on, and marked when a person has seen it."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.conf import settings
from django.db import Error, models, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen.outages import passing

if TYPE_CHECKING:
    from imagen.models.job import Job

logger = logging.getLogger("imagen")
KEPT = timedelta(days=7)  # where no request keeps it


class Oddity(models.TextChoices):
    """What may be odd about a service."""

    RING_DIFFERS = "ring_differs", _("called back with another outcome")
    RING_UNKNOWN = "ring_unknown", _("called back about another job")
    SAME_ID = "same_id", _("gave two calls one id")
    UNKNOWN_WORD = "unknown_word", _("used a status nobody knows")
    NO_OUTPUTS = "no_outputs", _("was done and sent no picture")
    EXTRA_OUTPUTS = "extra_outputs", _("sent more pictures than asked, or one twice")
    WRONG_REFUSAL = "wrong_refusal", _("declined what somebody calls harmless")


class Odd(NamedTuple):
    """One oddity as it is met; ``note`` holds ids, counts and status words, nothing a person wrote."""

    code: Oddity
    note: str = ""


class AnomalyQuerySet(models.QuerySet["Anomaly"]):
    """The one door through which anomalies are written."""

    def unseen(self) -> AnomalyQuerySet:
        """Those nobody has marked."""
        return self.filter(seen_at=None)

    def served(self) -> AnomalyQuerySet:
        """Those that no standing request keeps, after a week."""
        orphans = Q(job=None) | Q(generation__deleted_at__isnull=False)
        return self.filter(orphans, at__lt=timezone.now() - KEPT)

    def note(self, odd: Odd, *, provider: str = "", job: Job | None = None) -> None:
        """Write it down once a call or, without one, once a service and day; what goes wrong here ends nothing else."""
        try:
            with transaction.atomic():
                self._count(odd, provider or (job.provider if job else ""), job)
        except Error as error:
            if passing(error):
                raise
            logger.exception("an anomaly could not be noted", extra={"provider": provider, "code": str(odd.code)})

    def _count(self, odd: Odd, provider: str, job: Job | None) -> None:
        now = timezone.now()
        mark: dict[str, Any] = {"code": odd.code, "job": job}
        mark |= {} if job else {"provider": provider, "day": now.date()}
        if self._counted(mark, times=F("times") + 1, last_at=now):
            return
        first = {"provider": provider, "day": now.date(), "generation_id": job.generation_id if job else None}
        row = self.model(**{**first, **mark}, at=now, last_at=now, note=odd.note[:200])
        self.bulk_create([row], ignore_conflicts=True)  # another may have been first
        self._counted(mark, times=F("times") + 1)

    def _counted(self, mark: dict[str, Any], **changes: Any) -> int:
        return self.filter(**mark).update(**changes)


class Anomaly(models.Model):
    """One oddity of one call, or of one service on one day (UTC); only how often, and who saw it, change."""

    code = models.CharField(_("what"), max_length=40, choices=Oddity.choices)
    provider = models.CharField(_("service"), max_length=50)
    generation = models.ForeignKey(
        "imagen.Generation", models.CASCADE, null=True, related_name="anomalies", verbose_name=_("request")
    )
    job = models.ForeignKey("imagen.Job", models.CASCADE, null=True, related_name="anomalies", verbose_name=_("call"))
    day = models.DateField(_("day"))
    at = models.DateTimeField(_("when"))
    last_at = models.DateTimeField(_("last time"))
    times = models.PositiveIntegerField(_("how often"), default=0)
    note = models.CharField(_("note"), max_length=200, blank=True, default="")
    seen_at = models.DateTimeField(_("seen"), null=True)
    seen_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("seen by")
    )

    objects = AnomalyQuerySet.as_manager()

    class Meta:
        verbose_name = _("anomaly")
        verbose_name_plural = _("anomalies")
        ordering = ("-at", "-pk")
        default_permissions = ("view",)
        indexes = (models.Index(fields=("code", "provider"), name="imagen_anomaly_unseen", condition=Q(seen_at=None)),)
        constraints = (
            models.UniqueConstraint(fields=("code", "job"), name="imagen_anomaly_per_job", condition=~Q(job=None)),
            models.UniqueConstraint(
                fields=("code", "provider", "day"), name="imagen_anomaly_per_day", condition=Q(job=None)
            ),
        )

    def __str__(self) -> str:
        return f"{self.provider} {self.code}"
