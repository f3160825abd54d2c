"""A site whose Studio is a stand-in: it shows nothing but what passes between it and a form."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.template import engines
from django.urls import path

from imagen.admin import ImageAdmin, ImagenAdminMixin
from imagen.doors import Door
from imagen.fields import Slot
from imagen.models import Image, Studio, Style
from project.articles.admin import ArticleAdmin
from project.articles.models import Article
from project.urls import urlpatterns as demo

PAGE = """<!doctype html><html lang="en"><title>Studio</title>
<main data-door="{{ door.place }}" data-run="{{ run }}"><textarea aria-label="Description" autofocus></textarea>
<button>Close</button></main><script src="/stand-in.js" defer></script></html>"""
SCRIPT = """"use strict";
const words = document.querySelector("textarea");
window.addEventListener("message", (event) => {
  words.value = event.data.words;
  words.dataset.current = JSON.stringify(event.data.current);
  words.focus();
});
document.querySelector("button").addEventListener("click", () => parent.postMessage({type: "imagen:close"}, origin));
window.put = (said) => parent.postMessage({type: "imagen:picked", ...said}, origin);
parent.postMessage({type: "imagen:ready"}, origin);
"""


class StandIn(admin.ModelAdmin):
    """Shows which door it was entered by; as a pop-up window it answers like any related object's."""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """The page."""
        door = Door.read(request.GET["door"], request.user)
        if door.target == "object" and not door.place:  # from the list, in which a raw id is looked up
            request.POST = request.GET  # the real one is sent as a form
            return self.response_add(request, Image.objects.get())
        page = engines["django"].from_string(PAGE)
        answer = HttpResponse(page.render({"door": door, "run": request.GET.get("run", "")}))
        answer["X-Frame-Options"] = "SAMEORIGIN"
        return answer


class StyleAdmin(ImagenAdminMixin, admin.ModelAdmin):
    """A relation to imagen's own pictures."""

    raw_id_fields = ("example",)
    imagen_fields = {"example": Slot("1:1")}


class StyleInline(ImagenAdminMixin, admin.TabularInline):
    """The same in rows."""

    model = Style
    fk_name = "owner"
    fields = ("name", "words", "example")
    extra = 1
    raw_id_fields = ("example",)
    imagen_fields = {"example": Slot("1:1", prompt_from=["words"])}


class PersonAdmin(ImagenAdminMixin, admin.ModelAdmin):
    """A person and their styles."""

    fields = ("first_name",)
    inlines = [StyleInline]


site = admin.AdminSite(name="admin")
site.register(Studio, StandIn)
site.register(Article, ArticleAdmin)
site.register(Style, StyleAdmin)
site.register(Image, ImageAdmin)
site.register(User, PersonAdmin)


def script(request: HttpRequest) -> HttpResponse:
    """The page's script."""
    return HttpResponse(SCRIPT, content_type="text/javascript")


urlpatterns = [
    path("stand-in.js", script),
    path("admin/", site.urls),
    *(pattern for pattern in demo if getattr(pattern, "app_name", "") != "admin"),
]
