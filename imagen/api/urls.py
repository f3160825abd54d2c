"""The addresses of the interface."""

from __future__ import annotations

from typing import Any

from django.http import Http404
from django.urls import URLPattern, path
from rest_framework.permissions import AllowAny
from rest_framework.request import Request

from imagen.api.catalogue import Models, Quotes
from imagen.api.door import Door
from imagen.api.images import ImageDetail, Images
from imagen.api.schema import Docs, DocsFile, Schema
from imagen.api.usage import Used
from imagen.api.views import GenerationCancel, GenerationDetail, GenerationRetry, Generations


class NothingHere(Door):
    """Every other address under ours."""

    permission_classes = [AllowAny]
    authentication_classes = []

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Say so, whatever the method."""
        raise Http404


nothing_here = NothingHere.as_view()


def twice(route: str, view: Any, *, name: str) -> list[URLPattern]:
    """The address with its last slash, which gives it its name, and without."""
    return [path(route, view, name=name), path(route.removesuffix("/"), view)]


def _both(pattern: URLPattern) -> list[URLPattern]:
    return twice(str(pattern.pattern), pattern.callback, name=str(pattern.name))


documented = (
    path("generations/", Generations.as_view(), name="generations"),
    path("generations/<uuid:pk>/", GenerationDetail.as_view(), name="generation"),
    path("generations/<uuid:pk>/cancel/", GenerationCancel.as_view(), name="generation-cancel"),
    path("generations/<uuid:pk>/retry/", GenerationRetry.as_view(), name="generation-retry"),
    path("images/", Images.as_view(), name="api-images"),
    path("images/<uuid:pk>/", ImageDetail.as_view(), name="api-image"),
    path("models/", Models.as_view(), name="models"),
    path("quotes/", Quotes.as_view(), name="quotes"),
    path("usage/", Used.as_view(), name="usage"),
)

urlpatterns = [
    *(each for pattern in documented for each in _both(pattern)),
    *twice("schema/", Schema.as_view(patterns=documented), name="schema"),
    *twice("docs/", Docs.as_view(), name="docs"),
    path("docs/<str:name>", DocsFile.as_view(), name="docs-file"),
]
