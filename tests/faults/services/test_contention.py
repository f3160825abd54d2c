"""Others want the same rows, the same work or the same tables: everybody waits or begins again, nothing comes twice."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

import psycopg
import pytest

from tests.faults.services.conftest import (
    POSTS,
    PRICE,
    Site,
    Weather,
    at_once,
    is_unavailable,
    is_whole,
    money,
    wait,
)

pytestmark = [pytest.mark.story, pytest.mark.timeout(180)]


@contextmanager
def locked(site: Site, seconds: float) -> Iterator[None]:
    """Another program is in the middle of a write for so long."""
    code = (
        "import sqlite3, sys, time; other = sqlite3.connect(sys.argv[1], isolation_level=None);"
        "other.execute('BEGIN IMMEDIATE'); print('held', flush=True); time.sleep(float(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, site.address.removeprefix("sqlite:///"), str(seconds)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout
        other.stdout.readline()
        try:
            yield
        finally:
            other.kill()


@pytest.mark.fault("F19")
def test_f19_a_locked_sqlite_is_waited_for_by_doors_and_workers(site: Site) -> None:
    site.worker()
    first = site.ask("f19 first")
    wait(lambda: site.bought("f19 first"))
    with locked(site, 3.0):
        answers = at_once(
            lambda: site.post("f19 second"),
            lambda: site.place.call("GET", f"{POSTS}{first['id']}/"),
            lambda: site.place.call("POST", f"{POSTS}{first['id']}/cancel/"),
        )
    assert [answer.status for answer in answers[:2]] == [202, 200]
    assert answers[2].status in (200, 409)  # it may have been over by then
    is_whole(site.end(answers[0].json))
    made = site.end(first)
    assert (made["status"], money(made), site.bought("f19 first")) == ("completed", (Decimal(PRICE),) * 2, 1)


@pytest.mark.fault("F19")
def test_f19_a_sqlite_that_stays_locked_is_an_outage_and_no_crash(site: Site) -> None:
    post = PATIENCE.format(token=site.place.token, path=POSTS)
    with locked(site, 20.0):
        told = site.place.manage("shell", "--no-imports", "-c", post).splitlines()[-1]
    assert told == "503 application/problem+json service_unavailable 5"


PATIENCE = """
import json
from django.db import connection
from django.test import Client
connection.ensure_connection()
connection.connection.execute("PRAGMA busy_timeout = 300")
client = Client(headers={{"Authorization": "Token {token}", "Host": "127.0.0.1"}}, raise_request_exception=False)
found = client.post("{path}", json.dumps({{"prompt": "f19 third"}}), content_type="application/json")
print(found.status_code, found.headers["Content-Type"], found.json()["code"], found.headers["Retry-After"])
"""


@pytest.mark.service
@pytest.mark.fault("F20")
def test_f20_a_deadlock_with_somebody_else_is_begun_again_and_the_person_sees_nothing(weather: Weather) -> None:
    made = weather.ask("f20")
    with psycopg.connect(weather.address, options="-c deadlock_timeout=60s") as other:
        other.execute("SELECT 1 FROM imagen_generation WHERE id = %s FOR UPDATE", [made["id"]])
        cancelled = at_once_with(
            lambda: weather.place.call("POST", f"{POSTS}{made['id']}/cancel/"),
            lambda: _cross(weather, other, made),
        )
    assert cancelled.status == 200
    assert (cancelled.json["status"], money(cancelled.json)) == ("canceled", (Decimal(PRICE), None))
    assert weather.history(made) == ["canceled"]
    assert _deadlocks(weather) >= 1


def at_once_with(call: Callable[[], Any], meanwhile: Callable[[], None]) -> Any:
    """What the call says while the other thing happens."""
    return at_once(call, meanwhile)[0]


def _cross(weather: Weather, other: psycopg.Connection[Any], made: Any) -> None:
    """The site has the call and waits for the request; now the other wants the call."""
    waiting = "SELECT 1 FROM pg_stat_activity WHERE application_name = 'wet' AND wait_event_type = 'Lock'"
    wait(lambda: weather.sql(waiting))
    other.execute("SELECT 1 FROM imagen_job WHERE generation_id = %s FOR UPDATE", [made["id"]])
    other.commit()


def _deadlocks(weather: Weather) -> int:
    """How many the server has ended in this database; it tells so after a moment."""
    told = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    return wait(lambda: weather.sql(told)[0][0])


@pytest.mark.fault("F22")
def test_f22_bells_that_an_old_key_signed_are_dropped_and_the_work_is_done(site: Site) -> None:
    site.sql("DELETE FROM django_q_ormq")
    made = site.ask("f22")
    (bell,) = site.sql("SELECT id FROM django_q_ormq")
    place = site.place
    before = place.env
    place.env = {**before, "SECRET_KEY": "another-key-that-signs-nothing-of-value-0123456789"}
    try:
        cluster = place.cluster()
        time.sleep(1)
        place.manage("imagen_sweep")
        is_whole(site.end(made))
        assert cluster.poll() is None
        wait(lambda: bell not in site.sql("SELECT id FROM django_q_ormq"))
    finally:
        place.env = before
    assert site.bought("f22") == 1


@pytest.mark.service
@pytest.mark.fault("F67")
def test_f67_two_workers_a_cluster_and_two_sweeps_at_once_are_as_good_as_one(weather: Weather) -> None:
    prompts = [f"f67 {number}" for number in range(12)]
    asked = [weather.ask(prompt) for prompt in prompts]
    weather.worker(), weather.worker(), weather.place.cluster()
    at_once(*[lambda: weather.place.manage("imagen_sweep")] * 2)
    for made in weather.place.settled(asked, seconds=60):
        is_whole(made)
    assert [weather.bought(prompt) for prompt in prompts] == [1] * 12


MISSING = [
    pytest.param("weather", "imagen_generation", "cost_actual", marks=pytest.mark.service, id="a column in PostgreSQL"),
    pytest.param("weather", "imagen_image", "", marks=pytest.mark.service, id="a table in PostgreSQL"),
    pytest.param("site", "imagen_job", "", id="a table in SQLite"),
]


@contextmanager
def missing(site: Site, table: str, column: str) -> Iterator[None]:
    """The table, or one column of it, has another name meanwhile."""
    if column:
        site.sql(f"ALTER TABLE {table} RENAME COLUMN {column} TO gone")
    else:
        site.sql(f"ALTER TABLE {table} RENAME TO gone")
    try:
        yield
    finally:
        back = f"{table} RENAME COLUMN gone TO {column}" if column else f"gone RENAME TO {table}"
        site.sql(f"ALTER TABLE {back}")


@pytest.mark.fault("F68")
@pytest.mark.parametrize(("where", "table", "column"), MISSING)
def test_f68_while_a_migration_runs_the_site_says_so_and_the_worker_waits(
    request: pytest.FixtureRequest, where: str, table: str, column: str
) -> None:
    found: Site = request.getfixturevalue(where)
    prompt = f"f68 {table}"
    found.gateway.script(prompt, latency=1.0)
    worker = found.worker()
    made = found.ask(prompt)
    wait(lambda: found.job(made)["status"] == "processing")
    with missing(found, table, column):
        is_unavailable(found.place.call("GET", f"{POSTS}{made['id']}/"))
        is_unavailable(found.post("f68 meanwhile", **{"Idempotency-Key": prompt}))
        time.sleep(2)  # the picture is ready at the gateway, and nobody can write that down
        assert worker.poll() is None
    assert found.sql("SELECT 1 FROM imagen_generation WHERE prompt = 'f68 meanwhile'") == []
    is_whole(found.end(made))
    assert found.bought(prompt) == 1
    assert found.history(made) == ["submitting", "sending", "processing", "storing", "completed"]
