"""Files that still have to leave storage."""

from __future__ import annotations

from django.db import models


class Erasure(models.Model):
    """One file to delete; the row goes when the file is gone, so a storage failure loses nothing."""

    name = models.CharField(max_length=300)
    asked_at = models.DateTimeField(auto_now_add=True)
    tries = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return self.name
