"""Webhooks that come twice, late, early, forged, about another job, or with lies in them."""

from __future__ import annotations

import time
from typing import Any

import pytest

from imagen.exceptions import BadSignature
from imagen.testing import Gateway
from imagen.testing.webhooks import HUGE, MANNERS, METADATA, STRANGER
from imagen.types import State
from tests.testing.callers import named, rung, until
from tests.testing.conftest import Site


def test_a_webhook_may_never_come(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0, webhook="none")
    anyone.submit(callback=site.url)
    time.sleep(0.1)
    assert (imagen_gateway.rings, site.heard) == ([], [])


@pytest.mark.parametrize(("manner", "count"), [("twice", 2), ("ten", 10)])
def test_a_webhook_may_come_more_than_once(imagen_gateway: Gateway, anyone: Any, site: Site, manner: str, count: int):
    imagen_gateway.script(latency=0, webhook=manner)
    anyone.submit(callback=site.url)
    assert len({ring.body for ring in rung(imagen_gateway, count)}) == 1


def test_a_webhook_may_come_late(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0, webhook="late", seconds=0.3)
    start = time.monotonic()
    remote_id = anyone.submit(callback=site.url).remote_id
    assert anyone.check(remote_id).state is State.DONE
    rung(imagen_gateway)
    assert time.monotonic() - start >= 0.3


def test_a_webhook_may_come_before_the_answer_to_the_submit(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=60, webhook="early")
    remote_id = anyone.submit(callback=site.url).remote_id
    assert [ring.status for ring in imagen_gateway.rings] == [204]
    assert named(anyone, imagen_gateway.rings[0]) == remote_id
    assert anyone.check(remote_id).state is State.DONE


@pytest.mark.parametrize("vendor", ["wavespeed", "apiframe"])
def test_a_webhook_may_be_forged(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0, webhook="forged")
    site.answers[:] = [401]
    anyone.submit(callback=site.url)
    until(lambda: imagen_gateway.rings)
    with pytest.raises(BadSignature):
        named(anyone, imagen_gateway.rings[0])


def test_webhooks_may_come_in_reversed_order(imagen_gateway: Gateway, anyone: Any, site: Site, vendor: str):
    imagen_gateway.script(latency=0, webhook="reversed")
    anyone.submit(callback=site.url)
    running = {"wavespeed": "processing", "apiframe": "progress", "apiin": "IN_PROGRESS"}[vendor]
    first, second = rung(imagen_gateway, 2)
    assert f'"{running}"' in second.body.decode()
    assert f'"{running}"' not in first.body.decode()
    assert named(anyone, first) == named(anyone, second)


def test_a_webhook_may_name_another_job(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script("mistaken", latency=0, webhook="other-job")
    other = anyone.submit().remote_id
    anyone.submit(prompt="a mistaken kitten", callback=site.url)
    (ring,) = rung(imagen_gateway)
    assert named(anyone, ring) == other


def test_a_webhook_may_name_a_job_nobody_knows(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0, webhook="unknown")
    anyone.submit(callback=site.url)
    (ring,) = rung(imagen_gateway)
    assert named(anyone, ring) == STRANGER


def test_a_webhook_may_say_failed_when_it_is_not_true(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0, webhook="says-failed")
    remote_id = anyone.submit(callback=site.url).remote_id
    (ring,) = rung(imagen_gateway)
    assert b"FAILED" in ring.body.upper()
    assert anyone.check(remote_id).state is State.DONE


def test_a_webhook_may_be_huge(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0, webhook="huge")
    remote_id = anyone.submit(callback=site.url).remote_id
    (ring,) = rung(imagen_gateway)
    assert len(ring.body) > HUGE
    assert named(anyone, ring) == remote_id


def test_a_webhook_may_point_where_nobody_should_go(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0, webhook="hostile")
    remote_id = anyone.submit(callback=site.url).remote_id
    (ring,) = rung(imagen_gateway)
    assert METADATA.encode() in ring.body
    assert imagen_gateway.url.encode() not in ring.body
    assert named(anyone, ring) == remote_id
    (output,) = anyone.check(remote_id).outputs
    assert output.url.startswith(imagen_gateway.url)


def test_a_manner_nobody_knows_is_refused(imagen_gateway: Gateway):
    with pytest.raises(ValueError, match="no webhook is called loudly; there are none, twice, ten"):
        imagen_gateway.script(webhook="loudly")
    assert "loudly" not in MANNERS
