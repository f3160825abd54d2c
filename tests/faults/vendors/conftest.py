"""An impatient engine and the gateway, to which one story is played in the voice of every vendor at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from imagen.models import Generation
from tests.faults.outcome import VENDORS
from tests.workshop import ask, made, quick, reach, site, work

__all__ = ["ask", "made", "quick", "reach", "site", "work"]
Play = Callable[..., list[Generation]]


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
