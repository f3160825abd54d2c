"""The doctor's look at our own side: settings, database, storage, queue, worker."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

from django.conf import settings as django_settings
from django.core import checks
from django.core.files.base import ContentFile
from django.db import DEFAULT_DB_ALIAS, connection
from django.db.migrations.executor import MigrationExecutor
from django.utils import timezone
from PIL import features

from imagen import health
from imagen.conf import settings
from imagen.diagnosis.finding import Finding, Level, error, ok, warning
from imagen.models import Anomaly, ApiKey, Worker, database_now
from imagen.models.image import storage

APPS = frozenset({"imagen", "django_q"})
CLOCK_SECONDS = 5.0
ABOUT = {"imagen.W025": "budgets", "imagen.W026": "budgets", "imagen.W034": "webhooks"}  # others: the schedule
FORMATS = {"PNG": "zlib", "JPEG": "jpg", "WebP": "webp"}


def options() -> Iterator[Finding]:
    """What the system checks say that need no database."""
    told = checks.run_checks(tags=["imagen"], include_deployment_checks=not django_settings.DEBUG, databases=[])
    yield from (_told("settings", message) for message in told)
    if not told:
        yield ok("settings", "can be read and make sense.")


def _told(subject: str, message: checks.CheckMessage) -> Finding:
    level = Level.ERROR if message.level >= checks.ERROR else Level.WARNING
    return Finding(level=level, subject=subject, text=f"{message.msg} ({message.id})", fix=message.hint or "")


def database() -> Iterator[Finding]:
    """What kind of database answers."""
    version = ".".join(map(str, connection.get_database_version()))
    yield ok("database", f"{connection.display_name} {version} answers.")


def migrations() -> Iterator[Finding]:
    """Whether our tables are as the code expects them."""
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    missing = [str(migration) for migration, _ in plan if migration.app_label in APPS]
    if missing:
        text = f"are not all applied: {len(missing)} are missing, the last is {missing[-1]}."
        yield error("migrations", text, 'Run "manage.py migrate".')
    else:
        yield ok("migrations", "are all applied.")


def schedule() -> Iterator[Finding]:
    """What the system checks say that need the database: its log, the sweep's schedule, budgets."""
    told = checks.run_checks(tags=[checks.Tags.database], databases=[DEFAULT_DB_ALIAS])
    ours = [message for message in told if str(message.id).startswith("imagen.")]
    yield from (_told(ABOUT.get(str(message.id), "schedule"), message) for message in ours)
    if all(message.id in ABOUT for message in ours):
        yield ok("schedule", "The sweep is scheduled.")


def clock() -> Iterator[Finding]:
    """Whether this host and the database agree on the time."""
    if not django_settings.USE_TZ:
        yield error("clock", "has no time zone.", "Set USE_TZ = True.")
        return
    apart = abs((database_now() - timezone.now()).total_seconds())
    if apart > CLOCK_SECONDS:
        yield warning("clock", f"is {apart:.0f} seconds away from the database's.", "Have both hosts use NTP.")
    else:
        yield ok("clock", f"agrees with the database's; the time zone is {timezone.get_current_timezone_name()}.")


def anomalies() -> Iterator[Finding]:
    """What was odd about services and nobody has looked at."""
    if count := Anomaly.objects.unseen().count():
        text = f"wait to be looked at: {count}."
        yield warning("anomalies", text, 'Open "Anomalies" in the admin: each says what to do.')
    else:
        yield ok("anomalies", "were all looked at, or there are none.")


def api_keys() -> Iterator[Finding]:
    """Which keys programs come in with end soon."""
    ending = list(ApiKey.objects.ending().select_related("user").order_by("expires_at"))
    for key in ending:
        text = f"{key} of {key.user.get_username()} ends on {key.expires_at:%Y-%m-%d}."
        yield warning("api keys", text, "Make another, give it to the program, then revoke this one.")
    if not ending:
        yield ok("api keys", "None ends soon.")


def files() -> Iterator[Finding]:
    """Whether the storage takes a small file, gives it back and deletes it."""
    place, content = storage(), b"The doctor was here."
    name = f"imagen/doctor/{uuid.uuid4()}.txt"
    try:
        saved = place.save(name, ContentFile(content))
        try:
            with place.open(saved) as file:
                same = file.read() == content
        finally:
            place.delete(saved)
    except Exception as reason:  # a storage backend may raise anything
        yield error("storage", f"does not take files: {type(reason).__name__}.", "Check its place, space and rights.")
        return
    if same:
        yield ok("storage", f"{place.__class__.__name__} writes, reads and deletes.")
    else:
        yield error("storage", "gives back other bytes than it was given.", "Check its options for text or gzip.")


def pictures() -> Iterator[Finding]:
    """Whether Pillow reads what providers send."""
    missing = [name for name, feature in FORMATS.items() if not features.check(feature)]
    if missing:
        yield error("pictures", f"Pillow cannot read {', '.join(missing)}.", "Install Pillow from its wheel.")
    else:
        yield ok("pictures", f"Pillow reads {', '.join(FORMATS)}.")


def queue() -> Iterator[Finding]:
    """Whether somebody works, and would be woken."""
    found, beat = health.look(), Worker.last_beat()
    if found.broker:
        yield ok("broker", "answers.")
    else:
        text = "does not answer, so new work waits for the next sweep."
        yield warning("broker", text, "Start it, or check Q_CLUSTER.")
    yield _worker(None if beat is None else (timezone.now() - beat).total_seconds(), attended=found.attended)
    yield _waiting(found.oldest_waiting_seconds or 0, attended=found.attended)


def _worker(age: float | None, *, attended: bool) -> Finding:
    start = 'Start "manage.py qcluster", or "manage.py imagen_worker".'
    if age is None:
        return warning("worker", "has never been heard of.", start)
    if age > 3 * settings.SWEEP_SECONDS or not attended:
        return warning("worker", f"was last heard of {age:.0f} seconds ago.", start)
    return ok("worker", f"was heard of {age:.0f} seconds ago.")


def _waiting(overdue: float, *, attended: bool) -> Finding:
    if not attended:
        fix = 'The cluster is down or hangs: restart it, or run "manage.py imagen_worker" meanwhile.'
        return error("waiting work", f"is overdue for {overdue:.0f} seconds and nobody takes it.", fix)
    return ok("waiting work", f"is overdue for {overdue:.0f} seconds." if overdue >= 1 else "There is none.")
