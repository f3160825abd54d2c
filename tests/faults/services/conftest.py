"""One site on PostgreSQL and Redis with wires that fail on command; every test leaves it in fair weather."""

from __future__ import annotations

import json
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from subprocess import Popen
from typing import Any

import psycopg
import pytest

from bench.stacks import postgres, spare_redis, there
from imagen.testing.gateway import Gateway
from proof.proxy import Proxy
from proof.site import Answer, Place, build, free_port
from tests.conftest import _lacks

POSTS = "/api/imagen/v1/generations/"
PRICE = "0.0380"


@dataclass
class Site:
    """A whole site; ``address`` is its database by a dry way, ``dry`` the site itself by dry ones."""

    place: Place
    gateway: Gateway
    address: str
    dry: Place
    web: Popen[bytes] | None = None

    def worker(self) -> Popen[bytes]:
        """Start a worker that needs no broker."""
        return self.place.start("manage.py", "imagen_worker")

    def post(self, prompt: str, **headers: str) -> Answer:
        """Ask for one picture."""
        return self.place.call("POST", POSTS, {"prompt": prompt}, **headers)

    def ask(self, prompt: str) -> Any:
        """The generation that was taken."""
        answer = self.post(prompt)
        assert answer.status == 202, answer.body
        return answer.json

    def end(self, made: Any, *, seconds: float = 45.0) -> Any:
        """The generation when it is over."""
        return self.place.settled([made], seconds=seconds)[0]

    def bought(self, prompt: str) -> int:
        """How many times the gateway took this."""
        return sum(job.prompt == prompt for job in self.gateway.jobs)

    def sql(self, text: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the database says to somebody who comes by another way."""
        if self.address.startswith("sqlite"):
            with closing(sqlite3.connect(self.address.removeprefix("sqlite:///"), timeout=20)) as dry, dry:
                return dry.execute(
                    text.replace("%s", "?"), [str(value).replace("-", "") for value in values]
                ).fetchall()
        with psycopg.connect(self.address, autocommit=True, options="-c default_transaction_read_only=off") as dry:
            found = dry.execute(text, values)
            return found.fetchall() if found.description else []

    def job(self, made: Any) -> dict[str, Any]:
        """The row of its one call."""
        columns = "status, error_code, holder, remote_id, cost, sent_at, tries"
        (row,) = self.sql(f"SELECT {columns} FROM imagen_job WHERE generation_id = %s", made["id"])
        return dict(zip(columns.split(", "), row, strict=True))

    def history(self, made: Any) -> list[str]:
        """What happened to its one call."""
        rows = self.sql(
            "SELECT what FROM imagen_event WHERE generation_id = %s AND job_id IS NOT NULL ORDER BY id", made["id"]
        )
        return [what for (what,) in rows]


@dataclass
class Weather(Site):
    """A site, and the wires to its database, its broker and its gateway."""

    database: Proxy = field(kw_only=True)
    redis: Proxy = field(kw_only=True)
    vendor: Proxy = field(kw_only=True)


def money(made: Any) -> tuple[Decimal | None, Decimal | None]:
    """What a generation was expected to cost, and what it did, as people see it."""
    amounts = (made["cost"]["estimated"], made["cost"]["actual"])
    estimated, actual = (None if amount is None else Decimal(amount) for amount in amounts)
    return estimated, actual


def is_whole(made: Any) -> None:
    """One picture, paid for once."""
    assert (made["status"], made["error"], len(made["images"])) == ("completed", None, 1), made
    assert money(made) == (Decimal(PRICE), Decimal(PRICE))


def is_unavailable(answer: Answer) -> None:
    """The site says that it cannot just now, and when to come again."""
    assert answer.status == 503, (answer.status, answer.body)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json["code"] == "service_unavailable"
    assert answer.json["next_actions"] == ["wait"]
    assert int(answer.headers["Retry-After"]) > 0


def wait(met: Callable[[], Any], *, seconds: float = 30.0) -> Any:
    """What is met, once it is."""
    until = time.monotonic() + seconds
    while not (found := met()):
        assert time.monotonic() < until, "it did not come"
        time.sleep(0.05)
    return found


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What these say that are made side by side."""
    found: list[Any] = [None] * len(calls)

    def make(number: int) -> None:
        found[number] = calls[number]()

    threads = [threading.Thread(target=make, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return found


QUICK = {"LEASE_SECONDS": 4, "POLL_SECONDS": 0.2, "SWEEP_SECONDS": 2, "RETRY_SECONDS": [0.2, 0.5]}


@contextmanager
def stormy(folder: Path) -> Iterator[Weather]:
    """Build it; its web server runs, its workers do not."""
    with ExitStack() as opened:
        address, broker = opened.enter_context(postgres()), opened.enter_context(spare_redis())
        gateway = opened.enter_context(Gateway(scale=1 / 16, latency=0.3, show_inputs=True))
        database, redis, vendor = (opened.enter_context(Proxy(target)) for target in (address, broker, gateway.url))
        hosts = [f"127.0.0.1:{port}" for port in (gateway.port, vendor.port)]
        dry = build(folder, gateway, database=address, redis=broker, web=(), ALLOWED_PRIVATE_HOSTS=hosts, **QUICK)
        wet = {"DATABASE_URL": database.url, "REDIS_URL": redis.url, "WAVESPEED_BASE_URL": vendor.url}
        place = replace(dry, env={**dry.env, **wet, "PGAPPNAME": "wet"}, running=[])
        opened.callback(place.stop)
        opened.callback(dry.stop)
        yield Weather(place, gateway, address, dry, place.serve(), database=database, redis=redis, vendor=vendor)


@contextmanager
def plain(folder: Path, *, settings: str = "project.settings") -> Iterator[Site]:
    """A site on SQLite; its web server runs, its workers do not."""
    address = f"sqlite:///{folder}/db.sqlite3"
    with Gateway(scale=1 / 16, latency=0.3, show_inputs=True) as gateway:
        place = build(folder, gateway, database=address, web=(), **QUICK)
        place.env["DJANGO_SETTINGS_MODULE"] = settings
        dry = replace(place, running=[])
        try:
            yield Site(place, gateway, address, dry, place.serve())
        finally:
            dry.stop()
            place.stop()


@pytest.fixture(scope="session")
def _stormy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Weather]:
    if not there("postgresql"):
        _lacks("PostgreSQL or Redis")
    with stormy(tmp_path_factory.mktemp("stormy")) as found:
        yield found


@pytest.fixture(scope="session")
def _plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with plain(tmp_path_factory.mktemp("plain")) as found:
        yield found


@pytest.fixture
def weather(_stormy: Weather) -> Iterator[Weather]:
    """The site with the wires; afterwards it is fair again."""
    yield _stormy
    for wire in (_stormy.database, _stormy.redis, _stormy.vendor):
        wire.be("fair")
    _tidy(_stormy)


@pytest.fixture
def counting(weather: Weather) -> Iterator[Weather]:
    """The same site with a web server of its own that counts requests as a site does where nobody says otherwise."""
    ours = {
        name: value for name, value in json.loads(weather.place.env["IMAGEN_SETTINGS"]).items() if name != "THROTTLES"
    }
    env = {**weather.place.env, "IMAGEN_SETTINGS": json.dumps(ours)}
    found = replace(weather, place=replace(weather.place, env=env, port=free_port(), running=[]))
    found.web = found.place.serve()
    yield found
    found.place.stop()


@pytest.fixture
def site(_plain: Site) -> Iterator[Site]:
    """The site on SQLite."""
    yield _plain
    _tidy(_plain)


def _tidy(site: Site) -> None:
    """The workers are gone, and rows and files are as they have to be."""
    for process in [each for each in site.place.running if each is not site.web]:
        site.place.kill(process)
    site.gateway.script()
    assert site.dry.inside("wrong") == []
