"""The matrix: every pair of Python and Django that imagen supports, on SQLite and on PostgreSQL; ``make matrix``."""

from __future__ import annotations

import os
import uuid

import nox

PAIRS = (("3.11", "5.2"), ("3.12", "6.0"), ("3.13", "6.1"))
DATABASES = {"sqlite": "not browser and not service", "postgresql": "not browser"}
POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
WORKERS = os.environ.get("WORKERS", "2")

nox.options.error_on_missing_interpreters = True
nox.options.download_python = "never"
nox.options.reuse_venv = "yes"


@nox.session
@nox.parametrize("database", list(DATABASES))
@nox.parametrize("python,django", PAIRS)
def tests(session: nox.Session, django: str, database: str) -> None:
    """Run the suite, all but the browser, on one Python, one Django and one database."""
    session.install("-r", "requirements-dev.txt")
    session.install(f"Django=={django}.*")  # instead of the one pinned for the demo
    session.run("python", "-m", "pip", "check")
    session.run(
        *("python", "-m", "pytest", "-n", WORKERS, "--dist", "loadfile", "-m", DATABASES[database], *session.posargs),
        env={"DATABASE_URL": _address(database), "REDIS_URL": "", "IMAGEN_CI": "1"},
    )


def _address(database: str) -> str:
    """Where the tests keep their rows: a name nobody else has, or the demo's default, a file of each run's own."""
    return f"{POSTGRES.rpartition('/')[0]}/imagen_{uuid.uuid4().hex[:12]}" if database == "postgresql" else ""
