"""What is said while pictures are made: the step, the place in the queue, how long it takes, and who else is at it."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import spending
from imagen.admin.studio import pace, spans
from imagen.admin.worker import reported, silent
from imagen.messages import listed
from imagen.models import Generation, Job
from imagen.states import WORKING, JobStatus, Status

STEPS = (gettext_lazy("Queued"), gettext_lazy("Generating"), gettext_lazy("Checking and saving"))
PATIENCE = 60  # seconds that are long where nobody knows what is usual


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A request under way: ``line`` for the eye, ``said`` for the ear, ``slow`` when it takes longer than usual."""

    step: int
    said: str
    may_stop: bool
    place: int | None = None
    line: str = ""
    slow: str = ""
    silent: bool = False
    reported: bool = False
    uncharged: bool = False

    @property
    def steps(self) -> list[tuple[Any, bool]]:
        """Every step, and whether it is the one it is at."""
        return [(name, number == self.step) for number, name in enumerate(STEPS)]


def look(generation: Generation, *, may_stop: bool, brief: bool = False) -> Waiting:
    """How it stands now; in ``brief`` the step alone."""
    jobs = standing(generation)
    step = _step(generation, jobs)
    if brief:
        return Waiting(step=step, said=str(STEPS[step]), may_stop=may_stop and generation.cancelable)
    usual, place, quiet = pace.of(generation), pace.place(jobs), silent()
    expected = None if _held_up(jobs) else usual
    gone = _seconds(_first(job.accepted_at for job in jobs) or _begun(generation, jobs))
    slow = gone > (usual.high if usual else PATIENCE)
    return Waiting(
        step=step,
        place=place,
        line="" if slow and step else _line(step, place, expected, gone),
        said=_said(step, place, expected, slow=slow),
        slow=_slow(_seconds(_begun(generation, jobs))) if slow and not _given_up(generation) else "",
        silent=quiet,
        reported=quiet and reported(),
        uncharged=not generation.started_at and not spending.risked(generation),
        may_stop=may_stop and generation.cancelable,
    )


def standing(generation: Generation) -> list[Job]:
    """Its calls that are under way."""
    return [job for job in generation.jobs.all() if JobStatus(job.status) in WORKING]


def _step(generation: Generation, jobs: list[Job]) -> int:
    if generation.status == Status.QUEUED:
        return 0
    return 2 if jobs and all(job.status == JobStatus.STORING for job in jobs) else 1


def _given_up(generation: Generation) -> bool:
    """Whether it is looked for only now and then: that says more than how late it is."""
    return "provider_timeout" in generation.warnings


def _held_up(jobs: list[Job]) -> bool:
    """Whether its service does not take it now, so that nobody knows how long it will be."""
    return any(job.error_code for job in jobs if job.status == JobStatus.QUEUED)


def _line(step: int, place: int | None, usual: pace.Pace | None, gone: int) -> str:
    if step == 2:
        return ""
    known = {"place": place or 1, "seconds": max(1, usual.middle - gone), "usual": usual.told} if usual else {}
    if step == 0:
        if usual is None:
            return _("Place %(place)s in the queue") % {"place": place or 1}
        known["seconds"] = usual.middle
        return _("Place %(place)s in the queue, about %(seconds)s s (usually %(usual)s)") % known
    return _("About %(seconds)s s left (usually %(usual)s)") % known if usual else ""


def _said(step: int, place: int | None, usual: pace.Pace | None, *, slow: bool) -> str:
    """Words that change only with the news, or a screen reader would never be quiet."""
    told = str(STEPS[step])
    if step == 0:
        told = _("Queued, place %(place)s") % {"place": place or 1}
        if usual:
            seconds = ngettext("about %(count)s second", "about %(count)s seconds", usual.middle)
            told = listed(told, seconds % {"count": usual.middle})
    late = _("Taking longer than usual.")
    return f"{told}. {late}" if slow else told


def _slow(seconds: int) -> str:
    return _("Taking longer than usual (%(span)s).") % {"span": spans.about(seconds)}


def _begun(generation: Generation, jobs: list[Job]) -> datetime:
    return _first(job.created_at for job in jobs) or generation.created_at


def _first(times: Any) -> datetime | None:
    return min((time for time in times if time), default=None)


def _seconds(since: datetime) -> int:
    return max(0, round((timezone.now() - since).total_seconds()))


# --- somebody else at the same field ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """Pictures that somebody else asked for in the same field a moment ago; ``watch`` when this person may see them."""

    text: str
    watch: uuid.UUID | None


def others(found: list[Generation], user: Any) -> Other | None:
    """Who else is generating, of what is under way for a field of an object."""
    other = next((each for each in found if each.user_id != user.pk), None)
    if other is None:
        return None
    return Other(text=_told(other), watch=other.pk if user.has_perm("imagen.view_all") else None)


def _told(other: Generation) -> str:
    text = ngettext(
        "Another editor started %(count)s image for this field %(span)s ago.",
        "Another editor started %(count)s images for this field %(span)s ago.",
        other.num_images,
    )
    return text % {"count": other.num_images, "span": spans.about(_seconds(other.created_at))}
