"""The gateway on loopback behaves well by default, takes directions, and survives its clients."""

from __future__ import annotations

import base64
import hashlib
import time
from typing import Any

import httpx
import pytest

from imagen.exceptions import ProviderError
from imagen.testing import Gateway
from imagen.types import State
from tests.testing.callers import offers, opened

OFFERS = offers("wavespeed")
WORDS = {"prompt": "a kitten", "aspect_ratio": "16:9", "num_images": 2}


# Good behaviour


def test_a_picture_comes_home(imagen_gateway: Gateway, caller: Any):
    imagen_gateway.script(latency=0.5)
    accepted = caller.submit(aspect_ratio="16:9", num_images=2)
    assert (accepted.state, accepted.outputs) == (State.PENDING, ())
    assert caller.check(accepted.remote_id).state is State.PENDING
    time.sleep(0.5)
    snapshot = caller.check(accepted.remote_id)
    assert (snapshot.state, snapshot.model) == (State.DONE, "google/imagen4")
    assert [output.flagged for output in snapshot.outputs] == [False, False]
    files = [httpx.get(output.url) for output in snapshot.outputs]
    assert [opened(file.content).size for file in files] == [(88, 48)] * 2
    assert len({file.content for file in files}) == 2
    assert [file.content for file in files] == list(imagen_gateway.served.values())
    assert files[0].headers["content-type"] == "image/png"


def test_the_same_file_has_the_same_bytes(imagen_gateway: Gateway, caller: Any):
    imagen_gateway.script(latency=0)
    (output,) = caller.finished().outputs
    assert caller.get(output.url) == caller.get(output.url)


@pytest.mark.parametrize(
    ("ratio", "size"),
    [("1:1", (64, 64)), ("16:9", (88, 48)), ("9:16", (48, 88)), ("4:3", (80, 56)), ("3:4", (56, 80))],
)
def test_pictures_have_the_size_of_the_model(imagen_gateway: Gateway, caller: Any, ratio: str, size: tuple[int, int]):
    imagen_gateway.script(latency=0)
    (output,) = caller.finished(aspect_ratio=ratio).outputs
    assert opened(caller.get(output.url)).size == size
    (larger,) = caller.finished(aspect_ratio=ratio, resolution="2k").outputs
    assert opened(caller.get(larger.url)).size == (size[0] * 2, size[1] * 2)


def test_full_size_is_the_default(call: Any):
    with Gateway(latency=0) as gateway:
        caller = call(gateway)
        (output,) = caller.finished(aspect_ratio="16:9").outputs
        assert opened(caller.get(output.url)).size == (1408, 768)


def test_jobs_may_take_more_or_less_time(call: Any):
    with Gateway(latency=8, spread=3) as gateway:
        caller = call(gateway)
        for _ in range(100):
            caller.submit()
        times = sorted(job.latency for job in gateway.jobs)
    assert 5 <= times[0] < 6
    assert 10 < times[-1] <= 11


def test_pictures_may_weigh_what_a_measurement_needs(call: Any):
    with Gateway(latency=0, scale=0.1, weight=100_000) as gateway:
        caller = call(gateway)
        (output,) = caller.finished().outputs
        content = caller.get(output.url)
        assert len(content) == 100_000
        assert opened(content).size == (102, 102)


def test_pictures_may_be_of_ones_own(call: Any):
    with Gateway(latency=0, scale=0.1, paint=lambda job, name, size: f"{job.prompt} {name} {size}".encode()) as gateway:
        caller = call(gateway)
        (output,) = caller.finished(prompt="a red kite").outputs
        assert caller.get(output.url) == f"a red kite {gateway.jobs[0].id}-0.png (102, 102)".encode()


def test_jobs_calls_and_keys_are_written_down(imagen_gateway: Gateway, caller: Any):
    before = time.time()
    accepted = caller.submit(seed=7)
    (job,) = imagen_gateway.jobs
    assert (job.id, job.model, job.key) == (accepted.remote_id, "google/imagen4", "Bearer wsk_test")
    assert (job.prompt, job.body["seed"]) == ("a kitten", 7)
    assert before <= job.time <= time.time()
    (call,) = imagen_gateway.calls
    assert (call.method, call.path, call.json) == ("POST", "/api/v3/google/imagen4", job.body)
    assert call.headers["authorization"] == "Bearer wsk_test"


