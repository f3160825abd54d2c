"""What every test may rely on: loopback only, storage of its own, services or a clear reason."""

from __future__ import annotations

import os
import shutil
import socket
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import psycopg
import pytest
import redis
from django.utils import translation

pytest_plugins = ["imagen.testing.plugin"]
pytest.register_assert_rewrite("tests.faults.outcome")

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")
CHROMIUM = os.environ.get("TEST_CHROMIUM") or shutil.which("chromium") or ""
CHROMIUM_ARGUMENTS = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
MUST_RUN = os.environ.get("IMAGEN_CI") == "1"
LOOPBACK = ("127.", "::1", "localhost", "::ffff:127.")

# What is true of any value is true on a busy machine as well, and the first text on a fresh clone takes seconds.
hypothesis.settings.register_profile("patient", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow])
hypothesis.settings.load_profile("patient")


def _lacks(name: str) -> None:
    """Skip with the reason; where everything has to run, fail with it."""
    reason = f"{name} is not there"
    if MUST_RUN:
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session", autouse=True)
def loopback_only() -> Iterator[None]:
    """No connection of a test leaves this machine."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(connect: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        local = self.family not in (socket.AF_INET, socket.AF_INET6) or str(address[0]).startswith(LOOPBACK)
        if not local:
            raise AssertionError(f"A test tried to connect to {address[0]}.")
        return connect(self, address)

    return guarded


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """SQLite tests run on a file of this run's own: the engine's thread has to see the same rows."""
    from django.db import connections  # noqa: PLC0415  # settings are not ready before

    facts = connections["default"].settings_dict
    if facts["ENGINE"].endswith("sqlite3"):
        facts["TEST"]["NAME"] = str(tmp_path_factory.mktemp("database") / "test.sqlite3")


@pytest.fixture(autouse=True)
def media(settings: Any, tmp_path: Path) -> Path:
    """A folder of this test's own behind the storages, never the demo's."""
    folder = tmp_path / "media"
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": folder}}
    settings.STORAGES = {**settings.STORAGES, "default": local, "imagen": local}
    return folder


@pytest.fixture(autouse=True)
def never_synced() -> None:
    """No offer is remembered from another test, and none is looked for in the database for a minute."""
    from imagen import shelf  # noqa: PLC0415  # apps are not loaded before

    shelf.prime()


@pytest.fixture(autouse=True)
def unspoken() -> None:
    """The language of a request made by another test is not spoken any more: Django's middleware leaves it on."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def uncounted(settings: Any, tmp_path: Path) -> None:
    """Nobody has asked for anything yet: the cache is this test's alone."""
    backend = "django.core.cache.backends.locmem.LocMemCache"
    settings.CACHES = {"default": {"BACKEND": backend, "LOCATION": str(tmp_path)}}


@pytest.fixture
def by_hand() -> None:
    """The same as the marker, for fixtures that need it."""


@pytest.fixture(autouse=True)
def lawful(request: pytest.FixtureRequest) -> Iterator[None]:
    """After every test that may have touched the database, rows and files are as they have to be at any moment."""
    if not _has_rows(request) or _untrue(request):
        yield
        return
    for name in ("db", "settings", "media", "monkeypatch"):  # set up before us, and so still there after the test
        request.getfixturevalue(name)
    ledger = _ledger(request)
    yield
    from django.db import connection  # noqa: PLC0415  # settings are not ready before

    from imagen.testing import invariants  # noqa: PLC0415  # apps are not loaded before

    if not connection.closed_in_transaction:  # who closed it took the rows along
        invariants.check(ledger)


def _has_rows(request: pytest.FixtureRequest) -> bool:
    marked = request.node.get_closest_marker("django_db") is not None
    return marked or not {"db", "transactional_db"}.isdisjoint(request.fixturenames)


def _untrue(request: pytest.FixtureRequest) -> bool:
    """Whether this test writes rows or files as nobody else does, so that they need not tell a true story."""
    return request.node.get_closest_marker("by_hand") is not None or "by_hand" in request.fixturenames


def _ledger(request: pytest.FixtureRequest) -> Any:
    """What the gateway of this test remembers, where there is one."""
    return request.getfixturevalue("imagen_gateway").ledger if "imagen_gateway" in request.fixturenames else None


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine without waits longer than a test has patience for, and a bell nobody hears."""
    monkeypatch.setattr("imagen.engine.loop.LINGER_SECONDS", 0.0)
    monkeypatch.setattr("imagen.engine.loop.TICK_SECONDS", 0.02)
    monkeypatch.setattr("imagen.engine.post.IDLE_SECONDS", 0.02)
    monkeypatch.setattr("imagen.engine.desk.OUTAGE_SECONDS", 0.05)
    monkeypatch.setattr("imagen.verdicts.CONFIRM_SECONDS", 0.05)
    monkeypatch.setattr("imagen.verdicts.EMPTY_SECONDS", 0.02)
    monkeypatch.setattr("imagen.hauls.EXPIRED_STEPS", (0.05, 0.1))
    monkeypatch.setattr("imagen.queue.knock", lambda: None)


@pytest.fixture
def postgres_url() -> Iterator[str]:
    """The address of a fresh PostgreSQL database, dropped afterwards."""
    with fresh_postgres() as url:
        yield url


@contextmanager
def fresh_postgres() -> Iterator[str]:
    """The same for longer than a test."""
    name = f"imagen_{uuid.uuid4().hex[:12]}"
    try:
        server = psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3)
    except psycopg.OperationalError:
        _lacks("PostgreSQL")
    with server:
        server.execute(f'CREATE DATABASE "{name}"')
        yield f"{POSTGRES.rpartition('/')[0]}/{name}"
        server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
def redis_url() -> Iterator[str]:
    """The address of an empty Redis database that is this test's alone, emptied afterwards."""
    for number in range(1, 16):
        with redis.Redis.from_url(f"{REDIS}/{number}", socket_connect_timeout=3) as client:
            try:
                taken = client.dbsize() or not client.set("imagen-test", "taken", nx=True, ex=3600)
            except redis.ConnectionError:
                _lacks("Redis")
            if not taken:
                yield f"{REDIS}/{number}"
                client.flushdb()
                return
    _lacks("A free Redis database")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """How pytest-playwright starts the Chromium of this machine."""
    if not CHROMIUM:
        _lacks("Chromium")
    return {"executable_path": CHROMIUM, "args": CHROMIUM_ARGUMENTS}
