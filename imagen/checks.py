"""System checks: what would double-run, hang, lock or surprise is said before it does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from difflib import get_close_matches
from functools import wraps
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Tags, Warning as Caution, register as _register
from django.core.exceptions import ImproperlyConfigured
from django.db import DEFAULT_DB_ALIAS, connections

from imagen import registry, tasks
from imagen.conf import current, settings
from imagen.exceptions import Refused
from imagen.providers.base import Provider
from imagen.providers.sandbox import Sandbox
from imagen.types import ImageRequest

TAG = "imagen"
MIDDLEWARE = "imagen.middleware.ProblemDetailsMiddleware"
_HOST_AND_PORT = re.compile(r"(?:\[[0-9a-fA-F:.]+\]|[^\s:/@\[\]]+):[0-9]{1,5}")
Check = Callable[..., Iterable[CheckMessage]]


def register() -> None:
    """Make ours known to Django."""
    for check in (*BORDER, *map(_once_readable, (*SETTINGS, *CLUSTER, *SITE))):
        _register(check, TAG)
    for check in map(_once_readable, DATABASE):
        _register(check, TAG, Tags.database)
    for check in map(_once_readable, DEPLOYMENT):
        _register(check, TAG, deploy=True)


def _listed(check: Check) -> Check:
    @wraps(check)
    def run(**kwargs: Any) -> list[CheckMessage]:
        return list(check(**kwargs))

    return run


def _once_readable(check: Check) -> Check:
    """The same check, silent while the settings cannot be read: E001 to E003 say so."""

    @wraps(check)
    def run(**kwargs: Any) -> list[CheckMessage]:
        return [] if any(border() for border in BORDER) else list(check(**kwargs))

    return run


def _error(number: int, what: str, fix: str = "") -> Error:
    return Error(what, hint=fix or None, id=f"imagen.E{number:03}")


def _warning(number: int, what: str, fix: str) -> Caution:
    return Caution(what, hint=fix, id=f"imagen.W{number:03}")


def _close(name: str, known: Iterable[str]) -> str:
    close = get_close_matches(name, list(known), n=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(sorted(known)) or 'none'}."


# --- settings.IMAGEN: can it be read


@_listed
def settings_are_readable(**kwargs: Any) -> Iterator[CheckMessage]:
    """E001: ``settings.IMAGEN`` has an unknown key or a value of the wrong type."""
    try:
        current()
    except ImproperlyConfigured as error:
        yield _error(1, str(error))


@_listed
def providers_load(**kwargs: Any) -> Iterator[CheckMessage]:
    """E002: a provider's backend cannot be imported, does not take its options or is no provider."""
    try:
        found = registry.providers()
    except ImproperlyConfigured as error:
        yield from [] if settings_are_readable() else [_error(2, str(error))]
        return
    for alias, provider in found.items():
        if not isinstance(provider, Provider):
            yield _error(2, f"IMAGEN['PROVIDERS'][{alias!r}]: its BACKEND is not a subclass of Provider.")


@_listed
def offers_can_be_read(**kwargs: Any) -> Iterator[CheckMessage]:
    """E003: ``OFFERS`` sets a field that offers do not have, or to a value that cannot be one."""
    if settings_are_readable() or providers_load():
        return
    for alias in registry.providers():
        try:
            registry.offers(alias)
        except ImproperlyConfigured as error:
            yield _error(3, str(error))
        except (AttributeError, TypeError, ValueError) as error:
            yield _error(
                3, f"IMAGEN['OFFERS'][{alias!r}] cannot be read: {error}.", "It maps models to fields to values."
            )


BORDER: tuple[Check, ...] = (settings_are_readable, providers_load, offers_can_be_read)


# --- settings.IMAGEN: does it make sense


def private_hosts_name_a_port(**kwargs: Any) -> Iterator[CheckMessage]:
    """E004: an entry of ``ALLOWED_PRIVATE_HOSTS`` is not ``host:port``, so it would never match."""
    for entry in settings.ALLOWED_PRIVATE_HOSTS:
        if not isinstance(entry, str) or not _HOST_AND_PORT.fullmatch(entry):
            yield _error(4, f"IMAGEN['ALLOWED_PRIVATE_HOSTS']: {entry!r} is not host:port.", 'Write "127.0.0.1:9400".')


def route_names_known_providers(**kwargs: Any) -> Iterator[CheckMessage]:
    """W001: the site's ``ROUTE`` names a provider it does not have."""
    for alias in getattr(django_settings, "IMAGEN", {}).get("ROUTE", ()):
        if alias not in registry.providers():
            yield _warning(
                1, f"IMAGEN['ROUTE'] names {alias!r}, which is not set up.", _close(alias, registry.providers())
            )


