"""Checks of ``Q_CLUSTER`` and the schedule: https://django-q2.readthedocs.io/en/stable/configure.html."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.apps import apps
from django.conf import settings as django_settings
from django.core.checks import CheckMessage
from django.db import DEFAULT_DB_ALIAS, connection

from imagen import tasks
from imagen.checks.message import Check, warning
from imagen.conf import settings


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
        yield warning(10, "Q_CLUSTER['retry'] is not longer than Q_CLUSTER['timeout'].", "Make it twice the timeout.")


def timeout_fits_a_slice(**kwargs: Any) -> Iterator[CheckMessage]:
    """W011: a worker is killed in the middle of its slice, or never when it hangs."""
    needed = settings.SLICE_SECONDS + settings.CALL_SECONDS + 15
    if (_cluster()["timeout"] or 0) < needed:
        what = f"Q_CLUSTER['timeout'] has to be {needed:.0f} seconds or more: a slice and its last call take that long."
        yield warning(11, what, "Set timeout to 90 and retry to 180.")


def guard_meets_zero(**kwargs: Any) -> Iterator[CheckMessage]:
    """W016: django-q2 counts down in steps of ``guard_cycle`` and acts on exactly zero only."""
    found = _cluster()
    if ((found["timeout"] or 0) + 3) % (found["guard_cycle"] or 1):
        what = "Q_CLUSTER['guard_cycle'] does not divide the timeout plus three, so hung workers are never ended."
        yield warning(16, what, "Set guard_cycle to 0.5 and timeout to a whole number.")


def broker_is_given_up_on(**kwargs: Any) -> Iterator[CheckMessage]:
    """W017: a Redis that is silent holds up whoever asks for a picture."""
    found = _cluster().get("redis")
    if found and "socket_timeout" not in found:  # in the address, or among the client's arguments
        what = "Q_CLUSTER['redis'] sets no socket_timeout, so requests wait long for a Redis that does not answer."
        yield warning(17, what, "Set socket_connect_timeout to 2 and socket_timeout to 3 seconds.")


def _cluster_says(number: int, name: str, wrong: Any, what: str, better: str) -> Check:
    def check(**kwargs: Any) -> Iterator[CheckMessage]:
        if _cluster()[name] == wrong:
            yield warning(number, f"Q_CLUSTER[{name!r}] is {wrong!r}: {what}.", f"Set it to {better}.")

    return check


CHECKS: tuple[Check, ...] = (
    retry_outlasts_timeout,
    timeout_fits_a_slice,
    guard_meets_zero,
    broker_is_given_up_on,
    _cluster_says(12, "ack_failures", False, "a task that failed is delivered again and again", "True"),
    _cluster_says(13, "max_attempts", 0, "a task that fails is tried for ever", "1"),
    _cluster_says(14, "save_limit", 250, "counting the saved tasks takes longer than the tasks", "-1"),
    _cluster_says(15, "catch_up", True, "after a pause every missed sweep runs at once", "False"),
)


def sweep_is_scheduled(databases: Iterable[str] | None = None, **kwargs: Any) -> Iterator[CheckMessage]:
    """W024: what goes quiet stays quiet; on Redis a bell that is lost never rings again."""
    schedules = apps.get_model("django_q", "Schedule")
    tables = {"imagen_job", schedules._meta.db_table}
    if DEFAULT_DB_ALIAS not in (databases or ()) or not tables <= set(connection.introspection.table_names()):
        return
    if not schedules.objects.filter(func=tasks.SWEEP).exclude(repeats=0).exists():
        what = "No schedule of django-q2 runs the sweep, so nothing picks up what went quiet."
        yield warning(24, what, 'Run "manage.py migrate", which adds it.')


DATABASE: tuple[Check, ...] = (sweep_is_scheduled,)
