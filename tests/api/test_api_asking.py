"""Asking for pictures: what is taken, what is refused, and how."""

from __future__ import annotations

import json
import uuid

import pytest
from django.db import OperationalError

from imagen.models import Generation
from tests import factories
from tests.api.conftest import Api

LIGHTHOUSE = {"prompt": "a lighthouse"}
FIELDS = [
    *("id", "status", "model", "provider", "prompt", "negative_prompt", "aspect_ratio", "resolution", "num_images"),
    *("seed", "output_format", "metadata", "images", "error", "warnings", "cost", "eta_seconds"),
    *("created_at", "started_at", "completed_at", "urls"),
]


def test_a_request_is_taken_at_once_and_says_where_to_look(ann):
    response = ann.post("generations/", LIGHTHOUSE)
    body = response.json()
    row = Generation.objects.get()
    assert response.status_code == 202
    assert (
        response.headers["Location"] == body["urls"]["self"] == f"http://testserver{Api.url('generations/')}{row.pk}/"
    )
    assert int(response.headers["Retry-After"]) > 0
    assert (body["id"], row.user, row.prompt) == (str(row.pk), ann.user, "a lighthouse")


def test_a_generation_has_the_fields_of_the_contract_in_its_order(ann):
    body = ann.post("generations/", LIGHTHOUSE).json()
    assert list(body) == FIELDS
    assert body["status"] == "queued"
    assert body["cost"] == {"unit": "USD", "estimated": "0.0380", "actual": None}
    assert body["warnings"][0]["code"] == "model_retired_upstream"
    assert "Nano Banana 2.1" in body["warnings"][0]["message"]
    assert body["error"] is body["eta_seconds"] is body["started_at"] is body["completed_at"] is None
    assert body["created_at"].endswith("Z")
    assert body["urls"]["cancel"] == body["urls"]["self"] + "cancel/"
    assert body["urls"]["retry"] is None


def test_everything_that_was_asked_comes_back(ann):
    asked = {
        "prompt": "  a cat  ",
        "negative_prompt": "dogs",
        "model": "imagen-4",
        "provider": "sandbox",
        "aspect_ratio": "16:9",
        "resolution": "2k",
        "num_images": 3,
        "seed": 7,
        "output_format": "jpeg",
        "metadata": {"page": 12, "tags": ["a", {"b": None}]},
    }
    body = ann.post("generations/", asked).json()
    assert {name: body[name] for name in asked} == {**asked, "prompt": "a cat"}


def test_a_seed_of_minus_one_is_no_seed(ann):
    assert ann.post("generations/", {**LIGHTHOUSE, "seed": -1}).json()["seed"] is None


