"""Callers that do by hand what the pipeline does: a vendor's calls over a real socket."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import httpx
from PIL import Image

from imagen.offers import Offer
from imagen.providers.apiframe import Apiframe
from imagen.providers.apiin import ApiInOne
from imagen.providers.base import Provider
from imagen.providers.wavespeed import WaveSpeed
from imagen.testing import Gateway
from imagen.testing.ledger import Ring
from imagen.types import Call, ImageRequest, Reply, Snapshot

VENDORS: dict[str, type[Provider]] = {"wavespeed": WaveSpeed, "apiframe": Apiframe, "apiin": ApiInOne}
HEADERS = {
    "wavespeed": {"Authorization": "Bearer wsk_test"},
    "apiframe": {"X-API-Key": "afk_test"},
    "apiin": {"Authorization": "Bearer aio_test"},
}


def offers(vendor: str) -> dict[str, Offer]:
    return {offer.id: offer for offers in VENDORS[vendor].offers.values() for offer in offers}


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def until(true: Callable[[], Any], seconds: float = 5.0) -> Any:
    """Wait for something that happens soon."""
    end = time.monotonic() + seconds
    while not (found := true()) and time.monotonic() < end:
        time.sleep(0.01)
    assert found
    return found


@dataclass
class Caller:
    """One client of one vendor of one gateway."""

    client: httpx.Client
    provider: Provider

    def send(self, call: Call) -> Reply:
        headers, params = dict(call.headers), dict(call.params)
        got = self.client.request(call.method, call.url, headers=headers, params=params, json=call.json)
        return Reply(status=got.status_code, headers=dict(got.headers), body=got.content)

    def submit(self, path: str = "", *, key: str = "", callback: str = "", **options: Any) -> Snapshot:
        sold = offers(self.provider.slug)
        offer = sold[path] if path else next(iter(sold.values()))
        request = offer.settle(ImageRequest(**{"prompt": "a kitten", **options}))
        return self.provider.read(self.send(self.provider.submit(request, offer=offer, key=key, callback=callback)))

    def check(self, remote_id: str) -> Snapshot:
        return self.provider.read(self.send(self.provider.check(remote_id)))

    def finished(self, **options: Any) -> Snapshot:
        """The news of a job whose latency is zero."""
        return self.check(self.submit(**options).remote_id)

    def get(self, url: str) -> bytes:
        return self.client.get(url).content


def rung(gateway: Gateway, count: int = 1) -> list[Ring]:
    """So many rings, when they are there, and no more."""
    until(lambda: len(gateway.rings) >= count)
    time.sleep(0.05)
    assert len(gateway.rings) == count
    return gateway.rings


def named(caller: Caller, ring: Ring) -> str:
    """The job a ring is about, its signature verified by the vendor."""
    headers = {name.lower(): value for name, value in ring.headers.items()}
    return caller.provider.ring(headers, ring.body)
