"""What every gateway may do to us, on each of the three wires."""

from __future__ import annotations

import pytest

from imagen.models import Generation

VENDORS = ("wavespeed", "apiframe", "apiin")
UNKNOWN = {"wavespeed": "unconfirmed", "apiframe": "completed", "apiin": "unconfirmed"}  # Apiframe knows its keys
REFUSALS = [
    (400, "bad", "provider_rejected"),
    (400, "prompt violates content policy", "content_filtered"),
    (401, "Invalid API key", "provider_auth"),
    (402, "Insufficient credits", "provider_insufficient_credits"),
    (403, "API key is inactive", "provider_auth"),
    (404, "no such model", "model_retired"),
]
FAILURES = ["reset-after", "status-after", "garbled", "not-json", "null-data", "wrong-types", "huge-id", "redirect"]


@pytest.fixture(params=VENDORS, autouse=True)
def vendor(request, site) -> str:
    site(vendors=(request.param,))
    return request.param


@pytest.mark.parametrize(("status", "message", "code"), REFUSALS)
def test_a_definite_refusal_fails_for_free(made, imagen_gateway, status, message, code):
    imagen_gateway.script(submit="status", status=status, message=message)
    generation = made()
    assert (generation.status, generation.error_code, generation.cost_actual) == ("failed", code, None)
    assert not imagen_gateway.jobs


@pytest.mark.parametrize("fault", FAILURES)
def test_an_unknown_send_is_repeated_only_where_its_key_is_known(made, imagen_gateway, vendor, fault):
    imagen_gateway.script(submit=fault, first=1)
    generation = made(seconds=5)
    assert generation.status == UNKNOWN[vendor]
    assert len(imagen_gateway.jobs) <= 1
    assert sum(call.method == "POST" for call in imagen_gateway.calls) == (2 if vendor == "apiframe" else 1)


@pytest.mark.parametrize("fault", ["status", "garbled", "not-json", "wrong-types", "other-id", "truncated"])
def test_a_look_that_says_nothing_of_our_job_changes_nothing(made, imagen_gateway, fault):
    imagen_gateway.script(poll=fault, first=2)
    assert made().status == "completed"
    assert len(imagen_gateway.jobs) == 1


def test_a_gateway_that_changes_its_mind_is_believed_when_it_says_so_twice(made, imagen_gateway):
    imagen_gateway.script(words=("failed", "completed"))
    assert made().status == "completed"


@pytest.mark.by_hand("the gateway lies about its ids")
def test_one_id_for_two_jobs_is_given_to_the_first_and_doubted_for_the_second(ask, work, imagen_gateway):
    imagen_gateway.script(submit="other-id", words=("processing",))
    ask("first")
    ask("second")
    work(2)
    found = list(Generation.objects.values_list("status", flat=True))
    assert sorted(found) == ["processing", "unconfirmed"]


def test_done_without_a_picture_is_asked_again_and_then_fails(made, imagen_gateway):
    imagen_gateway.script(outputs=0)
    generation = made()
    assert (generation.status, generation.error_code) == ("failed", "no_outputs")


def test_too_many_requests_wait_without_using_up_tries(made, imagen_gateway):
    imagen_gateway.script(submit="status", status=429, first=2)
    assert made().status == "completed"
    assert len(imagen_gateway.jobs) == 1
