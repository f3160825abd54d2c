"""Answers remembered under the key a client chose."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings
from django.db import models
from django.utils import timezone

REMEMBERED = timedelta(hours=24)


class IdempotencyKey(models.Model):
    """The first answer to one key of one user; it is written in the transaction that makes the generation."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(default=0)
    body = models.JSONField(default=dict)
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    class Meta:
        default_permissions = ()
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="imagen_idempotency_unique"),)

    def __str__(self) -> str:
        return f"key of user {self.user_id}"

    @property
    def expired(self) -> bool:
        """Whether the key may be used for something new."""
        return self.created_at < timezone.now() - REMEMBERED
