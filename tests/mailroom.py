"""A receiver of webhooks, its endpoint and the person it belongs to, on a site that can encrypt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.utils import timezone

from imagen import vault
from imagen.models import Endpoint
from imagen.models.webhook import Happening
from imagen.testing.sink import Sink
from tests.factories import editor

KEY = Fernet.generate_key().decode()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo="
Listen = Callable[..., Endpoint]


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A receiver that takes everything unless it is told otherwise."""
    with Sink() as receiver:
        yield receiver


@pytest.fixture
def post_office(settings: Any, sink: Sink) -> Callable[..., None]:
    """Let this site send to the receiver, quickly; with these changes."""

    def configure(**changes: Any) -> None:
        known = settings.IMAGEN
        hosts = {*known.get("ALLOWED_PRIVATE_HOSTS", ()), f"127.0.0.1:{sink.port}"}
        ours = {"ENCRYPTION_KEYS": [KEY], "WEBHOOK_RETRY_SECONDS": [0, 0.02, 0.02], "WEBHOOK_SECONDS": 5}
        settings.IMAGEN = {**known, **ours, "ALLOWED_PRIVATE_HOSTS": sorted(hosts), **changes}

    configure()
    return configure


@pytest.fixture
def owner(transactional_db: None) -> User:
    """A person who may generate, and look at their endpoints in the admin."""
    return editor("olga", "view_endpoint", email="olga@example.com")


@pytest.fixture
def listen(owner: User, sink: Sink, post_office: Callable[..., None]) -> Listen:
    """An active endpoint of this person at the receiver."""

    def make(**fields: Any) -> Endpoint:
        kept = {"secret": vault.lock(SECRET), "last4": SECRET[-4:], "verified_at": timezone.now(), "state": "active"}
        return Endpoint.objects.create(**{"user": owner, "url": sink.url, "events": Happening.values, **kept, **fields})

    return make
