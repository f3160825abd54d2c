"""The gateway rings as each vendor does, signed so that the vendor's own check passes, or as badly as it is told."""

from __future__ import annotations

import json
import time
from typing import Any

import httpx
import pytest

from imagen.exceptions import BadSignature
from imagen.testing import Gateway
from imagen.types import State
from tests.testing.callers import named, rung, until
from tests.testing.conftest import Site
from tests.testing.test_gateway_vendors import recorded

FIELDS = {
    "wavespeed": {"id", "model", "input", "outputs", "urls", "has_nsfw_contents", "status", "created_at", "error"},
    "apiframe": {"event", "jobId", "status", "result", "model", "creditCost", "completedAt"},
    "apiin": {"code", "message", "data"},
}


# Good behaviour


def test_a_finished_job_rings_once_and_the_vendor_believes_it(
    imagen_gateway: Gateway, anyone: Any, site: Site, vendor: str
):
    remote_id = anyone.submit(callback=site.url).remote_id
    (ring,) = rung(imagen_gateway)
    assert (ring.vendor, ring.job, ring.url, ring.status, ring.why) == (vendor, remote_id, site.url, 204, "")
    ((headers, body),) = site.heard
    assert body == ring.body
    assert headers.items() >= ring.headers.items()
    assert headers["Content-Type"] == "application/json"
    assert named(anyone, ring) == remote_id
    assert json.loads(body).keys() >= FIELDS[vendor]
    assert anyone.check(remote_id).state is State.DONE


def test_it_rings_when_the_job_is_finished_and_not_before(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0.3)
    start = time.monotonic()
    anyone.submit(callback=site.url)
    rung(imagen_gateway)
    assert time.monotonic() - start >= 0.3


def test_a_failed_job_rings_too(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0, failure="content policy violation")
    remote_id = anyone.submit(callback=site.url).remote_id
    (ring,) = rung(imagen_gateway)
    assert named(anyone, ring) == remote_id
    assert b"content policy violation" in ring.body
    assert b"FAILED" in ring.body.upper()


def test_who_left_no_address_is_not_rung(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0)
    anyone.submit()
    time.sleep(0.1)
    assert (imagen_gateway.rings, site.heard) == ([], [])


def test_a_job_that_never_ends_never_rings(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0, words=("completed", "processing"))
    anyone.submit(callback=site.url)
    time.sleep(0.1)
    assert imagen_gateway.rings == []


@pytest.mark.parametrize("fault", ["reset-after", "hang", "truncated", "garbled", "status-after"])
def test_a_job_whose_answer_was_lost_still_rings(imagen_gateway: Gateway, anyone: Any, site: Site, fault: str):
    imagen_gateway.script(submit=fault)
    anyone.client.timeout = 0.2
    with pytest.raises(Exception, match=r".*"):
        anyone.submit(callback=site.url)
    (ring,) = rung(imagen_gateway)
    assert named(anyone, ring) == imagen_gateway.jobs[0].id


def test_a_submit_that_was_not_accepted_never_rings(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(submit="reset-before")
    with pytest.raises(httpx.HTTPError):
        anyone.submit(callback=site.url)
    time.sleep(0.1)
    assert imagen_gateway.rings == []


def test_wavespeed_signs_with_the_secret_it_was_given(call: Any, site: Site):
    with Gateway(secret="whsec_other", latency=0) as gateway:
        caller = call(gateway)
        remote_id = caller.submit(callback=site.url).remote_id
        (ring,) = rung(gateway)
        with pytest.raises(BadSignature):
            named(caller, ring)
        caller.provider.webhook_secrets = ("whsec_other",)
        assert named(caller, ring) == remote_id


def test_apiframe_rings_only_for_the_events_it_was_asked_for(imagen_gateway: Gateway, call: Any, site: Site):
    imagen_gateway.script(latency=0)
    client = call(imagen_gateway, "apiframe").client
    body = {"model": "imagen-4", "webhookUrl": site.url}
    client.post("/v2/images/generate", json={**body, "prompt": "one", "webhookEvents": ["failed"]})
    client.post("/v2/images/generate", json={**body, "prompt": "two"})
    (ring,) = rung(imagen_gateway)
    assert ring.job == imagen_gateway.jobs[1].id


def test_apiframe_says_how_its_webhook_went(imagen_gateway: Gateway, call: Any, site: Site):
    imagen_gateway.script(latency=0)
    caller = call(imagen_gateway, "apiframe")

    def status() -> Any:
        return caller.client.get(f"/v2/jobs/{imagen_gateway.jobs[-1].id}").json()["webhookStatus"]

    caller.submit()
    assert status() is None
    caller.submit(callback=site.url)
    assert status() in ("pending", "delivered")
    assert until(lambda: status() == "delivered")


def test_a_webhook_has_the_recorded_shape(imagen_gateway: Gateway, call: Any, site: Site):
    imagen_gateway.script(latency=0)
    call(imagen_gateway, "apiin").submit(callback=site.url)
    (ring,) = rung(imagen_gateway)
    expected = recorded("apiin", "task_completed_1_a_output_image_urls")[1]
    found = json.loads(ring.body)
    assert (found.keys(), found["data"].keys()) == (expected.keys(), expected["data"].keys())


# Sites that do not answer well


def test_wavespeed_rings_again_up_to_three_times(imagen_gateway: Gateway, caller: Any, site: Site):
    imagen_gateway.script(latency=0)
    site.answers[:] = [503, 404, 302, 500]
    remote_id = caller.submit(callback=site.url).remote_id
    rings = rung(imagen_gateway, 4)
    assert [ring.status for ring in rings] == [503, 404, 302, 500]
    assert {named(caller, ring) for ring in rings} == {remote_id}
    assert imagen_gateway.jobs[0].rung == "failed"


def test_a_ring_that_is_answered_in_the_end_is_not_repeated(imagen_gateway: Gateway, caller: Any, site: Site):
    imagen_gateway.script(latency=0)
    site.answers[:] = [503, 200]
    caller.submit(callback=site.url)
    assert [ring.status for ring in rung(imagen_gateway, 2)] == [503, 200]


@pytest.mark.parametrize("vendor", ["apiframe", "apiin"])
def test_the_others_ring_once_whatever_is_answered(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0)
    site.answers[:] = [500]
    anyone.submit(callback=site.url)
    assert [ring.status for ring in rung(imagen_gateway)] == [500]


def test_a_site_that_is_not_there_is_written_down(imagen_gateway: Gateway, call: Any):
    imagen_gateway.script(latency=0)
    call(imagen_gateway, "apiframe").submit(callback="http://127.0.0.1:1/hooks/")
    (ring,) = rung(imagen_gateway)
    assert (ring.status, ring.why) == (0, "ConnectionRefusedError")


@pytest.mark.parametrize(
    "url",
    [
        "https://cms.example.com/hooks/",
        "http://192.0.2.1/hooks/",
        "http://127.0.0.1.example.com/hooks/",
        "https://127.0.0.1/hooks/",
        "http://[::ffff:10.0.0.1]/hooks/",
    ],
)
def test_no_ring_leaves_this_machine(imagen_gateway: Gateway, caller: Any, url: str):
    imagen_gateway.script(latency=0)
    remote_id = caller.submit(callback=url).remote_id
    (ring,) = rung(imagen_gateway)
    assert (ring.url, ring.status, ring.why) == (url, 0, "not loopback")
    assert named(caller, ring) == remote_id  # what would have been sent can be played to a view by hand


# Memory


def test_a_forgotten_job_rings_no_more(imagen_gateway: Gateway, anyone: Any, site: Site):
    imagen_gateway.script(latency=0.3)
    anyone.submit(callback=site.url)
    imagen_gateway.reset()
    time.sleep(0.4)
    assert (imagen_gateway.rings, site.heard) == ([], [])


def test_another_process_can_read_the_rings(imagen_gateway: Gateway, caller: Any, site: Site):
    imagen_gateway.script(latency=0)
    remote_id = caller.submit(callback=site.url).remote_id
    rung(imagen_gateway)
    (ring,) = caller.client.get("/__ctl/rings").json()
    assert (ring["vendor"], ring["job"], ring["url"], ring["status"]) == ("wavespeed", remote_id, site.url, 204)
    assert json.loads(ring["body"])["id"] == remote_id
    assert ring["headers"]["webhook-id"] == remote_id


def test_a_gateway_ends_with_webhooks_still_to_come(call: Any, site: Site):
    with Gateway(latency=60) as gateway:
        call(gateway).submit(callback=site.url)
    assert gateway.rings == []
