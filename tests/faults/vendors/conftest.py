"""An impatient engine and the gateway, to which one story is played in the voice of every vendor at once."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from imagen.engine import rhythm
from imagen.models import Generation
from imagen.testing.gateway import SECRET
from tests.faults.outcome import VENDORS
from tests.workshop import ask, made, quick, reach, site, work

__all__ = ["ask", "made", "quick", "reach", "site", "work"]
Play = Callable[..., list[Generation]]
LONG = 8.0  # seconds until the site asks by itself: too many to be taken for a ring


@pytest.fixture
def play(site, ask, work, imagen_gateway) -> Play:
    """Let the gateway behave like this to each of these vendors, ask each for a picture, and let the engine work.

    Settings are in capitals, options of the request in ``asked``. The engine leaves when nothing is due soon.
    """

    def story(
        script: dict[str, Any],
        *,
        only: tuple[str, ...] = VENDORS,
        asked: dict[str, Any] | None = None,
        seconds: float = 10.0,
        **changes: Any,
    ) -> list[Generation]:
        site(vendors=only, **{"SWEEP_SECONDS": 0.5, **changes})
        for vendor in only:
            imagen_gateway.script(vendor, **script)
        found = [ask(f"a lighthouse for {vendor}", provider=vendor, **(asked or {})) for vendor in only]
        work(seconds)
        for generation in found:
            generation.refresh_from_db()
        return found

    return story


@pytest.fixture
def connected(monkeypatch) -> list[Any]:
    """Where sockets were connected to."""
    found: list[Any] = []
    real = socket.socket.connect
    monkeypatch.setattr(socket.socket, "connect", lambda self, address: found.append(address) or real(self, address))
    return found


@pytest.fixture
def listening(play: Play, live_server: Any, monkeypatch: Any) -> Play:
    """A site every vendor can ring at, to which a story is played."""

    def story(script: dict[str, Any], *, patience: float = LONG, **more: Any) -> list[Any]:
        monkeypatch.setattr(rhythm, "LEAST_PATIENCE", patience)
        pace = {"POLL_SECONDS": patience, "POLL_MAX_SECONDS": patience, "SWEEP_SECONDS": patience + 1}
        here = {"PUBLIC_URL": live_server.url, "options": {"webhook_secret": SECRET}}
        return play(script, **pace, **here, **more)

    return story
