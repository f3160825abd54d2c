"""What every view of the interface does the same way; nothing here depends on the site's REST_FRAMEWORK."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from types import SimpleNamespace
from typing import Any, ClassVar

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from drf_spectacular.openapi import AutoSchema
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated, UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import SAFE_METHODS, IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.views import APIView

from imagen.api import problems, scopes, throttles
from imagen.api.authentication import authenticators, renewed
from imagen.api.parsers import StrictJson, clean, refusal
from imagen.exceptions import FieldError, InvalidRequest, Refused
from imagen.types import storable

_FORMS = ("multipart/form-data", "application/x-www-form-urlencoded")


class Json(BaseRenderer):
    """Plain JSON in UTF-8."""

    media_type = "application/json"
    format = "json"
    charset = None

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        """The bytes of the answer; none where there is nothing to say."""
        return b"" if data is None else json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


class Anything(Json):
    """Lets a browser ask for pictures and pages; only errors are JSON there."""

    media_type = "*/*"


class Negotiation(DefaultContentNegotiation):
    """Looks at ``Accept`` alone: ``?format=`` is no parameter of ours."""

    settings: Any = SimpleNamespace(URL_FORMAT_OVERRIDE=None)


class Door(APIView):
    """A view that answers in JSON, errors as problem details, and knows its query parameters by name."""

    parameters: ClassVar[frozenset[str]] = frozenset()
    reads: ClassVar[str] = throttles.READ  # the scope of its safe methods
    writes: ClassVar[str] = throttles.MANAGE  # and of all others
    scopes: ClassVar[Mapping[str, str]] = {}  # what a key has to open, by method, where it is not as in api/scopes.py
    standing: throttles.Standing | None = None

    http_method_names = ["get", "head", "post", "patch", "delete"]
    renderer_classes = [Json]
    parser_classes = [StrictJson]
    permission_classes = [IsAuthenticated]
    throttle_classes = [throttles.ScopeThrottle]
    content_negotiation_class = Negotiation
    versioning_class = None
    schema = AutoSchema()

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """The view, outside ``ATOMIC_REQUESTS``: it may wait, and opens its own transactions."""
        return transaction.non_atomic_requests(super().as_view(**initkwargs))

    def get_authenticators(self) -> list[BaseAuthentication]:
        """Keys and tokens first, then sessions."""
        return authenticators()

    def get_exception_handler(self) -> Callable[[Exception, Mapping[str, Any]], HttpResponse]:
        """Problem details, whatever handler the site has."""
        return problems.respond

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Refuse by length before anything is read, then by person, then by query."""
        if code := refusal(request._request):
            raise Refused(code=code)
        super().initial(request, *args, **kwargs)
        if self._answers(request):  # else the method is wrong
            self._check_query(request)

    def _answers(self, request: Request) -> bool:
        name = str(request.method).lower()
        return name in self.http_method_names and hasattr(self, name)

    def again(self, request: Request) -> Request:
        """The same request as if it came now: who asks, and what they may, is looked up anew and not counted."""
        found: Request = self.initialize_request(renewed(request._request))
        if not found.user.is_authenticated:
            raise NotAuthenticated
        scopes.require(found, self)
        return found

    def scope(self, request: Request) -> str:
        """What this request is counted as."""
        return self.reads if request.method in SAFE_METHODS else self.writes

    def check_permissions(self, request: Request) -> None:
        """Count first, or who may not do it could ask for ever."""
        super().check_throttles(request)
        if self._answers(request):  # no scope makes a wrong method right
            scopes.require(request, self)
        super().check_permissions(request)

    def check_throttles(self, request: Request) -> None:
        """Done before the permissions."""

    def handle_exception(self, exc: Exception) -> Any:
        """Count those who are turned away."""
        stranger = isinstance(exc, (AuthenticationFailed, NotAuthenticated))
        return super().handle_exception(throttles.turned_away(self.request, self, exc) if stranger else exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Add the headers every answer has."""
        found = problems.marked(super().finalize_response(request, response, *args, **kwargs), request)
        for name, value in self.standing.headers.items() if self.standing else ():
            found[name] = value
        return found

    def _check_query(self, request: Request) -> None:
        allowed = self.parameters if request.method in ("GET", "HEAD") else frozenset()
        wrong = {
            name: code
            for name, values in request.query_params.lists()
            if (code := _fault(name, values, allowed))
        }  # fmt: skip
        if wrong:
            errors = (FieldError(field=clean(name), code=code) for name, code in wrong.items())
            raise InvalidRequest(errors=tuple(errors))

    def body(self, request: Request) -> dict[str, Any]:
        """The JSON object that was sent."""
        if request._request.content_type != StrictJson.media_type:
            raise UnsupportedMediaType(request._request.content_type or "none")
        return dict(request.data)

    def no_body(self, request: Request) -> None:
        """Refuse what was sent where nothing is taken; an empty form is nothing."""
        raw: HttpRequest = request._request
        if raw.content_type in _FORMS and not raw.POST and not raw.FILES:
            return
        if raw.META.get("CONTENT_LENGTH") not in (None, "", "0"):
            refuse_unknown(self.body(request), frozenset())

    def presented(self, request: Request) -> dict[str, Any]:
        """How this person sees rows: addresses on this host, withheld pictures for reviewers."""
        return {"build_url": request.build_absolute_uri, "may_review": request.user.has_perm("imagen.review")}


def refuse_unknown(body: Mapping[str, Any], known: frozenset[str]) -> None:
    """Refuse fields nobody reads, each by its name."""
    if errors := unknown_fields(body, known):
        raise InvalidRequest(errors=errors)


def unknown_fields(body: Mapping[str, Any], known: frozenset[str]) -> tuple[FieldError, ...]:
    """An error for each field nobody reads."""
    unknown = sorted(body.keys() - known)[: problems.MOST_ERRORS]
    return tuple(FieldError(field=name, code="unknown_field") for name in unknown)


def _fault(name: str, values: list[str], allowed: frozenset[str]) -> str:
    if name not in allowed:
        return "unknown_parameter"
    if len(values) > 1:
        return "given_twice"
    return "" if storable(values[0]) else "unstorable_text"
