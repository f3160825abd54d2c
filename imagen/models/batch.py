"""Requests that were asked for together."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from imagen.models.generation import Generation

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractBaseUser


class BatchQuerySet(models.QuerySet["Batch"]):
    """Questions about batches in the words of the field."""

    def of(self, user: AbstractBaseUser) -> BatchQuerySet:
        """What this person may see: their own, or all with the permission."""
        if user.has_perm("imagen.view_all"):  # type: ignore[attr-defined]  # AbstractBaseUser leaves permissions to its mixin
            return self
        return self.filter(user=user.pk)

    def standing(self) -> BatchQuerySet:
        """Batches of which something is left."""
        return self.filter(_something_left())

    def empty(self, *, without: models.QuerySet[Generation] | None = None) -> BatchQuerySet:
        """Batches whose requests were all deleted, or would be ``without`` these."""
        return self.exclude(_something_left(without))


def _something_left(without: models.QuerySet[Generation] | None = None) -> Exists:
    left = Generation.objects.standing().filter(batch=OuterRef("pk"))
    return Exists(left if without is None else left.exclude(pk__in=without.order_by().values("pk")))


class Batch(models.Model):
    """Requests under one roof: all of them were taken, or none; how they stand, they say themselves."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, related_name="+", verbose_name=_("person")
    )
    metadata = models.JSONField(default=dict, blank=True)
    total = models.PositiveSmallIntegerField(_("number of requests"))
    created_at = models.DateTimeField(_("asked"), default=timezone.now)

    objects = BatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("batch")
        verbose_name_plural = _("batches")
        ordering = ("-created_at", "-pk")
        default_permissions = ()
        indexes = (
            models.Index(fields=("-created_at", "-id"), name="imagen_batch_newest"),
            models.Index(fields=("user", "-created_at", "-id"), name="imagen_batch_by_user"),
        )

    def __str__(self) -> str:
        return f"{self._meta.verbose_name} {str(self.pk)[:8]}"
