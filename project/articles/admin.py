"""The newsroom: articles, and pictures that find their way onto them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from imagen.admin import ImageAdmin
from imagen.models import Image
from project.articles.forms import ArticleForm
from project.articles.models import Article
from project.articles.plates import placeable

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Article]
else:  # it cannot be subscripted at run time
    ModelAdmin = admin.ModelAdmin

PICTURES_PER_PAGE = 24
RECENT = 50


def viewer(request: HttpRequest) -> User:
    """Who is there; the admin lets nobody in anonymously."""
    return cast("User", request.user)


@admin.register(Article)
class ArticleAdmin(ModelAdmin):
    """Write, illustrate, publish."""

    form = ArticleForm
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
        picture = ("current", "picture", "hero", "hero_alt") if may_write else ("current", "hero_alt")
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

    def get_form(self, request: HttpRequest, obj: Article | None = None, change: bool = False, **kwargs: Any) -> Any:
        """The form for this person; ``?picture=`` in the address chooses a picture beforehand."""
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"viewer": viewer(request), "offered": _offered(request)})

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """Nothing from the address but the picture, which the form knows."""
        return {}

    def save_model(self, request: HttpRequest, obj: Article, form: Any, change: bool) -> None:
        """Save it; a new picture under the old words is pointed out, and the words are left alone."""
        super().save_model(request, obj, form, change)
        if change and form.plate and "hero_alt" not in form.changed_data:
            said = _("The picture is new, the alt text is the old one. Check that it still says what is seen.")
            self.message_user(request, said, messages.WARNING)

    # --- pictures to choose from ---

    def get_urls(self) -> list[URLPattern]:
        """The admin's pages, and two about generated pictures."""
        ours = [
            path("pictures/", self.admin_site.admin_view(self.pictures), name="articles_article_pictures"),
            path("pictures/<uuid:pk>/", self.admin_site.admin_view(self.use), name="articles_article_use"),
        ]
        return [*ours, *super().get_urls()]

    def pictures(self, request: HttpRequest) -> HttpResponse:
        """The pictures this person may put on a page, newest first; what is written in the search has to be in them."""
        _require_writer(request)
        text = request.GET.get("q", "").replace("\0", "").strip()
        page = Paginator(_matching(request, text), PICTURES_PER_PAGE).get_page(request.GET.get("page"))
        popup = "_popup" in request.GET
        facts = {"title": _("Choose a picture"), "page": page, "query": text, "is_popup": popup}
        return self._page(request, "pictures", facts)

    def use(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """One picture, and the articles it could go on."""
        _require_writer(request)
        picture = get_object_or_404(placeable(viewer(request)), pk=pk)
        recent = Article.objects.order_by("-pk")[:RECENT] if self.has_change_permission(request) else ()
        facts = {"title": _("Use on an article"), "picture": picture, "articles": recent}
        return self._page(request, "use", {**facts, "may_add": self.has_add_permission(request)})

    def _page(self, request: HttpRequest, name: str, facts: dict[str, Any]) -> HttpResponse:
        context = {**self.admin_site.each_context(request), "opts": self.opts, "media": self.media, **facts}
        return TemplateResponse(request, f"admin/articles/article/{name}.html", context)


def _matching(request: HttpRequest, text: str) -> QuerySet[Image]:
    found = placeable(viewer(request))
    for word in text.split()[:10]:
        named = Q(title__icontains=word) | Q(alt_text__icontains=word)
        found = found.filter(Q(generation__prompt__icontains=word) | named)
    return found


def _offered(request: HttpRequest) -> Image | None:
    """The picture the address names; one this person may not use is refused."""
    pk = request.GET.get("picture")
    if not pk or request.method != "GET":
        return None
    try:
        return placeable(viewer(request)).get(pk=UUID(pk))
    except (ValueError, Image.DoesNotExist) as error:
        raise PermissionDenied from error


def _writes(user: User) -> bool:
    return user.has_perm("articles.add_article") or user.has_perm("articles.change_article")


def _require_writer(request: HttpRequest) -> None:
    if not _writes(viewer(request)):
        raise PermissionDenied


admin.site.unregister(Image)


@admin.register(Image)
class PlaceableImageAdmin(ImageAdmin):
    """imagen's own page of pictures, with a way onto an article."""

    actions: Any = (*ImageAdmin.actions, "use_on_article")
    change_form_template = "admin/articles/article/picture_page.html"

    def has_place_permission(self, request: HttpRequest) -> bool:
        """Who may put a picture on an article."""
        return _writes(viewer(request))

    @admin.action(description=gettext_lazy("Use on an article"), permissions=["place"])
    def use_on_article(self, request: HttpRequest, queryset: QuerySet[Image]) -> HttpResponse | None:
        """Lead on with the one picture chosen."""
        chosen = list(queryset[:2])
        if len(chosen) == 1 and placeable(viewer(request)).filter(pk=chosen[0].pk).exists():
            return HttpResponseRedirect(reverse("admin:articles_article_use", args=[chosen[0].pk]))
        self.message_user(request, _("Choose one picture that is neither held nor rejected."), messages.ERROR)
        return None

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The page of one picture, with the way onto an article where it is open."""
        image = self.get_object(request, object_id)
        open_ = image is not None and not image.withheld and self.has_place_permission(request)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), "may_place": open_})
