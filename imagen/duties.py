"""What waits for a person, told to whoever may act: alarms, unconfirmed calls, held pictures, requests for money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Min
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import ngettext

from imagen import alarms, pleas, presentation
from imagen.models import Alarm, Generation, Image, Job
from imagen.states import JobStatus, Review, Status

MINDS = "imagen.view_alarm"
RESOLVE = "imagen.resolve_unconfirmed"
REVIEW = "imagen.review"
SEEN_WITH = (MINDS, RESOLVE, REVIEW, pleas.OWNERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One thing in plain words, where it is done, and since when it waits if that is known."""

    text: str
    address: str = ""
    since: datetime | None = None

    @property
    def began(self) -> str:
        """That moment, for people."""
        return presentation.clock(self.since) if self.since else ""


def of(request: HttpRequest) -> list[Duty]:
    """What waits for who looks, asked for once a page."""
    found: list[Duty] | None = getattr(request, "_imagen_duties", None)
    if found is None:
        found = list(_waiting(request, getattr(request, "user", None)))
        request._imagen_duties = found  # type: ignore[attr-defined]  # ours
    return found


def current(request: HttpRequest) -> list[Alarm]:
    """The alarms there are, asked for once a page."""
    found: list[Alarm] | None = getattr(request, "_imagen_alarms", None)
    if found is None:
        found = list(alarms.current())
        request._imagen_alarms = found  # type: ignore[attr-defined]  # ours
    return found


def _waiting(request: HttpRequest, user: Any) -> Iterator[Duty]:
    if user is None or not user.is_active or not any(map(user.has_perm, SEEN_WITH)):
        return
    if user.has_perm(MINDS):
        yield from _alarms(request, user)
    if user.has_perm(RESOLVE):
        yield from _unconfirmed(user)
    if user.has_perm(REVIEW):
        yield from _held(user)
    if user.has_perm(pleas.OWNERS):
        yield from _pleas()


def _alarms(request: HttpRequest, user: Any) -> Iterator[Duty]:
    """Those that no other line tells: doubtful calls and requests for money are counted where they are answered."""
    told_below = {pleas.WAITING} | ({alarms.UNKNOWN} if user.has_perm(RESOLVE) else set())
    yield from (alarm_line(alarm) for alarm in current(request) if alarm.cause not in told_below)


def alarm_line(alarm: Alarm) -> Duty:
    """An alarm in plain words."""
    where = {
        alarms.UNKNOWN: ("generation_changelist", "status=unconfirmed"),
        pleas.WAITING: ("plea_changelist", "answer=open"),
    }
    address = _at(*where[alarm.cause]) if alarm.cause in where else ""
    return Duty(text=alarms.sentence(alarm), address=address, since=alarm.since)


def _unconfirmed(user: Any) -> Iterator[Duty]:
    seen = Generation.objects.of(user).filter(status=Status.UNCONFIRMED)
    count = Job.objects.filter(generation__in=seen, status=JobStatus.UNCONFIRMED, due_at=None).count()
    if count:
        text = ngettext(
            "%(count)s call was never confirmed and may have been charged. Say what happened to it.",
            "%(count)s calls were never confirmed and may have been charged. Say what happened to them.",
            count,
        )
        yield Duty(text=text % {"count": count}, address=_at("generation_changelist", "status=unconfirmed"))


def _held(user: Any) -> Iterator[Duty]:
    count = Image.objects.of(user).standing().filter(review=Review.HELD).count()
    if count:
        text = ngettext(
            "%(count)s picture is held back until somebody has reviewed it.",
            "%(count)s pictures are held back until somebody has reviewed them.",
            count,
        )
        yield Duty(text=text % {"count": count}, address=_at("image_changelist", "review=held"))


def _pleas() -> Iterator[Duty]:
    waits = pleas.waiting().order_by().aggregate(count=Count("pk"), since=Min("asked_at"))
    count = waits["count"]
    if count:
        text = ngettext(
            "%(count)s person asks for more money for pictures.",
            "%(count)s people ask for more money for pictures.",
            count,
        )
        yield Duty(text=text % {"count": count}, address=_at("plea_changelist", "answer=open"), since=waits["since"])


def _at(name: str, query: str) -> str:
    try:
        return f"{reverse(f'admin:imagen_{name}')}?{query}"
    except NoReverseMatch:  # a site may live without the admin
        return ""
