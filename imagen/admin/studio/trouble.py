"""What went wrong with a request, in plain words, and the ways on: each with its price or where it leads."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import anomalies, claims, kept, registry, rewording, rewriting, unsaved
from imagen.admin import catalogue
from imagen.admin.deeds import may_act
from imagen.admin.studio import again, progress, sayings, setup, successor
from imagen.messages import listed
from imagen.models import Generation, Job
from imagen.presentation import Story, clock, provider_label
from imagen.states import BEFORE_SENDING, JobStatus, Status

SAID_BEFORE = ("model_retired_upstream",)  # beside the model, before anything was asked for
THANKS = gettext_lazy("Thank you, an administrator will look at it.")
RESOLVE = "imagen.resolve_unconfirmed"
WAIT = "wait"


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One way on: a form that is sent to ``action``, or a link, which may fill the form on the left (``fill``).

    ``wait`` only puts the matter aside. Without a label its ``note`` is all there is to it; ``more`` unfolds below.
    """

    label: str = ""
    action: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    href: str = ""
    fill: str = ""
    note: str = ""
    wait: bool = False
    more: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A sentence, the service's own words, a line about money, and the ways on; ``failed`` when nothing came."""

    text: str
    note: str
    money: str
    warnings: tuple[str, ...]
    ways: tuple[Way, ...]
    failed: bool

    @property
    def passing(self) -> str:
        """By which name it is put aside, where it can be."""
        return WAIT if any(way.wait for way in self.ways) else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One request in trouble, who looks, the Studio with a form that begins with it; ``brief`` without prices."""

    generation: Generation
    user: Any
    like: str
    brief: bool


def of(generation: Generation, told: Story, user: Any, *, like: str, brief: bool = False) -> Trouble | None:
    """What is wrong with this request; ``None`` when nothing is and there is nothing to warn of."""
    warnings = _warnings(generation, told)
    if told.error is None and not warnings:
        return None
    case = Case(generation=generation, user=user, like=like, brief=brief)
    ways = {(way.label, way.action, way.note): way for way in _ways(case, told)}  # two reasons may lead one way
    costly = any(each and each.money for each in [told.error, *told.warnings])
    return Trouble(
        text=sayings.of(generation, told.error) if told.error else "",
        note=generation.error_note if told.error else "",
        money=sayings.money(generation, told) if costly else "",
        warnings=warnings,
        ways=tuple(ways.values()),
        failed=generation.status == Status.FAILED,
    )


def _warnings(generation: Generation, told: Story) -> tuple[str, ...]:
    said = (sayings.warned(generation, each) for each in told.warnings if each.code not in SAID_BEFORE)
    return tuple(text for text in said if text)


def _ways(case: Case, told: Story) -> Iterator[Way]:
    """Those of the contract's next steps, then those of the code alone."""
    steps = told.error.next_actions if told.error else ()
    if kept.of(case.generation).free and "retry" not in steps:
        steps = ("retry", *steps)
    for find in (WAYS.get(step, _none) for step in steps):
        yield from find(case)
    if "wrong_size" in case.generation.warnings and case.generation.finished:
        yield from _same_again(case)
    for find in MORE.get(told.error.code if told.error else "", ()):
        yield from find(case)


def _none(case: Case) -> Iterator[Way]:
    yield from ()


def _edit(case: Case) -> Iterator[Way]:
    yield Way(label=_("Edit prompt"), href=case.like, fill="{}")


def _reworded(case: Case) -> Iterator[Way]:
    """The form with a milder description, if the site's table knows one; nothing is sent by it."""
    own = case.generation.own_words
    if milder := rewording.milder(own):
        changes = listed(*(_("“%(was)s” → “%(now)s”") % each for each in rewriting.changes(own, milder)))
        fill = json.dumps({"prompt": milder, "changes": changes})
        note = _("A milder wording: %(changes)s") % {"changes": changes}
        yield Way(label=_("Try another wording"), href=f"{case.like}&reword=1", fill=fill, note=note)


def _report(case: Case) -> Iterator[Way]:
    """Telling administrators that the service declined what is harmless; once, and then it is said that it was."""
    if not may_act(case.user, case.generation):
        return
    if anomalies.reported(case.generation):
        yield Way(note=str(THANKS))
    else:
        yield Way(label=_("Report wrong refusal"), action="admin:imagen_studio_report")


def _save(case: Case) -> Iterator[Way]:
    """When saving it is tried again, and trying it now."""
    waiting = unsaved.of(case.generation)
    if not waiting:
        return
    resting = unsaved.resting(waiting)
    note = _next_try(resting)
    if resting and may_act(case.user, case.generation):
        yield Way(label=_("Retry now"), action="admin:imagen_studio_save", note=note)
    else:
        yield Way(note=note)


