"""What is ready and nobody has looked at yet: told to who asked for it, until they look."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode

from django.apps import apps
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imagen.models import Generation
from imagen.states import FINISHED, Review

MOST = 20
LONGEST = 60
_HELD = Q(images__review=Review.HELD)
_OPEN = ~Q(images__review__in=(Review.HELD, Review.REJECTED))


def of(request: HttpRequest) -> list[Generation]:
    """What is ready for who looks, the oldest first, asked for once a page."""
    found: list[Generation] | None = getattr(request, "_imagen_news", None)
    if found is None:
        found = _unseen(getattr(request, "user", None))
        request._imagen_news = found  # type: ignore[attr-defined]  # ours
    return found


def _unseen(user: Any) -> list[Generation]:
    if user is None or not user.is_active or not user.has_perm("imagen.generate"):
        return []
    mine = Generation.objects.standing().filter(user=user.pk, unseen=True, status__in=FINISHED)
    counts = {"ready": Count("images", filter=_OPEN), "held": Count("images", filter=_HELD)}
    return list(mine.annotate(**counts).order_by("completed_at")[:MOST])


def seen(request: HttpRequest, generation: Generation) -> None:
    """Whoever asked for it looks at it: once it is finished, there is no news of it any more."""
    mine = generation.user_id is not None and generation.user_id == request.user.pk
    if generation.unseen and generation.finished and mine:
        Generation.objects.filter(pk=generation.pk).update(unseen=False)
        generation.unseen = False
        request._imagen_news = [each for each in of(request) if each.pk != generation.pk]  # type: ignore[attr-defined]  # ours


def remember(generation: Generation) -> None:
    """Whoever asked for it is told when it is ready."""
    Generation.objects.filter(pk=generation.pk).update(unseen=True)


def told(request: HttpRequest, *generations: Generation) -> None:
    """These are messages on this page, so that nothing else on it says the same."""
    request._imagen_told = {generation.pk for generation in generations}  # type: ignore[attr-defined]  # ours


def untold(request: HttpRequest) -> list[Generation]:
    """What is ready and no message on this page says."""
    known: set[uuid.UUID] = getattr(request, "_imagen_told", set())
    return [generation for generation in of(request) if generation.pk not in known]


def sentences(request: HttpRequest, generations: Iterable[Generation]) -> list[SafeString]:
    """What is to be said of these, which ``of`` found, with links into the admin site that is asked."""
    ready = list(generations)
    known = _objects(ready)
    site = request.resolver_match.namespace if request.resolver_match else ""
    return [_sentence(each, known.get(_where(each)), site) for each in ready]


def _sentence(generation: Generation, thing: models.Model | None, site: str) -> SafeString:
    """“2 images for Snow leopards return are ready.”, with its links."""
    ready: int = getattr(generation, "ready")  # noqa: B009  # counted by the query
    if ready:
        text = ngettext("%(count)s image for %(name)s is ready.", "%(count)s images for %(name)s are ready.", ready)
    elif getattr(generation, "held"):  # noqa: B009  # likewise
        text = _("The images for %(name)s wait for a reviewer. You will be told.")
    else:
        text = _("The images for %(name)s are not there; see why.")
    blanks = text.replace("%(count)s", "{count}").replace("%(name)s", "{name}")
    said = format_html(blanks, count=ready, name=_name(generation, thing, site))
    where = address(generation, site)
    return format_html('{} <a href="{}">{}</a>', said, where, _("Show")) if where else said


def address(generation: Generation, site: str = "") -> str:
    """The Studio showing it; empty where a site has no such page."""
    try:
        return f"{reverse('admin:imagen_studio_changelist', current_app=site)}?{urlencode({'run': generation.pk})}"
    except NoReverseMatch:
        return ""


def _name(generation: Generation, thing: models.Model | None, site: str) -> SafeString:
    """What it is for, with the way there; without a saved object the beginning of its description."""
    if thing is None:
        return format_html("<q>{}</q>", Truncator(" ".join(generation.own_words.split())).chars(LONGEST))
    label = Truncator(str(thing)).chars(LONGEST)
    try:
        name = f"admin:{thing._meta.app_label}_{thing._meta.model_name}_change"
        where = reverse(name, args=[thing.pk], current_app=site)
    except NoReverseMatch:
        return format_html("<em>{}</em>", label)
    return format_html('<a href="{}"><em>{}</em></a>', where, label)


def _where(generation: Generation) -> tuple[str, str]:
    """Its object as ``app.model`` and id."""
    return generation.place.rpartition(".")[0], generation.place_id


def _objects(generations: Iterable[Generation]) -> dict[tuple[str, str], models.Model]:
    """The objects they were asked for from, as far as they are still there; one question for each kind."""
    wanted: dict[str, set[str]] = {}
    for label, pk in map(_where, generations):
        wanted.setdefault(label, set()).add(pk)
    return {(label, str(row.pk)): row for label, pks in wanted.items() for row in _rows(label, pks)}


def _rows(label: str, pks: Iterable[str]) -> list[models.Model]:
    try:
        model = apps.get_model(label)
    except (LookupError, ValueError):
        return []
    return list(model._default_manager.filter(pk__in=[pk for pk in pks if _possible(model, pk)]))


def _possible(model: type[models.Model], pk: str) -> bool:
    try:
        return pk != "" and model._meta.pk.to_python(pk) is not None
    except ValidationError:
        return False
