"""What a person can do about a call nobody confirmed, on a page of its own each: said plainly, done once."""

from __future__ import annotations

import uuid
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from imagen import budgets, pipeline, spending
from imagen.admin import once, shown, words
from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.deeds import told
from imagen.admin.forms import blame
from imagen.admin.resolve_remedies import REMEDIES, RESOLVE, MarkedForm, Remedy
from imagen.exceptions import Conflict, Refused
from imagen.messages import sentence
from imagen.models import Generation, Job
from imagen.presentation import provider_label
from imagen.states import JobStatus

MOST_DELETED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """One unconfirmed call in plain words: what happened, what it may have cost, what is tried, what can be done."""

    job: Job
    happened: str
    cost: str
    trying: str
    ways: list[tuple[str, str]]


def doubts(generation: Generation, user: Any) -> list[Doubt]:
    """The calls of this request that wait for a proof or a person, for those who may decide."""
    if not user.has_perm(RESOLVE):
        return []
    return [_doubt(job, user) for job in generation.jobs.all() if job.status == JobStatus.UNCONFIRMED]


def deleted(user: Any) -> list[Doubt]:
    """The same for requests that are deleted, and so have no page."""
    if not user.has_perm(RESOLVE):
        return []
    gone = Generation.objects.of(user).filter(deleted_at__isnull=False)
    jobs = Job.objects.filter(status=JobStatus.UNCONFIRMED, generation__in=gone).select_related("generation")
    return [_doubt(job, user) for job in jobs[:MOST_DELETED]]


def _doubt(job: Job, user: Any) -> Doubt:
    return Doubt(
        job=job,
        happened=_("Sent to %(service)s (%(model)s) on %(when)s, for picture %(places)s; no usable answer came.")
        % _facts(job),
        cost=words.doubt(job),
        trying=_trying(job),
        ways=[(str(remedy.link), _address(job, remedy)) for remedy in REMEDIES.values() if _open(job, remedy, user)],
    )


def _facts(job: Job) -> dict[str, str]:
    places = ", ".join(str(slot + 1) for slot in job.slots)
    when = words.exactly(job.sent_at or job.created_at)
    return {"service": provider_label(job.provider), "model": job.provider_model, "when": when, "places": places}


def _trying(job: Job) -> str:
    facts = {**_facts(job), "id": job.remote_id}
    if job.due_at is None:
        return (
            _("Nothing more is tried by itself. Look at the history or the bill of %(service)s, then decide.") % facts
        )
    facts["when"] = _("now") if job.holder else words.soon(job.due_at)
    if job.remote_id:
        return _("The id %(id)s was named for it. We ask %(service)s about it %(when)s.") % facts
    return _("We look it up in the history of %(service)s again %(when)s.") % facts


def _open(job: Job, remedy: Remedy, user: Any) -> bool:
    return user.has_perms(remedy.permissions) and (remedy.deleted_too or job.generation.deleted_at is None)


def _address(job: Job, remedy: Remedy) -> str:
    return reverse("admin:imagen_generation_resolve", args=[job.generation_id, job.pk, remedy.name])


def view(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID, call: uuid.UUID, name: str) -> HttpResponse:
    """The page of one remedy for one call; only a POST does anything."""
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "POST"])
    job, remedy = _found(page, request, pk, call), REMEDIES.get(name)
    if remedy is None or (job.generation.deleted_at and not remedy.deleted_too):
        raise Http404
    if not viewer(request).has_perms(remedy.permissions):
        raise PermissionDenied
    form = remedy.form(request.POST if request.method == "POST" else None)
    if form.is_valid() and _agreed(job, remedy, form) and (answer := _done(page, request, job, remedy, form)):
        return answer
    return _shown(page, request, job, remedy, form)


def _agreed(job: Job, remedy: Remedy, form: MarkedForm) -> bool:
    """Whether it costs no more than the page said; if it does, the form says so."""
    if not remedy.paid or job.status != JobStatus.UNCONFIRMED:
        return True
    with suppress(Refused):  # said when it is done
        quote = pipeline.quote_again(job.generation, images=len(job.slots))
        text = shown.risen(form.data.get("shown", ""), shown.tally([(quote.estimated, quote.unit)]))
        if text:
            form.add_error(None, text)
    return form.is_valid()


def _found(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID, call: uuid.UUID) -> Job:
    seen = Generation.objects.of(viewer(request)).filter(pk=pk)
    job = Job.objects.filter(pk=call, generation__in=seen).select_related("generation").first()
    if job is None or not page.has_view_permission(request, job.generation):
        raise Http404
    return job


def _done(page: PlainAdmin, request: HttpRequest, job: Job, remedy: Remedy, form: MarkedForm) -> HttpResponse | None:
    """The way back after it was done; ``None`` when the form has to be corrected."""
    user, said = viewer(request), form.said
    mark = once.about(form.cleaned_data["mark"], {"call": str(job.pk), "remedy": remedy.name, **said})
    try:
        _none, fresh = once.once(user, mark, lambda: remedy.do(job, user, said))
    except Refused as refused:
        blame(form, refused)
        return None
    except Conflict as conflict:
        return _back(page, request, job, told(conflict), messages.WARNING)
    if not fresh:
        return _back(page, request, job, _("This was already done; nothing was done twice."), messages.INFO)
    return _back(page, request, job, remedy.done % _facts(job), messages.SUCCESS)


def _back(page: PlainAdmin, request: HttpRequest, job: Job, text: str, level: int) -> HttpResponse:
    page.message_user(request, text, level)
    return HttpResponseRedirect(_origin(job))


def _origin(job: Job) -> str:
    if job.generation.deleted_at:
        return reverse("admin:imagen_generation_changelist")
    return reverse("admin:imagen_generation_change", args=[job.generation_id])


def _shown(page: PlainAdmin, request: HttpRequest, job: Job, remedy: Remedy, form: MarkedForm) -> HttpResponse:
    if job.status != JobStatus.UNCONFIRMED:
        return _back(page, request, job, told(Conflict(state=job.get_status_display())), messages.WARNING)
    facts: dict[str, Any] = {"remedy": remedy, "told": remedy.told % _facts(job), "form": form, "origin": _origin(job)}
    facts |= {"doubt": _doubt(job, viewer(request)), "name": words.short(job.generation.own_words, most=60)}
    facts |= _bill(job) if remedy.paid else {}
    whole = {**page.admin_site.each_context(request), **facts, "title": remedy.title, "opts": page.opts}
    return TemplateResponse(request, "imagen/admin/resolve.html", {**whole, "media": page.media + form.media})


def _bill(job: Job) -> dict[str, str]:
    """Who would make it, for how much and of which money, or why nobody can."""
    count = len(job.slots)
    try:
        quote = pipeline.quote_again(job.generation, images=count)
    except Refused as refused:
        return {"problem": told(refused)}
    least = quote.allowance
    if least and not quote.allowed:
        over = budgets.exceeded(least, quote.bill.stake)
        return {"problem": sentence(over.code, **over.params)}
    tag = spending.tag(quote.bill, counted=least is not None)
    return {
        "bill": f"{words.pictures(count)} · {provider_label(quote.provider)} · {tag}",
        "left": least.told if least else "",
        "shown": shown.written(shown.tally([(quote.estimated, quote.unit)])),
    }
