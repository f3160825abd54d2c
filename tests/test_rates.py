"""Rates: read as they are meant, or refused with the right form."""

from __future__ import annotations

import pytest

from imagen.rates import Rate


@pytest.mark.parametrize(
    ("text", "limit", "seconds"),
    [("5/s", 5, 1), ("60/min", 60, 60), ("60/minute", 60, 60), ("1/h", 1, 3600), ("1000/day", 1000, 86_400)],
)
def test_a_rate_is_a_number_and_a_time(text, limit, seconds):
    assert Rate.read(text) == Rate(limit=limit, seconds=seconds)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("60/mn", "60/min"),
        ("60/mins", "60/min"),
        ("60/MIN", "60/min"),
        ("60 / min", "60/min"),
        ("60 per hour", "60/hour"),
        ("1 000/day", "1000/day"),
        ("60/month", "60/min"),
        ("60/5min", "60/min"),
        ("60", "60/min"),
        (60, "60/min"),
        ("0/min", "1/min"),
        ("-5/s", "5/s"),
        ("min", "1/min"),
        ("", "1/min"),
        (True, "1/min"),
        (["60/min"], "60/min"),
        ("٦٠/min", "1/min"),
    ],
)
def test_anything_else_is_refused_with_the_nearest_right_form(wrong, right):
    with pytest.raises(ValueError, match=f"^{right}$"):
        Rate.read(wrong)
    Rate.read(right)
