"""Where everything is on the demo site."""

from __future__ import annotations

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from project import views

urlpatterns = [
    path("", views.home, name="home"),
    path("", include("imagen.urls")),
    path("admin/", admin.site.urls),
    path("favicon.ico", RedirectView.as_view(url=static("project/icon.svg"))),
]
