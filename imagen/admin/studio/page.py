"""The page of the Studio and what can be asked of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.forms.widgets import Script
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseNotAllowed,
    HttpResponseRedirect,
    JsonResponse,
)
from django.middleware.csrf import get_token
from django.template.loader import render_to_string
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.clickjacking import xframe_options_sameorigin

from imagen.admin import once
from imagen.admin.base import ReadOnlyAdmin, viewer
from imagen.admin.plea import tell_answer
from imagen.admin.studio import (
    asking,
    candidates,
    enhance,
    have,
    history,
    notices,
    out,
    placing,
    price,
    replies,
    results,
    setup,
    waiting,
)
from imagen.admin.studio.doorway import Entrance, renew
from imagen.models import Generation, Studio

ADDRESSES = (
    ("quote/", "quote"),
    ("enhance/", "enhance"),
    ("setup/", "setup"),
    ("tell/", "tell"),
    ("<uuid:pk>/", "state"),
    ("<uuid:pk>/stop/", "stop"),
    ("<uuid:pk>/retry/", "retry"),
    ("<uuid:pk>/save/", "save"),
    ("<uuid:pk>/report/", "report"),
    ("<uuid:pk>/want/", "want"),
    ("pictures/<uuid:pk>/place/", "place"),
    ("pictures/<uuid:pk>/contrast/", "contrast"),
    ("pictures/<uuid:pk>/discard/", "discard"),
)
PARTS = ("price", "notes", "sent", "have")
SCRIPTS = ("call", "choices", "studio", "words", "enhance", "results", "place")
ELSEWHERE: dict[str, Callable[..., HttpResponseBase]] = {
    "state": results.view,
    "stop": waiting.stop,
    "retry": waiting.retry,
    "save": waiting.save,
    "report": waiting.report,
    "want": waiting.want,
    "place": placing.view,
    "contrast": placing.contrast,
    "discard": candidates.discard,
}


@admin.register(Studio)
class StudioAdmin(ReadOnlyAdmin):
    """One page with two columns: ask on the left, look and choose on the right."""

    class Media:
        css = {"all": ["imagen/studio.css", "imagen/results.css"]}
        js = [Script(f"imagen/{name}.js", defer=True) for name in SCRIPTS]

    # --- who may ---

    def has_module_permission(self, request: HttpRequest) -> bool:
        """Who may generate finds it in the list."""
        return self.has_view_permission(request) and notices.badge(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Likewise."""
        return viewer(request).has_perm("imagen.generate")

    # --- where it is ---

    def get_urls(self) -> list[URLPattern]:
        """Our own addresses and none of a list of rows; all may be shown in a frame of this site."""
        views: dict[str, Any] = {
            "quote": self.quote_view,
            "enhance": self.enhance_view,
            "setup": partial(setup.view, self),
            "tell": partial(setup.tell, self),
            **{name: partial(view, self) for name, view in ELSEWHERE.items()},
        }
        found = [path("", self._ours(self.changelist_view), name="imagen_studio_changelist")]
        return found + [path(at, self._ours(views[name]), name=f"imagen_studio_{name}") for at, name in ADDRESSES]

    def _ours(self, view: Callable[..., Any]) -> Callable[..., Any]:
        admitted = self.admin_site.admin_view(view)

        @never_cache
        @login_not_required  # a dialog is told so by itself
        @xframe_options_sameorigin
        def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
            told = None if self.admin_site.has_permission(request) else out.answer(self.admin_site, request)
            return told or admitted(request, *args, **kwargs)

        return guarded

    # --- the page ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The page; what is posted to it is asked for."""
        if request.method == "POST":
            return self._asked(request)
        if not self.has_view_permission(request):
            return replies.refused(self, request)
        renew(request)
        entrance, run = Entrance.of(request), self._run(request)
        if entrance.stale:
            self.message_user(request, asking.STALE, messages.WARNING)
        notices.tell(request, but=request.GET.get("run", ""))
        if run is None:
            tell_answer(self, request)
        answer = asking.begun(request, entrance, run)
        return self._page(request, entrance, run or self._under_way(request, entrance), answer)

    def _page(
        self, request: HttpRequest, entrance: Entrance, run: Generation | None, answer: asking.Answer, status: int = 200
    ) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request),
            "title": _("Studio"),
            "opts": self.opts,
            "media": self.media,
            "is_popup": entrance.popup,
            **asking.context(answer.form, entrance, answer.said),
            "state": entrance.state(run) if run else "",
            "results": self._results(request, entrance, run),
        }
        return TemplateResponse(request, "imagen/studio/page.html", context, status=status)

    def _results(self, request: HttpRequest, entrance: Entrance, run: Generation | None) -> str:
        """The right column, which keeps its words to itself."""
        shown = results.context(request, run, entrance.door)
        return render_to_string("imagen/studio/results.html", shown, request)

    def _run(self, request: HttpRequest) -> Generation | None:
        """The request the address names, if this person may see it."""
        try:
            return Generation.objects.of(viewer(request)).standing().filter(pk=request.GET["run"]).first()
        except (KeyError, ValidationError):
            return None

    def _under_way(self, request: HttpRequest, entrance: Entrance) -> Generation | None:
        """What this person waits for at this field, so that they do not pay twice; unless they name something."""
        named = {"run", "like"}.intersection(request.GET)
        found = () if named else history.under_way(request, entrance.door)
        return next((each for each in found if each.user_id == viewer(request).pk), None)

    # --- asking ---

    def _asked(self, request: HttpRequest) -> HttpResponse:
        """Ask, and show how it goes; or the form again with what is wrong."""
        if not self.has_view_permission(request):
            if replies.by_script(request):
                return JsonResponse({"message": str(replies.MAY_NOT)}, status=403)
            return replies.refused(self, request)
        entrance = Entrance.of(request)
        answer = asking.answer(request, entrance)
        if answer.run is None:
            return self._again(request, entrance, answer)
        if not replies.by_script(request):
            return HttpResponseRedirect(entrance.page(answer.run))
        return JsonResponse({**results.report(request, answer.run, entrance.door), "mark": once.token()})

    def _again(self, request: HttpRequest, entrance: Entrance, answer: asking.Answer) -> HttpResponse:
        status = 422 if answer.form.is_bound else 200
        if not replies.by_script(request):
            return self._page(request, entrance, self._run(request), answer, status)
        shown = asking.context(answer.form, entrance, answer.said, paced=True)
        html = render_to_string("imagen/studio/form.html", shown, request)
        facts = {"action": entrance.page(), "quote": entrance.quote}  # without a field once its door is closed
        return JsonResponse({**facts, "html": html, "said": answer.said}, status=status)

    def quote_view(self, request: HttpRequest) -> HttpResponse:
        """Price and words for what the form says so far; a GET brings a mark for who logged in again meanwhile."""
        if request.method == "GET":
            return JsonResponse({"csrf": get_token(request)})
        if request.method != "POST":
            return HttpResponseNotAllowed(["GET", "POST"])
        if not self.has_view_permission(request):
            return replies.refused(self, request)
        entrance = Entrance.of(request)
        facts = price.quoted(request.POST, asking.blank(request, entrance))
        shown = {"quote": facts, "have": have.shown(request, request.POST.get("prompt", ""))}
        html = {name: render_to_string(f"imagen/studio/{name}.html", shown, request) for name in PARTS}
        return JsonResponse({"button": facts["button"], "html": html})

    def enhance_view(self, request: HttpRequest) -> HttpResponse:
        """Richer words for what the form says so far; nothing is kept and nothing is sent."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_view_permission(request):
            return replies.refused(self, request)
        return enhance.answer(asking.as_said(request, Entrance.of(request)))
