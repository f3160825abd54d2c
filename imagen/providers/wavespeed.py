"""WaveSpeedAI: sells Imagen 4 twice, and its successors; a task is created, then asked after."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from imagen import signatures
from imagen.exceptions import ProviderError, Unreadable
from imagen.offers import BANANA_RATIOS, MODELS, WIDE_RATIOS, Offer, Price, catalogue, described, money
from imagen.providers.base import Provider, first, moment, readable
from imagen.types import OUTPUT_FORMATS, RESOLUTIONS, Call, Found, ImageRequest, Output, Snapshot, State, Trace

_PAGE = 100
_KIN = re.compile(r"google/(nano-banana-[a-z0-9.-]+)/text-to-image|(?:google|wavespeed-ai)/imagen-?([a-z0-9.-]+)")
_PLAIN = Offer(model="", id="", negative_prompt=True, seed=True, images_per_call=4)


def _imagen(model: str, path: str, price: str, *sizes: str) -> Offer:
    return replace(_PLAIN, model=model, id=path, resolutions=sizes, price=Price.of(price))


def _banana(model: str, ratios: tuple[str, ...] = WIDE_RATIOS, sizes: tuple[str, ...] = RESOLUTIONS) -> Offer:
    path = f"google/{model}/text-to-image"
    return Offer(model=model, id=path, aspect_ratios=ratios, resolutions=sizes, output_formats=OUTPUT_FORMATS)


class WaveSpeed(Provider):
    """The gateway at wavespeed.ai; it has no idempotency, so nothing is ever sent twice."""

    slug = "wavespeed"
    label = "WaveSpeedAI"
    origin = "https://api.wavespeed.ai"
    webhooks = True
    signed = True
    retention = 7 * 86400.0  # https://wavespeed.ai/docs/what-are-predictions
    offers = catalogue(
        _imagen("imagen-4", "google/imagen4", "0.038", "1k", "2k"),
        _imagen("imagen-4", "wavespeed-ai/imagen4", "0.04"),
        _imagen("imagen-4-fast", "google/imagen4-fast", "0.018"),
        _imagen("imagen-4-ultra", "google/imagen4-ultra", "0.058", "1k", "2k"),
        _banana("nano-banana-2.1"),
        _banana("nano-banana-pro", BANANA_RATIOS),
        _banana("nano-banana-2"),
        _banana("nano-banana-2-lite", sizes=()),
    )
    # The docs name four words, the official clients all of these, field reports "pending".
    words = {
        **dict.fromkeys(("created", "pending", "processing"), State.PENDING),
        "completed": State.DONE,
        **dict.fromkeys(("failed", "cancelled", "timeout", "deleted"), State.FAILED),
    }
    # https://wavespeed.ai/docs/error-codes: what is not here is provider_failed.
    codes = {"1200": "content_filtered", **dict.fromkeys(("1400", "1401", "1402"), "provider_rejected")}

    def __init__(self, *, base64_output: bool = False, **options: Any) -> None:
        """``base64_output`` has pictures come inside the answer, for hosts that may only reach the API."""
        super().__init__(**options)
        self.base64_output = base64_output

    def submit(self, request: ImageRequest, *, offer: Offer, key: str, callback: str = "") -> Call:
        """The call that creates a task; a webhook is asked for only when its signature can be checked."""
        body = {"prompt": request.prompt, "aspect_ratio": request.aspect_ratio, **offer.said(request)}
        if self.base64_output and offer.id.startswith("google/"):  # wavespeed-ai/imagen4 does not know it
            body["enable_base64_output"] = True
        params = {"webhook": callback} if callback and self.calls_back else {}
        return self._call("POST", quote(offer.id), params=params, json=body)

    def check(self, remote_id: str) -> Call:
        """The call that asks for the result; ``urls.get`` differs between pages of the docs and is ignored."""
        return self._call("GET", f"predictions/{quote(remote_id, safe='')}/result")

    def parse(self, document: dict[str, Any]) -> Snapshot:
        """What a task says: with an id it exists and was paid, whatever else is odd about the answer."""
        data = self._data(document, "id")
        state = self.state(str(data.get("status")))
        code = self.codes.get(str(data.get("code")), "provider_failed")
        return Snapshot(
            state=state,
            remote_id=data["id"],
            outputs=Output.read_all(data.get("outputs"), data.get("has_nsfw_contents")),
            failure=self.failure(str(data.get("error") or ""), code) if state is State.FAILED else None,
            model=str(data.get("model") or ""),
            seconds=_seconds(data.get("timings")),
        )

    def ring(self, headers: Mapping[str, str], body: bytes) -> str:
        """The id in a webhook that one of our secrets signed; the key is the text after ``whsec_``, not decoded."""
        keys = [secret.removeprefix("whsec_").encode() for secret in self.webhook_secrets]
        signatures.verify_hex(headers, body, keys=keys, version="v3")
        return self.named(body)

    @property
    def calls_back(self) -> bool:
        """Whether a webhook could be verified: its secret is configured."""
        return bool(self.webhook_secrets)

    def balance(self) -> tuple[Call, ...]:
        """The calls that ask what is left on the account; two pages of the docs name two paths."""
        return self._call("GET", "balance"), self._call("GET", "account/balance")

    def parse_balance(self, document: dict[str, Any]) -> str:
        """The balance, in US dollars unless WaveSpeedAI says otherwise."""
        data = self._data(document, "balance")
        if type(amount := data["balance"]) not in (int, float) or not abs(amount) < 1e8:
            raise Unreadable(f"{self.label} did not say the balance")
        return f"{amount:.2f} {_currency(data)}"

    def find(self, *, offer: Offer, since: datetime, until: datetime, after: str = "") -> Call:
        """The call that lists our predictions of one model; a page of the docs says GET, the clients use POST."""
        page = {"page": int(after or 1), "page_size": _PAGE, "model": offer.id}
        return self._call("POST", "predictions", json={**page, **_span(created_after=since, created_before=until)})

    def parse_found(self, document: dict[str, Any]) -> Found:
        """One page of that list; a full one may have another behind it."""
        data = self._data(document, "items")
        full = len(data["items"]) >= _PAGE
        return Found(traces=readable(data["items"], _trace), more=str(int(data["page"]) + 1) if full else "")

    def catalogue(self) -> Call:
        """The call that lists the models."""
        return self._call("GET", "models")

    def parse_catalogue(self, document: dict[str, Any]) -> tuple[Offer, ...]:
        """Our offers in the list at their base price, and new ones of the same families."""
        if not isinstance(rows := document.get("data"), list):
            raise self._bad(document)
        return readable(rows, _listed)

    def price(self, offer: Offer) -> tuple[Call, ...]:
        """The calls that ask for a price, at the default resolution; clients and docs name different paths."""
        body = {"model_id": offer.id, "inputs": {"num_images": 1} if offer.images_per_call > 1 else {}}
        return self._call("POST", "model/price", json=body), self._call("POST", "model/pricing", json=body)

    def parse_price(self, document: dict[str, Any]) -> Price:
        """The price before discounts, which may end before the bill comes."""
        data = self._data(document, "price", "unit_price")
        if (amount := money(first(data, "price", "unit_price"))) is None:
            raise Unreadable(f"{self.label} did not say the price")
        return Price(amount=amount, unit=_currency(data))

    def _data(self, document: dict[str, Any], *needed: str) -> dict[str, Any]:
        """The news in the envelope."""
        data = document.get("data")
        if isinstance(data, dict) and first(data, *needed) is not None:
            return data
        raise self._bad(document)

    def _bad(self, document: dict[str, Any]) -> ProviderError:
        """Without news a code other than 200 is an error, HTTP 200 or not."""
        code = document.get("code")
        if type(code) is int and code != 200:
            return self.refusal(code, self.message(document))
        return Unreadable(f"{self.label} answered without news")

    def _call(self, method: str, path: str, **rest: Any) -> Call:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        return Call(method=method, url=f"{self.url}/api/v3/{path}", headers=headers, **rest)


def _seconds(timings: Any) -> float | None:
    spent = timings.get("inference") if isinstance(timings, dict) else None
    return spent / 1000 if isinstance(spent, int | float) and 0 < spent < 1e9 else None


def _currency(data: dict[str, Any]) -> str:
    if not re.fullmatch("[A-Za-z]{1,10}", said := data.get("currency") or "USD"):
        raise ValueError("not a currency")
    return str(said)


def _span(**times: datetime) -> dict[str, str]:
    return {name: time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for name, time in times.items()}


def _trace(item: dict[str, Any]) -> Trace:
    said = item["input"] if isinstance(item.get("input"), dict) else None
    return Trace(remote_id=item["id"], model=str(item["model"]), made_at=moment(item["created_at"]), inputs=said)


def _listed(row: dict[str, Any]) -> Offer:
    """The offer in a line of the list of models; ``LookupError`` when it is none of ours and no relative of them."""
    price = Price(amount=money(row.get("base_price")))
    if known := _PATHS.get(row["model_id"]):
        return replace(known, price=price)
    kin = _KIN.fullmatch(row["model_id"])
    model = MODELS[kin[1] or f"imagen-{kin[2]}" if kin else ""].id
    schema = row["api_schema"]["api_schemas"][0]["request_schema"]
    return replace(described(schema), model=model, id=row["model_id"], price=price)


_PATHS = {offer.id: offer for offers in WaveSpeed.offers.values() for offer in offers}