def offers_name_known_providers(**kwargs: Any) -> Iterator[CheckMessage]:
    """W002: ``OFFERS`` corrects a provider the site does not have."""
    for alias in settings.OFFERS:
        if alias not in registry.providers():
            yield _warning(
                2, f"IMAGEN['OFFERS'] names {alias!r}, which is not set up.", _close(alias, registry.providers())
            )


def default_model_is_on_sale(**kwargs: Any) -> Iterator[CheckMessage]:
    """W003: a request that names no model would be refused."""
    try:
        registry.route(ImageRequest(prompt="a check"))
    except Refused as error:
        if registry.configured() and error.code == "model_unknown":
            models = {choice.offer.model for choice in registry.choices()}
            what = f"No provider that is set up sells IMAGEN['DEFAULT_MODEL'], {settings.DEFAULT_MODEL!r}."
            yield _warning(3, what, _close(settings.DEFAULT_MODEL, models))


def leases_outlive_calls(**kwargs: Any) -> Iterator[CheckMessage]:
    """W004: another worker may take a job while its call is still under way."""
    if settings.LEASE_SECONDS <= settings.CALL_SECONDS:
        yield _warning(
            4,
            "IMAGEN['LEASE_SECONDS'] is not longer than IMAGEN['CALL_SECONDS'].",
            "Make the lease at least twice as long as a call, or a slow call looks like a lost worker.",
        )


def storage_has_its_alias(**kwargs: Any) -> Iterator[CheckMessage]:
    """W005: pictures go to the default storage, which a site often serves to everybody."""
    if settings.STORAGE not in django_settings.STORAGES:
        what = f"STORAGES has no alias {settings.STORAGE!r}, so pictures are kept in the default storage."
        yield _warning(5, what, "Add the alias with a private place, or set IMAGEN['STORAGE'] to 'default'.")


def keys_travel_encrypted(**kwargs: Any) -> Iterator[CheckMessage]:
    """W006: a key would travel readable through the network."""
    for alias, provider in registry.providers().items():
        url = urlsplit(provider.url)
        if url.scheme == "http" and not _loopback(url.hostname or ""):
            yield _warning(6, f"The provider {alias!r} is called without encryption.", "Use https in its base_url.")


def _loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


SETTINGS: tuple[Check, ...] = (
    private_hosts_name_a_port,
    route_names_known_providers,
    offers_name_known_providers,
    default_model_is_on_sale,
    leases_outlive_calls,
    storage_has_its_alias,
    keys_travel_encrypted,
)


# --- Q_CLUSTER: https://django-q2.readthedocs.io/en/stable/configure.html


def _cluster() -> dict[str, Any]:
    """What django-q2 works with: its defaults under the site's values."""
    return {**_CLUSTER_DEFAULTS, **getattr(django_settings, "Q_CLUSTER", {})}


_CLUSTER_DEFAULTS: Mapping[str, Any] = {
    "timeout": None,
    "retry": 60,
    "ack_failures": False,
    "max_attempts": 0,
    "save_limit": 250,
    "catch_up": True,
    "guard_cycle": 0.5,
}


def retry_outlasts_timeout(**kwargs: Any) -> Iterator[CheckMessage]:
    """W010: a task that still runs is handed to a second worker."""
    found = _cluster()
    if found["timeout"] and found["retry"] <= found["timeout"]:
        yield _warning(10, "Q_CLUSTER['retry'] is not longer than Q_CLUSTER['timeout'].", "Make it twice the timeout.")


def timeout_fits_a_slice(**kwargs: Any) -> Iterator[CheckMessage]:
    """W011: a worker is killed in the middle of its slice, or never when it hangs."""
    needed = settings.SLICE_SECONDS + settings.CALL_SECONDS + 15
    if (_cluster()["timeout"] or 0) < needed:
        what = f"Q_CLUSTER['timeout'] has to be {needed:.0f} seconds or more: a slice and its last call take that long."
        yield _warning(11, what, "Set timeout to 90 and retry to 180.")


def guard_meets_zero(**kwargs: Any) -> Iterator[CheckMessage]:
    """W016: django-q2 counts down in steps of ``guard_cycle`` and acts on exactly zero only."""
    found = _cluster()
    if ((found["timeout"] or 0) + 3) % found["guard_cycle"]:
        what = "Q_CLUSTER['guard_cycle'] does not divide the timeout plus three, so hung workers are never ended."
        yield _warning(16, what, "Set guard_cycle to 0.5 and timeout to a whole number.")