def test_the_webhook_of_the_query_is_written_down(imagen_gateway: Gateway, client: httpx.Client):
    client.post("/api/v3/google/imagen4", params={"webhook": "https://cms.example/h/?a=1"}, json=WORDS)
    assert imagen_gateway.jobs[0].webhook == "https://cms.example/h/?a=1"


@pytest.mark.parametrize("path", OFFERS)
def test_every_model_of_the_vendor_is_sold(imagen_gateway: Gateway, caller: Any, path: str):
    imagen_gateway.script(latency=0)
    accepted = caller.submit(path)
    assert len(caller.check(accepted.remote_id).outputs) == 1


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("google/imagen4", {}),
        ("google/imagen4", {"prompt": "  "}),
        ("google/imagen4", {"prompt": "x", "num_images": 5}),
        ("google/imagen4", {"prompt": "x", "num_images": "2"}),
        ("google/imagen4", {"prompt": "x", "aspect_ratio": "21:9"}),
        ("google/imagen4", {"prompt": "x", "seed": -2}),
        ("google/imagen4", {"prompt": "x", "style": "noir"}),
        ("google/imagen4", ["x"]),
        ("wavespeed-ai/imagen4", {"prompt": "x", "resolution": "1k"}),
        ("google/nano-banana-2.1/text-to-image", {"prompt": "x", "num_images": 1}),
    ],
)
def test_what_a_model_does_not_know_is_a_400(imagen_gateway: Gateway, client: httpx.Client, path: str, body: Any):
    assert client.post(f"/api/v3/{path}", json=body).status_code == 400
    assert imagen_gateway.jobs == []


def test_a_body_that_is_not_json_is_a_400(client: httpx.Client):
    assert client.post("/api/v3/google/imagen4", content=b"{").status_code == 400


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer other"}, {"Authorization": ""}])
def test_a_wrong_key_is_a_401(imagen_gateway: Gateway, client: httpx.Client, headers: dict[str, str]):
    got = client.post("/api/v3/google/imagen4", json=WORDS, headers=headers)
    assert (got.status_code, got.json()["message"]) == (401, "Invalid API key")
    assert imagen_gateway.jobs == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/v3/google/imagen9"),
        ("GET", "/api/v3/predictions/nobody/result"),
        ("GET", "/files/nobody.png"),
        ("GET", f"/files/{'0' * 32}-0.png"),
        ("GET", "/elsewhere"),
        ("GET", "/__ctl/elsewhere"),
    ],
)
def test_what_is_not_there_is_a_404(client: httpx.Client, method: str, path: str):
    assert client.request(method, path, json=WORDS).status_code == 404


def test_the_short_path_of_a_result_works_too(caller: Any):
    remote_id = caller.submit().remote_id
    assert caller.client.get(f"/api/v3/predictions/{remote_id}").json()["data"]["id"] == remote_id


