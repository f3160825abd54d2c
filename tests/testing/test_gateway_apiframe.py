"""Apiframe's wire: the closed schema, repeats under one key, results, costs, lists."""

from __future__ import annotations

import uuid
from typing import Any

import httpx
import pytest

from imagen.testing import Gateway
from imagen.types import State
from tests.testing.callers import Caller, opened
from tests.testing.test_gateway_vendors import recorded, said

GENERATE = "/v2/images/generate"
ASKED = {"prompt": "x", "model": "imagen-4"}


@pytest.fixture
def frames(imagen_gateway: Gateway, call: Any) -> Caller:
    """Call Apiframe."""
    found: Caller = call(imagen_gateway, "apiframe")
    return found


@pytest.fixture
def client(frames: Caller) -> httpx.Client:
    """Say anything to Apiframe."""
    return frames.client


def test_a_submit_is_a_202_with_an_id_and_a_word(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script(latency=60)
    answer = client.post(GENERATE, json=ASKED)
    assert said(answer) == (202, {"jobId": imagen_gateway.jobs[0].id, "status": "QUEUED"})
    assert uuid.UUID(imagen_gateway.jobs[0].id)


def test_a_key_that_is_not_in_the_schema_is_refused_as_recorded(imagen_gateway: Gateway, client: httpx.Client):
    answer = client.post(GENERATE, json={**ASKED, "webhook_url": "https://e.example/h"})
    assert said(answer) == recorded("apiframe", "error_400_unknown_key_webhook_url")
    assert imagen_gateway.jobs == []


def test_wrong_values_are_refused_by_field_as_recorded(client: httpx.Client):
    answer = client.post(GENERATE, json={**ASKED, "prompt": "x" * 2001, "imagenParams": {"aspect_ratio": "21:9"}})
    assert said(answer) == recorded("apiframe", "error_400_validation")


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"prompt": ""}, "prompt"),
        ({"prompt": 7}, "prompt"),
        ({"model": "imagen-9"}, "model"),
        ({"imagenParams": {"image_size": "2k"}}, "imagenParams.image_size"),
        ({"imagenParams": {"output_format": "webp"}}, "imagenParams.output_format"),
        ({"imagenParams": {"num_images": 2}}, "imagenParams"),
        ({"nanoBananaParams": {}}, ""),
        ({"num_images": 2}, ""),
        ({"seed": 7}, ""),
        ({"negative_prompt": "fog"}, ""),
        ({"webhookUrl": "nowhere"}, "webhookUrl"),
        ({"webhookEvents": []}, "webhookEvents"),
        ({"webhookEvents": ["done"]}, "webhookEvents"),
        ({"model": "nano-banana-2", "imagenParams": {}}, ""),
        ({"model": "nano-banana-2", "nanoBananaParams": {"resolution": "2k"}}, "nanoBananaParams.resolution"),
        ({"model": "nano-banana-2", "nanoBananaParams": {"aspect_ratio": "wide"}}, "nanoBananaParams.aspect_ratio"),
    ],
)
def test_the_schema_is_closed(imagen_gateway: Gateway, client: httpx.Client, body: dict[str, Any], field: str):
    answer = client.post(GENERATE, json={**ASKED, **body})
    assert answer.status_code == 400
    assert field in answer.json()["details"]
    assert imagen_gateway.jobs == []


def test_a_key_for_repeats_is_not_longer_than_255(client: httpx.Client):
    assert client.post(GENERATE, json=ASKED, headers={"Idempotency-Key": "k" * 255}).status_code == 202
    assert client.post(GENERATE, json=ASKED, headers={"Idempotency-Key": "k" * 256}).status_code == 400


def test_an_id_that_is_no_uuid_is_a_400(client: httpx.Client):
    assert said(client.get("/v2/jobs/not-a-uuid")) == recorded("apiframe", "error_400_bad_uuid")


def test_a_repeat_under_the_same_key_is_the_same_job_as_it_is_now(imagen_gateway: Gateway, frames: Caller):
    first = frames.submit(key="k1")
    imagen_gateway.script(latency=0)
    headers = {"Idempotency-Key": "k1"}
    again = frames.client.post(GENERATE, json=imagen_gateway.jobs[0].body, headers=headers)
    assert said(again) == (202, {"jobId": first.remote_id, "status": "COMPLETED"})
    assert len(imagen_gateway.jobs) == 1
    assert frames.submit(key="k2").remote_id != first.remote_id
    assert len(imagen_gateway.jobs) == 2


def test_a_repeat_with_another_body_is_a_409(imagen_gateway: Gateway, client: httpx.Client):
    headers = {"Idempotency-Key": "k1"}
    client.post(GENERATE, json=ASKED, headers=headers)
    assert client.post(GENERATE, json={**ASKED, "prompt": "y"}, headers=headers).status_code == 409
    assert len(imagen_gateway.jobs) == 1


