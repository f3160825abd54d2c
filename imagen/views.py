"""Pages that are neither the admin nor the interface."""

from __future__ import annotations

from django.db import transaction
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from imagen import health, presentation


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
    }
    return JsonResponse(document, status=200 if found.well else 503)


def _word(answers: bool) -> str:
    return "ok" if answers else "down"