def _cluster_says(number: int, name: str, wrong: Any, what: str, better: str) -> Check:
    def check(**kwargs: Any) -> Iterator[CheckMessage]:
        if _cluster()[name] == wrong:
            yield _warning(number, f"Q_CLUSTER[{name!r}] is {wrong!r}: {what}.", f"Set it to {better}.")

    return check


CLUSTER: tuple[Check, ...] = (
    retry_outlasts_timeout,
    timeout_fits_a_slice,
    guard_meets_zero,
    _cluster_says(12, "ack_failures", False, "a task that failed is delivered again and again", "True"),
    _cluster_says(13, "max_attempts", 0, "a task that fails is tried for ever", "1"),
    _cluster_says(14, "save_limit", 250, "counting the saved tasks takes longer than the tasks", "-1"),
    _cluster_says(15, "catch_up", True, "after a pause every missed sweep runs at once", "False"),
)


# --- the site around us


def problems_have_their_middleware(**kwargs: Any) -> Iterator[CheckMessage]:
    """W020: errors that Django makes before our views leave the interface as HTML."""
    if MIDDLEWARE not in django_settings.MIDDLEWARE:
        yield _warning(
            20, "The REST interface answers some errors in HTML.", f'Put "{MIDDLEWARE}" first in MIDDLEWARE.'
        )


def queue_pages_are_closed(**kwargs: Any) -> Iterator[CheckMessage]:
    """W021: whoever may add a schedule in the admin runs any function of any module."""
    if not apps.is_installed("django.contrib.admin"):
        return
    from django.contrib import admin  # noqa: PLC0415  # a site may live without it

    if any(admin.site.is_registered(model) for model in apps.get_app_config("django_q").get_models()):
        what = "The pages of django-q2 are in the admin; a schedule added there runs any function by its dotted name."
        yield _warning(21, what, "Unregister Schedule, Success, Failure and OrmQ in an app after django_q.")


def sqlite_takes_turns(**kwargs: Any) -> Iterator[CheckMessage]:
    """W022: two writers are enough for "database is locked"."""
    database = connections[DEFAULT_DB_ALIAS]
    mode = str(database.settings_dict["OPTIONS"].get("transaction_mode"))
    if database.vendor == "sqlite" and mode.upper() != "IMMEDIATE":
        what = "SQLite starts transactions without the lock they will need, so workers meet a locked database."
        yield _warning(22, what, 'Add "transaction_mode": "IMMEDIATE" to the OPTIONS of the database.')


SITE: tuple[Check, ...] = (problems_have_their_middleware, queue_pages_are_closed, sqlite_takes_turns)


# --- what only the database can say


def sqlite_readers_do_not_wait(databases: Iterable[str] | None = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """W023: without its write-ahead log SQLite lets nobody read while somebody writes."""
    if DEFAULT_DB_ALIAS not in (databases or ()) or connections[DEFAULT_DB_ALIAS].vendor != "sqlite":
        return
    with connections[DEFAULT_DB_ALIAS].cursor() as cursor:
        (mode,) = cursor.execute("PRAGMA journal_mode").fetchone()
    if mode not in ("wal", "memory"):
        what = f"SQLite keeps its journal as {mode!r}, so pages wait while a worker writes."
        yield _warning(23, what, 'Add "init_command": "PRAGMA journal_mode=WAL;" to the OPTIONS of the database.')


def sweep_is_scheduled(databases: Iterable[str] | None = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """W024: what goes quiet stays quiet; on Redis a bell that is lost rings never again."""
    schedules = apps.get_model("django_q", "Schedule")
    for alias in {DEFAULT_DB_ALIAS} & set(databases or ()):
        there = {"imagen_job", schedules._meta.db_table} <= set(connections[alias].introspection.table_names())
        if there and not schedules.objects.using(alias).filter(func=tasks.SWEEP).exclude(repeats=0).exists():
            what = "No schedule of django-q2 runs the sweep, so nothing picks up what went quiet."
            yield _warning(24, what, 'Run "manage.py migrate", which adds it.')


DATABASE: tuple[Check, ...] = (sqlite_readers_do_not_wait, sweep_is_scheduled)


def sandbox_stays_at_home(**kwargs: Any) -> Iterator[CheckMessage]:
    """W030: in production people would get painted toys for pictures."""
    if any(isinstance(registry.providers()[alias], Sandbox) for alias in settings.PROVIDERS):
        yield _warning(30, "The sandbox, which only paints toys, is set up on this site.", "Take it out of PROVIDERS.")


DEPLOYMENT: tuple[Check, ...] = (sandbox_stays_at_home,)
