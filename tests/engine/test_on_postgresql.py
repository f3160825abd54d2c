"""The tests of this folder that mean more on PostgreSQL, where two transactions really run at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
MEANT = ("races", "outages")

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(240)]


def test_engines_and_people_meet_on_postgresql_too(postgres_url: str) -> None:
    files = [str(HERE / f"test_review_{name}.py") for name in MEANT]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--create-db", "--no-cov", *files]
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    env = {**quiet, "DATABASE_URL": postgres_url}
    done = subprocess.run(command, cwd=HERE.parents[1], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
