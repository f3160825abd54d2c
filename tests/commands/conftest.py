"""Commands run in this process, with the sandbox as only provider and time compressed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command

from imagen.management import spare
from imagen.management.commands import imagen_generate

Run = Callable[..., str]
SANDBOX = {"sandbox": {"BACKEND": "imagen.providers.sandbox.Sandbox"}}


@pytest.fixture(autouse=True)
def site(settings: Any, impatient: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A site that paints, quickly."""
    settings.IMAGEN = {"PROVIDERS": SANDBOX, "POLL_SECONDS": 0.05, "RETRY_SECONDS": [0.05, 0.1]}
    monkeypatch.setattr(imagen_generate, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(spare, "PATIENCE", dict.fromkeys(spare.PATIENCE, timedelta(0)))


@pytest.fixture
def run() -> Run:
    """Run a command and return what it printed."""

    def command(name: str, *arguments: str, stdout: io.StringIO | None = None) -> str:
        out = stdout or io.StringIO()
        call_command(name, *arguments, stdout=out)
        return out.getvalue()

    return command
