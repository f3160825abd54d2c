"""Which services the site has, and what each of them lacks: for who looks after it, where nothing can be made."""

from __future__ import annotations

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _

from imagen import registry
from imagen.admin.base import PlainAdmin, viewer

MINDS = "imagen.view_alarm"


def view(page: PlainAdmin, request: HttpRequest) -> HttpResponse:
    """Each service of the settings with whether it has its key; no key is shown, and nothing is asked of anybody."""
    if not viewer(request).has_perm(MINDS):
        raise PermissionDenied
    found = [(each.label, alias, each.configured) for alias, each in registry.providers().items()]
    facts = {"title": _("Services"), "opts": page.opts, "media": page.media, "services": found}
    return TemplateResponse(request, "imagen/studio/setup.html", {**page.admin_site.each_context(request), **facts})
