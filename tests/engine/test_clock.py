"""The engine's time is the database's, whatever this host believes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from imagen.engine import clock
from imagen.models import Job


@pytest.fixture(autouse=True)
def nobody_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "_agreed", None)


def test_a_clock_that_jumps_after_the_agreement_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    real = timezone.now
    monkeypatch.setattr(clock, "database_now", lambda: real() + timedelta(minutes=5))
    agreed = clock.agree()
    monkeypatch.setattr("django.utils.timezone.now", lambda: real() - timedelta(hours=2))
    assert timedelta(0) <= clock.now() - agreed < timedelta(minutes=1)


def test_before_anybody_asked_it_is_this_hosts(monkeypatch: pytest.MonkeyPatch) -> None:
    assert abs(clock.now() - timezone.now()) < timedelta(minutes=1)


@pytest.mark.fault("F26")
def test_f26_a_call_made_on_a_host_that_is_ahead_is_due_at_once(ask, monkeypatch: pytest.MonkeyPatch) -> None:
    real = timezone.now
    with monkeypatch.context() as patch:
        patch.setattr("django.utils.timezone.now", lambda: real() + timedelta(minutes=5))
        ask()
    assert Job.objects.get().due_at <= timezone.now() + timedelta(seconds=1)
