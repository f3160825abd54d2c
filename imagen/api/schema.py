"""The interface described as OpenAPI 3.1, and a page to read it; every asset of the page is served by us."""

from __future__ import annotations

import threading
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from django.http import Http404, HttpResponse
from django.middleware.csrf import get_token
from django.shortcuts import render
from django.urls import include, path, reverse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import SPECTACULAR_DEFAULTS, patched_settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from imagen import __version__
from imagen.api import described, throttles
from imagen.api.docs import SECURITY
from imagen.api.door import Anything, Door

_SWAGGER = "static/drf_spectacular_sidecar/swagger-ui-dist"
_FILES = {
    "swagger-ui.css": ("drf_spectacular_sidecar", _SWAGGER, "text/css"),
    "swagger-ui-bundle.js": ("drf_spectacular_sidecar", _SWAGGER, "text/javascript"),
    "docs.js": ("imagen.api", "", "text/javascript"),
}
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_SETTINGS = {
    **{
        name: value
        for name, value in SPECTACULAR_DEFAULTS.items()
        if not name.startswith("SERVE_") and name != "DEFAULT_GENERATOR_CLASS"
    },
    "TITLE": "imagen",
    "DESCRIPTION": "AI image generation: ask, wait, fetch. Errors are RFC 9457 problem details.",
    "VERSION": __version__,
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/imagen/v1/",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [],
    "APPEND_COMPONENTS": {"securitySchemes": SECURITY},
}
_Generator: Any = SchemaGenerator  # drf-spectacular leaves it untyped
_lock = threading.Lock()


@cache
def document(patterns: tuple[Any, ...]) -> dict[str, Any]:
    """The OpenAPI document of these addresses, whatever the site's own SPECTACULAR_SETTINGS say."""
    generator: Any = _Generator(patterns=[path("api/imagen/v1/", include(list(patterns)))])
    with _lock, patched_settings(_SETTINGS):
        return described.completed(generator.get_schema(request=None, public=True))


class Open(Door):
    """A page anybody may read."""

    permission_classes = [AllowAny]
    renderer_classes = [Anything]
    reads = throttles.NOT_COUNTED

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Nobody has to say who they are, so what is wrong with their key or token makes no difference."""
        return []


class Schema(Open):
    """The interface for programs."""

    patterns: tuple[Any, ...] = ()

    def get(self, request: Request) -> Response:
        """The OpenAPI document as JSON."""
        return Response(document(self.patterns), content_type="application/json")


class Docs(Open):
    """The interface for people."""

    def get(self, request: Request) -> HttpResponse:
        """A page that shows the document and can try it."""
        context = {"schema": reverse("imagen:schema"), "csrf": get_token(request._request)}
        page = render(request._request, "imagen/api/docs.html", context)
        page["Content-Security-Policy"] = _CSP
        return page


class DocsFile(Open):
    """What the page loads."""

    def get(self, request: Request, name: str) -> HttpResponse:
        """One of its few files."""
        if name not in _FILES:
            raise Http404
        package, folder, kind = _FILES[name]
        body = _file(package, folder, name).read_bytes()
        return HttpResponse(body, content_type=kind, headers={"Cache-Control": "private, max-age=3600"})


def _file(package: str, folder: str, name: str) -> Traversable:
    return files(package).joinpath(*filter(None, (folder, name)))
