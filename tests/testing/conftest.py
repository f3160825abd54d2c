"""A caller that does by hand what the pipeline does: the vendor's calls over a real socket."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from imagen.providers.wavespeed import WaveSpeed
from imagen.testing import Gateway
from imagen.types import Call, ImageRequest, Reply, Snapshot

OFFERS = {offer.id: offer for offers in WaveSpeed.offers.values() for offer in offers}


@dataclass
class Caller:
    """One client of one gateway."""

    client: httpx.Client
    wavespeed: WaveSpeed

    def send(self, call: Call) -> Reply:
        headers, params = dict(call.headers), dict(call.params)
        got = self.client.request(call.method, call.url, headers=headers, params=params, json=call.json)
        return Reply(status=got.status_code, headers=dict(got.headers), body=got.content)

    def submit(self, path: str = "google/imagen4", **options: Any) -> Snapshot:
        request = OFFERS[path].settle(ImageRequest(**{"prompt": "a kitten", **options}))
        return self.wavespeed.read(self.send(self.wavespeed.submit(request, offer=OFFERS[path], key="k")))

    def check(self, remote_id: str) -> Snapshot:
        return self.wavespeed.read(self.send(self.wavespeed.check(remote_id)))

    def finished(self, **options: Any) -> Snapshot:
        """The news of a job whose latency is zero."""
        return self.check(self.submit(**options).remote_id)

    def get(self, url: str) -> bytes:
        return self.client.get(url).content


@pytest.fixture
def call() -> Iterator[Callable[[Gateway], Caller]]:
    """Call any gateway."""
    clients: list[httpx.Client] = []

    def call(gateway: Gateway) -> Caller:
        headers = {"Authorization": "Bearer wsk_test"}
        clients.append(httpx.Client(base_url=gateway.url, headers=headers, timeout=5, trust_env=False))
        return Caller(clients[-1], WaveSpeed(api_key="wsk_test", base_url=gateway.url))

    yield call
    for client in clients:
        client.close()


@pytest.fixture
def caller(imagen_gateway: Gateway, call: Callable[[Gateway], Caller]) -> Caller:
    """Call the gateway of this test."""
    return call(imagen_gateway)


@pytest.fixture
def client(caller: Caller) -> httpx.Client:
    """Say anything to the gateway of this test."""
    return caller.client
