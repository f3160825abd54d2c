"""The schema is true, stands alone, and can be read."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from imagen import __version__, pipeline
from imagen.api import schema, serializers
from imagen.api.urls import documented
from imagen.models import Image
from imagen.types import ImageRequest
from tests import factories


@pytest.fixture
def document(anonymous):
    response = anonymous.get("schema/")
    assert response.headers["Content-Type"] == "application/json"
    return response.json()


def test_the_schema_is_openapi_3_1_and_made_without_a_complaint(document):
    schema.document.__wrapped__(documented)
    validate_schema(document)
    assert not GENERATOR_STATS._warn_cache
    assert not GENERATOR_STATS._error_cache
    assert (document["openapi"], document["info"]["version"]) == ("3.1.0", __version__)


def test_the_sites_own_settings_do_not_matter(monkeypatch):
    plain = schema.document.__wrapped__(documented)
    monkeypatch.setattr(spectacular_settings, "TITLE", "Another site", raising=False)
    monkeypatch.setattr(spectacular_settings, "COMPONENT_SPLIT_REQUEST", True, raising=False)
    monkeypatch.setattr(spectacular_settings, "SCHEMA_PATH_PREFIX_INSERT", "/elsewhere", raising=False)
    assert schema.document.__wrapped__(documented) == plain


def test_every_call_of_the_contract_is_described(document):
    described = {f"{method} {path}" for path, calls in document["paths"].items() for method in calls}
    root = "/api/imagen/v1/"
    assert described == {
        *(f"get {root}{path}/" for path in ("generations", "generations/{id}", "images", "images/{id}", "models")),
        *(f"post {root}{path}/" for path in ("generations", "generations/{id}/cancel", "generations/{id}/retry")),
        *(f"delete {root}{path}/" for path in ("generations/{id}", "images/{id}")),
        f"patch {root}images/{{id}}/",
        f"post {root}quotes/",
        f"get {root}usage/",
    }


def test_every_call_says_what_may_go_wrong_as_problem_details(document):
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            problems = {status: answer for status, answer in call["responses"].items() if status >= "400"}
            assert {"401", "503"} <= problems.keys(), (method, path)
            assert all(list(answer["content"]) == ["application/problem+json"] for answer in problems.values())


def test_the_main_calls_have_examples(document):
    for path in ("generations", "quotes"):
        body = document["paths"][f"/api/imagen/v1/{path}/"]["post"]["requestBody"]["content"]
        assert body["application/json"]["examples"]


def test_the_schema_names_the_fields_that_are_read():
    assert set(serializers.GenerationRequest().fields) == {*(field.name for field in fields(ImageRequest)), "metadata"}


def test_the_limits_of_texts_are_those_of_the_table():
    assert {name: Image._meta.get_field(name).max_length for name in serializers.TEXTS} == serializers.TEXTS


def test_answers_are_what_the_schema_says(ann, document):
    def check(name, body):
        found = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(_closed(found)).validate(body)

    done = factories.completed(ann.user, images=2, seed=7, output_format="png", warnings=["late"])
    failed = factories.generation(ann.user, status="failed", error_code="content_filtered")
    for made in (done, failed, pipeline.request(user=ann.user, prompt="x", provider="sandbox")):
        check("Generation", ann.get(f"generations/{made.pk}/").json())
    check("GenerationPage", ann.get("generations/?page_size=1").json())
    check("ImagePage", ann.get("images/?page_size=1").json())
    check("Image", ann.get(f"images/{done.images.first().pk}/").json())
    check("Quote", ann.post("quotes/", {"prompt": "x"}).json())
    check("Problem", ann.post("generations/", {"prompt": ""}).json())
    check("Problem", ann.get("nowhere/").json())
    for model in ann.get("models/").json():
        check("Model", model)


def _closed(part):
    """The same schema with nothing allowed that it does not name."""
    if isinstance(part, list):
        return [_closed(each) for each in part]
    if not isinstance(part, dict):
        return part
    closed = {name: _closed(value) for name, value in part.items()}
    if isinstance(part.get("properties"), dict) and "type" in part:
        closed.setdefault("additionalProperties", False)
    return closed


def test_the_page_loads_everything_from_us(anonymous):
    page = anonymous.get("docs/", headers={"Accept": "text/html"})
    text = page.content.decode()
    assert page.headers["Content-Type"].startswith("text/html")
    assert "script-src 'self';" in page.headers["Content-Security-Policy"]
    assert "<script>" not in text
    addresses = set(re.findall(r'(?:src|href|data-schema)="([^"]+)"', text)) - {"data:,"}
    assert len(addresses) >= 4
    for address in addresses:
        assert address.startswith("/api/imagen/v1/")
        found = anonymous.get(address)
        assert found.status_code == 200
        assert found.content


def test_nothing_but_the_pages_own_files_is_served(anonymous, problem):
    for name in ("schema.py", "..%2fschema.py", "oauth2-redirect.html", "swagger-ui.css.map"):
        problem(anonymous.get(f"docs/{name}"), 404, "not_found")
