"""The state machine lives a few lives in every run of the suite; ``python -m proof G16`` has it live hundreds."""

from __future__ import annotations

import pytest

from proof import machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


def test_whatever_happens_in_any_order_no_promise_is_broken():
    measured, met = machine.lives(runs=12, steps=40)
    assert met, measured
