"""How a request stands, as one fragment: the page shows it, and asks for it again while there is news."""

from __future__ import annotations

from typing import Any

from django.db.models import prefetch_related_objects
from django.http import HttpRequest, JsonResponse
from django.template.loader import render_to_string

from imagen import anomalies, kept, news, spending, unsaved
from imagen.admin import resolve, words
from imagen.admin.base import viewer
from imagen.admin.deeds import may_act
from imagen.admin.ledger import account
from imagen.admin.previews import address, described, hidden
from imagen.admin.worker import silent
from imagen.models import Anomaly, Generation, Image, Job
from imagen.presentation import Told, eta, provider_label, story
from imagen.sentences import ACTIONS
from imagen.states import JobStatus, Status

MOST_LINES = 100


def answer(generation: Generation, request: HttpRequest) -> JsonResponse:
    """The fragment and what the page's script needs beside it."""
    facts = context(generation, request)
    return JsonResponse(
        {
            "finished": facts["settled"],
            "status": str(generation.get_status_display()),
            "progress": facts["progress"],
            "html": render_to_string("imagen/admin/live.html", facts, request),
        }
    )


def context(generation: Generation, request: HttpRequest) -> dict[str, Any]:
    """Everything the fragment shows."""
    prefetch_related_objects([generation], "images", "jobs")
    news.seen(request, generation)
    told, doubts = story(generation), resolve.doubts(generation, viewer(request))
    odd = list(generation.anomalies.all())
    found = kept.of(generation)
    jobs, waiting = generation.jobs.all(), generation.status in (Status.QUEUED, Status.PROCESSING)
    return {
        "generation": generation,
        "badge": words.badge(generation),
        "progress": words.progress(generation, eta(generation)),
        "settled": not waiting and not found.asked and not any(_looked_up(job) for job in jobs),
        "worker_silent": waiting and silent(),
        "uncharged": not generation.started_at and not spending.risked(generation),
        "money": told.money,
        "error": told.error,
        "steps": [] if doubts else _steps(told.error),
        "warnings": told.warnings,
        "pictures": [_picture(image, viewer(request)) for image in _in_order(generation)],
        "expected": range(generation.num_images - len(generation.images.all())) if waiting else (),
        "frame": generation.aspect_ratio.replace(":", " "),
        "calls": [_call(job) for job in jobs],
        "account": account(generation),
        "doubts": doubts,
        "oddities": _oddities(odd, viewer(request)),
        "lines": _history(generation, odd),
        **_buttons(generation, found, viewer(request)),
    }


def _looked_up(job: Job) -> bool:
    return job.status == JobStatus.UNCONFIRMED and job.remote_id != ""


def _buttons(generation: Generation, found: kept.Kept, user: Any) -> dict[str, bool]:
    allowed = user.has_perm("imagen.generate")
    mine = allowed and may_act(user, generation)
    return {
        "can_retry": mine and generation.retryable and bool(found.to_buy),
        "can_fetch": mine and not found.to_buy and bool(found.free),
        "can_save": mine and bool(unsaved.resting(unsaved.of(generation))),
        "can_cancel": mine and generation.cancelable,
        "can_repeat": allowed,
        "can_download": any(image.visible_to(user) for image in generation.images.all()),
    }


def _steps(error: Told | None) -> list[str]:
    return [str(ACTIONS[action]) for action in error.next_actions] if error else []


def _in_order(generation: Generation) -> list[Image]:
    return sorted(generation.images.all(), key=lambda image: image.index)


def _picture(image: Image, user: Any) -> dict[str, Any]:
    return {
        "image": image,
        "visible": image.visible_to(user) and address(image) != "",
        "address": address(image),
        "thumbnail": address(image, thumbnail=bool(image.thumbnail)),
        "alt": described(image),
        "hidden": hidden(image),
    }


def _call(job: Job) -> dict[str, Any]:
    return {
        "job": job,
        "service": provider_label(job.provider),
        "places": ", ".join(str(slot + 1) for slot in job.slots),
        "cost": words.price(job.cost, job.cost_unit) if job.cost is not None else "–",
        "reason": words.reason(job.error_code, job.generation, job.provider, over=job.status == JobStatus.FAILED),
    }


def _oddities(odd: list[Anomaly], user: Any) -> list[str]:
    """What nobody has seen yet and what to do about it, for whoever minds."""
    unseen = [each for each in odd if each.seen_at is None] if user.has_perm(anomalies.MINDS) else []
    return [f"{anomalies.sentence(each.code, each.provider)} {anomalies.step(each.code)}" for each in unseen]


def _history(generation: Generation, odd: list[Anomaly]) -> list[words.Line]:
    told = generation.events.exclude(what=JobStatus.CANCELED, job__replacement__isnull=False)  # "moved" says it
    newest = told.select_related("actor", "job").order_by("-at", "-pk")[:MOST_LINES]
    lines = [words.line(event, generation) for event in reversed(newest)]
    return sorted([*lines, *map(words.oddity, odd)], key=lambda line: line.at)
