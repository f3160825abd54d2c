"""The right column of the Studio: how a request stands, what came of it, and what can be done next."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imagen import kept, news
from imagen.admin import words
from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.deeds import may_act, told
from imagen.admin.studio import again, asking, examples, history, progress, replies, tiles, trouble
from imagen.admin.studio.doorway import door_of, home, like, popup, query, to, token
from imagen.doors import Door
from imagen.exceptions import Conflict, Refused
from imagen.messages import sentence
from imagen.models import Generation
from imagen.presentation import story
from imagen.states import Status

Work = Callable[[Generation], Generation]


def context(
    request: HttpRequest, generation: Generation | None, door: Door | None, *, problem: str = ""
) -> dict[str, Any]:
    """Everything ``imagen/studio/results.html`` shows; who asked for a finished request has seen it now.

    The page itself has enough to ask for already: what costs queries of its own comes with the script's first look.
    """
    user = viewer(request)
    facts: dict[str, Any] = {
        "run": generation,
        "door": door,
        "token": token(request),
        "popup": popup(request),
        "problem": problem,
    }
    if generation is None or replies.by_script(request):
        facts |= {name: _urls(request, pk) for name, pk in history.around(generation, door, user).items()}
    if generation is None:
        other = progress.others(history.under_way(request, door), user)
        facts |= {"other": other, "other_urls": other and _urls(request, other.watch)}
        return {**facts, "examples": examples.EXAMPLES}
    prefetch_related_objects([generation], "images", "jobs")
    news.seen(request, generation)
    return {**facts, **_run(request, generation, door)}


def _urls(request: HttpRequest, pk: uuid.UUID | None) -> dict[str, str] | None:
    """Where this request is shown, for people and for the script."""
    return {"page": home(request, pk), "state": to(request, "state", pk)} if pk else None


def _run(request: HttpRequest, generation: Generation, door: Door | None) -> dict[str, Any]:
    user, brief = viewer(request), not replies.by_script(request)
    is_open = generation.status in (Status.QUEUED, Status.PROCESSING)
    found = tiles.tiles(generation, door, patient=not brief)
    wait = progress.look(generation, may_stop=may_act(user, generation), brief=brief) if is_open else None
    told_story = story(generation)
    wrong = trouble.of(generation, told_story, user, like=like(request, generation), brief=brief)
    return {
        "called": words.short(generation.own_words, most=90),
        "finished": not is_open and not kept.of(generation).asked,
        "brief": brief,
        "state_url": to(request, "state", generation.pk),
        "asked": json.dumps(asked(generation)),
        "waiting": wait,
        "trouble": wrong,
        "money": "" if wrong and wrong.money else told_story.money,
        "tiles": found,
        "visible": any(tile.visible for tile in found),
        "query": query(request),
        "coming": range(generation.num_images - len(found)) if is_open else (),
        "frame": generation.aspect_ratio.replace(":", " "),
        "like": like(request, generation),
        "mine": may_act(user, generation),
        "said": _said(generation, wait, found, wrong),
    }


def asked(generation: Generation) -> dict[str, Any]:
    """What the form on the left is filled with to ask again, and what is said about it."""
    said = asking.said_by(generation)
    return {**said, "seed": generation.seed, "parent": str(generation.pk), "instead": asking.instead(generation)}


def _said(
    generation: Generation, wait: progress.Waiting | None, found: list[tiles.Tile], wrong: trouble.Trouble | None
) -> str:
    """The state in a few words for the live region, and why nothing came; the same words while there is no news."""
    if wait is not None:
        return wait.said
    ready = sum(tile.visible for tile in found)
    if not ready:
        hidden = dict.fromkeys(tile.why for tile in found)  # there are pictures, and this is why none is shown
        state = " ".join(hidden) or str(generation.get_status_display())
        return f"{state}. {wrong.text}" if wrong and wrong.text else state
    return ngettext("%(count)s picture is ready", "%(count)s pictures are ready", ready) % {"count": ready}


# --- answers ---


def state(request: HttpRequest, generation: Generation, door: Door | None) -> JsonResponse:
    """How it stands now, for the page's script."""
    return JsonResponse(report(request, generation, door))


def report(
    request: HttpRequest, generation: Generation, door: Door | None, *, problem: str = "", said: str = ""
) -> dict[str, Any]:
    """The same as a dictionary; ``said`` is read out instead of how it stands."""
    facts = context(request, generation, door, problem=problem)
    wait: progress.Waiting | None = facts["waiting"]
    return {
        "run": str(generation.pk),
        "url": facts["state_url"],
        "finished": facts["finished"],
        "said": problem or said or facts["said"],
        "html": render_to_string("imagen/studio/results.html", facts, request),
        "place_in_queue": wait.place if wait else None,
    }


@replies.permitted
def view(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """How a request stands; a POST asks to be told when it is ready."""
    if request.method == "POST":
        return act(request, pk, _remember, said=_("You will be told on the next page you open."))
    if request.method != "GET":
        return HttpResponseNotAllowed(["GET", "POST"])
    generation = found(request, pk)
    return state(request, generation, door_of(request)) if generation else replies.missing(request)


def _remember(generation: Generation) -> Generation:
    news.remember(generation)
    return generation


def found(request: HttpRequest, pk: uuid.UUID) -> Generation | None:
    """The request of this id as far as this person may see it."""
    return Generation.objects.of(viewer(request)).standing().filter(pk=pk).first()


def act(request: HttpRequest, pk: uuid.UUID, work: Work, *, said: str = "") -> HttpResponse:
    """Do something with a request of this person, say so and show how it stands then; what is refused is said too."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    generation = found(request, pk)
    if generation is None:
        return replies.missing(request)
    if not may_act(viewer(request), generation):
        return answer(request, generation, problem=sentence("permission_denied"))
    try:
        return answer(request, work(generation), said=said)
    except (Conflict, Refused) as error:
        return answer(request, generation, problem=error.message if isinstance(error, again.Dearer) else told(error))


def answer(request: HttpRequest, generation: Generation, *, problem: str = "", said: str = "") -> HttpResponse:
    """The news for the script, or the page itself for who has none."""
    if replies.by_script(request):
        facts = report(request, generation, door_of(request), problem=problem, said=said)
        return JsonResponse(facts, status=409 if problem else 200)
    if problem or said:
        messages.add_message(request, messages.ERROR if problem else messages.SUCCESS, problem or said)
    return HttpResponseRedirect(home(request, generation.pk))
