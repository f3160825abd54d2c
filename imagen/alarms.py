"""What administrators are told: each cause once a day, for as long as it lasts."""

from __future__ import annotations

import logging

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from imagen import letters, messages, registry
from imagen.models import Alarm, Job
from imagen.models.alarm import DAY
from imagen.states import JobStatus

logger = logging.getLogger("imagen")
UNKNOWN = "submit_unknown"
SILENT = "worker_silent"
WANTED = "service_wanted"


def sound(cause: str, *, about: str = "") -> None:
    """Something needs an administrator: it is shown from now on, and told by mail unless that was done today."""
    now = timezone.now()
    with transaction.atomic():
        Alarm.objects.bulk_create([Alarm(cause=cause, about=about, since=now)], ignore_conflicts=True)
        alarm = Alarm.objects.select_for_update().get(cause=cause, about=about)
        if alarm.over_at is not None:
            alarm.since, alarm.over_at = now, None
        tell = alarm.told_at is None or alarm.told_at < now - DAY
        alarm.told_at = now if tell else alarm.told_at
        alarm.save()
    if tell:
        logger.warning("an administrator is needed: %s", cause, extra={"provider": about, "code": cause})
        letters.to_administrators(lambda: (_("Pictures need you"), sentence(alarm)))


def end(*causes: str, about: str = "") -> None:
    """These are no longer so."""
    Alarm.objects.filter(cause__in=causes, about=about, over_at=None).update(over_at=timezone.now())


def sounding(cause: str) -> bool:
    """Whether this is shown to administrators now."""
    return Alarm.objects.filter(cause=cause, over_at=None).exists()


def unconfirmed(alias: str) -> None:
    """Sound or end the alarm about sends of this provider that only a person can resolve."""
    if Job.objects.filter(provider=alias, status=JobStatus.UNCONFIRMED, due_at=None).exists():
        sound(UNKNOWN, about=alias)
    else:
        end(UNKNOWN, about=alias)


def current() -> QuerySet[Alarm]:
    """What needs an administrator now, the newest first; nothing about a provider that was taken away."""
    here = ["", *registry.configured()]
    return Alarm.objects.filter(Q(about__in=here) | Q(cause=UNKNOWN), over_at=None).order_by("-since")


def sentence(alarm: Alarm) -> str:
    """The alarm in plain words."""
    found = registry.providers().get(alarm.about)
    return messages.alarm(alarm.cause, provider=found.label if found else alarm.about)
