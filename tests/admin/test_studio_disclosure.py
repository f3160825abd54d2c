"""Whether readers are told that AI made a picture: decided when it is placed, where the site has its editors asked."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core import signing
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imagen.doors import Door, Pick
from imagen.models import QUESTION, Image, Placement
from project.articles.models import Article
from tests.admin.pages import Page
from tests.factories import generation, image
from tests.project.conftest import ADD, ALT, HERO, SignIn, article, change, me, save, sign_in

__all__ = ["sign_in"]
pytestmark = pytest.mark.django_db
JSON: dict[str, Any] = {"headers": {"Accept": "application/json"}}
WORDS = {"focal_x": "50", "focal_y": "50", "meaning": "informative", "alt_text": "Two crabs", "name": "crabs"}
QUESTION_ASKED = "Could a reader take this for a real photograph of a real person, place, object or event?"
LABEL = "It will carry the label “AI-generated”."
NO = {"disclosure": "no", "reason": "A collage of cut paper"}


@pytest.fixture
def ann(sign_in: SignIn) -> Client:
    return sign_in("ann", "generate", "view_generation")


@pytest.fixture
def picture(ann: Client) -> Image:
    return image(generation(me(ann), status="completed", prompt="a lighthouse", place=HERO))


@pytest.fixture
def asking(settings: Any) -> None:
    settings.IMAGEN = {**settings.IMAGEN, "DISCLOSURE": "ask"}


def panel(client: Client, picture: Image, **facts: Any) -> str:
    answer = client.get(to(picture), {"door": door(client, **facts)}, **JSON)
    return " ".join(Page(answer.json()["html"]).text.split())


def to(picture: Image) -> str:
    return reverse("admin:imagen_studio_place", args=[picture.pk])


def door(client: Client, **facts: Any) -> str:
    return Door(**{"place": HERO, "ratio": "16:9", **facts}).sign(me(client))


def put(client: Client, picture: Image, **said: str) -> dict[str, Any]:
    """What the panel answers."""
    found: dict[str, Any] = client.post(to(picture), {**WORDS, "door": door(client), **said}, **JSON).json()
    return found


def keep(client: Client, pick: str, address: str = ADD) -> dict[str, list[str]]:
    """Save the form that carries this choice."""
    return save(client, address, **{"hero-imagen": pick, "hero_alt": ALT})


def placed(client: Client, picture: Image, **said: str) -> Placement:
    """The record after the panel was answered and the form saved."""
    assert keep(client, put(client, picture, **said)["pick"]) == {}
    return Placement.objects.get()


def read(client: Client) -> bool:
    """Whether readers are told on the article's own page."""
    Article.objects.update(published=True)
    return "imagen-label" in Client().get(Article.objects.get().get_absolute_url()).content.decode()


def test_as_it_comes_nobody_is_asked_and_readers_are_told(ann: Client, picture: Image) -> None:
    shown = panel(ann, picture)
    assert LABEL in shown
    assert QUESTION_ASKED not in shown
    row = placed(ann, picture)
    assert (row.disclosure, row.reason, row.question) == ("", "", 0)
    assert read(ann)


def test_an_answer_nobody_asked_for_is_not_taken(ann: Client, picture: Image) -> None:
    row = placed(ann, picture, **NO)
    assert (row.disclosure, row.reason, row.question) == ("", "", 0)


@pytest.mark.usefixtures("asking")
@pytest.mark.parametrize(
    ("said", "reason", "told"),
    [
        ({"disclosure": "yes"}, "", True),
        ({"disclosure": "yes", "reason": "left over"}, "", True),
        ({"disclosure": "no", "reason": " A collage\nof  paper "}, "A collage of paper", False),
        ({"disclosure": "illustration", "reason": "x" * 300}, "", False),
    ],
)
def test_the_answer_is_written_down_with_the_picture_and_decides_what_readers_see(
    ann: Client, picture: Image, said: dict[str, str], reason: str, told: bool
) -> None:
    row = placed(ann, picture, **said)
    assert (row.disclosure, row.reason, row.question) == (said["disclosure"], reason, QUESTION)
    assert (row.user, row.image) == (me(ann), picture)
    assert read(ann) == told


