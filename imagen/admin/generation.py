"""Requests in the admin: a fast list, one page that follows each of them, and the form that asks."""

from __future__ import annotations

import uuid
from contextlib import suppress
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.utils import unquote
from django.db.models import Prefetch, QuerySet
from django.forms.widgets import Script
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect, JsonResponse
from django.template.loader import render_to_string
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen import pipeline
from imagen.admin import catalogue, live, once, quote, resolve, uses, words
from imagen.admin.actions import GenerationActions
from imagen.admin.base import viewer
from imagen.admin.deeds import told
from imagen.admin.duty import lines
from imagen.admin.filters import BatchFilter, DateFilter, ModelFilter, ProviderFilter, StatusFilter
from imagen.admin.forms import ASKED, AskForm
from imagen.admin.plea import tell_answer
from imagen.admin.previews import previews
from imagen.admin.studio import notices
from imagen.admin.worker import silent
from imagen.exceptions import Refused
from imagen.models import Generation, Image
from imagen.presentation import provider_label


@admin.register(Generation)
class GenerationAdmin(GenerationActions):
    """Ask, look, try again; what was asked and what happened is never edited."""

    list_display = ("description", "state", "maker", "cost")
    list_display_links = ("description",)
    list_filter = (StatusFilter, DateFilter, ModelFilter, ProviderFilter, BatchFilter)
    list_select_related = ("user",)
    search_fields = ("prompt",)
    search_help_text = gettext_lazy(
        "Words of the description, or the id of a request. Searching all requests takes a moment."
    )
    readonly_fields = (
        *("prompt", "negative_prompt", "maker", "aspect_ratio", "resolution", "num_images", "output_format", "seed"),
        *("person", "created_at", "started_at", "completed_at", "id"),
    )
    form = AskForm

    class Media:
        js = [Script(f"imagen/{name}.js", defer=True) for name in ("live", "choices", "ask")]

    # --- who sees what ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Generation]:
        """What this person may see and nobody deleted."""
        seen = Generation.objects.of(viewer(request)).standing()
        return seen.prefetch_related(Prefetch("images", Image.objects.order_by("index")))

    def get_search_results(self, request: HttpRequest, queryset: QuerySet[Generation], search_term: str) -> Any:
        """By words of the description, or the one request that has this id."""
        with suppress(ValueError):
            return queryset.filter(pk=uuid.UUID(search_term.strip())), False
        return super().get_search_results(request, queryset, search_term)

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Asking is what costs money, so it has a permission of its own."""
        return self.has_generate_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Generation | None = None) -> bool:
        """No request is ever edited."""
        return obj is None and super().has_change_permission(request)

    # --- the list ---

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list, whether anybody works on it, and what needs a person."""
        shown = {"title": _("Generations"), "worker_silent": silent(), "alarms": lines(request)}
        shown["deleted"] = resolve.deleted(viewer(request))
        tell_answer(self, request)
        notices.tell(request)
        return super().changelist_view(request, {**shown, **(extra_context or {})})

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns; previews depend on who looks."""

        @admin.display(description=_("pictures"))
        def pictures(generation: Generation) -> str:
            return previews(generation.images.all(), viewer(request))

        return (pictures, *self.list_display)

    @admin.display(description=gettext_lazy("description"))
    def description(self, generation: Generation) -> str:
        """The beginning of what somebody wrote, who asked, and how long ago."""
        age = words.ago(generation.created_at)
        return words.pair(words.short(generation.own_words), words.by(generation.user, age))

    @admin.display(description=gettext_lazy("status"))
    def state(self, generation: Generation) -> str:
        """The status in words and colour."""
        return words.badge(generation)

    @admin.display(description=gettext_lazy("made by"))
    def maker(self, generation: Generation) -> str:
        """Who makes it."""
        return words.pair(catalogue.model_name(generation.model), provider_label(generation.provider))

    @admin.display(description=gettext_lazy("cost"))
    def cost(self, generation: Generation) -> str:
        """What it cost, or will."""
        return words.cost(generation)

    @admin.display(description=gettext_lazy("person"), empty_value="–")
    def person(self, generation: Generation) -> str | None:
        """Who asked; a name and no link, for not everybody may look at accounts."""
        return str(generation.user) if generation.user else None

    # --- one request ---

    def get_urls(self) -> list[URLPattern]:
        """Ours before the admin's own, which take any path."""
        ours = [
            path("quote/", self.admin_site.admin_view(self.quote_view), name="imagen_generation_quote"),
            path("<uuid:pk>/live/", self.admin_site.admin_view(self.live_view), name="imagen_generation_live"),
            path(
                "<uuid:pk>/calls/<uuid:call>/<slug:name>/",
                self.admin_site.admin_view(self.resolve_view),
                name="imagen_generation_resolve",
            ),
        ]
        return [*ours, *super().get_urls()]

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one request."""
        generation = self.get_object(request, unquote(object_id))
        if generation is not None and self.has_view_permission(request, generation):
            shown = {"title": words.short(generation.own_words), "subtitle": None, **live.context(generation, request)}
            extra_context = {**(extra_context or {}), **shown, **uses.lineage(generation, viewer(request))}
        return super().change_view(request, object_id, form_url, extra_context)

    def live_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        """How it stands now, for the page's script."""
        if request.method != "GET":
            return HttpResponseNotAllowed(["GET"])
        generation = self.get_object(request, str(pk))
        if generation is None or not self.has_view_permission(request, generation):
            raise Http404
        return live.answer(generation, request)

    def resolve_view(self, request: HttpRequest, pk: uuid.UUID, call: uuid.UUID, name: str) -> HttpResponse:
        """What a person decides about a call nobody confirmed."""
        return resolve.view(self, request, pk, call, name)

    def get_fieldsets(self, request: HttpRequest, obj: Generation | None = None) -> Any:
        """The form's fields for a new request, all facts for an old one."""
        if obj is not None:
            known = [name for name in self.readonly_fields if getattr(obj, name, True) not in ("", None)]
            return [(_("What was asked"), {"fields": known})]
        more = {"fields": ASKED[4:], "classes": ["collapse"]}
        return [(None, {"fields": (*ASKED[:4], "mark")}), (_("More choices"), more)]

    def get_readonly_fields(self, request: HttpRequest, obj: Generation | None = None) -> Any:
        """Everything, once it was asked."""
        return () if obj is None else self.readonly_fields

    # --- asking ---

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The form; what the pipeline refuses at the last moment is said beside it, with all that was written there."""
        shown = {"title": _("Generate pictures"), **(extra_context or {})}
        if self.has_add_permission(request):
            tell_answer(self, request)
        with suppress(Refused):
            return super().add_view(request, form_url, shown)
        try:
            return super().add_view(request, form_url, shown)  # now the form's own check knows it too
        except Refused as refused:
            self.message_user(request, told(refused), messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What the address says; ``like`` names a request to begin from."""
        like = self.get_object(request, request.GET.get("like", ""))
        if like is None:
            return super().get_changeform_initial_data(request)
        return {**like.request.asdict(), "provider": like.provider if like.provider_named else ""}

    def quote_view(self, request: HttpRequest) -> HttpResponse:
        """Price and complaints for what the form says so far; nothing is asked for."""
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        if not self.has_add_permission(request):
            raise Http404
        facts = quote.quoted(request.POST, viewer(request))
        html = render_to_string("imagen/admin/quote.html", {"quote": facts}, request)
        return JsonResponse({**facts, "html": html})

    def get_form(self, request: HttpRequest, obj: Generation | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form, which knows whose budget it is about."""
        form = super().get_form(request, obj, change, **kwargs)
        return form if obj else type(form.__name__, (form,), {"user": viewer(request)})

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], add: bool = False, *args: Any, **kwargs: Any
    ) -> Any:
        """The page; of a new request its first price too, for who has no scripts."""
        if add:
            context["quote"] = quote.of_form(context["adminform"].form)
        return super().render_change_form(request, context, add, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Generation, form: Any, change: bool) -> None:
        """Hand the request to the pipeline, once per form and content: who goes back and changes it asks anew."""
        user, options = viewer(request), form.options
        mark = once.about(form.cleaned_data["mark"], options)
        made, _fresh = once.once(user, mark, lambda: str(pipeline.request(user=user, **options).pk))
        obj.pk = uuid.UUID(made)
        obj.refresh_from_db()

    def response_add(self, request: HttpRequest, obj: Generation, post_url_continue: str | None = None) -> HttpResponse:
        """On to the page that follows it."""
        if IS_POPUP_VAR in request.POST or not self.has_view_permission(request, obj):
            return super().response_add(request, obj, post_url_continue)
        return HttpResponseRedirect(reverse("admin:imagen_generation_change", args=[obj.pk]))

    # --- deleting ---

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """What goes, told plainly: pictures and words; the costs stay on record."""
        chosen = list(objs)
        named = [words.short(generation.own_words) for generation in chosen]
        gone = sum(len(generation.images.all()) for generation in chosen)
        counted = {self.opts.verbose_name_plural: len(chosen), Image._meta.verbose_name_plural: gone}
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return named, counted, lacking, []

    def delete_model(self, request: HttpRequest, obj: Generation) -> None:
        """Erase pictures, files and words; what was paid stays on record."""
        pipeline.erase(obj)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Generation]) -> None:
        """Erase each of them."""
        for generation in queryset:
            pipeline.erase(generation)
