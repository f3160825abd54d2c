"""Where everything is on the demo site."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from project import views

urlpatterns = [
    path("", views.home, name="home"),
    path("", include("imagen.urls")),
    path("admin/", admin.site.urls),
]