@pytest.mark.usefixtures("asking")
@pytest.mark.parametrize(
    ("said", "complaint"),
    [
        ({}, "Say whether it could be taken for real."),
        ({"disclosure": ""}, "Say whether it could be taken for real."),
        ({"disclosure": "no"}, "Say why nobody could take it for real."),
        ({"disclosure": "no", "reason": " \n "}, "Say why nobody could take it for real."),
        ({"disclosure": "no", "reason": "x" * 201}, "at most 200"),
        ({"disclosure": "perhaps"}, "not one of the available choices"),
    ],
)
def test_nothing_is_placed_without_an_answer_and_what_was_written_stays(
    ann: Client, picture: Image, said: dict[str, str], complaint: str
) -> None:
    found = put(ann, picture, **said)
    assert "pick" not in found
    page = Page(found["html"])
    assert complaint in page.text
    assert page.all("input", name="name", value="crabs")
    chosen = [each["value"] for each in page.all("input", name="disclosure") if "checked" in each]
    assert chosen == (["no"] if said.get("disclosure") == "no" else [])


@pytest.mark.usefixtures("asking")
def test_no_answer_is_chosen_before_somebody_chooses(ann: Client, picture: Image) -> None:
    page = Page(ann.get(to(picture), {"door": door(ann)}, **JSON).json()["html"])
    assert QUESTION_ASKED in page.text
    answers = page.all("input", name="disclosure")
    assert [each["value"] for each in answers] == ["yes", "no", "illustration"]
    assert not [each for each in answers if "checked" in each]


def test_the_question_costs_no_query(ann: Client, picture: Image, settings: Any) -> None:
    counts = []
    for when in ("always", "ask"):
        settings.IMAGEN = {**settings.IMAGEN, "DISCLOSURE": when}
        panel(ann, picture)  # what Django remembers from then on
        with CaptureQueriesContext(connection) as queries:
            panel(ann, picture)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 15


@pytest.mark.usefixtures("asking")
def test_without_scripts_the_question_stands_on_the_page_too(ann: Client, picture: Image) -> None:
    answer = ann.post(to(picture), {**WORDS, "door": door(ann)})
    assert answer.status_code == 422
    assert "Say whether it could be taken for real." in Page(answer.content.decode()).text


@pytest.mark.usefixtures("asking")
def test_a_relation_carries_no_answer_and_is_not_asked(ann: Client, picture: Image) -> None:
    shown = panel(ann, picture, target="object")
    assert LABEL in shown
    assert QUESTION_ASKED not in shown
    said = {**WORDS, "door": door(ann, target="object"), "_popup": "1"}
    assert "data-popup-response" in ann.post(to(picture), said).content.decode()


@pytest.mark.usefixtures("asking")
def test_words_for_a_picture_that_goes_nowhere_need_no_answer(ann: Client, picture: Image) -> None:
    page = ann.get(to(picture), **JSON).json()["html"]
    assert QUESTION_ASKED not in page
    assert "It will carry" not in page


@pytest.mark.usefixtures("asking")
def test_an_answer_changed_on_its_way_places_nothing(ann: Client, picture: Image) -> None:
    token = put(ann, picture, disclosure="yes")["pick"]
    said = signing.loads(token, salt="imagen.doors.Pick")
    forged = signing.dumps({**said, **NO}, key="another", salt="imagen.doors.Pick", compress=True)
    for each in (forged, forged.partition(":")[0] + ":" + token.partition(":")[2]):
        assert keep(ann, each) == {}
        assert not Placement.objects.exists()
        Article.objects.all().delete()


def test_what_was_placed_before_the_site_asked_keeps_its_label_and_the_next_is_asked_for(
    ann: Client, picture: Image, settings: Any
) -> None:
    placed(ann, picture)
    settings.IMAGEN = {**settings.IMAGEN, "DISCLOSURE": "ask"}
    assert read(ann)
    pick = put(ann, picture, disclosure="illustration")["pick"]
    assert keep(ann, pick, change(Article.objects.get())) == {}
    assert not read(ann)
    assert [row.disclosure for row in Placement.objects.order_by("pk")] == ["", "illustration"]


def test_a_site_that_asks_no_more_labels_everything(ann: Client, picture: Image, settings: Any) -> None:
    site = settings.IMAGEN
    settings.IMAGEN = {**site, "DISCLOSURE": "ask"}
    placed(ann, picture, **NO)
    assert not read(ann)
    settings.IMAGEN = {**site, "DISCLOSURE": "always"}
    assert read(ann)


@pytest.mark.usefixtures("asking")
@pytest.mark.by_hand("placed without a form")
def test_what_code_places_says_nothing_and_is_labelled(ann: Client) -> None:
    article(image(generation(User.objects.get(), status="completed")))
    assert read(ann)


@pytest.mark.usefixtures("asking")
def test_what_was_said_stands_in_the_signed_choice(ann: Client, picture: Image) -> None:
    pick = Pick.read(put(ann, picture, **NO)["pick"], me(ann))
    assert (pick.disclosure, pick.reason, pick.question) == ("no", NO["reason"], QUESTION)
