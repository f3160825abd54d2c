"""Replicate: a prediction is created, then asked after; what it made is kept for an hour."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from imagen import signatures
from imagen.offers import BANANA_RATIOS, Model, Offer, Price, catalogue
from imagen.providers.base import Provider, moment, readable
from imagen.types import Call, Failure, Found, ImageRequest, Output, Snapshot, State, Trace

THEIRS = {"num_images": "num_outputs", "jpeg": "jpg"}  # our words, where Replicate has others
FILES = ("jpeg", "png")


class Replicate(Provider):
    """The gateway at replicate.com; a repeated submit is a second prediction, so nothing is ever sent twice."""

    slug = "replicate"
    label = "Replicate"
    origin = "https://api.replicate.com"
    webhooks = True
    signed = True
    retention = 3600.0  # https://replicate.com/docs/topics/predictions/data-retention
    models = (Model(id="flux-schnell", name="FLUX.1 Schnell"),)
    offers = catalogue(
        Offer(model="imagen-4", id="google/imagen-4", output_formats=FILES),
        Offer(model="imagen-4-fast", id="google/imagen-4-fast", output_formats=FILES, price=Price.of("0.02")),
        Offer(model="imagen-4-ultra", id="google/imagen-4-ultra", output_formats=FILES),
        Offer(
            model="flux-schnell",
            id="black-forest-labs/flux-schnell",
            aspect_ratios=BANANA_RATIOS,
            output_formats=FILES,
            seed=True,
            images_per_call=4,
        ),
    )
    words = {
        **dict.fromkeys(("starting", "processing"), State.PENDING),
        "succeeded": State.DONE,
        **dict.fromkeys(("failed", "canceled", "aborted"), State.FAILED),
    }

    def submit(self, request: ImageRequest, *, offer: Offer, key: str, callback: str = "") -> Call:
        """The call that creates a prediction; there is no place for ``key``."""
        said = {THEIRS.get(name, name): THEIRS.get(value, value) for name, value in offer.said(request).items()}
        body = {"input": {"prompt": request.prompt, "aspect_ratio": request.aspect_ratio, **said}}
        hook = {"webhook": callback, "webhook_events_filter": ["completed"]} if callback else {}
        return self._call("POST", f"models/{quote(offer.id)}/predictions", json={**body, **hook})

    def check(self, remote_id: str) -> Call:
        """The call that asks after a prediction."""
        return self._call("GET", f"predictions/{quote(remote_id, safe='')}")

    def _call(self, method: str, path: str, **rest: Any) -> Call:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return Call(method=method, url=f"{self.url}/v1/{path}", headers=headers, **rest)

    def parse(self, document: dict[str, Any]) -> Snapshot:
        """What a prediction says; Imagen answers with one address, other models with a list of them."""
        state, output = self.state(document["status"]), document.get("output")
        outputs = Output.read_all([output] if isinstance(output, str) else output)
        failure = self.failure(str(document.get("error") or "")) if state is State.FAILED else None
        if state is State.DONE and document.get("data_removed"):
            state, failure = State.FAILED, Failure(code="output_expired")
        model = str(document.get("model") or "")
        return Snapshot(state=state, remote_id=document["id"], outputs=outputs, failure=failure, model=model)

    @property
    def calls_back(self) -> bool:
        """Whether a webhook could be verified: its secret is configured."""
        return bool(self.webhook_secrets)

    def ring(self, headers: Mapping[str, str], body: bytes) -> str:
        """The id in a webhook that one of our secrets signed."""
        signatures.verify_standard(headers, body, secrets=self.webhook_secrets)
        return self.named(body)

    def find(self, *, offer: Offer, since: datetime, until: datetime, after: str = "") -> Call:
        """The call that lists the account's predictions, newest first."""
        asked = {"created_after": since.isoformat(), "created_before": until.isoformat(), "cursor": after}
        return self._call("GET", "predictions", params={name: value for name, value in asked.items() if value})

    def parse_found(self, document: dict[str, Any]) -> Found:
        """One page of that list; ``next`` is a whole address, and only its cursor is taken."""
        cursors = parse_qs(urlsplit(document["next"] or "").query).get("cursor", [""])
        return Found(traces=readable(document["results"], _trace), more=cursors[0])


def _trace(row: dict[str, Any]) -> Trace:
    inputs = None if row["data_removed"] else {"input": row["input"]}
    return Trace(remote_id=row["id"], model=row["model"], made_at=moment(row["created_at"]), inputs=inputs)
