"""Pictures in the admin: look, describe, download."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.contrib.admin.options import IS_POPUP_VAR
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.defaultfilters import filesizeformat
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from imagen import pipeline
from imagen.admin import catalogue, uses, words
from imagen.admin.actions import zipped
from imagen.admin.base import PlainAdmin, ShortPaginator, viewer
from imagen.admin.filters import DateFilter
from imagen.admin.image_filters import (
    AltTextFilter,
    ImageModelFilter,
    MineFilter,
    ReviewFilter,
    ShapeFilter,
    UseFilter,
)
from imagen.admin.previews import address, described, hidden, preview
from imagen.admin.studio import notices
from imagen.doors import Door
from imagen.exceptions import Conflict, Refused
from imagen.models import Image
from imagen.slots import OBJECT
from imagen.states import Review

if TYPE_CHECKING:
    ModelForm = forms.ModelForm[Image]
else:  # it cannot be subscripted at run time
    ModelForm = forms.ModelForm


class DescribeForm(ModelForm):
    """Words for a picture."""

    class Meta:
        model = Image
        fields = ("title", "alt_text")
        widgets: ClassVar[dict[str, Any]] = {"alt_text": forms.Textarea(attrs={"rows": 3})}
        help_texts: ClassVar[dict[str, Any]] = {
            "alt_text": gettext_lazy("What the picture shows, for people who cannot see it.")
        }


def _name(image: Image) -> str:
    return words.short(image.title or image.generation.own_words, most=60)


def _generate(request: HttpRequest) -> str:
    """The Studio, which ends with the new picture in the field this window was opened from."""
    with suppress(NoReverseMatch):  # an admin without a Studio
        if viewer(request).has_perm("imagen.generate"):
            said = {"door": Door(target=OBJECT).sign(viewer(request)), IS_POPUP_VAR: 1}
            return f"{reverse('admin:imagen_studio_changelist')}?{urlencode(said)}"
    return ""


@admin.register(Image)
class ImageAdmin(PlainAdmin):
    """Title and alt text are the editor's; everything else is a fact."""

    list_display = ("called", "measures", "alt", "maker", "reviewed")
    form = DescribeForm
    list_display_links = ("called",)
    list_filter = (MineFilter, UseFilter, AltTextFilter, DateFilter, ShapeFilter, ImageModelFilter, ReviewFilter)
    list_select_related = ("generation__user",)
    search_fields = ("title", "alt_text", "generation__prompt")  # autocomplete fields need them as well
    paginator = ShortPaginator
    actions = ("download", "release", "reject")
    fields = ("title", "alt_text", "origin", "measures", "provider_model", "weight", "reviewed", "created_at")
    readonly_fields = fields[2:]

    # --- who sees what ---

    def get_queryset(self, request: HttpRequest) -> QuerySet[Image]:
        """What this person may see and nobody deleted."""
        seen = Image.objects.of(viewer(request)).standing()
        return seen.select_related("generation__user")

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Pictures come from requests."""
        return False

    # --- the list ---

    def get_list_display(self, request: HttpRequest) -> Any:
        """The columns; previews depend on who looks."""

        @admin.display(description=_("picture"))
        def small(image: Image) -> str:
            return preview(image, viewer(request))

        return (small, *self.list_display)

    @admin.display(description=gettext_lazy("title"))
    def called(self, image: Image) -> str:
        """The title or the beginning of the description, who asked, and how long ago."""
        return words.pair(_name(image), words.by(image.generation.user, words.ago(image.created_at)))

    @admin.display(description=gettext_lazy("shape and size"))
    def measures(self, image: Image) -> str:
        """The shape asked for and the pixels that came."""
        return words.pair(image.generation.aspect_ratio, f"{image.width} × {image.height}")

    @admin.display(description=gettext_lazy("model"))
    def maker(self, image: Image) -> str:
        """The model's name."""
        return catalogue.model_name(image.generation.model)

    @admin.display(description=gettext_lazy("alt text"))
    def alt(self, image: Image) -> str:
        """Its alt text, or that it is missing."""
        if image.alt_text:
            return words.short(image.alt_text, most=40)
        return format_html('<span class="imagen-badge imagen-partial">{}</span>', _("no alt text"))

    @admin.display(description=gettext_lazy("review"))
    def reviewed(self, image: Image) -> str:
        """How the review stands."""
        return "–" if image.review == Review.NONE else hidden(image)

    @admin.display(description=gettext_lazy("size of the file"))
    def weight(self, image: Image) -> str:
        """How large the file is."""
        return f"{image.format.upper()} · {filesizeformat(image.bytes)}"

    @admin.display(description=gettext_lazy("request"))
    def origin(self, image: Image) -> str:
        """The request it came from."""
        where = reverse("admin:imagen_generation_change", args=[image.generation_id])
        return format_html('<a href="{}" dir="auto">{}</a>', where, words.short(image.generation.own_words))

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The list under its plain name; in the window where one is chosen for a relation, the way to a new one."""
        notices.tell(request)
        shown = {"title": _("Pictures"), "generate": _generate(request) if IS_POPUP_VAR in request.GET else ""}
        return super().changelist_view(request, {**shown, **(extra_context or {})})

    # --- one picture ---

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one picture."""
        image = self.get_object(request, object_id)
        if image is not None and self.has_view_permission(request, image):
            where = address(image)
            shown = image.visible_to(viewer(request)) and where != ""
            facts = {"picture": image, "visible": shown, "address": where, "alt": described(image)}
            names = {"title": _name(image), "subtitle": None, "hidden": hidden(image)}
            facts["uses"] = uses.of(image, viewer(request))
            extra_context = {**(extra_context or {}), **facts, **names}
        return super().change_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Image, form: Any, change: bool) -> None:
        """Keep title and alt text."""
        try:
            pipeline.describe(obj, title=obj.title, alt_text=obj.alt_text)
        except Refused as refused:  # it was deleted meanwhile
            raise Http404 from refused

    # --- downloading and deleting ---

    @admin.action(description=gettext_lazy("Download pictures as zip"), permissions=["view"])
    def download(self, request: HttpRequest, queryset: QuerySet[Image]) -> Any:
        """Send them as one file."""
        return zipped(self, request, queryset)

    def has_review_permission(self, request: HttpRequest) -> bool:
        """Who may release and reject."""
        return viewer(request).has_perm("imagen.review")

    @admin.action(description=gettext_lazy("Release held pictures"), permissions=["review"])
    def release(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        """Let everybody see them who may see the request."""
        self._decide(request, queryset, Review.RELEASED)

    @admin.action(description=gettext_lazy("Reject held pictures"), permissions=["review"])
    def reject(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        """Keep them hidden; what they cost stays spent."""
        self._decide(request, queryset, Review.REJECTED)

    def _decide(self, request: HttpRequest, queryset: QuerySet[Image], verdict: Review) -> None:
        done = 0
        for image in queryset.filter(review=Review.HELD):
            with suppress(Conflict):  # another reviewer was faster
                pipeline.review(image, verdict, actor=viewer(request))
                done += 1
        said = ngettext("%(count)d picture is now %(verdict)s.", "%(count)d pictures are now %(verdict)s.", done)
        self.message_user(request, said % {"count": done, "verdict": verdict.label})

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The pictures, by name."""
        chosen = list(objs)
        lacking = set() if self.has_delete_permission(request) else {self.opts.verbose_name}
        return [_name(image) for image in chosen], {self.opts.verbose_name_plural: len(chosen)}, lacking, []

    def delete_model(self, request: HttpRequest, obj: Image) -> None:
        """Delete the picture and its files; what was paid stays on record."""
        pipeline.discard(obj, actor=viewer(request))

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Image]) -> None:
        """Delete each of them."""
        for image in queryset:
            pipeline.discard(image, actor=viewer(request))
