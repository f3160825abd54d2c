"""A session that ends while the Studio is open: a sentence where a login page could not stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from tests.admin.pages import Page
from tests.factories import completed, person

pytestmark = pytest.mark.django_db
STUDIO = reverse("admin:imagen_studio_changelist")
QUOTE = reverse("admin:imagen_studio_quote")
SENTENCE = "You were logged out. Log in again in another tab, then press “Try again”. Nothing is lost."
JSON = {"headers": {"Accept": "application/json"}}


@pytest.fixture(params=["", "django.contrib.auth.middleware.LoginRequiredMiddleware"], ids=["", "login required"])
def stranger(request: pytest.FixtureRequest, settings: Any) -> Client:
    """Nobody, on a site that may ask for a login everywhere."""
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, *filter(None, [request.param])]
    return Client()


def test_the_dialog_says_so_in_a_page_that_may_stand_in_a_frame_and_leads_back_to_where_it_was(
    stranger: Client,
) -> None:
    answer = stranger.get(STUDIO, {"_popup": "1", "door": "a:b"})
    page = Page(answer.content.decode())
    assert SENTENCE in page.text
    assert (answer.status_code, answer["X-Frame-Options"]) == (403, "SAMEORIGIN")
    assert "no-store" in answer["Cache-Control"]
    assert page.all("a", href="/admin/login/?next=%2Fadmin%2F", target="_blank")
    assert page.all("a", href=f"{STUDIO}?_popup=1&door=a%3Ab")


def test_the_page_of_its_own_leads_to_the_login_as_always(stranger: Client) -> None:
    answer = stranger.get(STUDIO)
    assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={STUDIO}")


def test_a_script_is_told_whatever_it_asks_and_nothing_happens(stranger: Client) -> None:
    run = completed(person("ann"), images=1)
    addresses = [STUDIO, QUOTE, reverse("admin:imagen_studio_state", args=[run.pk])]
    for ask in (stranger.get, stranger.post):
        for address in addresses:
            answer = ask(address, **JSON)
            assert (answer.status_code, answer.json()["out"]) == (403, True)
            assert SENTENCE in Page(answer.json()["html"]).text


def test_who_is_still_there_and_may_not_work_here_any_more_is_not_told_to_have_been_logged_out(sign_in) -> None:
    client = sign_in("ann", "generate")
    User.objects.update(is_staff=False)
    said = Page(client.get(STUDIO, **JSON).json()["html"]).text
    assert "Your account may not use this administration any more." in said
    assert "logged out" not in said


def test_who_logged_in_again_gets_a_mark_with_which_the_old_page_may_ask(sign_in: Callable[..., Client]) -> None:
    client = sign_in("ann", "generate")
    client.handler.enforce_csrf_checks = True
    client.get(STUDIO)
    said = {"prompt": "a kite", "num_images": "2", "aspect_ratio": "16:9", "model": "imagen-4"}
    assert client.post(QUOTE, {**said, "csrfmiddlewaretoken": "x" * 64}, **JSON).status_code == 403
    csrf = client.get(QUOTE, **JSON).json()["csrf"]
    assert client.post(QUOTE, {**said, "csrfmiddlewaretoken": csrf}, **JSON).status_code == 200
