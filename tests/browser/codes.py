"""Every code there is, and the rows or the steps by which the Studio shows it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from playwright.sync_api import Page

from imagen.models import Budget, Generation, Job
from tests import factories
from tests.browser.newsroom import STUDIO

COST = Decimal("0.038")
WORDS = (
    "Blocked by policy https://support.example.com/articles/what-is-not-made-here-and-why?reference=5f0c6a3e8b1d4c7f"
)
Facts = Mapping[str, Any]


def failed(code: str, **fields: Any) -> Facts:
    """It ended with this code, for nothing."""
    return {"status": "failed", "error_code": code, **fields}


def paid(code: str, **fields: Any) -> Facts:
    """It ended with this code after its service took it."""
    return failed(code, cost_actual=COST, started_at=timezone.now(), **fields)


def waits(code: str) -> Facts:
    """It waits for its service."""
    return {"job": {"error_code": code, "due_at": timezone.now() + timedelta(seconds=60)}}


def sought(code: str, *warnings: str) -> Facts:
    """Its service has it, and something is odd."""
    at = timezone.now() - timedelta(hours=2)
    job = {"error_code": code, "accepted_at": at, "created_at": at}
    return {"status": "processing", "warnings": list(warnings), "cost_actual": COST, "started_at": at, "job": job}


def stuck(code: str) -> Facts:
    """It is made and could not be saved yet."""
    job = {"status": "storing", "error_code": code, "tries": 1, "due_at": timezone.now() + timedelta(seconds=60)}
    return {"status": "processing", "error_code": code, "cost_actual": COST, "started_at": timezone.now(), "job": job}


def came(*warnings: str, **fields: Any) -> Facts:
    """It is there, and something is to be known about it."""
    return {"status": "completed", "warnings": list(warnings), "cost_actual": COST, "pictures": True, **fields}


STATES: Mapping[str, tuple[Callable[[str], Facts], ...]] = {
    "model_retired": (failed,),
    "provider_auth": (waits, failed),
    "provider_insufficient_credits": (waits, failed),
    "provider_rejected": (failed, lambda code: failed(code, error_note=WORDS)),
    "content_filtered": (failed, lambda code: failed(code, prompt="a bloody sword on a table")),
    "provider_rate_limited": (waits, failed),
    "provider_unavailable": (waits, failed),
    "provider_not_configured": (lambda code: {**waits(code), "provider": "gone"},),
    "provider_failed": (paid,),
    "no_outputs": (paid,),
    "provider_job_lost": (lambda code: sought(code, "provider_timeout"), paid),
    "provider_timeout": (lambda code: sought("", code), lambda code: paid(code, warnings=[code])),
    "provider_protocol_error": (paid,),
    "submit_unknown": (lambda code: {"status": "unconfirmed", "error_code": code},),
    "partial_outputs": (lambda code: came(status="partial", error_code=code, num_images=4),),
    "output_expired": (stuck, paid),
    "output_invalid": (paid,),
    "output_too_large": (paid,),
    "egress_blocked": (paid,),
    "wrong_size": (lambda code: came(code, aspect_ratio="3:4"),),
    "storage_unavailable": (stuck, paid),
    "storage_full": (stuck, paid),
    "internal_error": (waits, failed),
    "model_retired_upstream": (came,),
    "late": (came,),
    "already_submitted": (lambda code: sought("", code),),
    "provider_changed": (came,),
    "price_unknown": (came,),
    "seed_ignored": (came,),
}


def row(user: User, facts: Facts) -> Generation:
    """A request like this, with a picture where one came."""
    where = {"provider": "wavespeed", "aspect_ratio": "16:9", "cost_estimated": COST}
    made = factories.generation(user, **{**where, "prompt": "A lighthouse above a calm sea at dusk", **facts})
    if "pictures" in facts:
        factories.image(made, width=1024, height=576)
        Job.objects.filter(generation=made).update(slots=list(range(made.num_images)))
    return made


# --- what is said instead of a request; each tells what is to be read then


def _blocked(page: Page, settings: Any, user: User) -> str:
    settings.IMAGEN = {**settings.IMAGEN, "PROMPT_RULES": {"people policy": ["celebrity"]}}
    page.goto(STUDIO)
    page.get_by_label("Description").fill("a celebrity at sea")
    page.locator("#imagen-generate").click()
    return "rule: people policy"


def _over(page: Page, settings: Any, user: User) -> str:
    Budget.objects.create(scope="each", limit=Decimal("0.05"))
    page.goto(STUDIO)
    return "Make 1 instead"


def _nobody(page: Page, settings: Any, user: User) -> str:
    settings.IMAGEN = {"PROVIDERS": {}}
    page.goto(STUDIO)
    return "No image service is set up."


def _refused(page: Page, settings: Any, user: User) -> str:
    user.user_permissions.clear()
    page.goto(STUDIO)
    return "Your account may not generate images here."


FORMS: Mapping[str, Callable[[Page, Any, User], str]] = {
    "prompt_blocked": _blocked,
    "budget_exceeded": _over,
    "provider_not_configured": _nobody,
    "permission_denied": _refused,
}
PROGRAMS = {  # no page of the Studio leads there
    *("invalid_request", "unsupported_parameter", "model_unknown", "webhooks_not_configured", "not_authenticated"),
    *("not_found", "method_not_allowed", "not_acceptable", "quota_exceeded", "conflict", "idempotency_in_progress"),
    *("length_required", "payload_too_large", "unsupported_media_type", "idempotency_conflict", "throttled"),
    "service_unavailable",
}
