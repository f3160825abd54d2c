"""A request that is asked for again says the same with scripts and without, by a model that is still sold."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import User
from django.urls import reverse

from imagen.admin.forms import ASKED
from imagen.models import Style
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import generation

STUDIO = reverse("admin:imagen_studio_changelist")
JSON = {"headers": {"Accept": "application/json"}}
LEFT = ({*ASKED} - {"provider"}) | {"style", "slots"}

pytestmark = [pytest.mark.django_db, pytest.mark.by_hand("rows stand for what was asked for")]


@pytest.fixture
def ann(sign_in):
    return sign_in("ann", *EDITOR)


@pytest.fixture
def row(ann):
    """All that can be said, in one request."""
    ink = Style.objects.create(name="Ink", words="Drawn in ink.")
    part = {"key": f"style:{ink.pk}", "name": "Ink", "version": 1, "words": ink.words, "locked": False}
    said = {"resolution": "2k", "output_format": "png", "num_images": 3, "aspect_ratio": "16:9", "slots": ["1:1"]}
    words = {
        "wording": {"own": "a kite", "parts": [part]},
        "prompt": "a kite. Drawn in ink.",
        "negative_prompt": "rain",
    }
    user = User.objects.get(pk=ann.session["_auth_user_id"])
    return generation(user, status="completed", model="nano-banana-2.1", seed=7, **said, **words)


def by_script(client, row):
    """What the script fills the form with."""
    html = client.get(reverse("admin:imagen_studio_state", args=[row.pk]), **JSON).json()["html"]
    return json.loads(next(found["data-asked"] for _tag, found in Page(html).elements if "data-asked" in found))


def by_address(client, row):
    """The page whose form begins with it."""
    return client.get(STUDIO, {"like": row.pk}, headers={"Accept": "text/html"})


def test_scripts_fill_in_what_the_address_does(ann, row):
    asked, form = by_script(ann, row), by_address(ann, row).context["form"]
    shown = {name: form[name].value() for name in LEFT}
    assert shown["style"] and shown["resolution"] == "2k" and shown["num_images"] == 3  # noqa: PT018  # one picture
    assert {name: asked[name] for name in LEFT} == {**shown, "seed": 7}
    assert (asked["parent"], asked["instead"]) == (str(row.pk), "")


def test_a_model_that_is_not_sold_any_more_makes_room_for_one_that_is(ann, row, settings):
    settings.IMAGEN = {"PROVIDERS": {"sandbox": {"BACKEND": "tests.admin.shop.OneModel"}}}
    said = "Nano Banana 2.1 is not offered any more. Imagen 4 is chosen instead."
    page = by_address(ann, row)
    assert page.context["form"]["model"].value() == by_script(ann, row)["model"] == "imagen-4"
    assert said == by_script(ann, row)["instead"]
    assert said in Page(page.content.decode()).text


def test_where_nothing_is_sold_nothing_is_chosen_instead(ann, row, settings):
    settings.IMAGEN = {"PROVIDERS": {}}
    assert by_script(ann, row)["model"] == row.model
    assert not by_script(ann, row)["instead"]


def test_a_single_model_that_is_refused_is_shown_with_what_is_wrong(ann, settings):
    settings.IMAGEN = {"PROVIDERS": {"sandbox": {"BACKEND": "tests.admin.shop.OneModel"}}}
    sent = {"prompt": "a kite", "model": "imagen-3", "aspect_ratio": "16:9", "num_images": "1"}
    html = ann.post(STUDIO, sent, **JSON).json()["html"]
    assert "This is no longer offered. Choose another." in Page(html).text
    assert "imagen-gone" not in html
    assert "imagen-gone" in ann.get(STUDIO).content.decode()
