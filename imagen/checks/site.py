"""Checks of the site around us: middleware, admin, database, what must not go to production."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.db import DEFAULT_DB_ALIAS, connections
from rest_framework.settings import api_settings

from imagen import registry
from imagen.checks.message import Check, warning
from imagen.conf import settings
from imagen.providers.sandbox import Sandbox

MIDDLEWARE = "imagen.middleware.ProblemDetailsMiddleware"


def problems_have_their_middleware(**kwargs: Any) -> Iterator[CheckMessage]:
    """W020: errors that Django makes before our views leave the interface as HTML."""
    if MIDDLEWARE not in django_settings.MIDDLEWARE:
        yield warning(20, "The REST interface answers some errors in HTML.", f'Put "{MIDDLEWARE}" first in MIDDLEWARE.')


def queue_pages_are_closed(**kwargs: Any) -> Iterator[CheckMessage]:
    """W021: whoever may add a schedule in the admin runs any function of any module."""
    if not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib import admin  # noqa: PLC0415  # a site may live without it

    if any(admin.site.is_registered(model) for model in apps.get_app_config("django_q").get_models()):
        what = "The pages of django-q2 are in the admin; a schedule added there runs any function by its dotted name."
        yield warning(21, what, "Unregister Schedule, Success, Failure and OrmQ in an app after django_q.")


def sqlite_takes_turns(**kwargs: Any) -> Iterator[CheckMessage]:
    """W022: two writers are enough for "database is locked"."""
    database = connections[DEFAULT_DB_ALIAS]
    mode = str(database.settings_dict["OPTIONS"].get("transaction_mode"))
    if database.vendor == "sqlite" and mode.upper() != "IMMEDIATE":
        what = "SQLite starts transactions without the lock they will need, so workers meet a locked database."
        yield warning(22, what, 'Add "transaction_mode": "IMMEDIATE" to the OPTIONS of the database.')


def postgresql_is_given_up_on(**kwargs: Any) -> Iterator[CheckMessage]:
    """W027: a PostgreSQL that is silent holds up every request for minutes."""
    database = connections[DEFAULT_DB_ALIAS]
    if database.vendor == "postgresql" and "connect_timeout" not in database.settings_dict["OPTIONS"]:
        what = "Connecting to PostgreSQL has no time limit, so requests hang while it does not answer."
        yield warning(27, what, 'Add "connect_timeout": 3 and "tcp_user_timeout": 3000 to the OPTIONS of the database.')


def cache_is_given_up_on(**kwargs: Any) -> Iterator[CheckMessage]:
    """W028: requests are counted in a Redis, and would wait for one that is silent."""
    cache = django_settings.CACHES.get("default", {})
    places = cache.get("LOCATION", "")
    told = f"{cache.get('OPTIONS', {})} {places}"  # among the client's arguments, or in the address
    if settings.THROTTLES and cache.get("BACKEND", "").endswith("RedisCache") and "socket_timeout" not in told:
        what = "CACHES['default'] sets no socket_timeout, so requests wait long for a Redis that does not answer."
        yield warning(28, what, 'Add "socket_connect_timeout": 1, "socket_timeout": 1 and a "retry" without repeats.')


CHECKS: tuple[Check, ...] = (
    problems_have_their_middleware,
    queue_pages_are_closed,
    sqlite_takes_turns,
    postgresql_is_given_up_on,
    cache_is_given_up_on,
)


def sqlite_readers_do_not_wait(databases: Iterable[str] | None = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """W023: without its write-ahead log SQLite lets nobody read while somebody writes."""
    if DEFAULT_DB_ALIAS not in (databases or ()) or connections[DEFAULT_DB_ALIAS].vendor != "sqlite":
        return
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        (mode,) = cursor.execute("PRAGMA journal_mode").fetchone()
    if mode not in ("wal", "memory"):
        what = f"SQLite keeps its journal as {mode!r}, so pages wait while a worker writes."
        yield warning(23, what, 'Add "init_command": "PRAGMA journal_mode=WAL;" to the OPTIONS of the database.')


DATABASE: tuple[Check, ...] = (sqlite_readers_do_not_wait,)


def sandbox_stays_at_home(**kwargs: Any) -> Iterator[CheckMessage]:
    """W030: in production people would get painted toys for pictures."""
    if any(isinstance(registry.providers()[alias], Sandbox) for alias in settings.PROVIDERS):
        yield warning(30, "The sandbox, which only paints toys, is set up on this site.", "Take it out of PROVIDERS.")


def proxies_are_counted(**kwargs: Any) -> Iterator[CheckMessage]:
    """W031: behind a proxy, everybody who is turned away would be counted as one."""
    if settings.rate("anonymous") and api_settings.NUM_PROXIES is None:
        what = "REST_FRAMEWORK['NUM_PROXIES'] is not set, so nobody knows from where a wrong token is tried."
        yield warning(31, what, "Set it to the number of proxies of yours in front of the site, 0 for none.")


DEPLOYMENT: tuple[Check, ...] = (sandbox_stays_at_home, proxies_are_counted)
