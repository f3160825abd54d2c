"""The schema is true, stands alone, and can be read."""

from __future__ import annotations

import json
import re
from dataclasses import fields

import pytest
from drf_spectacular.drainage import GENERATOR_STATS
from drf_spectacular.settings import spectacular_settings
from drf_spectacular.validation import validate_schema
from jsonschema import Draft202012Validator

from imagen import __version__, pipeline, webhooks
from imagen.api import schema, serializers
from imagen.api.urls import documented
from imagen.api.webhook_fields import LENGTHS
from imagen.models import Delivery, Endpoint, Image
from imagen.models.webhook import Happening
from imagen.types import ImageRequest
from tests import factories
from tests.api.conftest import Api
from tests.endpoints import ADDRESS, HOSTS, KEY, endpoint


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


@pytest.mark.parametrize("path", ["schema/", "docs/", "docs/docs.js"])
@pytest.mark.parametrize("credential", [{"Authorization": "Token wrong"}, {"X-API-Key": "wrong"}])
def test_the_public_pages_answer_whoever_asks_whatever_key_they_show(db, path, credential):
    shown = Api(**credential)
    assert shown.get(path).status_code == 200
    assert shown.get("generations/").status_code == 401


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
        *(f"get {root}webhook-{path}/" for path in ("endpoints", "endpoints/{id}", "deliveries", "deliveries/{id}")),
        *(f"{method} {root}webhook-endpoints/{{id}}/" for method in ("patch", "delete")),
        f"post {root}webhook-endpoints/",
        *(f"post {root}webhook-endpoints/{{id}}/{verb}/" for verb in ("rotate", "ping", "test", "enable", "disable")),
        f"post {root}webhook-deliveries/{{id}}/redeliver/",
        f"post {root}quotes/",
        f"get {root}usage/",
        f"get {root}generations/{{id}}/events/",
        *(f"{call} {root}batches/" for call in ("get", "post")),
        *(f"{call}/" for call in (f"get {root}batches/{{id}}", f"post {root}batches/{{id}}/cancel")),
    }


def test_every_call_says_what_may_go_wrong_as_problem_details(document):
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            answers = {status: _found(document, answer) for status, answer in call["responses"].items()}
            problems = {status: answer for status, answer in answers.items() if status >= "400"}
            assert {"401", "406", "429", "500", "503"} <= problems.keys(), (method, path)
            assert all(list(answer["content"]) == ["application/problem+json"] for answer in problems.values())


def test_every_answer_says_how_many_requests_are_left_and_a_refusal_when_to_come_again(ann, document):
    limits = {f"RateLimit-{name}" for name in ("Limit", "Remaining", "Reset")}
    for path, calls in document["paths"].items():
        for method, call in calls.items():
            assert not limits & {parameter["name"] for parameter in call.get("parameters", ())}
            for status, answer in _known(document, call).items():
                expected = limits | ({"Retry-After"} if status in ("429", "503") else set())
                assert answer["headers"].keys() == expected, (method, path, status)
    headers = document["paths"]["/api/imagen/v1/models/"]["get"]["responses"]["200"]["headers"]
    headers = {name: _found(document, header) for name, header in headers.items()}
    told = ann.get("models/").headers
    for name, header in headers.items():
        Draft202012Validator(header["schema"]).validate(int(told[name]))


def _known(document, call):
    """The answers of a call that are not the same everywhere whatever was asked."""
    found = {status: _found(document, answer) for status, answer in call["responses"].items()}
    return {status: answer for status, answer in found.items() if status not in ("406", "500")}


def _found(document, part):
    for name in part.get("$ref", "")[2:].split("/") if "$ref" in part else ():
        document = document[name]
    return document if "$ref" in part else part


def test_the_schema_names_the_fields_that_are_read():
    assert set(serializers.GenerationRequest().fields) == {
        *(field.name for field in fields(ImageRequest)),
        *("metadata", "webhook_url"),
    }


def test_the_limits_of_texts_are_those_of_the_table():
    assert {name: Image._meta.get_field(name).max_length for name in serializers.TEXTS} == serializers.TEXTS


def check(document, name, body):
    found = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
    Draft202012Validator(_closed(found)).validate(body)


def test_the_limits_of_endpoints_are_those_of_the_table():
    assert {name: Endpoint._meta.get_field(name).max_length for name in LENGTHS} == LENGTHS


def test_answers_are_what_the_schema_says(ann, document):
    done = factories.completed(ann.user, images=2, seed=7, output_format="png", warnings=["late"])
    failed = factories.generation(ann.user, status="failed", error_code="content_filtered")
    for made in (done, failed, pipeline.request(user=ann.user, prompt="x", provider="sandbox")):
        check(document, "Generation", ann.get(f"generations/{made.pk}/").json())
    check(document, "GenerationPage", ann.get("generations/?page_size=1").json())
    check(document, "ImagePage", ann.get("images/?page_size=1").json())
    check(document, "Image", ann.get(f"images/{done.images.first().pk}/").json())
    check(document, "Quote", ann.post("quotes/", {"prompt": "x"}).json())
    check(document, "Problem", ann.post("generations/", {"prompt": ""}).json())
    check(document, "Problem", ann.get("nowhere/").json())
    for model in ann.get("models/").json():
        check(document, "Model", model)


def test_what_is_said_about_webhooks_is_what_the_schema_says(ann, document, settings):
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": [KEY], "ALLOWED_PRIVATE_HOSTS": HOSTS}
    root, shop = "webhook-endpoints/", {"url": ADDRESS}
    made = ann.post(root, shop, Idempotency_Key="k").json()
    again = ann.post(root, shop, Idempotency_Key="k").json()
    endpoints = (
        *(("WebhookEndpointWithSecret", told) for told in (made, again, ann.post(made["urls"]["rotate"]).json())),
        ("WebhookEndpoint", ann.get(made["urls"]["self"]).json()),
        ("WebhookEndpointPage", ann.get(root).json()),
        ("WebhookDeliveryPage", ann.get("webhook-deliveries/").json()),
    )
    for name, body in endpoints:
        check(document, name, body)


def test_every_message_to_an_endpoint_is_what_the_schema_says(ann, document, settings):
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": [KEY], "ALLOWED_PRIVATE_HOSTS": HOSTS}
    row = endpoint(ann.user)
    webhooks.test(row)
    pipeline.cancel(factories.generation(ann.user))
    sent = {each.event: json.loads(each.body) for each in Delivery.objects.all()}
    assert sent.keys() == {"endpoint.ping", "endpoint.test", "generation.canceled"}
    assert document["webhooks"].keys() == {*Happening.values, webhooks.PING, webhooks.TEST}
    for event, body in sent.items():
        content = document["webhooks"][event]["post"]["requestBody"]["content"]["application/json"]
        name = content["schema"]["$ref"].rpartition("/")[2]
        check(document, name, body)
        check(document, name, content["example"])
        assert content["example"]["type"] == event


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
