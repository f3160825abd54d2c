"""How rows are told to people: status, age, money, history."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format, localize
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import anomalies, spending
from imagen.messages import listed, sentence
from imagen.models import Anomaly, Event, Generation, Job
from imagen.presentation import clock, facts, provider_label
from imagen.sentences import SENTENCES
from imagen.states import JobStatus, Status

price = spending.price

HAPPENED: Mapping[str, Any] = {
    "asked": gettext_lazy("Asked"),
    "cancel asked": gettext_lazy("Asked to cancel"),
    "retry asked": gettext_lazy("Asked to try again"),
    "fetch asked": gettext_lazy("Asked %(provider)s for it once more, for free"),
    "save asked": gettext_lazy("Asked to save it at once"),
    "picture released": gettext_lazy("A held picture was released"),
    "picture rejected": gettext_lazy("A held picture was rejected"),
    "picture deleted": gettext_lazy("A picture was deleted"),
    "queued": gettext_lazy("Back in the queue"),
    "submitting": gettext_lazy("Taken up by the worker"),
    "sending": gettext_lazy("Being sent to %(provider)s"),
    "processing": gettext_lazy("%(provider)s is making it"),
    "storing": gettext_lazy("%(provider)s is done; the pictures are being saved"),
    "completed": gettext_lazy("Saved"),
    "failed": gettext_lazy("Failed"),
    "canceled": gettext_lazy("Cancelled"),
    "unconfirmed": gettext_lazy("No confirmation from %(provider)s"),
    "webhook": gettext_lazy("%(provider)s called back"),
    "moved": gettext_lazy("Passed on to another service"),
    "adopted": gettext_lazy("An id was named for the call; %(provider)s is asked about it"),
    "not charged": gettext_lazy("Said not to be charged by %(provider)s"),
    "sent again": gettext_lazy("Asked to send again, at the risk of paying %(provider)s twice"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a history: when, who, what, why, and the service's own words."""

    at: datetime
    who: str
    what: str
    why: str
    note: str


def line(event: Event, generation: Generation) -> Line:
    """The event in plain words."""
    provider = event.job.provider if event.job else generation.provider
    told = str(HAPPENED.get(event.what, event.what.capitalize().replace("%", "%%")))
    return Line(
        at=event.at,
        who=str(event.actor) if event.actor else "",
        what=told % {"provider": provider_label(provider)},
        why=reason(event.code, generation, provider, over=event.what == JobStatus.FAILED),
        note=event.note,
    )


def oddity(anomaly: Anomaly) -> Line:
    """The anomaly as a line of the history of its request."""
    what = _("Odd: %(provider)s %(oddity)s")
    facts = {"provider": provider_label(anomaly.provider), "oddity": anomaly.get_code_display()}
    why = anomalies.sentence(anomaly.code, anomaly.provider)
    return Line(at=anomaly.at, who="", what=what % facts, why=why, note=anomaly.note)


def request(generation: Generation, user: Any) -> str:
    """The beginning of a request's id, as a link for who may see the request."""
    name, seen = str(generation.pk)[:8], user.has_perm("imagen.view_all") or generation.user_id == user.pk
    if generation.deleted_at is not None or not seen:
        return name
    where = reverse("admin:imagen_generation_change", args=[generation.pk])
    return format_html('<a href="{}">{}</a>', where, name)


def reason(code: str, generation: Generation, provider: str, *, over: bool = False) -> str:
    """What a code says of this request; one we have no sentence for says itself."""
    if code not in SENTENCES:
        return code
    return sentence(code, over=over, **{**facts(generation), "provider": provider_label(provider)})


def short(text: str, *, most: int = 80) -> str:
    """The beginning of a text, cut to so many characters."""
    return Truncator(" ".join(text.split())).chars(most)


def ago(moment: datetime) -> str:
    """“5 minutes ago”, with the exact time behind it."""
    fresh = timezone.now() - moment < timedelta(minutes=1)
    told = _("just now") if fresh else _("%(time)s ago") % {"time": timesince(moment, depth=1)}
    exact = localize(timezone.localtime(moment))
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exact, told)


def exactly(moment: datetime) -> str:
    """The day and the time to the second."""
    there = timezone.localtime(moment)
    return listed(date_format(there), f"{there:%H:%M:%S}")


def soon(moment: datetime) -> str:
    """When something is next done: “now” or “at 14:05”."""
    return _("now") if moment <= timezone.now() else _("at %(time)s") % {"time": clock(moment)}


def pair(first: Any, second: Any) -> str:
    """Two facts, one under the other; the second quieter."""
    return format_html('<span class="imagen-pair">{} <span class="imagen-quiet">{}</span></span>', first, second)


def by(person: Any, age: str) -> str:
    """Who and how long ago."""
    return format_html("<bdi>{}</bdi> · {}", person, age) if person else age


def badge(generation: Generation) -> str:
    """The status in words, on its colour."""
    return coloured(Status(generation.status))


def coloured(status: Status) -> str:
    """This status in words, on its colour."""
    return format_html('<span class="imagen-badge imagen-{}">{}</span>', status.value, status.label)


def pictures(count: int) -> str:
    """So many pictures."""
    return ngettext("%(count)s picture", "%(count)s pictures", count) % {"count": count}


def cost(generation: Generation) -> str:
    """What it cost, or what it is expected to cost while it is under way."""
    if generation.cost_actual is not None:
        return price(generation.cost_actual, generation.cost_unit)
    if generation.finished:
        return "–"
    return _("about %(price)s") % {"price": price(generation.cost_estimated, generation.cost_unit)}


def doubt(job: Job) -> str:
    """What a call nobody confirmed may have cost."""
    if job.price is None:
        return _("It may have been charged; the price is unknown.")
    return _("It may have been charged: %(price)s.") % {"price": price(job.price, job.cost_unit)}


def progress(generation: Generation, seconds: int | None) -> str:
    """How long it probably still takes."""
    if generation.finished or generation.status == Status.UNCONFIRMED or seconds is None:
        return ""
    if seconds <= 1:  # the estimate is used up
        return _("taking longer than usual")
    return ngettext("about %(count)s second left", "about %(count)s seconds left", seconds) % {"count": seconds}
