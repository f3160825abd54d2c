"""``imagen_worker`` says when it begins to listen and when it is over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from imagen import engine


def test_one_line_when_signals_are_heard_and_one_at_the_end(run, monkeypatch: pytest.MonkeyPatch):
    def serve(*, ready: Callable[[], None]) -> None:
        ready()

    monkeypatch.setattr(engine, "serve", serve)
    assert run("imagen_worker").splitlines() == ["The worker is ready.", "The worker has stopped; nothing is lost."]
