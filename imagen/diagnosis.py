"""Is everything in place: what the doctor looks at, one finding a line, each with its fix."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from urllib.parse import urlsplit

from django.conf import settings as django_settings
from django.core import checks
from django.core.files.base import ContentFile
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from PIL import features

from imagen import health, registry
from imagen.conf import settings
from imagen.egress import is_public
from imagen.exceptions import ImagenError
from imagen.models import Worker, database_now
from imagen.models.image import storage
from imagen.providers.base import Provider
from imagen.transport import Transport

APPS = frozenset({"imagen", "django_q"})
ASK_SECONDS = 15.0
CLOCK_SECONDS = 5.0
FORMATS = {"PNG": "zlib", "JPEG": "jpg", "WebP": "webp"}


class Level(StrEnum):
    """How bad a finding is; an error stops pictures from being made."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing the doctor looked at, how it is, and what to do about it."""

    level: Level
    subject: str
    text: str
    fix: str = ""


Look = Callable[[], Iterable[Finding]]


def _ok(subject: str, text: str) -> Finding:
    return Finding(level=Level.OK, subject=subject, text=text)


def _warning(subject: str, text: str, fix: str) -> Finding:
    return Finding(level=Level.WARNING, subject=subject, text=text, fix=fix)


def _error(subject: str, text: str, fix: str) -> Finding:
    return Finding(level=Level.ERROR, subject=subject, text=text, fix=fix)


def examine() -> Iterator[Finding]:
    """Every finding, in the order of what depends on what; nothing raises, nothing shows a key."""
    found = list(_settings())
    yield from found
    if any(finding.level is Level.ERROR for finding in found):
        return
    for subject, look in LOOKS.items():
        try:
            yield from look()
        except Exception as error:  # what is broken may break in any way; the next look may still work
            yield _error(
                subject, f"cannot be looked at: {type(error).__name__}.", "Run it again with a working database."
            )


def _settings() -> Iterator[Finding]:
    """What the system checks say that need no database."""
    told = checks.run_checks(tags=["imagen"], include_deployment_checks=not django_settings.DEBUG)
    yield from map(_told, told)
    if not told:
        yield _ok("settings", "can be read and make sense.")


def _told(message: checks.CheckMessage) -> Finding:
    level = Level.ERROR if message.level >= checks.ERROR else Level.WARNING
    return Finding(level=level, subject="settings", text=f"{message.msg} ({message.id})", fix=message.hint or "")


def _database() -> Iterator[Finding]:
    connection.ensure_connection()
    kind = f"{connection.display_name} {'.'.join(map(str, connection.get_database_version()))}"
    told = checks.run_checks(tags=[checks.Tags.database], databases=[DEFAULT_DB_ALIAS])
    ours = [message for message in told if str(message.id).startswith("imagen.")]
    yield from map(_told, ours)
    if not ours:
        yield _ok("database", f"{kind} answers, and the sweep is scheduled.")


def _migrations() -> Iterator[Finding]:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    missing = [str(migration) for migration, _ in plan if migration.app_label in APPS]
    if missing:
        yield _error("migrations", f"are not applied: {', '.join(missing)}.", 'Run "manage.py migrate".')
    else:
        yield _ok("migrations", "are all applied.")


def _clock() -> Iterator[Finding]:
    apart = abs((database_now() - timezone.now()).total_seconds())
    if not django_settings.USE_TZ:
        yield _error("clock", "has no time zone.", "Set USE_TZ = True.")
    elif apart > CLOCK_SECONDS:
        yield _warning("clock", f"is {apart:.0f} seconds away from the database's.", "Have both hosts use NTP.")
    else:
        yield _ok("clock", f"agrees with the database's; the time zone is {timezone.get_current_timezone_name()}.")


def _storage() -> Iterator[Finding]:
    place, content = storage(), b"The doctor was here."
    name = f"imagen/doctor/{uuid.uuid4()}.txt"
    try:
        saved = place.save(name, ContentFile(content))
        try:
            with place.open(saved) as file:
                same = file.read() == content
        finally:
            place.delete(saved)
    except Exception as error:  # a storage backend may raise anything
        yield _error("storage", f"does not take files: {type(error).__name__}.", "Check its place, space and rights.")
        return
    if same:
        yield _ok("storage", f"{type(place).__name__} writes, reads and deletes.")
    else:
        yield _error(
            "storage", "gives back other bytes than it was given.", "Check its settings for text or gzip modes."
        )


def _pictures() -> Iterator[Finding]:
    missing = [name for name, feature in FORMATS.items() if not features.check(feature)]
    if missing:
        yield _error("pictures", f"Pillow cannot read {', '.join(missing)}.", "Install Pillow from its wheel.")
    else:
        yield _ok("pictures", f"Pillow reads {', '.join(FORMATS)}.")


