"""Pages that are neither the admin nor the interface."""

from __future__ import annotations

import logging

from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse, UnreadablePostError
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from imagen import health, hooks, presentation
from imagen.exceptions import BadSignature, NotFound

logger = logging.getLogger("imagen")
LONGEST_RING = 262_144
_SAID_TOO = {405: {"Allow": "POST"}, 503: {"Retry-After": "30"}}  # they ring again, and we look by ourselves


@transaction.non_atomic_requests
@never_cache
@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """200 while work can be taken and is done, else 503; anybody may ask, so it names nothing."""
    found = health.look()
    document = {
        "status": "ok" if found.well else "unavailable",
        "database": _word(found.database),
        "broker": _word(found.broker),
        "last_heartbeat": presentation.moment(found.last_heartbeat),
        "oldest_waiting_seconds": found.oldest_waiting_seconds and round(found.oldest_waiting_seconds, 1),
        "alarms": found.alarms,
        "anomalies": found.anomalies,
    }
    return JsonResponse(document, status=200 if found.well else 503)


@transaction.non_atomic_requests
@csrf_exempt
@never_cache
def hook(request: HttpRequest, alias: str, token: str) -> HttpResponse:
    """A provider rings: 204 when it may, whatever comes of it; 404 for a wrong address, 401 without proof."""
    status = _unread(request) or _heard(request, alias, token)
    answer = HttpResponse(status=status, headers=_SAID_TOO.get(status))
    if status >= 400:
        logger.warning("a webhook of %r was answered with %d", alias, status, extra={"provider": alias})
        # Django would log the path, and so the token; its log_response passes over what has this mark.
        vars(answer)["_has_been_logged"] = True
    return answer


def _heard(request: HttpRequest, alias: str, token: str) -> int:
    """The status a ring of readable length is answered with."""
    try:
        hooks.overhear(alias, token, headers=request.headers, body=request.body)
    except UnreadablePostError:  # the caller hung up
        return 400
    except BadSignature:
        return 401
    except NotFound:
        return 404
    except Error:
        return 503
    return 204


def _unread(request: HttpRequest) -> int:
    """Why this is not read at all; 0 when it is."""
    length = request.META.get("CONTENT_LENGTH", "")
    if request.method != "POST":
        return 405
    if not length.isdecimal():
        return 411
    return 413 if len(length) > 9 or int(length) > LONGEST_RING else 0


def _word(answers: bool) -> str:
    return "ok" if answers else "down"
