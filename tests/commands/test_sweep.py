"""``imagen_sweep``: what went quiet is picked up, once or every so many seconds."""

from __future__ import annotations

import io
import os
import re
import signal
from typing import Any

import pytest
from django.core.management.base import CommandError

from imagen import pipeline
from imagen.management.commands import imagen_sweep
from imagen.models import Erasure, Generation

LINE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d Calls due before: %d, after: %d\."


@pytest.mark.django_db(transaction=True)
def test_what_is_due_is_worked_on_and_counted(run):
    generation = pipeline.request(prompt="a lighthouse [[slow:0]]")
    assert re.fullmatch(LINE % (1, 0), run("imagen_sweep").strip())
    assert Generation.objects.get(pk=generation.pk).status == "completed"


@pytest.mark.django_db(transaction=True)
def test_files_that_have_to_go_are_deleted(run):
    Erasure.objects.create(name="imagen/gone.png")
    run("imagen_sweep")
    assert not Erasure.objects.exists()


@pytest.mark.parametrize("number", imagen_sweep.STOPPING)
def test_it_sweeps_again_until_a_signal_comes(run, monkeypatch: pytest.MonkeyPatch, db: None, number: int):
    swept: list[int] = []

    def sweep() -> int:
        swept.append(0)
        if len(swept) == 2:
            os.kill(os.getpid(), number)
        return 0

    monkeypatch.setattr(pipeline, "sweep", sweep)
    monkeypatch.setattr(imagen_sweep.tasks, "drive", lambda: None)
    before = signal.getsignal(number)
    out = io.StringIO()
    run("imagen_sweep", "--every", "1", stdout=out)
    assert len(swept) == len(out.getvalue().splitlines()) == 2
    assert signal.getsignal(number) is before


@pytest.mark.parametrize("seconds", ["0", "soon", "nan", "1e9"])
def test_seconds_that_make_no_sense_are_refused(run, seconds: Any):
    with pytest.raises(CommandError, match="seconds are a number from 1 to 86400"):
        run("imagen_sweep", "--every", seconds)
