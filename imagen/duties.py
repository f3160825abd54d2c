"""What waits for a person, told to whoever may act: alarms, doubts, held pictures, requests for money, anomalies."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count, Min
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.translation import ngettext

from imagen import alarms, anomalies, deliveries, pleas, presentation
from imagen.models import Alarm, Endpoint, Generation, Image, Job
from imagen.models.webhook import EndpointReason, EndpointState
from imagen.states import JobStatus, Review, Status

MINDS = "imagen.view_alarm"
RECEIVES = "imagen.view_endpoint"  # others have no page about them, and are told by mail
RESOLVE = "imagen.resolve_unconfirmed"
REVIEW = "imagen.review"
SEEN_WITH = (MINDS, RESOLVE, REVIEW, pleas.OWNERS, anomalies.MINDS)


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
    if user is None or not user.is_active:
        return
    yield from _switched_off(user)
    if any(map(user.has_perm, SEEN_WITH)):
        yield from _watched(request, user)


def _watched(request: HttpRequest, user: Any) -> Iterator[Duty]:
    """What those who look after the site are told."""
    if user.has_perm(MINDS):
        yield from _alarms(request, user)
    if user.has_perm(RESOLVE):
        yield from _unconfirmed(user)
    if user.has_perm(REVIEW):
        yield from _held(user)
    if user.has_perm(pleas.OWNERS):
        yield from _pleas()
    if user.has_perm(anomalies.MINDS):
        yield from map(_odd, anomalies.waiting())


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
    count = Image.objects.of(user).standing().filter(review=Review.HELD, discarded_at=None).count()
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


def _switched_off(user: Any) -> Iterator[Duty]:
    """Their own webhook endpoints that we switched off, until they are on again or removed."""
    if not user.has_perm(RECEIVES):
        return
    ours = (EndpointReason.GONE, EndpointReason.FAILING)
    for endpoint in Endpoint.objects.of(user).filter(state=EndpointState.DISABLED, reason__in=ours):
        yield Duty(text=deliveries.told(endpoint, endpoint.reason), address=_at("endpoint_changelist", ""))


def _odd(kind: anomalies.Waiting) -> Duty:
    """What was odd, what to do, and how often where it was more than once."""
    told = f"{anomalies.sentence(kind.code, kind.provider)} {anomalies.step(kind.code)}"
    if kind.count > 1:
        cases = ngettext("%(count)s case", "%(count)s cases", kind.count) % {"count": kind.count}
        told = f"{told} ({cases})"
    query = urlencode({"seen": "no", "code": kind.code, "provider": kind.provider})
    return Duty(text=told, address=_at("anomaly_changelist", query), since=kind.since)


def _at(name: str, query: str) -> str:
    try:
        return f"{reverse(f'admin:imagen_{name}')}?{query}".rstrip("?")
    except NoReverseMatch:  # a site may live without the admin
        return ""
