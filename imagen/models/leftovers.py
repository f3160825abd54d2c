"""Rows that have served: keys nobody may repeat, workers nobody hears of, anomalies no request keeps, old messages."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from imagen.models.anomaly import Anomaly
from imagen.models.gateway import Worker
from imagen.models.idempotency import REMEMBERED, IdempotencyKey
from imagen.models.webhook import Delivery


def leftovers() -> tuple[QuerySet[Any], ...]:
    """The rows nobody needs any more."""
    now = timezone.now()
    return (
        IdempotencyKey.objects.filter(created_at__lt=now - REMEMBERED),
        Worker.objects.filter(beat_at__lt=now - timedelta(days=1)),
        Anomaly.objects.served(),
        Delivery.objects.served(),
    )
