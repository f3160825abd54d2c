"""Apiframe: sells Imagen 4 and Nano Banana for credits, one image per call; a repeated key is the same job."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any
from urllib.parse import quote

from imagen import signatures
from imagen.exceptions import Unreadable
from imagen.offers import BANANA_RATIOS, MODELS, WIDE_RATIOS, Offer, Price, catalogue, money
from imagen.providers.base import Provider, between, first, moment, readable
from imagen.types import RESOLUTIONS, Call, Failure, Found, ImageRequest, Output, Snapshot, State, Trace

_IMAGEN = Offer(
    model="",
    id="",
    resolutions=("1k", "2k"),
    output_formats=("jpeg", "png"),
    max_prompt=2000,
    price=Price(unit="credits"),
)
_BANANA = replace(_IMAGEN, aspect_ratios=WIDE_RATIOS, resolutions=RESOLUTIONS)
_THEIRS = {"1k": "1K", "2k": "2K", "4k": "4K", "jpeg": "jpg", "png": "png"}


def _offer(model: str, price: Any = None) -> Offer:
    """A model as Apiframe sells all of its family, in credits."""
    family = _IMAGEN if model.startswith("imagen-") else _BANANA
    ratios = BANANA_RATIOS if model == "nano-banana-pro" else family.aspect_ratios
    return replace(
        family, model=model, id=model, aspect_ratios=ratios, price=Price(amount=money(price), unit="credits")
    )


class Apiframe(Provider):
    """The gateway at apiframe.ai, version 2; its schemas are closed, so nothing is sent that they do not name."""

    slug = "apiframe"
    label = "Apiframe"
    origin = "https://api.apiframe.ai"
    idempotent = True  # for 24 hours
    webhooks = True
    signed = True
    retention = 86400.0  # the OpenAPI document says 24 hours, an older page three months
    offers = catalogue(
        _offer("imagen-4", 7),
        *map(_offer, ("imagen-4-fast", "imagen-4-ultra", "nano-banana-2", "nano-banana-2-lite", "nano-banana-pro")),
    )
    words = {
        **dict.fromkeys(("queued", "processing"), State.PENDING),
        "completed": State.DONE,
        **dict.fromkeys(("failed", "cancelled"), State.FAILED),
    }

    def submit(self, request: ImageRequest, *, offer: Offer, key: str, callback: str = "") -> Call:
        """The call that starts a job; the same key within a day is the same job."""
        body = {"prompt": request.prompt, "model": offer.id, **_parameters(request, offer)}
        if callback:  # the FAQ says webhook_url: that one is a 400
            body |= {"webhookUrl": callback, "webhookEvents": ["completed", "failed"]}
        return self._call("POST", "images/generate", json=body, headers={"Idempotency-Key": key})

    def check(self, remote_id: str) -> Call:
        """The call that asks how a job is doing."""
        return self._call("GET", f"jobs/{quote(remote_id, safe='')}")

    def parse(self, document: dict[str, Any]) -> Snapshot:
        """What a job says; one that failed and names no cost was refunded, one whose pictures are gone has failed."""
        state, outputs = self.state(str(document.get("status"))), _outputs(document.get("result"))
        failure = self.failure(str(document.get("error") or "")) if state is State.FAILED else None
        cost = Decimal(0) if failure and not document.get("creditCost") else money(document.get("creditCost"))
        if state is State.DONE and not outputs and document.get("expired") is True:
            state, failure = State.FAILED, Failure(code="output_expired")
        return Snapshot(
            state=state,
            remote_id=self.about(document),
            outputs=outputs,
            failure=failure,
            model=str(document.get("model") or ""),
            cost=cost,
            seconds=between(document.get("createdAt"), document.get("completedAt")),
        )

    def message(self, document: dict[str, Any]) -> str:
        """Apiframe's words, with which fields are wrong and how many credits were needed."""
        details, needed = document.get("details"), money(document.get("creditsRequired"))
        fields = details.items() if isinstance(details, dict) else ()
        words = [f"{path} {', '.join(map(str, said))}".strip() for path, said in fields if isinstance(said, list)]
        words += [f"{needed} credits needed"] if needed is not None else []
        return ": ".join(filter(None, (super().message(document), "; ".join(words))))

    @property
    def calls_back(self) -> bool:
        """Whether a webhook could be verified: it is signed with the API key."""
        return bool(self.api_key)

    def ring(self, headers: Mapping[str, str], body: bytes) -> str:
        """The id in a webhook signed with our key, or with an older one of ours among the webhook secrets.

        The official client signs with the bytes of the key's SHA-256, the prose allows its hexadecimal digits.
        """
        digests = [sha256(key.encode()) for key in (self.api_key, *self.webhook_secrets) if key]
        keys = [*(digest.digest() for digest in digests), *(digest.hexdigest().encode() for digest in digests)]
        signatures.verify_body(headers, body, keys=keys, header="x-webhook-signature", scheme="sha256=")
        return self.named(body)

    def about(self, delivery: Any) -> Any:
        """The id in a webhook or in the answer to a submit, where it is ``jobId``, or in a job."""
        return delivery.get("jobId") or delivery["id"]

    def find(self, *, offer: Offer, since: datetime, until: datetime, after: str = "") -> Call:
        """The call that lists our jobs, newest first; it cannot be limited to a time."""
        return self._call("GET", "jobs", params={"limit": "100", **({"cursor": after} if after else {})})

    def parse_found(self, document: dict[str, Any]) -> Found:
        """One page of that list, whose envelope is documented nowhere."""
        cursor = first(document, "nextCursor", "cursor", "next_cursor")
        traces = readable(first(document, "jobs", "items", "data"), self._trace)
        return Found(traces=traces, more=str(cursor) if type(cursor) in (int, str) else "")

    def _trace(self, job: dict[str, Any]) -> Trace:
        said = {"model": str(job["model"]), **job["input"]} if isinstance(job.get("input"), dict) else None
        return Trace(remote_id=self.about(job), model=str(job["model"]), made_at=moment(job["createdAt"]), inputs=said)

    def balance(self) -> tuple[Call, ...]:
        """The call that asks who we are, and so how many credits our team has."""
        return (self._call("GET", "me"),)

    def parse_balance(self, document: dict[str, Any]) -> str:
        """The credits of our team."""
        if (left := money(document["team"]["credits"])) is None:
            raise Unreadable(f"{self.label} did not say the balance")
        return f"{left} credits"

    def catalogue(self) -> Call:
        """The call that lists the image models."""
        return self._call("GET", "models", params={"modality": "image"})

    def parse_catalogue(self, document: dict[str, Any]) -> tuple[Offer, ...]:
        """Those of our models in the list, under Apiframe's own names; a price that varies is unknown."""
        return readable(document["models"], _listed)

    def _call(self, method: str, path: str, *, headers: Mapping[str, str] = {}, **rest: Any) -> Call:
        return Call(method=method, url=f"{self.url}/v2/{path}", headers={"X-API-Key": self.api_key, **headers}, **rest)


def _listed(row: dict[str, Any]) -> Offer:
    least, most = row.get("costMin"), row.get("costMax")
    return _offer(MODELS[row["id"]].id, least if least == most else None)


def _parameters(request: ImageRequest, offer: Offer) -> dict[str, Any]:
    said = offer.said(request)
    imagen = offer.id.startswith("imagen-")
    named = {
        "aspect_ratio": request.aspect_ratio,
        "image_size" if imagen else "resolution": _THEIRS.get(said.get("resolution", "")),
        "output_format": _THEIRS.get(said.get("output_format", "")),
    }
    return {"imagenParams" if imagen else "nanoBananaParams": {name: value for name, value in named.items() if value}}


def _outputs(result: Any) -> tuple[Output, ...]:
    """The addresses in a result: a list of images in an object or, on an older page, one bare text."""
    found = result.get("images") if isinstance(result, dict) else result
    return Output.read_all([found] if isinstance(found, str) else found)
