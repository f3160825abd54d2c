"""The demo site's page for editors, and the ways there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import translation

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


def editors(client: Client, address: str = "/editors/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.mark.parametrize("address", ["/", "/editors/"])
def test_everybody_finds_the_ways_in(client: Client, address: str) -> None:
    page = editors(client, address)
    for place in (reverse("editors"), reverse("admin:index"), reverse("imagen:docs"), reverse("imagen:healthz")):
        assert f'href="{place}"' in page


@pytest.mark.parametrize(("language", "words"), [("de", "Für die Redaktion"), ("fr", "Pour la rédaction")])
def test_the_pages_speak_the_language_of_the_browser(client: Client, language: str, words: str) -> None:
    for address in ("/", "/editors/"):
        with translation.override("en"):  # what the request activates ends with the block
            page = client.get(address, headers={"Accept-Language": language}).content.decode()
        assert f'<html lang="{language}"' in page
        assert words in page


def test_strangers_see_no_pictures(ann: Client) -> None:
    assert "<img" not in editors(Client())


def test_people_see_their_own_pictures(ann: Client) -> None:
    page = editors(ann)
    assert page.count("<img") == 1
    assert "a harbour for ann" in page
    assert "a harbour for bob" not in page


def test_a_picture_held_back_is_not_shown(ann: Client) -> None:
    generation = factories.generation(factories.person("cleo"), status="completed")
    factories.image(generation, review="held")
    ann.force_login(generation.user)
    assert "<img" not in editors(ann)


def test_the_page_asks_for_no_script(ann: Client) -> None:
    page = editors(ann)
    assert "<script" not in page
    assert " style=" not in page


def test_the_number_of_queries_does_not_grow_with_the_pictures(ann: Client, django_assert_max_num_queries) -> None:
    generation = factories.completed(factories.person("cleo"), images=5)
    ann.force_login(generation.user)
    with django_assert_max_num_queries(6):
        assert editors(ann).count("<img") == 5


def test_browsers_find_an_icon(client: Client) -> None:
    assert client.get("/favicon.ico")["Location"] == "/static/project/icon.svg"


@pytest.fixture
def folders(settings: Any, tmp_path: Path) -> Path:
    """One file in the public folder, one in the private one beside it."""
    for name in ("public", "private"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a.png").write_bytes(name.encode())
    local = {"BACKEND": "django.core.files.storage.FileSystemStorage", "OPTIONS": {"location": tmp_path / "public"}}
    settings.STORAGES = {**settings.STORAGES, "default": local}
    return tmp_path


def test_a_file_on_a_page_is_served_to_everybody(client: Client, folders: Path, settings: Any) -> None:
    settings.DEBUG = True
    answer = client.get("/media/a.png")
    assert b"".join(answer.streaming_content) == b"public"
    assert (answer["Content-Type"], answer["X-Content-Type-Options"]) == ("image/png", "nosniff")


def test_without_debug_files_are_left_to_the_web_server(client: Client, folders: Path) -> None:
    assert client.get("/media/a.png").status_code == 404


@pytest.mark.parametrize(
    "path",
    ["../private/a.png", "..%2Fprivate%2Fa.png", "%2e%2e/private/a.png", "x/../../private/a.png", "private/a.png", "."],
)
def test_no_address_leads_out_of_the_public_folder(client: Client, folders: Path, settings: Any, path: str) -> None:
    settings.DEBUG = True
    assert client.get(f"/media/{path}").status_code in (400, 404)


def test_not_even_an_absolute_path_leads_out_of_the_public_folder(client: Client, folders: Path, settings: Any) -> None:
    settings.DEBUG = True
    assert client.get(f"/media/{folders}/private/a.png").status_code == 404
