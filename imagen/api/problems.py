"""Every error under the interface's address as RFC 9457 problem details."""

from __future__ import annotations

import json
import logging
import traceback
import uuid
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any, TypeVar

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.utils import translation
from django.utils.cache import patch_vary_headers
from rest_framework import exceptions as rest
from rest_framework.request import Request

from imagen import messages, outages
from imagen.exceptions import FieldError, ImagenError

logger = logging.getLogger("imagen")

PREFIX = "/api/imagen/"
CONTENT_TYPE = "application/problem+json"
_REQUEST_ID = "imagen.request_id"
_MAX_FIELD_NAME = 100
MOST_ERRORS = 100  # more than anybody reads

Answer = TypeVar("Answer", bound=HttpResponseBase)

_CODES: Mapping[type[Exception], str] = {
    PermissionDenied: "permission_denied",
    Http404: "not_found",
    RequestDataTooBig: "payload_too_large",
    SuspiciousOperation: "invalid_request",  # the parent of the line above: the first that fits decides
    MultiPartParserError: "invalid_request",
}
_BY_STATUS = {
    401: "not_authenticated",
    402: "budget_exceeded",
    403: "permission_denied",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    409: "conflict",
    411: "length_required",
    413: "payload_too_large",
    415: "unsupported_media_type",
    422: "idempotency_conflict",
    429: "throttled",
    503: "service_unavailable",
}
_HEADERS = {"auth_header": "WWW-Authenticate", "wait": "Retry-After"}  # what DRF's errors carry
_RETRY_AFTER = {"idempotency_in_progress": 1, "service_unavailable": 5, "throttled": 5}


def request_id(request: HttpRequest | Request) -> str:
    """The id of this request, made when first asked for."""
    return str(request.META.setdefault(_REQUEST_ID, uuid.uuid4().hex))


def problem(
    request: HttpRequest | Request,
    code: str,
    *,
    params: Mapping[str, Any] | None = None,
    errors: Iterable[FieldError] = (),
    status: int = 0,
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    """The answer that says what went wrong, and what can be done; what is left of a budget also as numbers."""
    status = status or messages.http_status(code)
    document = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": messages.answer(code, **{"id": request_id(request), **(params or {})}),
        "code": code,
        "request_id": request_id(request),
        "errors": [_error(error) for error in islice(errors, MOST_ERRORS)],
        "next_actions": list(messages.next_actions(code)),
        **({"budget": dict(params["budget"])} if params and "budget" in params else {}),
    }
    body = json.dumps(document).encode()
    after = {"Retry-After": str(_RETRY_AFTER[code])} if code in _RETRY_AFTER else {}
    told = {"Content-Length": str(len(body)), "Content-Language": translation.get_language() or "", **after}
    found = marked(HttpResponse(body, CONTENT_TYPE, status, headers={**told, **(headers or {})}), request)
    patch_vary_headers(found, ("Accept-Language",))
    return found


def marked(response: Answer, request: HttpRequest | Request) -> Answer:
    """The response with the headers that every answer of the interface has."""
    response["X-Request-ID"] = request_id(request)
    response["X-Content-Type-Options"] = "nosniff"
    response.setdefault("Cache-Control", "private, no-cache")
    patch_vary_headers(response, ("Authorization", "Cookie", "X-API-Key"))
    return response


def respond(error: Exception, context: Mapping[str, Any]) -> HttpResponse:
    """The problem for whatever a view raised; what nobody expected is logged without what the person wrote."""
    request, code = context["request"], _code(error)
    if messages.http_status(code) >= 500:
        _log(error, request)
    return problem(
        request,
        code,
        params=getattr(error, "params", {}),
        errors=getattr(error, "errors", ()),
        headers={name: str(getattr(error, known)) for known, name in _HEADERS.items() if getattr(error, known, None)},
    )


def of_status(status: int) -> str:
    """The code that stands for an HTTP status when nothing more is known."""
    return _BY_STATUS.get(status, "internal_error" if status >= 500 else "invalid_request")


def _code(error: Exception) -> str:
    if isinstance(error, ImagenError):
        return error.code if messages.answerable(error.code) else "internal_error"
    if isinstance(error, rest.APIException):
        return of_status(error.status_code)
    known = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "internal_error")
    return "service_unavailable" if outages.passing(error) else known


def _error(error: FieldError) -> dict[str, str]:
    return {
        "field": error.field[:_MAX_FIELD_NAME],
        "code": error.code,
        "message": messages.field_sentence(error.code, **error.params),
    }


def _log(error: Exception, request: Request) -> None:
    trace = "".join(traceback.format_tb(error.__traceback__))  # the message itself may repeat a prompt
    logger.error("request %s failed: %s\n%s", request_id(request), type(error).__name__, trace)