def test_the_longest_prompt_is_taken(ann):
    assert ann.post("generations/", {"prompt": "x" * 5000, "provider": "sandbox"}).status_code == 202


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("prompt", "", "blank"),
        ("prompt", " \n\t", "blank"),
        ("prompt", "x" * 5001, "too_long"),
        ("prompt", None, "not_a_string"),
        ("prompt", 5, "not_a_string"),
        ("prompt", "a\x00b", "unstorable_text"),
        ("prompt", "a\ud800b", "unstorable_text"),
        ("negative_prompt", "x" * 5001, "too_long"),
        ("negative_prompt", ["x"], "not_a_string"),
        ("num_images", 0, "out_of_range"),
        ("num_images", 5, "out_of_range"),
        ("num_images", 10**9, "out_of_range"),
        ("num_images", True, "not_an_integer"),
        ("num_images", "4", "not_an_integer"),
        ("num_images", 4.0, "not_an_integer"),
        ("num_images", None, "not_an_integer"),
        ("seed", -2, "out_of_range"),
        ("seed", 2**31, "out_of_range"),
        ("seed", "1", "not_an_integer"),
        ("aspect_ratio", "7:3", "not_a_choice"),
        ("aspect_ratio", ["1:1"], "not_a_choice"),
        ("resolution", "8k", "not_a_choice"),
        ("output_format", "gif", "not_a_choice"),
        ("metadata", [], "not_an_object"),
        ("metadata", None, "not_an_object"),
        ("metadata", {"x": "y" * 4100}, "too_large"),
        ("metadata", {"x": ["a\x00"]}, "unstorable_text"),
        ("metadata", {"x": {"\udfff": 1}}, "unstorable_text"),
        ("style", "oil", "unknown_field"),
        ("user", 1, "unknown_field"),
        ("cls", 1, "unknown_field"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(ann, problem, field, value, code):
    found = problem(ann.post("generations/", {**LIGHTHOUSE, field: value}), 400, "invalid_request")
    assert [(error["field"], error["code"]) for error in found["errors"]] == [(field, code)]
    assert not Generation.objects.exists()


def test_everything_that_is_wrong_is_named_at_once(ann, problem):
    body = {"num_images": 9, "seed": "x", "nonsense": 1}
    found = problem(ann.post("generations/", body), 400, "invalid_request")
    assert {error["field"] for error in found["errors"]} == {"prompt", "num_images", "seed", "nonsense"}
    assert found["next_actions"] == ["fix_fields"]


@pytest.mark.parametrize(
    ("body", "code", "field", "action"),
    [
        ({"model": "dall-e"}, "model_unknown", "model", "choose_model"),
        ({"provider": "acme"}, "provider_not_configured", "provider", "choose_model"),
        ({"provider": "wavespeed", "model": "acme/x"}, "model_unknown", "model", "choose_model"),
        ({"provider": "wavespeed", "aspect_ratio": "21:9"}, "unsupported_parameter", "aspect_ratio", "fix_fields"),
    ],
)
def test_what_nobody_sells_is_refused_with_the_next_step(ann, problem, body, code, field, action):
    found = problem(ann.post("generations/", {**LIGHTHOUSE, **body}), 400, code)
    assert found["errors"][0]["field"] == field
    assert action in found["next_actions"]


def test_an_unsupported_parameter_names_the_offers_that_have_it(ann, problem):
    found = problem(ann.post("generations/", {**LIGHTHOUSE, "provider": "wavespeed", "aspect_ratio": "8:1"}), 400)
    assert "imagen-4 (sandbox)" in found["errors"][0]["message"]


def test_a_provider_without_a_key_is_not_configured(ann, problem, settings):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": {"BACKEND": "imagen.providers.wavespeed.WaveSpeed"}}}
    problem(ann.post("generations/", {**LIGHTHOUSE, "provider": "wavespeed"}), 400, "provider_not_configured")
    problem(ann.post("generations/", LIGHTHOUSE), 400, "provider_not_configured")


def test_without_the_permission_nothing_can_be_asked_for(db, problem):
    reader = Api(factories.person("reader"))
    problem(reader.post("generations/", {"nonsense": 1}), 403, "permission_denied")
    assert reader.get("generations/").status_code == 200


def test_the_address_works_without_its_last_slash(ann):
    made = ann.post("generations", LIGHTHOUSE)
    assert made.status_code == 202
    assert ann.get(f"generations/{made.json()['id']}").status_code == 200


def test_nothing_of_what_was_asked_is_lost_in_translation(ann):
    prompt = "Ein Leuchtturm \u2013 \u706f\u53f0 \U0001f5fc \u202eRTL"
    body = ann.post("generations/", {"prompt": prompt}).json()
    assert body["prompt"] == prompt
    assert ann.get(f"generations/{uuid.UUID(body['id'])}/").json()["prompt"] == prompt


def test_a_database_that_is_down_is_503_with_a_time_to_come_back(ann, problem, monkeypatch, caplog):
    def down(**options):
        raise OperationalError(options["prompt"])

    monkeypatch.setattr("imagen.pipeline.request", down)
    response = ann.post("generations/", LIGHTHOUSE)
    problem(response, 503, "service_unavailable")
    assert int(response.headers["Retry-After"]) > 0
    assert "lighthouse" not in caplog.text


def test_an_unexpected_error_is_500_and_logged_without_the_prompt(ann, problem, monkeypatch, caplog):
    def broken(**options):
        raise ZeroDivisionError(options["prompt"])

    monkeypatch.setattr("imagen.pipeline.request", broken)
    found = problem(ann.post("generations/", LIGHTHOUSE), 500, "internal_error")
    assert f"by this id: {found['request_id']}. Nothing was charged." in found["detail"]
    assert found["request_id"] in caplog.text
    assert "ZeroDivisionError" in caplog.text
    assert "lighthouse" not in caplog.text
    assert "lighthouse" not in json.dumps(found)
