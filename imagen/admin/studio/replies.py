"""Who asks, a script or a person, and one plain sentence for either instead of what was asked for."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext as _

from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.studio.doorway import home
from imagen.messages import sentence

View = Callable[[PlainAdmin, HttpRequest, uuid.UUID], HttpResponse]


def by_script(request: HttpRequest) -> bool:
    """Whether the page's own script asks."""
    return "application/json" in request.headers.get("Accept", "")


def plainly(request: HttpRequest, text: str, *, status: int) -> HttpResponse:
    """One sentence instead of what was asked for."""
    if by_script(request):
        html = render_to_string("imagen/studio/sentence.html", {"text": text})
        return JsonResponse({"finished": True, "said": text, "html": html}, status=status)
    messages.error(request, text)
    return HttpResponseRedirect(home(request))


def missing(request: HttpRequest) -> HttpResponse:
    """What was here is deleted, or never was theirs."""
    return plainly(request, _("This request was deleted, or it is not yours."), status=404)


def permitted(view: View) -> View:
    """Only for who may generate; whose permission went while the page was open reads it there."""

    @wraps(view)
    def guarded(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        if viewer(request).has_perm("imagen.generate"):
            return view(page, request, pk)
        if by_script(request):
            return plainly(request, sentence("permission_denied"), status=403)
        raise PermissionDenied

    return guarded
