"""“2 images for … are ready”: a message on the next page, and a number at the Studio in the admin's list."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

from django.contrib import messages
from django.core.signals import request_finished
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.functional import lazy
from django.utils.translation import gettext as _

from imagen import news
from imagen.models import Generation, Studio

TOLD = "imagen_told"
_count: ContextVar[int] = ContextVar("imagen_news", default=0)


def _name() -> str:
    count = _count.get()
    return f" {_('Studio')} ({count})" if count else f" {_('Studio')}"  # the blank puts it first in the list


# The index takes an entry's name from the model, and only its permissions know who looks.
Studio._meta.verbose_name_plural = lazy(_name, str)()


def badge(request: HttpRequest) -> bool:
    """Count what is ready for who looks into the Studio's name; always true, so that a permission can end with it."""
    _count.set(len(news.of(request)))
    return True


@receiver(request_finished, dispatch_uid="imagen.studio.badge")
def _forget(**kwargs: Any) -> None:
    """The next person in this thread has their own count."""
    _count.set(0)


def tell(request: HttpRequest, *, but: str = "") -> None:
    """A message for each request that is ready, once a session; none for the one (``but``) the page itself shows."""
    ready = {_mark(each): each for each in news.of(request) if str(each.pk) != but}
    told = request.session.get(TOLD, [])
    fresh = [mark for mark in ready if mark not in told]
    for text in news.sentences(request, (ready[mark] for mark in fresh)):
        messages.success(request, text)
    news.told(request, *(ready[mark] for mark in fresh))
    if fresh:
        request.session[TOLD] = [*(mark for mark in told if mark in ready), *fresh]


def _mark(generation: Generation) -> str:
    """A new one when there is more to tell of it, as after a review."""
    return f"{generation.pk} {generation.version}"
