"""Who asks: an API key or a token first, then the session of the browser."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user
from django.http import HttpRequest
from django.utils.module_loading import import_string
from django.views.decorators.debug import sensitive_variables
from rest_framework.authentication import BaseAuthentication, SessionAuthentication, TokenAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from imagen import keyring, keys
from imagen.api.scopes import REALM
from imagen.conf import settings
from imagen.exceptions import FieldError, Refused
from imagen.models import ApiKey, KeyState
from imagen.types import storable

HEADER = "X-API-Key"
_SCHEMES = ("bearer", "token")
_STALE = {KeyState.EXPIRED: "key_expired", KeyState.REVOKED: "key_revoked"}


class NoKey(AuthenticationFailed):
    """What came as a key opens nothing: the field says where it stood, the code why."""

    def __init__(self, field: str, code: str) -> None:
        super().__init__()
        self.errors = (FieldError(field=field, code=code),)


class Key(BaseAuthentication):
    """API keys, as ``Bearer``, as ``Token`` or in ``X-API-Key``; ``request.auth`` is the row."""

    def authenticate_header(self, request: Request) -> str:
        """What ``WWW-Authenticate`` says."""
        return REALM

    @sensitive_variables("offered", "text")
    def authenticate(self, request: Request) -> tuple[Any, ApiKey] | None:
        """The person of the one key that came; nobody where none did, or DRF's own token."""
        offered = list(_offered(request))
        if len(offered) > 1:
            raise NoKey(HEADER, "two_keys")
        for field, scheme, text in offered:
            if scheme != "token" or text.startswith(keys.PREFIX) or not _drf():
                return _opened(field, text)
        return None


@sensitive_variables("scheme", "text")
def _offered(request: Request) -> Iterator[tuple[str, str, str]]:
    """Where each credential stands, its scheme and itself; a scheme that is none of ours is somebody else's."""
    scheme, _, text = " ".join(request.META.get("HTTP_AUTHORIZATION", "").split(maxsplit=1)).partition(" ")
    if scheme.lower() in _SCHEMES:
        yield "Authorization", scheme.lower(), text.strip()
    if "HTTP_X_API_KEY" in request.META:
        yield HEADER, "", request.META["HTTP_X_API_KEY"].strip()


@sensitive_variables("text", "key")
def _opened(field: str, text: str) -> tuple[Any, ApiKey]:
    key = keys.read(text)
    if key is None:
        raise NoKey(field, "key_malformed")
    row = keyring.recognised(key)
    if row is None or not row.user.is_active:
        raise NoKey(field, "key_unknown")
    if row.state in _STALE:
        raise NoKey(field, _STALE[row.state])
    keyring.used(row)
    return row.user, row


def _drf() -> bool:
    """Whether this site has DRF's own tokens."""
    return apps.is_installed("rest_framework.authtoken")


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


def renewed(request: HttpRequest) -> HttpRequest:
    """This request with its session read again: somebody may have signed out, or lost the account, since it came."""
    if hasattr(request, "session"):
        request.session = type(request.session)(request.session.session_key)
        request.user = get_user(request)
    return request


def authenticators() -> list[BaseAuthentication]:
    """Those of ``IMAGEN["API"]["authenticators"]``; else keys, DRF's tokens where the site has them, and sessions."""
    named = settings.API.get("authenticators")
    if named is not None:
        return [import_string(name)() for name in named]
    tokens = [Token()] if _drf() else []
    return [Key(), *tokens, Session()]
