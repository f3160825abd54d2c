"""What a body may be, before anybody looks at its fields."""

from __future__ import annotations

import json
import time

import pytest
from django.test import Client

from imagen.api import parsers
from imagen.exceptions import Refused
from imagen.models import Generation
from tests import factories


def errors(found):
    return [(error["field"], error["code"]) for error in found["errors"]]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "invalid_json"),
        (b'{"prompt": "x"} tail', "invalid_json"),
        (b"\xff\xfe", "invalid_json"),
        (b'{"prompt": "\xe9"}', "invalid_json"),
        (b'{"prompt": NaN}', "invalid_json"),
        (b'{"prompt": "x", "metadata": {"a": -Infinity}}', "invalid_json"),
        (b'{"prompt": "x", "metadata": {"a": 1e999}}', "invalid_json"),
        (b'{"prompt": "x", "seed": ' + b"9" * 5000 + b"}", "invalid_json"),
        (b"[]", "not_an_object"),
        (b'"prompt"', "not_an_object"),
        (b"null", "not_an_object"),
        (b"[" * 5000 + b"]" * 5000, "too_deep"),
        (b'{"prompt": "x", "metadata": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}", "too_deep"),
        (b"[" * 5000, "too_deep"),
    ],
)
def test_what_is_no_small_plain_object_is_refused(ann, problem, body, code):
    found = problem(ann.post("generations/", body), 400, "invalid_request")
    assert errors(found) == [("body", code)]


def test_a_name_given_twice_is_refused_at_any_depth(ann, problem):
    found = problem(ann.post("generations/", b'{"prompt": "x", "prompt": "y"}'), 400)
    assert errors(found) == [("prompt", "given_twice")]
    found = problem(ann.post("generations/", b'{"prompt": "x", "metadata": {"a": 1, "a": 1}}'), 400)
    assert errors(found) == [("a", "given_twice")]


def test_a_name_that_cannot_be_stored_is_refused_and_the_answer_is_still_json(ann, problem):
    found = problem(ann.post("generations/", rb'{"prompt": "x", "\u0000\ud800": 1}'), 400)
    assert [code for _, code in errors(found)] == ["unstorable_text"]


def test_32_levels_are_read_and_33_are_not():
    assert parsers.read(b'{"a":' * 31 + b"[]" + b"}" * 31)
    with pytest.raises(Refused) as caught:
        parsers.read(b'{"a":' * 32 + b"[]" + b"}" * 32)
    assert caught.value.errors[0].code == "too_deep"


def test_brackets_inside_text_are_no_levels():
    assert parsers.read(json.dumps({"prompt": '[{"\\' * 100}).encode())


@pytest.mark.parametrize("body", [b'"\\' * 50_000, b'{"' + b'\\"' * 50_000, b'"' * 100_000, b"[{" * 50_000])
def test_measuring_the_depth_takes_no_longer_for_hostile_text(body):
    started = time.process_time()
    with pytest.raises(Refused, match="invalid_request"):
        parsers.read(body)
    assert time.process_time() - started < 1


def test_the_longest_texts_are_taken_however_they_are_escaped(ann):
    smile = "\N{GRINNING FACE}"
    longest = {"prompt": smile * 5000, "negative_prompt": smile * 5000, "metadata": {"a": "\x01" * 600}}
    response = ann.post("generations/", json.dumps({**longest, "provider": "sandbox"}).encode("ascii"))
    assert response.status_code == 202
    assert Generation.objects.get().prompt == longest["prompt"]


@pytest.mark.parametrize(
    "address", ["generations/", "quotes/", "generations/8e03978e-40d5-43dd-bc93-6894a57f9324/cancel/"]
)
@pytest.mark.parametrize("middleware", [True, False])
def test_a_body_that_does_not_say_its_length_is_not_read(ann, problem, settings, middleware, address):
    if not middleware:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "imagen" not in name]
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked"}
    response = ann.client.generic("POST", ann.url(address), b"", content_type="application/json", **chunked)
    problem(response, 411, "length_required")
    assert not Generation.objects.exists()


def test_a_body_that_says_it_is_too_large_is_not_read(ann, problem):
    huge = b'{"prompt": "' + b"x" * 20_000_000 + b'"}'
    problem(ann.post("generations/", huge), 413, "payload_too_large")


@pytest.mark.parametrize("middleware", [True, False])
def test_no_zeros_before_a_length_hide_it(ann, problem, settings, middleware):
    if not middleware:
        settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "imagen" not in name]
    made = factories.generation(ann.user)
    part = b'--x\r\nContent-Disposition: form-data; name="a"; filename="a"\r\n\r\n%s\r\n--x--\r\n'
    body = part % (b"a" * parsers.MAX_MANY_BYTES)
    length = {"CONTENT_LENGTH": "0" * 20 + str(len(body))}
    path, kind = ann.url(f"generations/{made.pk}/cancel/"), "multipart/form-data; boundary=x"
    problem(ann.client.generic("POST", path, body, content_type=kind, **length), 413, "payload_too_large")


def test_the_size_is_checked_before_the_person_and_without_our_middleware(anonymous, problem, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "imagen" not in name]
    problem(anonymous.post("generations/", b"x" * (parsers.MAX_BYTES + 1)), 413, "payload_too_large")


def test_a_body_longer_than_it_said_is_too_large():
    with pytest.raises(Refused, match="payload_too_large"):
        parsers.read(b" " * (parsers.MAX_BYTES + 1))


@pytest.mark.parametrize("length", ["junk", "-1", "9" * 50])
def test_an_impossible_length_is_too_large(rf, length):
    assert parsers.too_large(rf.post("/", CONTENT_LENGTH=length))


@pytest.mark.parametrize(
    "kind",
    ["", "text/plain", "application/xml", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded"],
)
def test_only_json_is_taken(ann, problem, kind):
    response = ann.client.generic("POST", ann.url("generations/"), b'{"prompt": "x"}', content_type=kind)
    problem(response, 415, "unsupported_media_type")
    assert not Generation.objects.exists()


def test_json_in_another_charset_is_not_taken(ann, problem):
    kind = "application/json; charset=latin-1"
    response = ann.client.generic("POST", ann.url("generations/"), b'{"prompt": "x"}', content_type=kind)
    problem(response, 415, "unsupported_media_type")


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=UTF-8", "Application/JSON"])
def test_json_is_json_however_it_is_written(ann, kind):
    response = ann.client.generic("POST", ann.url("generations/"), b'{"prompt": "x"}', content_type=kind)
    assert response.status_code == 202


def test_a_form_of_a_signed_in_browser_is_not_taken_either(ann, problem):
    browser = Client(raise_request_exception=False)
    browser.force_login(ann.user)
    problem(browser.post(ann.url("generations/"), {"prompt": "x"}), 415, "unsupported_media_type")
