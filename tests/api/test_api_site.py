"""The interface is the same on a site that sets up DRF and drf-spectacular its own way."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
SAME = [f"test_api_{what}.py" for what in ("asking", "lists", "looking", "problems", "schema", "throttles")]


@pytest.mark.slow
def test_the_sites_own_settings_change_nothing():
    done = subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider"),
            *("--ds=tests.api.another_site", *(str(HERE / name) for name in SAME)),
        ],
        cwd=HERE.parents[1],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:]
