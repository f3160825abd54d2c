"""The schema tells everything: an example of each body, each code where it may come, each event."""

from __future__ import annotations

import json
import re
import uuid

import pytest
from django.utils import translation
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from imagen import messages
from imagen.api import described, examples, schema, scopes
from imagen.api.urls import documented
from imagen.models.webhook import Happening
from imagen.sentences import SENTENCES
from manual.pages import PAGES
from tests import factories
from tests.api.conftest import ROOT, Api

ANSWERS = {code for code in SENTENCES if messages.answerable(code)}
NEEDS_NO_CALL = {"method_not_allowed"}  # whoever calls what is described never meets it


@pytest.fixture(scope="module")
def document():
    return schema.document.__wrapped__(documented)


@pytest.fixture(scope="module")
def calls(document):
    return {call["operationId"]: call for call in described.calls(document)}


def _bodies(part):
    """Every body in this part of the document that is JSON."""
    if isinstance(part, list):
        yield from (body for each in part for body in _bodies(each))
    elif isinstance(part, dict):
        for kind, body in part.get("content", {}).items():
            if kind.endswith("json"):
                yield body
        yield from (body for each in part.values() for body in _bodies(each))


def _shown(document, body):
    named = [each.get("value", each) for each in body.get("examples", {}).values()]
    named = [document["components"]["examples"][each["$ref"].rpartition("/")[2]]["value"] if "$ref" in each else each
             for each in named]  # fmt: skip
    return [*named, body["example"]] if "example" in body else named


def test_the_document_is_valid_openapi(document):
    validate(document)


@pytest.mark.parametrize("written", PAGES, ids=[page.name for page in PAGES])
def test_the_committed_copy_is_what_make_schema_writes(written):
    assert written.current, f"docs/reference/{written.name} is old: run make schema"


def test_the_schema_is_the_same_in_whichever_language_it_is_first_asked_for(document):
    with translation.override("de"):
        assert schema.document.__wrapped__(documented) == document


def test_everything_sent_and_taken_has_an_example_that_is_true_to_its_shape(document, calls):
    for name, call in [*calls.items(), *((name, event) for name, event in document["webhooks"].items())]:
        for body in _bodies(call):
            shown = _shown(document, body)
            assert shown, f"{name} has a body without an example: see imagen/api/examples.py"
            whole = {**body["schema"], "components": document["components"]}
            for example in shown:
                Draft202012Validator(whole).validate(json.loads(json.dumps(example)))


@pytest.mark.django_db
def test_what_a_key_that_opens_nothing_of_it_hears_stands_at_every_call(document):
    closed = {"read": "generate", "generate": "manage", "manage": "read"}
    keys = {scope: Api(**{"X-API-Key": factories.api_key(factories.editor(scope), scope)[1]}) for scope in closed}
    for pattern in documented:
        route, view = re.sub("<uuid:(pk)>", "{id}", str(pattern.pattern)), pattern.callback.view_class
        for method, call in document["paths"][f"{ROOT}{route}"].items():
            api = keys[closed[scopes.needed(view, method.upper())]]
            answer = getattr(api.client, method)(api.url(route.replace("{id}", str(uuid.uuid4()))))
            assert str(answer.status_code) == "403", (method, route)
            assert "403" in call["responses"], (method, route)


def test_every_code_of_an_answer_stands_where_it_may_come_and_under_its_status(calls, document):
    told = set()
    for name, call in calls.items():
        for status in (status for status in call["responses"] if status >= "400"):
            codes = described.codes(name, status)
            assert {messages.http_status(code) for code in codes} == {int(status)}
            told |= set(codes)
    assert told == ANSWERS - NEEDS_NO_CALL
    assert document["components"]["examples"].keys() == ANSWERS


def test_no_table_names_a_call_that_is_gone(calls):
    assert described.CODES.keys() <= calls.keys()


def test_no_example_waits_for_a_shape_that_is_gone(document):
    assert examples.EXAMPLES.keys() <= document["components"]["schemas"].keys()
    assert examples.FIELDS.keys() <= ANSWERS


def test_the_events_of_the_contract_are_described_with_the_headers_of_standard_webhooks(document):
    assert list(document["webhooks"]) == [*Happening.values, "endpoint.ping", "endpoint.test"]
    for event in document["webhooks"].values():
        headers = {header["name"] for header in event["post"]["parameters"]}
        assert headers == {"webhook-id", "webhook-timestamp", "webhook-signature"}


def test_the_error_page_leaves_no_code_out():
    text = next(page.text for page in PAGES if page.name == "errors.md")
    assert [code for code in SENTENCES if f'id="{code}"' not in text] == []


def test_the_call_page_leaves_no_call_out(calls):
    text = next(page.text for page in PAGES if page.name == "rest.md")
    assert [name for name in calls if f"(`{name}`)" not in text] == []
