"""The newsroom: articles, and pictures that find their way onto them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.db import IntegrityError
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen.admin import ImagenAdminMixin
from imagen.fields import Slot
from project.articles.forms import ArticleForm, FigureForm
from project.articles.models import Article, Figure

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Article]
    StackedInline = admin.StackedInline[Figure, Article]
else:  # neither can be subscripted at run time
    ModelAdmin = admin.ModelAdmin
    StackedInline = admin.StackedInline


class FigureInline(ImagenAdminMixin, StackedInline):
    """Further pictures, each with words of its own."""

    model = Figure
    form = FigureForm
    extra = 0
    imagen_fields = {"picture": Slot("3:2", alt="alt", prompt_from=["caption", "title"])}


@admin.register(Article)
class ArticleAdmin(ImagenAdminMixin, ModelAdmin):
    """Write, illustrate, publish."""

    form = ArticleForm
    inlines = [FigureInline]
    imagen_fields = {"hero": Slot("16:9", alt="hero_alt", prompt_from=["title", "summary", "body:400"], crops=["1:1"])}
    list_display = ("small", "title", "section", "state", "published_at")
    list_display_links = ("title",)
    list_filter = ("published", "section")
    search_fields = ("title", "summary", "body", "byline")
    prepopulated_fields = {"slug": ("title",)}
    save_on_top = True

    class Media:
        css = {"all": ["project/admin.css"]}

    # --- the list ---

    @admin.display(description=gettext_lazy("picture"))
    def small(self, article: Article) -> str:
        """The hero, small."""
        if not article.hero_small:
            return "–"
        size = (article.hero_width, article.hero_height)
        template = '<img class="articles-small" src="{}" alt="" width="{}" height="{}" loading="lazy" decoding="async">'
        return format_html(template, article.hero_small.url, *size)

    @admin.display(description=gettext_lazy("status"), ordering="published")
    def state(self, article: Article) -> str:
        """Whether readers see it."""
        if not article.published:
            return _("Draft")
        return _("Published") if article.live else _("Planned")

    def view_on_site(self, obj: Article) -> str:
        """Its page."""
        return obj.get_absolute_url()

    # --- one article ---

    def get_fieldsets(self, request: HttpRequest, obj: Article | None = None) -> Any:
        """Words, picture, publication; who may only look is not offered another picture."""
        may_write = self.has_change_permission(request, obj) if obj else self.has_add_permission(request)
        picture = ("current", "hero", "hero_alt") if may_write else ("current", "hero_alt")
        return (
            (None, {"fields": ("title", "slug", ("section", "byline"), "summary", "body")}),
            (_("Picture"), {"fields": picture if obj else picture[1:]}),
            (_("Publication"), {"fields": ("published", "published_at")}),
        )

    def get_readonly_fields(self, request: HttpRequest, obj: Article | None = None) -> Any:
        """The picture that is on the page now is for looking."""
        return ("current",)

    @admin.display(description=gettext_lazy("On the page now"))
    def current(self, article: Article) -> str:
        """The hero as it is."""
        if not article.hero_small:
            return _("No picture")
        template = '<img class="articles-current" src="{}" alt="{}" width="{}" height="{}">'
        size = (article.hero_width, article.hero_height)
        return format_html(template, article.hero_small.url, article.hero_alt, *size)

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """The form; who gives an address that somebody else gave at the same moment is told so in it."""
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except IntegrityError:  # the other's article is there now, and validation finds it
            return super().changeform_view(request, object_id, form_url, extra_context)

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        """Save it; a new picture under the old words is pointed out, and the words are left alone."""
        super().save_model(request, obj, form, change)
        if change and form.small and obj.hero_alt and "hero_alt" not in form.changed_data:
            said = _("The picture is new, the alt text is the old one. Check that it still says what is seen.")
            self.message_user(request, said, messages.WARNING)
