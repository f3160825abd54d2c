"""Who asks, a script or a person, and one plain sentence for either instead of what was asked for."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.studio.doorway import home, popup

View = Callable[[PlainAdmin, HttpRequest, uuid.UUID], HttpResponse]
MAY_NOT = gettext_lazy("Your account may not generate images here.")


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


def refused(page: PlainAdmin, request: HttpRequest) -> HttpResponse:
    """Who may not generate reads that, whatever they came for."""
    if by_script(request):
        return plainly(request, str(MAY_NOT), status=403)
    facts = {"title": _("Studio"), "is_popup": popup(request), "text": MAY_NOT}
    shown = {**page.admin_site.each_context(request), **facts}
    return TemplateResponse(request, "imagen/studio/refused_page.html", shown, status=403)


def permitted(view: View) -> View:
    """Only for who may generate; whose permission went while the page was open reads it there."""

    @wraps(view)
    def guarded(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        if viewer(request).has_perm("imagen.generate"):
            return view(page, request, pk)
        return refused(page, request)

    return guarded
