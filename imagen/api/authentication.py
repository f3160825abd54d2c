"""Who asks: a token first, then the session of the browser."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.utils.module_loading import import_string
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from imagen.conf import settings
from imagen.exceptions import FieldError, Refused
from imagen.types import storable


class Token(TokenAuthentication):
    """DRF's tokens; a key no database can look up is just a wrong one."""

    def authenticate_credentials(self, key: str) -> Any:
        """The user of this key."""
        if not storable(key):
            raise AuthenticationFailed
        return super().authenticate_credentials(key)


class Session(SessionAuthentication):
    """Django's sessions; anonymous is 401, and a write without the CSRF token says what is missing."""

    def authenticate_header(self, request: Request) -> str:
        """What ``WWW-Authenticate`` says where there are no tokens."""
        return "Session"

    def enforce_csrf(self, request: Request) -> None:
        """Refuse a write that does not prove it comes from our pages."""
        try:
            super().enforce_csrf(request)
        except PermissionDenied as error:
            raise Refused(
                code="permission_denied", errors=(FieldError(field="X-CSRFToken", code="csrf_failed"),)
            ) from error


def authenticators() -> list[BaseAuthentication]:
    """Those of ``IMAGEN["API"]["authenticators"]``; else tokens where the site has them, and sessions."""
    named = settings.API.get("authenticators")
    if named is not None:
        return [import_string(name)() for name in named]
    tokens = [Token()] if apps.is_installed("rest_framework.authtoken") else []
    return [*tokens, Session()]
