"""No error under the interface's address leaves as anything but problem details."""

from __future__ import annotations

import json

import pytest
from django.http import HttpResponse, HttpResponseForbidden, StreamingHttpResponse

from imagen.api import parsers, problems
from imagen.exceptions import Busy
from imagen.middleware import ProblemDetailsMiddleware
from tests import factories

pytestmark = pytest.mark.django_db  # closing a response looks at the connections

NOWHERE = [
    "/api/imagen/",
    "/api/imagen/v2/generations/",
    "/api/imagen/v1/",
    "/api/imagen/v1/sketches/",
    "/api/imagen/x.php",
]


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize("path", NOWHERE)
@pytest.mark.parametrize("method", ["get", "post", "put", "delete", "options", "patch"])
def test_an_unknown_address_is_a_problem(anonymous, problem, settings, debug, path, method):
    settings.DEBUG = debug
    problem(getattr(anonymous.client, method)(path), 404, "not_found")


@pytest.mark.parametrize("debug", [False, True])
@pytest.mark.parametrize(("method", "path"), [("put", "generations/"), ("post", "models/"), ("options", "quotes/")])
def test_another_method_is_a_problem_that_says_which_are_allowed(ann, problem, settings, debug, method, path):
    settings.DEBUG = debug
    response = getattr(ann.client, method)(ann.url(path))
    problem(response, 405, "method_not_allowed")
    assert response.headers["Allow"]


def test_what_is_said_to_be_allowed_is(ann):
    made = factories.generation(ann.user)
    for path in ("generations/", "models/", "quotes/", "batches/", f"generations/{made.pk}/cancel/", "schema/"):
        allowed = ann.client.generic("BREW", ann.url(path)).headers["Allow"].split(", ")
        assert allowed, path
        assert [each for each in allowed if ann.client.generic(each, ann.url(path)).status_code == 405] == [], path


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("generations/", {f"{number:x}": 0 for number in range(20_000)}),
        ("generations/", {f"{number:x}": "\x00" for number in range(14_000)}),
        ("batches/", {"requests": [{f"{number:x}": 0 for number in range(2500)}] * 90}),
    ],
    ids=["unknown", "unstorable", "in a batch"],
)
def test_no_more_is_complained_about_than_anybody_reads(ann, problem, path, body):
    response = ann.post(path, json.dumps(body).encode())
    assert len(problem(response, 400)["errors"]) == 100
    assert len(response.content) < 50_000


@pytest.mark.parametrize("debug", [False, True])
def test_a_wrong_host_is_a_problem(ann, problem, settings, debug):
    settings.DEBUG = debug
    settings.ALLOWED_HOSTS = ["images.example"]
    found = problem(ann.get("generations/", headers={"Host": "evil.example"}), 400, "invalid_request")
    assert [error["field"] for error in found["errors"]] == ["Host"]


def test_a_wrong_host_is_a_problem_even_where_no_middleware_looks(ann, problem, settings):
    settings.ALLOWED_HOSTS = ["images.example"]
    settings.MIDDLEWARE = []
    problem(ann.get("generations/", headers={"Host": "evil.example"}), 400, "invalid_request")


def test_an_answer_that_nobody_can_read_is_not_made(ann, problem):
    problem(ann.get("generations/", headers={"Accept": "text/html"}), 406, "not_acceptable")
    assert ann.get("generations/", headers={"Accept": "text/html,*/*;q=0.1"}).status_code == 200


def test_every_answer_has_the_headers_of_the_interface(ann):
    made = factories.generation(ann.user)
    for path in ("generations/", f"generations/{made.pk}/", "models/", "images/"):
        response = ann.get(path)
        assert response.headers["Content-Type"] == "application/json"
        assert response.headers["Cache-Control"] == "private, no-cache"
        assert {"Authorization", "Cookie"} <= set(response.headers["Vary"].split(", "))
        assert len(response.headers["X-Request-ID"]) == 32


def test_no_answer_is_taken_for_something_else_whatever_middleware_the_site_has(ann, rf, settings):
    settings.MIDDLEWARE = []
    for path in ("generations/", "nowhere/", "docs/docs.js"):
        assert ann.get(path).headers["X-Content-Type-Options"] == "nosniff"
    found = answer(rf, HttpResponse("<h1>No</h1>", status=400))
    assert found.headers["X-Content-Type-Options"] == "nosniff"
    assert found.headers["Content-Length"] == str(len(found.content))


def test_a_client_cannot_choose_the_request_id(ann):
    first = ann.get("models/", headers={"X-Request-ID": "mine"}).headers["X-Request-ID"]
    assert first not in ("mine", ann.get("models/").headers["X-Request-ID"])


def answer(rf, response, path="/api/imagen/v1/generations/", **options):
    return ProblemDetailsMiddleware(lambda request: response)(rf.get(path, **options))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "invalid_request"),
        (403, "permission_denied"),
        (404, "not_found"),
        (413, "payload_too_large"),
        (418, "invalid_request"),
        (429, "throttled"),
        (500, "internal_error"),
        (502, "internal_error"),
        (503, "service_unavailable"),
    ],
)
def test_whatever_another_middleware_answers_becomes_a_problem(rf, problem, status, code):
    problem(answer(rf, HttpResponse("<h1>No</h1>", status=status)), status, code)


def test_headers_and_cookies_that_matter_survive(rf):
    told = HttpResponse(status=429, headers={"Retry-After": "77", "X-Html": "yes"})
    told.set_cookie("sessionid", "x")
    found = answer(rf, told)
    assert found.headers["Retry-After"] == "77"
    assert "X-Html" not in found.headers
    assert "sessionid" in found.cookies


def test_a_stream_of_an_error_is_closed_and_replaced(rf, problem):
    closed = []
    told = StreamingHttpResponse(iter([b"<h1>"]), status=500)
    told._resource_closers.append(lambda: closed.append(True))
    problem(answer(rf, told), 500)
    assert closed == [True]


def test_a_large_body_goes_no_further(rf, problem):
    large = rf.post("/api/imagen/v1/generations/", b"x" * (parsers.MAX_BYTES + 1), content_type="text/plain")
    problem(ProblemDetailsMiddleware(lambda request: pytest.fail("it was let through"))(large), 413)


def test_what_is_no_error_or_somewhere_else_is_left_alone(rf):
    for path, status in (("/api/imagen/v1/", 301), ("/admin/", 403), ("/api/imagenary/", 404)):
        told = HttpResponse("<h1>No</h1>", status=status)
        assert answer(rf, told, path) is told


def test_csrf_of_the_whole_site_is_a_problem_here(rf, problem):
    problem(answer(rf, HttpResponseForbidden("<h1>CSRF verification failed.</h1>")), 403, "permission_denied")


def test_a_code_that_is_no_answer_is_an_internal_error(rf):
    found = problems.respond(Busy("too many"), {"request": rf.get("/")})
    assert found.status_code == 500