def _queue() -> Iterator[Finding]:
    found, beat = health.look(), Worker.last_beat()
    if found.broker:
        yield _ok("broker", "answers.")
    else:
        yield _warning(
            "broker", "does not answer, so work starts only with the next sweep.", "Start it, or check Q_CLUSTER."
        )
    yield _worker(None if beat is None else (timezone.now() - beat).total_seconds(), attended=found.attended)
    yield _waiting(found.oldest_waiting_seconds or 0, attended=found.attended)


def _worker(age: float | None, *, attended: bool) -> Finding:
    start = 'Start "manage.py qcluster", or "manage.py imagen_worker".'
    if age is None:
        return _warning("worker", "has never been heard of.", start)
    if age > 3 * settings.SWEEP_SECONDS or not attended:
        return _warning("worker", f"was last heard of {age:.0f} seconds ago.", start)
    return _ok("worker", f"was heard of {age:.0f} seconds ago.")


def _waiting(overdue: float, *, attended: bool) -> Finding:
    if not attended:
        fix = 'The cluster is down or hangs: restart it, or run "manage.py imagen_worker" meanwhile.'
        return _error("waiting work", f"is overdue for {overdue:.0f} seconds and nobody takes it.", fix)
    return _ok("waiting work", f"is overdue for {overdue:.0f} seconds." if overdue >= 1 else "There is none.")


# --- providers

_TROUBLES: dict[str, tuple[Level, str, str]] = {
    "provider_auth": (Level.ERROR, "refuses our key.", "Put a valid api_key into its OPTIONS."),
    "provider_insufficient_credits": (Level.ERROR, "says that the account is empty.", "Top it up."),
    "provider_rate_limited": (Level.WARNING, "asks us to wait.", "Ask again in a minute."),
    "provider_unavailable": (Level.ERROR, "cannot be reached.", "Check its base_url and this host's way out."),
    "submit_unknown": (Level.ERROR, "does not answer.", "Check its base_url and its status page."),
    "egress_blocked": (Level.ERROR, "has an address that cannot be called.", "Check its base_url."),
}
_STRANGE = (Level.WARNING, "answers in a way we do not understand.", "Check its base_url and its status page.")


def _providers() -> Iterator[Finding]:
    if not registry.configured():
        yield _error("providers", "There is none with a key.", "Add one to IMAGEN['PROVIDERS'] with its api_key.")
    for alias, provider in registry.providers().items():
        yield _provider(f"provider {alias}", provider)


def _provider(subject: str, provider: Provider) -> Finding:
    if not provider.configured:
        return _warning(subject, "has no key.", "Put an api_key into its OPTIONS, or take it out of PROVIDERS.")
    if provider.balance() is None:
        return _ok(subject, "is set up; it has no call that would try this out for free.")
    try:
        balance = asyncio.run(_balance(provider))
    except ImagenError as error:
        level, text, fix = _TROUBLES.get(error.code, _STRANGE)
        return Finding(level=level, subject=subject, text=text, fix=fix)
    except Exception:  # a vendor's reading may stumble in any way over an answer
        level, text, fix = _STRANGE
        return Finding(level=level, subject=subject, text=text, fix=fix)
    if _empty(balance):
        return _error(subject, f"accepts the key, but the account holds {balance}.", "Top it up.")
    return _ok(subject, f"accepts the key; the account holds {balance}.")


async def _balance(provider: Provider) -> str:
    call = provider.balance()
    assert call is not None  # noqa: S101  # the caller looked
    async with Transport(origins=[provider.url], call_seconds=min(settings.CALL_SECONDS, ASK_SECONDS)) as transport:
        return provider.read_balance(await transport.send(call))


def _empty(balance: str) -> bool:
    try:
        return Decimal(balance.split()[0]) <= 0
    except (IndexError, InvalidOperation):
        return False


def _public_url() -> Iterator[Finding]:
    url = urlsplit(settings.PUBLIC_URL)
    fix = 'Write the origin alone, "https://www.example.com".'
    if not settings.PUBLIC_URL:
        yield _ok("public address", "is not set: providers are asked for news, none calls us.")
    elif url.scheme != "https" or not url.hostname or url.path.strip("/") or url.query:
        yield _warning("public address", "PUBLIC_URL is not an https origin, so no provider can call us.", fix)
    elif not _outside(url.hostname):
        yield _warning("public address", "PUBLIC_URL is a private address, so no provider can call us.", fix)
    else:
        yield _ok("public address", f"is {settings.PUBLIC_URL}.")


def _outside(host: str) -> bool:
    try:
        return is_public(host)
    except ValueError:
        return "." in host and not host.endswith((".local", ".internal", ".localhost"))


LOOKS: dict[str, Look] = {
    "database": _database,
    "migrations": _migrations,
    "clock": _clock,
    "storage": _storage,
    "pictures": _pictures,
    "queue": _queue,
    "providers": _providers,
    "public address": _public_url,
}
