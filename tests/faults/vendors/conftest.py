"""An impatient engine against the gateway in the voice of each vendor."""

from __future__ import annotations

import pytest

from tests.faults.outcome import VENDORS
from tests.workshop import ask, made, quick, reach, site, work

__all__ = ["ask", "made", "quick", "reach", "site", "work"]


@pytest.fixture(params=VENDORS)
def vendor(request: pytest.FixtureRequest, quick: None) -> str:
    """Each vendor in turn."""
    return request.param


@pytest.fixture
def alone(vendor, site):
    """Set the site up with this vendor alone, the engine leaving as soon as nothing is due for half a second."""

    def configure(**changes):
        site(vendors=(vendor,), SWEEP_SECONDS=0.5, **changes)

    configure()
    return configure
