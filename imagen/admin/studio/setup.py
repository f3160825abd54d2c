"""Which services the site has, and what each of them lacks: for who looks after it, where nothing can be made."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import alarms, registry
from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.studio import replies
from imagen.admin.studio.doorway import home

MINDS = "imagen.view_alarm"
TOLD = gettext_lazy("Administrators have been told.")
THERE = gettext_lazy("An image service is set up now.")


def view(page: PlainAdmin, request: HttpRequest) -> HttpResponse:
    """Each service of the settings with whether it has its key; no key is shown, and nothing is asked of anybody."""
    if not viewer(request).has_perm(MINDS):
        raise PermissionDenied
    found = [(each.label, alias, each.configured) for alias, each in registry.providers().items()]
    facts = {"title": _("Services"), "opts": page.opts, "media": page.media, "services": found}
    return TemplateResponse(request, "imagen/studio/setup.html", {**page.admin_site.each_context(request), **facts})


def asked() -> bool:
    """Whether somebody asked for a service already."""
    return alarms.sounding(alarms.WANTED)


def want() -> str:
    """Tell administrators that somebody wants pictures and no service makes them, or say that one does."""
    if any(registry.choices()):
        return str(THERE)
    alarms.sound(alarms.WANTED)
    return str(TOLD)


def tell(page: PlainAdmin, request: HttpRequest) -> HttpResponse:
    """Ask administrators for a service, and say that they were told."""
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    if not page.has_view_permission(request):
        return replies.refused(page, request)
    said = want()
    if replies.by_script(request):
        return JsonResponse({"said": said})
    messages.success(request, said)
    return HttpResponseRedirect(home(request))
