"""Stopping what is under way, asking for what is missing, saving what waits, and telling administrators."""

from __future__ import annotations

import uuid

from django.http import HttpRequest, HttpResponse

from imagen import anomalies, pipeline
from imagen.admin.base import PlainAdmin, viewer
from imagen.admin.studio import again, replies, results, setup, trouble


@replies.permitted
def stop(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Stop what was not sent yet."""
    return results.act(request, pk, lambda generation: pipeline.cancel(generation, actor=viewer(request)))


@replies.permitted
def retry(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Make what is missing, the same again, or elsewhere, at the price that was shown."""
    return results.act(request, pk, lambda generation: again.do(generation, request.POST, viewer(request)))


@replies.permitted
def save(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Try at once to save what our storage did not take."""
    return results.act(request, pk, lambda generation: pipeline.save_now(generation, actor=viewer(request)))


@replies.permitted
def report(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Tell administrators that the service declined what is harmless."""
    return results.act(request, pk, anomalies.report, said=str(trouble.THANKS))


@replies.permitted
def want(page: PlainAdmin, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
    """Ask administrators for a service that makes it."""
    return results.act(
        request, pk, lambda generation: generation, said=setup.want() if request.method == "POST" else ""
    )
