"""API in One's wire: two shapes of a submit, many of a result, three of an error."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from imagen.exceptions import ProviderError
from imagen.testing import Gateway
from imagen.testing.apiin_wire import ENVELOPES, SHAPES
from imagen.types import State
from tests.testing.callers import Caller
from tests.testing.test_gateway_vendors import recorded, said

GENERATIONS = "/api/v1/images/generations"
ASKED = {"prompt": "a kitten", "model": "imagen4"}


@pytest.fixture
def one(imagen_gateway: Gateway, call: Any) -> Caller:
    """Call API in One."""
    found: Caller = call(imagen_gateway, "apiin")
    return found


@pytest.fixture
def client(one: Caller) -> httpx.Client:
    """Say anything to API in One."""
    return one.client


def test_a_submit_is_answered_as_recorded(imagen_gateway: Gateway, client: httpx.Client):
    status, document = recorded("apiin", "submit_ok")
    answer = client.post(GENERATIONS, json=ASKED)
    assert said(answer) == (status, {**document, "data": {**document["data"], "task_id": imagen_gateway.jobs[0].id}})


def test_a_submit_may_be_answered_without_an_envelope(imagen_gateway: Gateway, one: Caller):
    imagen_gateway.script(latency=0, flat=True)
    answer = one.client.post(GENERATIONS, json=ASKED).json()
    assert answer.keys() == {"id", "status", "model", "created_at"}
    assert (answer["id"], answer["status"]) == (imagen_gateway.jobs[0].id, "pending")
    assert one.check(answer["id"]).state is State.DONE


def test_the_model_may_be_left_out(imagen_gateway: Gateway, client: httpx.Client):
    assert client.post(GENERATIONS, json={"prompt": "a kitten"}).status_code == 200
    assert imagen_gateway.jobs[0].model == "imagen4"


@pytest.mark.parametrize(
    "body",
    [
        {"prompt": "ab"},
        {"prompt": "x" * 5001},
        {"model": "imagen-4"},
        {"aspect_ratio": "21:9"},
        {"num_images": 0},
        {"num_images": 5},
        {"num_images": "2"},
        {"num_images": True},
        {"seed": "7"},
        {"resolution": "1k"},
        {"negative_prompt": 7},
        {"callback_url": 7},
    ],
)
def test_wrong_parameters_are_refused_as_recorded(imagen_gateway: Gateway, client: httpx.Client, body: dict[str, Any]):
    assert said(client.post(GENERATIONS, json={**ASKED, **body})) == recorded("apiin", "error_400")
    assert imagen_gateway.jobs == []


@pytest.mark.parametrize("flat", [False, True])
@pytest.mark.parametrize("shape", [name for name in SHAPES if name != "nothing"])
def test_outputs_may_stand_anywhere(imagen_gateway: Gateway, one: Caller, shape: str, flat: bool):
    imagen_gateway.script(latency=0, shape=shape, flat=flat)
    (output,) = one.finished().outputs
    assert output.url == f"{imagen_gateway.url}/files/{imagen_gateway.jobs[0].id}-0.png"


@pytest.mark.parametrize(
    ("shape", "name"),
    [("", "task_completed_1_a_output_image_urls"), ("images", "task_completed_1_c_images_objects")],
)
def test_a_finished_task_has_the_recorded_shape(imagen_gateway: Gateway, one: Caller, shape: str, name: str):
    status, document = recorded("apiin", name)
    url = "https://cdn.apiin.one/out/1.png"
    imagen_gateway.script(latency=0, shape=shape, urls=(url,))
    remote_id = one.submit().remote_id
    expected = {**document, "data": {**document["data"], "task_id": remote_id}}
    assert said(one.client.get(f"/api/v1/tasks/{remote_id}")) == (status, expected)


def test_a_task_may_be_finished_and_show_nothing(imagen_gateway: Gateway, one: Caller):
    imagen_gateway.script(latency=0, shape="nothing")
    remote_id = one.submit().remote_id
    assert one.client.get(f"/api/v1/tasks/{remote_id}").json()["data"] == {"task_id": remote_id, "status": "completed"}


def test_several_images_are_one_task(imagen_gateway: Gateway, one: Caller):
    imagen_gateway.script(latency=0)
    assert len({output.url for output in one.finished(num_images=4).outputs}) == 4
    assert len(imagen_gateway.jobs) == 1


@pytest.mark.parametrize("envelope", ENVELOPES)
def test_an_error_has_any_of_three_envelopes(imagen_gateway: Gateway, one: Caller, envelope: str):
    imagen_gateway.script(submit="status", status=402, message="Insufficient credits", envelope=envelope)
    with pytest.raises(ProviderError) as caught:
        one.submit()
    assert (caught.value.code, str(caught.value)) == ("provider_insufficient_credits", "Insufficient credits")


@pytest.mark.parametrize("path", ["tasks", "balance", "models", "jobs", "me"])
def test_there_are_no_lists_and_no_balance(client: httpx.Client, path: str):
    assert client.get(f"/api/v1/{path}").status_code == 404
