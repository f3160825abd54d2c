"""Pages that are neither the admin nor the interface."""

from __future__ import annotations

from django.db import Error, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from imagen import health, hooks, presentation
from imagen.exceptions import BadSignature, NotFound

LONGEST_RING = 262_144


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
    }
    return JsonResponse(document, status=200 if found.well else 503)


@transaction.non_atomic_requests
@csrf_exempt
@never_cache
@require_POST
def hook(request: HttpRequest, alias: str, token: str) -> HttpResponse:
    """A provider rings: 204 when it may, whatever comes of it; 404 for a wrong address, 401 without proof."""
    if status := _unreadable(request.META.get("CONTENT_LENGTH", "")):
        return HttpResponse(status=status)
    try:
        hooks.overhear(alias, token, headers=request.headers, body=request.body)
    except NotFound:
        return HttpResponse(status=404)
    except BadSignature:
        return HttpResponse(status=401)
    except Error:  # they ring again, and we look by ourselves
        return HttpResponse(status=503, headers={"Retry-After": "30"})
    return HttpResponse(status=204)


def _unreadable(length: str) -> int:
    """Why a body of this length is not read; 0 when it is."""
    if not length.isdecimal():
        return 411
    return 413 if len(length) > 9 or int(length) > LONGEST_RING else 0


def _word(answers: bool) -> str:
    return "ok" if answers else "down"
