"""Where everything is on the demo site."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from project import views
from project.articles.views import Cover, Story

urlpatterns = [
    path("", Cover.as_view(), name="home"),
    path("articles/<slug:slug>/", Story.as_view(), name="article"),
    path("editors/", views.editors, name="editors"),
    path("", include("imagen.urls")),
    path("admin/", admin.site.urls),
    path("media/<path:path>", views.public_file),
    path("favicon.ico", RedirectView.as_view(url=static("project/icon.svg"))),
]