def test_a_submit_without_a_key_is_a_job_of_its_own(imagen_gateway: Gateway, client: httpx.Client):
    assert [client.post(GENERATE, json=ASKED).status_code for _ in range(2)] == [202, 202]
    assert len(imagen_gateway.jobs) == 2


def test_a_repeat_finds_the_job_whose_answer_was_lost(imagen_gateway: Gateway, frames: Caller):
    imagen_gateway.script(submit="reset-after", first=1)
    with pytest.raises(httpx.HTTPError):
        frames.submit(key="k1")
    assert frames.submit(key="k1").remote_id == imagen_gateway.jobs[0].id
    assert len(imagen_gateway.jobs) == 1


@pytest.mark.parametrize("shape", ["", "string"])
def test_a_result_is_an_object_or_a_text(imagen_gateway: Gateway, frames: Caller, shape: str):
    imagen_gateway.script(latency=0, shape=shape)
    (output,) = frames.finished().outputs
    assert output.url == f"{imagen_gateway.url}/files/{imagen_gateway.jobs[0].id}-0.png"


def test_a_finished_job_has_every_recorded_field(imagen_gateway: Gateway, frames: Caller):
    imagen_gateway.script(latency=0)
    frames.submit()
    found = frames.client.get(f"/v2/jobs/{imagen_gateway.jobs[0].id}").json()
    expected = recorded("apiframe", "job_completed_1")[1]
    assert found.keys() == expected.keys()
    same = ("status", "model", "progress", "error", "creditCost")
    assert {name: found[name] for name in same} == {name: expected[name] for name in same}


def test_files_are_named_png_and_are_what_was_asked(imagen_gateway: Gateway, frames: Caller):
    imagen_gateway.script(latency=0)
    frames.client.post(GENERATE, json=ASKED)
    assert opened(frames.get(f"/files/{imagen_gateway.jobs[0].id}-0.png")).format == "JPEG"
    (output,) = frames.finished(output_format="png").outputs
    assert opened(frames.get(output.url)).format == "PNG"


def test_expired_pictures_are_gone_from_the_answer(imagen_gateway: Gateway, frames: Caller):
    imagen_gateway.script(latency=0, expired=True)
    frames.submit()
    found = frames.client.get(f"/v2/jobs/{imagen_gateway.jobs[0].id}").json()
    assert (found["status"], found["result"], found["expired"]) == ("COMPLETED", None, True)


def test_a_job_costs_its_price_or_what_the_script_says_and_nothing_when_it_failed(
    imagen_gateway: Gateway, frames: Caller
):
    imagen_gateway.script(latency=0)
    assert frames.finished().cost == 7
    imagen_gateway.script(latency=0, cost=4.5)
    assert str(frames.finished().cost) == "4.5"
    imagen_gateway.script(latency=0, failure="no")
    assert (frames.finished().state, frames.finished().cost) == (State.FAILED, 0)


def test_jobs_are_listed_newest_first_page_by_page(imagen_gateway: Gateway, frames: Caller):
    ids = [frames.submit().remote_id for _ in range(3)]
    page = frames.client.get("/v2/jobs", params={"limit": 2}).json()
    assert [job["id"] for job in page["jobs"]] == [ids[2], ids[1]]
    rest = frames.client.get("/v2/jobs", params={"limit": 2, "cursor": page["nextCursor"]}).json()
    assert ([job["id"] for job in rest["jobs"]], rest["nextCursor"]) == ([ids[0]], None)


def test_the_list_of_jobs_can_be_narrowed(imagen_gateway: Gateway, frames: Caller):
    imagen_gateway.script(latency=60)
    frames.submit()
    frames.submit("imagen-4-fast")
    narrowed = {"model": "imagen-4-fast", "status": "PROCESSING"}
    assert [job["model"] for job in frames.client.get("/v2/jobs", params=narrowed).json()["jobs"]] == ["imagen-4-fast"]
    assert frames.client.get("/v2/jobs", params={"status": "FAILED"}).json()["jobs"] == []


@pytest.mark.parametrize("params", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"cursor": "nobody"}])
def test_a_list_that_cannot_be_made_is_a_400(client: httpx.Client, params: dict[str, str]):
    assert client.get("/v2/jobs", params=params).status_code == 400


def test_the_account_and_the_public_list_of_models_are_told(client: httpx.Client):
    assert client.get("/v2/me").json()["team"]["credits"] == 995
    models = client.get("/v2/models", params={"modality": "image"}, headers={"X-API-Key": ""}).json()["models"]
    (imagen,) = (model for model in models if model["id"] == "imagen-4")
    assert (imagen["label"], imagen["modality"], imagen["costMin"], imagen["costMax"]) == ("Imagen 4", "image", 7, 7)
    assert client.get("/v2/models", params={"modality": "video"}).json() == {"models": []}
