"""Errors that Django makes before or beside our views become problem details too."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase
from django.utils import translation

from imagen.api import problems
from imagen.api.parsers import refusal
from imagen.exceptions import FieldError

_KEPT = ("Allow", "Retry-After", "WWW-Authenticate")


class ProblemDetailsMiddleware:
    """Put it first: under the interface's address no error leaves as HTML, and no large body is read."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request, errors as problem details."""
        if not request.path_info.startswith(problems.PREFIX):
            return self.get_response(request)
        if code := refusal(request):
            with translation.override(_language(request)):  # LocaleMiddleware stands further in
                return problems.problem(request, code)
        response = self.get_response(request)
        with translation.override(_language(request)):
            return _as_problem(request, response)


def _language(request: HttpRequest) -> str:
    """The language LocaleMiddleware chooses, where the site has it."""
    if "django.middleware.locale.LocaleMiddleware" in settings.MIDDLEWARE:
        return translation.get_language_from_request(request)
    return str(settings.LANGUAGE_CODE)


def _as_problem(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    status = response.status_code
    if status < 400 or response.headers.get("Content-Type") == problems.CONTENT_TYPE:
        return response
    headers = {name: response.headers[name] for name in _KEPT if name in response.headers}
    code, errors = problems.of_status(status), _errors(request)
    found = problems.problem(request, code, errors=errors, status=status, headers=headers)
    found.cookies = response.cookies
    response.close()
    return found


def _errors(request: HttpRequest) -> tuple[FieldError, ...]:
    try:
        request.get_host()
    except DisallowedHost:
        return (FieldError(field="Host", code="invalid"),)
    return ()
