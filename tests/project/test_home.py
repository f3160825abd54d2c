"""The demo site's own page."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(client: Client) -> Client:
    """Ann at her browser, with one picture of hers and one of Bob's in store."""
    ann, bob = factories.editor("ann"), factories.editor("bob")
    for user in (ann, bob):
        factories.completed(user, prompt=f"a harbour for {user.username}")
    client.force_login(ann)
    return client


def home(client: Client) -> str:
    answer = client.get("/")
    assert answer.status_code == 200
    return answer.content.decode()


def test_everybody_finds_the_ways_in(client: Client) -> None:
    page = home(client)
    for address in (reverse("admin:index"), reverse("imagen:docs"), reverse("imagen:healthz")):
        assert f'href="{address}"' in page


def test_strangers_see_no_pictures(ann: Client) -> None:
    assert "<img" not in home(Client())


def test_people_see_their_own_pictures(ann: Client) -> None:
    page = home(ann)
    assert page.count("<img") == 1
    assert "a harbour for ann" in page
    assert "a harbour for bob" not in page


def test_a_picture_held_back_is_not_shown(ann: Client) -> None:
    generation = factories.generation(factories.person("cleo"), status="completed")
    factories.image(generation, review="held")
    ann.force_login(generation.user)
    assert "<img" not in home(ann)


def test_the_page_asks_for_no_script(ann: Client) -> None:
    page = home(ann)
    assert "<script" not in page
    assert " style=" not in page


def test_the_number_of_queries_does_not_grow_with_the_pictures(ann: Client, django_assert_max_num_queries) -> None:
    generation = factories.completed(factories.person("cleo"), images=5)
    ann.force_login(generation.user)
    with django_assert_max_num_queries(6):
        assert home(ann).count("<img") == 5


def test_browsers_find_an_icon(client: Client) -> None:
    assert client.get("/favicon.ico")["Location"] == "/static/project/icon.svg"
