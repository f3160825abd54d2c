"""The databases and brokers to measure on: SQLite in a file, and PostgreSQL with Redis where they run."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

POSTGRES = os.environ.get("TEST_POSTGRES_URL", "postgres://postgres@127.0.0.1:5432/postgres")
REDIS = os.environ.get("TEST_REDIS_URL", "redis://127.0.0.1:6379")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One database, and Redis or nothing."""

    name: str
    database: str
    redis: str = ""


@contextmanager
def stack(name: str, folder: Path) -> Iterator[Stack]:
    """A stack with an empty database, gone afterwards."""
    if name == "sqlite":
        yield Stack(name=name, database=f"sqlite:///{folder}/db.sqlite3")
        return
    with postgres() as database, spare_redis() as broker:
        yield Stack(name=name, database=database, redis=broker)


@contextmanager
def postgres() -> Iterator[str]:
    """The address of an empty PostgreSQL database, dropped afterwards."""
    name = f"imagen_bench_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(POSTGRES, autocommit=True, connect_timeout=3) as server:
        server.execute(f'CREATE DATABASE "{name}"')
        try:
            yield f"{POSTGRES.rpartition('/')[0]}/{name}"
        finally:
            server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def spare_redis() -> Iterator[str]:
    """A numbered database of the server that nobody else uses."""
    for number in range(1, 16):
        with redis.Redis.from_url(f"{REDIS}/{number}", socket_connect_timeout=3) as client:
            if not client.dbsize() and client.set("imagen-bench", "taken", nx=True, ex=3600):
                try:
                    yield f"{REDIS}/{number}"
                finally:
                    client.flushdb()
                return
    raise RuntimeError("every database of the Redis server is taken")


def there(name: str) -> bool:
    """Whether this stack can be measured on this machine."""
    if name == "sqlite":
        return True
    try:
        psycopg.connect(POSTGRES, connect_timeout=3).close()
        with redis.Redis.from_url(REDIS, socket_connect_timeout=3) as client:
            return bool(client.ping())
    except (psycopg.OperationalError, redis.ConnectionError):
        return False
