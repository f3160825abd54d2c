"""A session that ended while the Studio was open: a plain sentence, for no frame shows a login, and the way back."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib.admin import AdminSite
from django.contrib.auth import REDIRECT_FIELD_NAME
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.translation import gettext as _

from imagen.admin.studio import replies
from imagen.admin.studio.doorway import popup

FORBIDDEN = 403


def answer(site: AdminSite, request: HttpRequest) -> HttpResponse | None:
    """What a script or a dialog is told; ``None`` for a page of its own, which leads to the login as always."""
    facts = {
        "login": _login(site),
        "known": request.user.is_authenticated,
        "script": replies.by_script(request),
        "address": request.get_full_path(),
    }
    if replies.by_script(request):
        html = render_to_string("imagen/studio/out.html", facts, request)
        return JsonResponse({"out": True, "html": html}, status=FORBIDDEN)
    if popup(request):
        shown = {**site.each_context(request), **facts, "title": _("Studio"), "is_popup": True}
        return TemplateResponse(request, "imagen/studio/out_page.html", shown, status=FORBIDDEN)
    return None


def _login(site: AdminSite) -> str:
    """The login of this admin, and then its index: the window that waits is another one."""
    query: dict[str, Any] = {REDIRECT_FIELD_NAME: reverse("admin:index", current_app=site.name)}
    return f"{reverse('admin:login', current_app=site.name)}?{urlencode(query)}"