def _next_try(resting: list[Job]) -> str:
    at = min((job.due_at for job in resting if job.due_at), default=None)
    return _("It is tried again at %(time)s.") % {"time": clock(at)} if at else _("It is being tried again now.")


def _rest(case: Case) -> Iterator[Way]:
    """What is missing, once more; what its service still keeps is fetched for nothing."""
    found = kept.of(case.generation)
    if count := len(found.to_buy):
        more = ngettext("Make %(count)s more", "Make %(count)s more", count) % {"count": count}
        yield from _priced(case, more if count < case.generation.num_images else _anew(case), "retry")
    elif found.free:
        yield from _priced(case, _("Fetch it again"), "retry")


def _anew(case: Case) -> str:
    """A picture that was there is made again; what never came is tried again."""
    return _("Make again") if case.generation.error_code == "output_expired" else _("Try again")


def _same_again(case: Case) -> Iterator[Way]:
    yield from _priced(case, _("Make again"), "again")


def _elsewhere(case: Case) -> Iterator[Way]:
    """The same by the next service that works and can do it, as long as nothing was sent to this one."""
    if case.brief:
        return
    sent = [job for job in progress.standing(case.generation) if job.status not in BEFORE_SENDING]
    if sent or case.generation.images.all() or case.generation.status not in (Status.QUEUED, Status.FAILED):
        return
    closed = claims.closed_now() | {case.generation.provider, registry.SANDBOX}
    for alias in [alias for alias in registry.configured() if alias not in closed]:
        label = _("Try %(service)s") % {"service": provider_label(alias)}
        if ways := list(_priced(case, label, "instead", provider=alias)):
            yield from ways
            return


def _wait(case: Case) -> Iterator[Way]:
    """Putting the matter aside, while we go on trying."""
    if not case.brief and not case.generation.finished:
        yield Way(label=_("Wait"), wait=True)


def _successor(case: Case) -> Iterator[Way]:
    """The form with the model that took its place, and what that one does otherwise."""
    if found := successor.of(case.generation):
        label = _("Use %(model)s") % {"model": catalogue.model_name(found.model)}
        note = _("It cannot do: %(lacks)s.") % {"lacks": found.lacks} if found.lacks else ""
        fill = json.dumps({"model": found.model, "instead": ""})
        yield Way(label=label, href=case.like, fill=fill, note=note, more=found.differences)


def _set_up(case: Case) -> Iterator[Way]:
    """Where services are set up, or asking who may do that."""
    if any(registry.choices()):
        return
    if case.user.has_perm(setup.MINDS):
        yield Way(label=_("Open settings"), href=reverse("admin:imagen_studio_setup"))
    elif setup.asked():
        yield Way(note=str(setup.TOLD))
    else:
        yield Way(label=_("Ask administrator"), action="admin:imagen_studio_want")


def _decide(case: Case) -> Iterator[Way]:
    """The page where a person who may decides."""
    doubtful = any(job.status == JobStatus.UNCONFIRMED for job in case.generation.jobs.all())
    if doubtful and case.user.has_perm(RESOLVE):
        yield Way(label=_("Decide"), href=reverse("admin:imagen_generation_change", args=[case.generation.pk]))


def _priced(case: Case, label: str, deed: str, **said: str) -> Iterator[Way]:
    if case.brief:  # where the same is done after a page that shows the price
        yield Way(label=f"{label}…", href=reverse("admin:imagen_generation_change", args=[case.generation.pk]))
        return
    offered = again.offer(deed, case.generation, case.user, **said)
    if offered is None:
        return
    if offered.problem:
        yield Way(label=_("Ask for more"), href=offered.more, note=offered.problem)
    else:
        yield Way(label=f"{label} · {offered.price}", action="admin:imagen_studio_retry", fields=offered.fields)


WAYS: Mapping[str, Callable[[Case], Iterator[Way]]] = {
    "edit_prompt": _edit,
    "retry": _rest,
    "choose_provider": _elsewhere,
    "choose_model": _successor,
    "ask_administrator": _decide,
}
MORE: Mapping[str, tuple[Callable[[Case], Iterator[Way]], ...]] = {  # by the code itself
    **dict.fromkeys(anomalies.REFUSALS, (_reworded, _report)),
    **dict.fromkeys(kept.STORED, (_save,)),
    "provider_not_configured": (_elsewhere, _set_up),
    **dict.fromkeys(("provider_auth", "provider_insufficient_credits"), (_elsewhere, _rest)),
    "provider_unavailable": (_wait,),
}
