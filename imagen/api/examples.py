"""One example of everything the interface sends and takes, by the name of its shape; the schema shows them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ID = "8e03978e-40d5-43dd-bc93-6894a57f9324"
_PICTURE = "2b4c1f0a-6d1e-4a57-9c0b-5f3c8a7e9d10"
_ROOT = "https://images.example/api/imagen/v1/"
_FILE = f"https://images.example/imagen/images/{_PICTURE}/"

IMAGE: Mapping[str, Any] = {
    "id": _PICTURE,
    "index": 0,
    "url": _FILE,
    "thumbnail_url": f"{_FILE}thumbnail/",
    "width": 1408,
    "height": 768,
    "format": "png",
    "bytes": 1234567,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "alt_text": "",
    "title": "",
    "flagged": False,
    "review": "none",
    "ai_generated": True,
    "provider_model": "google/imagen4",
    "created_at": "2026-11-20T16:00:09Z",
}
GENERATION: Mapping[str, Any] = {
    "id": _ID,
    "status": "completed",
    "model": "imagen-4",
    "provider": "wavespeed",
    "prompt": "A lighthouse above a calm sea at dusk",
    "negative_prompt": "",
    "aspect_ratio": "16:9",
    "resolution": "1k",
    "num_images": 1,
    "seed": None,
    "output_format": None,
    "metadata": {"article": 4711},
    "images": [IMAGE],
    "error": None,
    "warnings": [],
    "cost": {"unit": "USD", "estimated": "0.0380", "actual": "0.0380"},
    "eta_seconds": None,
    "created_at": "2026-11-20T16:00:00Z",
    "started_at": "2026-11-20T16:00:01Z",
    "completed_at": "2026-11-20T16:00:09Z",
    "urls": {"self": f"{_ROOT}generations/{_ID}/", "cancel": None, "retry": None},
}
QUEUED: Mapping[str, Any] = {
    **GENERATION,
    "status": "queued",
    "images": [],
    "cost": {"unit": "USD", "estimated": "0.0380", "actual": None},
    "eta_seconds": 9,
    "started_at": None,
    "completed_at": None,
    "urls": {**GENERATION["urls"], "cancel": f"{_ROOT}generations/{_ID}/cancel/"},
}
_OFFER = {
    "provider": "wavespeed",
    "provider_model": "google/imagen4",
    "price": "0.0380",
    "unit": "USD",
    "parameters": {"type": "object", "properties": {"aspect_ratio": {"enum": ["1:1", "16:9"]}}},
    "idempotent": False,
    "webhooks": True,
    "images_per_call": 4,
}
_BUDGET = {
    "limit": "50.0000",
    "remaining": "37.7160",
    "unit": "USD",
    "period": "month",
    "resets_at": "2026-12-01T00:00:00Z",
}
_SPENT = {"spent": "12.2460", "reserved": "0.0380"}


_BATCH = "6f1d2c3b-4a59-4687-8c7d-1e2f3a4b5c6d"
BATCH: Mapping[str, Any] = {
    "id": _BATCH,
    "status": "processing",
    "progress": {
        "total": 2,
        "queued": 0,
        "processing": 1,
        "completed": 1,
        "partial": 0,
        "failed": 0,
        "canceled": 0,
        "unconfirmed": 0,
        "deleted": 0,
    },
    "metadata": {"campaign": "autumn"},
    "cost": {"unit": "USD", "estimated": "0.0760", "actual": "0.0380"},
    "eta_seconds": 4,
    "created_at": "2026-11-20T16:00:00Z",
    "completed_at": None,
    "urls": {
        "self": f"{_ROOT}batches/{_BATCH}/",
        "generations": f"{_ROOT}generations/?batch={_BATCH}",
        "cancel": f"{_ROOT}batches/{_BATCH}/cancel/",
    },
}


def _page(row: Mapping[str, Any], path: str) -> dict[str, Any]:
    return {"next": f"{_ROOT}{path}?cursor=WyIyMDI2LTExLTIwIl0", "previous": None, "results": [row]}


EXAMPLES: Mapping[str, Mapping[str, Any]] = {
    "GenerationRequest": {
        "prompt": "A lighthouse above a calm sea at dusk",
        "aspect_ratio": "16:9",
        "num_images": 1,
        "metadata": {"article": 4711},
    },
    "Generation": GENERATION,
    "GenerationPage": _page(GENERATION, "generations/"),
    "Image": IMAGE,
    "ImagePage": _page(IMAGE, "images/"),
    "Batch": BATCH,
    "BatchPage": _page(BATCH, "batches/"),
    "Model": {
        "id": "imagen-4",
        "name": "Imagen 4",
        "retired_upstream_on": None,
        "successor": None,
        "offers": [_OFFER],
    },
    "Quote": {
        "estimated": "0.0380",
        "unit": "USD",
        "provider": "wavespeed",
        "allowed": True,
        "remaining": "37.7160",
        "warnings": [],
        "budget": _BUDGET,
    },
    "Usage": {
        **_SPENT,
        "unit": "USD",
        "since": "2026-11-01T00:00:00Z",
        "limit": "50.0000",
        "remaining": "37.7160",
        "resets_at": "2026-12-01T00:00:00Z",
        "budgets": [{"scope": "everybody", **_BUDGET, **_SPENT}],
        "by_provider": [{"provider": "wavespeed", **_SPENT}],
        "by_model": [{"model": "imagen-4", **_SPENT}],
        "by_day": [{"day": "2026-11-20", "spent": "12.2460"}],
    },
}
AT: Mapping[tuple[str, str], Mapping[str, Any]] = {("createGeneration", "202"): QUEUED}

BLANKS: Mapping[str, Any] = {
    "model": "imagen-4",
    "word": "dragon",
    "rule": "no dragons",
    "cost": "0.08 USD",
    "left": "0.03 USD",
    "limit": "50.00 USD",
    "resets": "1 December 2026",
    "whose": "yours",
    "state": "completed",
    "id": "5f0c6a3e8b1d4c7f9a2e4d6b8c0f1a3e",
}
FIELDS: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {  # code of a problem: field, its code, what fills it
    "invalid_request": ("num_images", "out_of_range", {"low": 1, "high": 4}),
    "unsupported_parameter": ("resolution", "unsupported_parameter", {"offers": "imagen-4-ultra (WaveSpeedAI)"}),
    "model_unknown": ("model", "model_unknown", {}),
    "provider_not_configured": ("provider", "provider_not_configured", {}),
    "prompt_blocked": ("prompt", "prompt_blocked", {"word": "dragon", "rule": "no dragons"}),
}