def test_the_synchronous_mode_answers_when_it_is_done(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script(latency=0.1)
    start = time.monotonic()
    data = client.post("/api/v3/google/imagen4", json={**WORDS, "enable_sync_mode": True}).json()["data"]
    assert (data["status"], len(data["outputs"])) == ("completed", 2)
    assert time.monotonic() - start >= 0.1


def test_outputs_are_base64_when_asked(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script(latency=0)
    body = {**WORDS, "enable_base64_output": True, "enable_sync_mode": True}
    outputs = client.post("/api/v3/google/imagen4", json=body).json()["data"]["outputs"]
    assert opened(base64.b64decode(outputs[0])).size == (88, 48)


def test_the_balance_is_told(caller: Any):
    assert caller.provider.read_balance(caller.send(caller.provider.balance()[0])) == "156.78 USD"


def test_models_are_listed_with_price_and_schema(client: httpx.Client):
    models = {model["model_id"]: model for model in client.get("/api/v3/models").json()["data"]}
    assert models.keys() == OFFERS.keys()
    assert models["google/imagen4"]["base_price"] == 0.038


def test_a_price_is_quoted(client: httpx.Client):
    asked = {"model_id": "google/imagen4", "inputs": {"num_images": 4}}
    assert client.post("/api/v3/model/price", json=asked).json()["data"]["price"] == 0.152
    assert client.post("/api/v3/model/price", json={"model_id": "nobody"}).status_code == 404


def test_history_lists_jobs_newest_first_and_hides_what_was_asked(caller: Any):
    first, second = caller.submit(), caller.submit("google/imagen4-fast")
    everything = caller.client.post("/api/v3/predictions", json={}).json()["data"]["items"]
    assert [item["id"] for item in everything] == [second.remote_id, first.remote_id]
    assert all("input" not in item for item in everything)
    asked = {"model": "google/imagen4", "created_after": "2000-01-01T00:00:00Z", "page_size": 1}
    assert [i["id"] for i in caller.client.post("/api/v3/predictions", json=asked).json()["data"]["items"]] == [
        first.remote_id
    ]
    late = {"created_after": "2999-01-01T00:00:00Z"}
    assert caller.client.post("/api/v3/predictions", json=late).json()["data"]["items"] == []


def test_history_can_show_what_was_asked(call: Any):
    with Gateway(show_inputs=True) as gateway:
        caller = call(gateway)
        caller.submit()
        items = caller.client.post("/api/v3/predictions", json={}).json()["data"]["items"]
        assert items[0]["input"]["prompt"] == "a kitten"


# Scripts


def test_the_prompt_decides_who_is_hit(imagen_gateway: Gateway, caller: Any):
    imagen_gateway.script("kitten", submit="status", status=402)
    imagen_gateway.script(submit="status", status=500)
    codes = {}
    for prompt in ("one kitten", "one dog"):
        with pytest.raises(ProviderError) as caught:
            caller.submit(prompt=prompt)
        codes[prompt] = caught.value.code
    assert codes == {"one kitten": "provider_insufficient_credits", "one dog": "provider_unavailable"}


def test_a_fault_can_hit_only_the_first_calls(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script(submit="status", poll="status", status=429, retry_after="7", first=2)
    answers = [client.post("/api/v3/google/imagen4", json=WORDS) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert len(imagen_gateway.jobs) == 1
    path = f"/api/v3/predictions/{imagen_gateway.jobs[0].id}/result"
    assert [client.get(path).status_code for _ in range(3)] == [429, 429, 200]


def test_a_later_script_for_the_same_prompts_replaces_the_first(imagen_gateway: Gateway, client: httpx.Client):
    imagen_gateway.script("kitten", submit="status")
    imagen_gateway.script("kitten")
    assert client.post("/api/v3/google/imagen4", json=WORDS).status_code == 200


def test_a_script_with_a_mistake_is_refused(imagen_gateway: Gateway):
    with pytest.raises(ValueError, match="colour"):
        imagen_gateway.script(colour="red")
    with pytest.raises(ValueError, match="no poll fault is called bomb"):
        imagen_gateway.script(poll="bomb")


def test_another_process_can_direct_it(imagen_gateway: Gateway, caller: Any):
    steps = {"latency": 0, "words": ["failed", "completed"], "outputs": 1}
    assert caller.client.post("/__ctl/script", json={"match": "kitten", "steps": steps}).status_code == 200
    accepted = caller.submit()
    states = [caller.check(accepted.remote_id) for _ in range(2)]
    assert [snapshot.state for snapshot in states] == [State.FAILED, State.DONE]
    content = caller.client.get(states[1].outputs[0].url).content
    (job,) = caller.client.get("/__ctl/jobs").json()
    assert (job["id"], job["polls"], job["body"]["prompt"]) == (accepted.remote_id, 2, "a kitten")
    assert [call["method"] for call in caller.client.get("/__ctl/calls").json()] == ["POST", "GET", "GET", "GET"]
    served = caller.client.get("/__ctl/served").json()
    assert served == {f"{accepted.remote_id}-0.png": hashlib.sha256(content).hexdigest()}
    caller.client.post("/__ctl/reset")
    assert caller.client.get("/__ctl/jobs").json() == []
    assert imagen_gateway.ledger.scripts == {}


@pytest.mark.parametrize("body", [{"steps": {"submit": "tea"}}, {"steps": {"tea": 1}}, {"steps": 7}, []])
def test_a_direction_with_a_mistake_is_a_400(client: httpx.Client, body: Any):
    assert client.post("/__ctl/script", json=body).status_code == 400
