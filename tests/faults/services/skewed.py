"""Runs a module on a host whose clock is wrong: ``python -m tests.faults.services.skewed FILE MODULE ARGUMENTS``.

The file says by how many seconds; what it says may change, and then the clock jumps.
"""

from __future__ import annotations

import runpy
import sys
import time
from datetime import timedelta
from pathlib import Path

from django.utils import timezone

path, module, *arguments = sys.argv[1:]
_now, _time = timezone.now, time.time


def _wrong() -> float:
    return float(Path(path).read_text() or 0)


timezone.now = lambda: _now() + timedelta(seconds=_wrong())
time.time = lambda: _time() + _wrong()

sys.argv = [module, *arguments]
runpy.run_module(module, run_name="__main__", alter_sys=True)
