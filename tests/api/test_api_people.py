"""Who may see and do what."""

from __future__ import annotations

import json
import uuid

import pytest
from django.test import Client
from rest_framework.exceptions import AuthenticationFailed

from imagen.api.authentication import Token
from tests import factories
from tests.api.conftest import Api

# method, address, body; <g> a generation's id, <i> an image's
CALLS = [
    ("get", "generations/", None),
    ("post", "generations/", {"prompt": "x"}),
    ("get", "generations/<g>/", None),
    ("get", "generations/<g>/?wait=1", None),
    ("delete", "generations/<g>/", None),
    ("post", "generations/<g>/cancel/", None),
    ("post", "generations/<g>/retry/", None),
    ("get", "images/", None),
    ("get", "images/<i>/", None),
    ("patch", "images/<i>/", {"title": "mine now"}),
    ("delete", "images/<i>/", None),
    ("get", "/imagen/images/<i>/", None),
    ("get", "/imagen/images/<i>/thumbnail/", None),
    ("get", "models/", None),
    ("post", "quotes/", {"prompt": "x"}),
]
OF_ONE = [call for call in CALLS if "<" in call[1]]


def names(calls):
    return [f"{method} {address}" for method, address, _ in calls]


def send(api, call, *, g, i):
    method, address, body = call
    return api.send(method, address.replace("<g>", str(g)).replace("<i>", str(i)), body)


@pytest.mark.parametrize("call", CALLS, ids=names(CALLS))
def test_the_anonymous_are_asked_who_they_are(anonymous, problem, call):
    response = send(anonymous, call, g=uuid.uuid4(), i=uuid.uuid4())
    problem(response, 401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == 'Bearer realm="imagen"'
    assert response.headers["Vary"].startswith("Authorization, Cookie")


@pytest.mark.parametrize("call", OF_ONE, ids=names(OF_ONE))
def test_somebody_elses_is_as_unknown_as_a_made_up_id(ann, bob, problem, call):
    theirs = factories.completed(ann.user, status="partial", num_images=2)
    foreign = problem(send(bob, call, g=theirs.pk, i=theirs.images.get().pk), 404, "not_found")
    made_up = problem(send(bob, call, g=uuid.uuid4(), i=uuid.uuid4()), 404, "not_found")
    assert {**foreign, "request_id": ""} == {**made_up, "request_id": ""}
    theirs.refresh_from_db()
    assert (theirs.status, theirs.deleted_at, theirs.images.get().title) == ("partial", None, "")


def test_lists_hold_ones_own_alone(ann, bob):
    factories.completed(ann.user)
    assert ann.get("generations/").json()["results"]
    assert ann.get("images/").json()["results"]
    assert bob.get("generations/").json()["results"] == []
    assert bob.get("images/").json()["results"] == []


def test_those_who_see_all_look_but_do_not_touch(ann, problem):
    auditor = Api(factories.person("auditor", "view_all"))
    theirs = factories.completed(ann.user, status="partial", num_images=2)
    for call in OF_ONE:
        response = send(auditor, call, g=theirs.pk, i=theirs.images.get().pk)
        if call[0] == "get":
            assert response.status_code == 200, call
            assert b"".join(response)
        else:
            problem(response, 403, "permission_denied")


@pytest.mark.parametrize(
    ("permission", "call"),
    [
        ("change_generation", ("post", "generations/<g>/cancel/", None)),
        ("change_image", ("patch", "images/<i>/", {"title": "Dusk"})),
        ("delete_image", ("delete", "images/<i>/", None)),
        ("delete_generation", ("delete", "generations/<g>/", None)),
    ],
)
def test_the_admins_permission_lets_one_change_what_is_anothers(ann, permission, call):
    manager = Api(factories.person("manager", "view_all", permission))
    theirs = factories.generation(ann.user)
    image = factories.image(theirs)
    assert send(manager, call, g=theirs.pk, i=image.pk).status_code in (200, 204)


def test_trying_again_costs_so_it_needs_the_permission_to_generate(db, problem):
    reader = Api(factories.person("reader"))
    made = factories.generation(reader.user, status="failed")
    problem(reader.post(f"generations/{made.pk}/retry/"), 403, "permission_denied")
    assert made.jobs.count() == 1


@pytest.mark.parametrize("token", ["wrong", "", "a b", "\x00", "\xe9", "x" * 5000])
def test_a_wrong_token_is_no_token(anonymous, problem, token):
    response = anonymous.get("generations/", headers={"Authorization": f"Token {token}"})
    problem(response, 401, "not_authenticated")


def test_a_token_no_database_can_hold_is_not_looked_up(django_assert_num_queries, db):
    with django_assert_num_queries(0), pytest.raises(AuthenticationFailed):
        Token().authenticate_credentials("a\x00b")


def test_a_token_that_nobody_uses_any_more_opens_nothing(ann, problem):
    ann.user.is_active = False
    ann.user.save()
    problem(ann.get("generations/"), 401, "not_authenticated")


@pytest.fixture
def browser(ann):
    """Ann signed in with a browser that sends what a real one does."""
    client = Client(enforce_csrf_checks=True, raise_request_exception=False)
    client.force_login(ann.user)
    return client


def test_a_signed_in_browser_may_look(ann, browser):
    assert browser.get(ann.url("generations/")).status_code == 200


def test_a_browser_without_the_csrf_token_changes_nothing(ann, browser, problem):
    made = factories.generation(ann.user)
    for path in ("generations/", f"generations/{made.pk}/cancel/"):
        response = browser.post(ann.url(path), json.dumps({"prompt": "x"}), content_type="application/json")
        found = problem(response, 403, "permission_denied")
        assert found["errors"][0]["field"] == "X-CSRFToken"
    problem(browser.delete(ann.url(f"generations/{made.pk}/")), 403)
    made.refresh_from_db()
    assert made.status == "queued"


def test_a_browser_with_the_csrf_token_may_ask(ann, browser):
    page = browser.get(ann.url("docs/"))
    token = page.content.decode().partition('data-csrf="')[2].partition('"')[0]
    response = browser.post(
        ann.url("generations/"),
        json.dumps({"prompt": "x"}),
        content_type="application/json",
        headers={"X-CSRFToken": token},
    )
    assert response.status_code == 202


def test_a_wrong_token_is_not_forgiven_for_a_good_session(ann, browser, problem):
    problem(browser.get(ann.url("generations/"), headers={"Authorization": "Token wrong"}), 401)


def test_the_site_may_name_its_own_authenticators(ann, settings, problem):
    settings.IMAGEN = {**settings.IMAGEN, "API": {"authenticators": ["imagen.api.authentication.Session"]}}
    response = ann.get("generations/")
    problem(response, 401, "not_authenticated")
    assert response.headers["WWW-Authenticate"] == "Session"


def test_without_drfs_tokens_sessions_are_enough(ann, browser, settings):
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if "authtoken" not in name]
    assert ann.get("generations/").status_code == 401
    assert browser.get(ann.url("generations/")).status_code == 200
