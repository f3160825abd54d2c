"""Reads the environment into values the settings can use."""

from __future__ import annotations

import base64
import json
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

# One writer at a time, readers never wait: without IMMEDIATE two writers are enough for "database is locked".
SQLITE_OPTIONS: dict[str, Any] = {
    "transaction_mode": "IMMEDIATE",
    "timeout": 20,
    "init_command": (
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA mmap_size=134217728; "
        "PRAGMA journal_size_limit=27103364; PRAGMA cache_size=2000"
    ),
}


# A database, a broker or a bucket that does not answer is an error after seconds, so that a request never hangs on it.
POSTGRESQL_OPTIONS: dict[str, Any] = {
    "connect_timeout": 3,
    "tcp_user_timeout": 3000,
    "keepalives_idle": 3,
    "keepalives_interval": 2,
    "keepalives_count": 2,
}
REDIS_SECONDS = {"socket_connect_timeout": 2.0, "socket_timeout": 3.0}  # django-q2 waits one second for a task
CACHE_SECONDS = {"socket_connect_timeout": 1.0, "socket_timeout": 1.0}  # every request of the REST interface asks it
BUCKET_SECONDS = {"connect_timeout": 3, "read_timeout": 10, "retries": {"total_max_attempts": 2}}


def flag(environ: Mapping[str, str], name: str, *, default: bool) -> bool:
    """Whether a yes-or-no variable says yes; an unset or empty one says ``default``."""
    value = environ.get(name, "").strip().lower()
    known = {"": default, "1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    if value not in known:
        raise ImproperlyConfigured(f"{name} must be 1 or 0.")
    return known[value]


def words(environ: Mapping[str, str], name: str, default: tuple[str, ...] = ()) -> list[str]:
    """The comma-separated parts of a variable."""
    return [part.strip() for part in environ.get(name, "").split(",") if part.strip()] or list(default)


def database(url: str, *, base: Path) -> dict[str, Any]:
    """The entry of ``DATABASES`` for a URL; a relative SQLite path starts at ``base``."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return _sqlite(url, base=base)
    if scheme in ("postgres", "postgresql"):
        return _postgresql(url)
    raise ImproperlyConfigured("DATABASE_URL must start with sqlite:/// or postgres://.")


def _sqlite(url: str, *, base: Path) -> dict[str, Any]:
    name = unquote(urlsplit(url).path.removeprefix("/"))
    if not name:
        raise ImproperlyConfigured("DATABASE_URL names no SQLite file; write sqlite:///var/db.sqlite3.")
    if name != ":memory:":
        name = str(base / name)
        _make(Path(name).parent)
    return {"ENGINE": "django.db.backends.sqlite3", "NAME": name, "CONN_MAX_AGE": None, "OPTIONS": SQLITE_OPTIONS}


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"The database's folder {folder} cannot be made: {error.strerror}.") from error


def _postgresql(url: str) -> dict[str, Any]:
    try:
        parts = urlsplit(url)
        port = str(parts.port or "")
    except ValueError as error:
        raise ImproperlyConfigured("DATABASE_URL has a host or port nobody can read.") from error
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.removeprefix("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": unquote(parts.hostname or ""),
        "PORT": port,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {**POSTGRESQL_OPTIONS, **dict(parse_qsl(parts.query))},
    }


def redis(url: str) -> dict[str, Any]:
    """What a Redis client is made of for a URL: it gives up soon and leaves trying again to us."""
    from redis.backoff import NoBackoff  # noqa: PLC0415  # an extra, for those who have a URL
    from redis.connection import SSLConnection, parse_url  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    try:
        facts: dict[str, Any] = parse_url(url)  # type: ignore[no-untyped-call]  # redis annotates in part
    except ValueError as error:
        raise ImproperlyConfigured("REDIS_URL must start with redis://, rediss:// or unix://.") from error
    secure = {"ssl": True} if facts.pop("connection_class", None) is SSLConnection else {}
    place = {"unix_socket_path": facts.pop("path")} if "path" in facts else {}
    return {**REDIS_SECONDS, "retry": Retry(NoBackoff(), 0), **secure, **place, **facts}


def cache(url: str) -> dict[str, Any]:
    """The entry of ``CACHES`` for a URL of a Redis: given up on after a second, and not tried again."""
    from redis.backoff import NoBackoff  # noqa: PLC0415
    from redis.retry import Retry  # noqa: PLC0415

    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": url,
        "OPTIONS": {**CACHE_SECONDS, "retry": Retry(NoBackoff(), 0)},
    }


def bucket() -> Any:
    """How we talk to S3: soon done with a server that does not answer, because the engine comes again."""
    from botocore.config import Config  # noqa: PLC0415  # an extra, for those who have a bucket

    return Config(signature_version="s3v4", s3={"addressing_style": "path"}, **BUCKET_SECONDS)


def encryption_keys(environ: Mapping[str, str], *, home: Path | None) -> list[str]:
    """The keys that secrets are encrypted with; without any, one that is kept in ``home``, if there is one."""
    if (known := words(environ, "IMAGEN_ENCRYPTION_KEYS")) or home is None:
        return known
    place = home / "encryption.key"
    with suppress(OSError):  # it is there, or nothing can be written: then there is no key
        _make(home)
        with open(place, "xb", opener=partial(os.open, mode=0o600)) as file:
            file.write(base64.urlsafe_b64encode(secrets.token_bytes(32)))
    return [text] if place.exists() and (text := place.read_text()) else []


def overlay(text: str) -> dict[str, Any]:
    """The JSON object in ``IMAGEN_SETTINGS``; nothing for an empty text."""
    try:
        found = json.loads(text or "{}")
    except ValueError as error:
        raise ImproperlyConfigured("IMAGEN_SETTINGS is not JSON.") from error
    if not isinstance(found, dict):
        raise ImproperlyConfigured("IMAGEN_SETTINGS must be a JSON object.")
    return found


def merge(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """``over`` laid over ``base``: objects deeply, lists and scalars replace, ``None`` deletes."""
    merged = dict(base)
    for key, value in over.items():
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            below = merged.get(key)
            merged[key] = merge(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged
