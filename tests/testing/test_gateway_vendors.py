"""Every vendor's wire behaves well, goes wrong on demand, and refuses as its vendor does."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from imagen.exceptions import ProviderError
from imagen.testing import Gateway, faults
from imagen.types import State
from tests.testing.callers import HEADERS, VENDORS, offers, opened

FIXTURES = Path(__file__).parent.parent / "fixtures"
SUBMITS = {
    "wavespeed": ("/api/v3/google/imagen4", {"prompt": "a kitten"}),
    "apiframe": ("/v2/images/generate", {"prompt": "a kitten", "model": "imagen-4"}),
    "apiin": ("/api/v1/images/generations", {"prompt": "a kitten", "model": "imagen4"}),
}
JOBS = {"wavespeed": "/api/v3/predictions/{}/result", "apiframe": "/v2/jobs/{}", "apiin": "/api/v1/tasks/{}"}
STRANGER = "00000000-0000-4000-8000-000000000000"
UNAVAILABLE = {"status", "status-after", "error-inside"}


def recorded(vendor: str, name: str) -> tuple[int, Any]:
    """What the vendor says in a recorded exchange."""
    answer = json.loads((FIXTURES / vendor / f"{name}.json").read_bytes())["response"]
    return answer["status"], answer["json"]


def said(answer: httpx.Response) -> tuple[int, Any]:
    return answer.status_code, answer.json()


# Good behaviour


def test_a_picture_comes_home_from_each_vendor(imagen_gateway: Gateway, anyone: Any, vendor: str):
    imagen_gateway.script(latency=60)
    accepted = anyone.submit(aspect_ratio="16:9")
    assert (accepted.state, anyone.check(accepted.remote_id).state) == (State.PENDING, State.PENDING)
    imagen_gateway.script(latency=0)
    snapshot = anyone.check(accepted.remote_id)
    assert snapshot.state is State.DONE
    (output,) = snapshot.outputs
    assert opened(anyone.get(output.url)).size == (88, 48)
    (job,) = imagen_gateway.jobs
    assert (job.vendor, job.id, job.prompt, job.polls) == (vendor, accepted.remote_id, "a kitten", 2)


@pytest.mark.parametrize(("vendor", "path"), [(vendor, path) for vendor in VENDORS for path in offers(vendor)])
def test_everything_a_vendor_offers_is_sold(imagen_gateway: Gateway, anyone: Any, vendor: str, path: str):
    imagen_gateway.script(latency=0)
    offer = offers(vendor)[path]
    for ratio in offer.aspect_ratios:
        for resolution in offer.resolutions or (None,):
            assert len(anyone.finished(path=path, aspect_ratio=ratio, resolution=resolution).outputs) == 1


def test_everything_that_may_be_said_is_understood(imagen_gateway: Gateway, anyone: Any, vendor: str):
    imagen_gateway.script(latency=0)
    offer = next(iter(offers(vendor).values()))
    asked = {
        "num_images": offer.images_per_call,
        **({"seed": 7} if offer.seed else {}),
        **({"negative_prompt": "fog"} if offer.negative_prompt else {}),
        **({"output_format": offer.output_formats[-1]} if offer.output_formats else {}),
    }
    assert len(anyone.finished(**asked).outputs) == offer.images_per_call


def test_a_job_may_fail_at_each_vendor(imagen_gateway: Gateway, anyone: Any):
    imagen_gateway.script(latency=0, failure="Provider returned an error: content policy violation")
    failure = anyone.finished().failure
    assert (failure.code, failure.message) == (
        "content_filtered",
        "Provider returned an error: content policy violation",
    )


@pytest.mark.parametrize("case", ["upper", "lower"])
def test_words_may_be_said_in_another_case(imagen_gateway: Gateway, anyone: Any, case: str):
    imagen_gateway.script(latency=0, case=case)
    snapshot = anyone.finished()
    assert (snapshot.state, len(snapshot.outputs)) == (State.DONE, 1)
    word = {"upper": "COMPLETED", "lower": "completed"}[case]
    assert f'"status": "{word}"' in anyone.client.get(imagen_gateway.calls[-1].path).text


def test_outputs_may_be_text_at_each_vendor_that_takes_it(imagen_gateway: Gateway, anyone: Any):
    imagen_gateway.script(latency=0, encoding="data")
    (output,) = anyone.finished().outputs
    assert opened(output.content()).size == (64, 64)


# Doors


@pytest.mark.parametrize(
    ("vendor", "headers", "name"),
    [
        ("wavespeed", {"Authorization": "Bearer other"}, "error_401"),
        ("wavespeed", {"Authorization": "wsk_test"}, "error_401"),
        ("wavespeed", {"Authorization": "", "X-API-Key": "wsk_test"}, "error_401"),
        ("apiframe", {"X-API-Key": "other"}, "error_401_invalid"),
        ("apiframe", {"X-API-Key": "", "Authorization": "Bearer afk_test"}, "error_401_missing"),
        ("apiin", {"Authorization": "Bearer wsk_test"}, "error_401"),
        ("apiin", {"Authorization": "", "X-API-Key": "aio_test"}, "error_401"),
    ],
)
def test_a_wrong_key_is_refused_in_the_vendors_words(
    imagen_gateway: Gateway, anyone: Any, vendor: str, headers: dict[str, str], name: str
):
    path, body = SUBMITS[vendor]
    for answer in (
        anyone.client.post(path, json=body, headers=headers),
        anyone.client.get(JOBS[vendor].format(STRANGER), headers=headers),
    ):
        assert said(answer) == recorded(vendor, name)
    assert imagen_gateway.jobs == []


@pytest.mark.parametrize(
    ("vendor", "name"), [("wavespeed", "error_404_prediction"), ("apiframe", "error_404_job"), ("apiin", "error_404")]
)
def test_a_job_nobody_knows_is_a_404(anyone: Any, vendor: str, name: str):
    assert said(anyone.client.get(JOBS[vendor].format(STRANGER))) == recorded(vendor, name)


def test_a_job_of_another_vendor_is_a_404(imagen_gateway: Gateway, call: Any, vendor: str):
    other = next(name for name in VENDORS if name != vendor)
    call(imagen_gateway, other).submit()
    answer = call(imagen_gateway, vendor).client.get(JOBS[vendor].format(imagen_gateway.jobs[0].id))
    assert answer.status_code in (400, 404)  # Apiframe does not even take it for an id
    assert imagen_gateway.jobs[0].polls == 0


@pytest.mark.parametrize("path", ["elsewhere", "jobs/", "images/generate/", "predictions/a/b/c"])
def test_what_no_vendor_has_is_a_404(imagen_gateway: Gateway, anyone: Any, vendor: str, path: str):
    prefix = imagen_gateway.wires[vendor].prefix
    answer = anyone.client.get(f"{prefix}{path}")
    assert answer.status_code == 404
    assert answer.json().keys() == recorded(vendor, {"apiframe": "error_500"}.get(vendor, "error_429"))[1].keys()


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"prompt": ["a"]}', b'{"prompt": "cat", "model": {}}'])
def test_a_body_of_another_shape_is_a_400(imagen_gateway: Gateway, anyone: Any, vendor: str, body: bytes):
    answer = anyone.client.post(SUBMITS[vendor][0], content=body)
    assert answer.status_code == 400
    assert imagen_gateway.jobs == []


# Faults


@pytest.mark.parametrize("fault", faults.CALLS)
def test_a_fault_decides_at_each_vendor_whether_a_submit_is_billed(
    imagen_gateway: Gateway, anyone: Any, vendor: str, fault: str
):
    imagen_gateway.script(submit=fault, seconds=0.01, rate=100_000)
    path, body = SUBMITS[vendor]
    with suppress(httpx.HTTPError):
        anyone.client.post(path, json=body, timeout=0.2)
    bought, until = 0 if fault in faults.BEFORE else 1, time.monotonic() + 5
    while len(imagen_gateway.jobs) < bought and time.monotonic() < until:
        time.sleep(0.01)  # a busy machine reads it after we have hung up
    assert len(imagen_gateway.jobs) == bought


@pytest.mark.parametrize("place", ["submit", "poll"])
@pytest.mark.parametrize(
    "fault",
    [
        *("garbled", "not-json", "empty", "list", "null-data", "wrong-types", "huge-id", "control-id"),
        *("redirect", *sorted(UNAVAILABLE)),
    ],
)
def test_a_bad_answer_of_each_vendor_is_classified(
    imagen_gateway: Gateway, anyone: Any, vendor: str, place: str, fault: str
):
    accepted = anyone.submit()
    imagen_gateway.script(**{place: fault})
    with pytest.raises(ProviderError) as caught:
        anyone.check(accepted.remote_id) if place == "poll" else anyone.submit()
    told = fault in UNAVAILABLE and (vendor, fault) != ("apiframe", "error-inside")  # which has no place for a code
    assert caught.value.code == ("provider_unavailable" if told else "provider_protocol_error")


@pytest.mark.parametrize(
    ("vendor", "name", "steps"),
    [
        ("wavespeed", "error_500", {"status": 500, "message": "internal server error"}),
        ("wavespeed", "error_insufficient_balance_400", {"status": 400, "message": None}),
        ("apiframe", "error_503", {"status": 503, "message": "Service temporarily unavailable"}),
        ("apiframe", "error_429", {"status": 429, "message": "Rate limit exceeded", "retry_after": "7"}),
        ("apiin", "error_400", {"status": 400, "message": "Invalid parameters"}),
        ("apiin", "error_402", {"status": 402, "message": "Insufficient credits"}),
        ("apiin", "error_404", {"status": 404, "message": "Task not found"}),
        ("apiin", "error_429", {"status": 429, "message": "Rate limit exceeded"}),
        ("apiin", "error_500", {"status": 500, "message": "Internal server error"}),
    ],
)
def test_a_scripted_status_has_the_envelope_that_was_recorded(
    imagen_gateway: Gateway, anyone: Any, vendor: str, name: str, steps: dict[str, Any]
):
    status, document = recorded(vendor, name)
    path, body = SUBMITS[vendor]
    imagen_gateway.script(submit="status", **{**steps, "message": steps["message"] or document["message"]})
    answer = anyone.client.post(path, json=body)
    assert said(answer) == (status, document)
    assert answer.headers.get("retry-after") == steps.get("retry_after")


@pytest.mark.parametrize(
    ("vendor", "document"),
    [
        ("wavespeed", {"code": 402, "message": "Insufficient credits", "data": None}),
        ("apiframe", {"error": "Insufficient credits"}),
        ("apiin", {"error": {"code": 402, "message": "Insufficient credits", "type": "insufficient_credits"}}),
    ],
)
def test_an_error_inside_http_200_has_each_vendors_envelope(
    imagen_gateway: Gateway, anyone: Any, vendor: str, document: dict[str, Any]
):
    path, body = SUBMITS[vendor]
    imagen_gateway.script(submit="error-inside", status=402, message="Insufficient credits")
    assert said(anyone.client.post(path, json=body)) == (200, document)


def test_a_job_that_fails_before_it_has_an_id_says_why_and_exists_nowhere(
    imagen_gateway: Gateway, anyone: Any, vendor: str
):
    path, body = SUBMITS[vendor]
    imagen_gateway.script(submit="failed-without-id", message="out of memory")
    status, document = said(anyone.client.post(path, json=body))
    job = document.get("data", document)
    assert (status // 100, job["status"], job["error"]) == (2, "failed", "out of memory")
    assert not {"id", "task_id", "jobId"} & job.keys()
    assert not imagen_gateway.jobs


def test_one_ledger_has_the_jobs_of_all(imagen_gateway: Gateway, call: Any):
    for vendor in VENDORS:
        call(imagen_gateway, vendor).submit(prompt=f"a kitten for {vendor}")
    assert [(job.vendor, job.prompt) for job in imagen_gateway.jobs] == [(v, f"a kitten for {v}") for v in VENDORS]
    assert [call.headers.get("x-api-key", call.headers.get("authorization")) for call in imagen_gateway.calls] == [
        value for vendor in VENDORS for value in HEADERS[vendor].values()
    ]


def test_keys_may_be_other_ones(call: Any):
    with Gateway(keys={"apiframe": "afk_other"}) as gateway:
        caller = call(gateway, "apiframe")
        with pytest.raises(ProviderError):
            caller.submit()
        caller.provider.api_key = "afk_other"
        assert caller.submit().remote_id == gateway.jobs[0].id
