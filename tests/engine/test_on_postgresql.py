"""The tests that mean more on PostgreSQL, where two transactions really run at once."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MEANT = (
    *("engine/test_review_races.py", "engine/test_review_messages.py", "engine/test_review_outages.py"),
    *("admin/test_admin_races.py", "api/test_api_races.py"),
)

pytestmark = [pytest.mark.service, pytest.mark.slow, pytest.mark.timeout(240)]


def test_engines_and_people_meet_on_postgresql_too(postgres_url: str) -> None:
    files = [str(ROOT / "tests" / name) for name in MEANT]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--create-db", "--no-cov", *files]
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    env = {**quiet, "DATABASE_URL": postgres_url}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
