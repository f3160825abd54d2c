"""People who are signed in, the services of the site, a worker."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from imagen.models import Worker
from tests.factories import person

EDITOR = ("generate", "view_generation", "change_generation", "add_generation", "view_image", "change_image")
WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}}
SANDBOX = {"BACKEND": "imagen.providers.sandbox.Sandbox"}


@pytest.fixture(autouse=True)
def services(settings: Any) -> None:
    """WaveSpeed and the sandbox."""
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED, "sandbox": SANDBOX}}


@pytest.fixture
def worker(db: None) -> Worker:
    """A worker that was just heard of."""
    now = timezone.now()
    return Worker.objects.create(name="host-1", started_at=now, beat_at=now)


@pytest.fixture
def sign_in(db: None) -> Callable[..., Client]:
    """Sign a member of staff in, with these permissions."""

    def signed(name: str, *permissions: str, **fields: Any) -> Client:
        client = Client()
        client.force_login(person(name, *permissions, is_staff=True, **fields))
        return client

    return signed
