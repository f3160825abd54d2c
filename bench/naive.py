"""The design everybody writes first: one blocking task that submits, polls, downloads and saves one picture."""

from __future__ import annotations

import time

import httpx
from django.conf import settings
from django.core.files.base import ContentFile
from django.utils import timezone

from imagen.models import Generation
from imagen.models.image import storage

POLL_SECONDS = 1.0


def generate(pk: str) -> None:
    """Make the picture of one row; the worker is busy with nothing else meanwhile."""
    row = Generation.objects.get(pk=pk)
    facts = settings.IMAGEN["PROVIDERS"]["wavespeed"]["OPTIONS"]
    base, headers = f"{facts['base_url']}/api/v3", {"Authorization": f"Bearer {facts['api_key']}"}
    submitted = httpx.post(f"{base}/google/imagen4", json={"prompt": row.prompt}, headers=headers).json()["data"]
    Generation.objects.filter(pk=pk).update(status="processing", started_at=timezone.now())
    news = submitted
    while news["status"] != "completed":
        time.sleep(POLL_SECONDS)
        news = httpx.get(f"{base}/predictions/{submitted['id']}/result", headers=headers).json()["data"]
    picture = httpx.get(news["outputs"][0]).content
    storage().save(f"naive/{pk}.png", ContentFile(picture))
    Generation.objects.filter(pk=pk).update(status="completed", completed_at=timezone.now())
