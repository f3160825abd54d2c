"""Where everything is; a site mounts it at its root. Every address works with and without its last slash."""

from __future__ import annotations

from django.urls import include, path, re_path

from imagen import views
from imagen.api import urls as api
from imagen.api.media import Picture, Preview

app_name = "imagen"

urlpatterns = [
    path("api/imagen/v1/", include(api.urlpatterns)),
    re_path(r"^api/imagen/", api.nothing_here),
    *api.twice("imagen/images/<uuid:pk>/", Picture.as_view(), name="image"),
    *api.twice("imagen/images/<uuid:pk>/thumbnail/", Preview.as_view(), name="thumbnail"),
    *api.twice("imagen/hooks/<str:alias>/<str:token>/", views.hook, name="hook"),
    path("healthz", views.healthz, name="healthz"),
    path("healthz/", views.healthz),
]
