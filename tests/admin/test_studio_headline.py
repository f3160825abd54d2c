"""Words on a picture: measured on the cut that is placed, said beside every candidate, and never in anybody's way."""

from __future__ import annotations

import io
import logging
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from imagen import contrast, engine, pipeline
from imagen.admin.studio import headline
from imagen.doors import Door
from imagen.fields import Slot
from imagen.models import Image
from imagen.models.image import storage
from imagen.painting import paint
from project.articles.admin import ArticleAdmin
from tests import factories
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.admin.test_studio_pick import JSON, news, text, to
from tests.project.conftest import ADD, HERO, WRITER

pytestmark = pytest.mark.django_db
STUDIO = "/admin/imagen/studio/"
LEFT, RIGHT, WHOLE = (0, 60, 45, 40), (55, 60, 45, 40), (0, 0, 100, 100)
LOW = "White text: contrast 1.3:1, too low here."


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagen.queue.knock", lambda: None)


@pytest.fixture
def ann(sign_in: Callable[..., Client]) -> Client:
    """An editor who writes articles."""
    client = sign_in("ann", *EDITOR)
    me(client).user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    return client


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The boxes of everything that is measured from now on."""
    boxes: list[Any] = []
    really = contrast.measure

    def measure(picture: Any, **options: Any) -> contrast.Reading:
        boxes.append(options["box"])
        return really(picture, **options)

    monkeypatch.setattr(contrast, "measure", measure)
    return boxes


def me(client: Client) -> User:
    return User.objects.get(pk=client.session["_auth_user_id"])


def door(client: Client, box: tuple[int, ...] = LEFT, **facts: Any) -> str:
    known = {"place": HERO, "ratio": "16:9", "crops": ("1:1",), "alt": True, "text_box": box}
    return Door(**{**known, **facts}).sign(me(client))


def picture(user: User, halves: str = "light,dark", *, size: tuple[int, int] = (1408, 768), **fields: Any) -> Image:
    """One picture of this person's: plain halves."""
    content = paint(digest=b"\0", size=size, caption="", output_format="png", halves=halves)
    row = factories.generation(user, status="completed", pictures=True, aspect_ratio="16:9")
    return factories.image(row, content=content, **fields)


def shown(client: Client, image: Image, *box: Any, **facts: Any) -> Page:
    """The right column as the script sees it."""
    return Page(news(client, image.generation, door=door(client, *box, **facts))["html"])


def said(client: Client, image: Image, *box: Any, **facts: Any) -> str:
    """Whatever it says of words."""
    words = " ".join(shown(client, image, *box, **facts).text.split())
    return words if "contrast" in words else ""


def asked(client: Client, image: Image, **query: Any) -> str:
    """What is said once the focal point has moved."""
    answer = client.get(to("contrast", image), query, **JSON)
    assert answer.status_code == 200
    return text(answer.json()["html"])


# --- what is said ---


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("halves", "box", "colour", "name", "about", "verdict"),
    [
        ("light,dark", LEFT, "#fff", "White text", 1.2, "too low here"),
        ("light,dark", RIGHT, "#ffffff", "White text", 14.5, "enough here"),
        ("dark,light", LEFT, "#000", "Black text", 1.4, "too low here"),
        ("dark,light", RIGHT, "#000", "Black text", 17.7, "enough here"),
        ("light,dark", WHOLE, "#fff", "White text", 1.2, "too low here"),
        ("dark,dark", WHOLE, "#fc0", "Text in #fc0", 9.7, "enough here"),
        ("light,light", WHOLE, "#777", "Text in #777", 3.7, "enough for large text only"),
    ],
)
def test_the_verdict_matches_what_the_sandbox_was_told_to_paint(
    settings: Any, ann: Client, halves: str, box: tuple[int, ...], colour: str, name: str, about: float, verdict: str
) -> None:
    sandbox = {"BACKEND": "imagen.providers.sandbox.Sandbox", "OPTIONS": {"latency": 0.0}}
    settings.IMAGEN = {"PROVIDERS": {"sandbox": sandbox}}
    row = pipeline.request(user=me(ann), prompt=f"a pier [[halves:{halves}]]", aspect_ratio="16:9")
    engine.drive(seconds=10)
    told = text(news(ann, row, door=door(ann, box, text_colour=colour))["html"])
    found = re.search(rf"{name}: contrast (\S+):1, {verdict}\.", told)
    assert found, told
    assert float(found[1]) == pytest.approx(about, rel=0.1)


def test_what_would_help_names_the_part_of_the_picture(ann: Client) -> None:
    image = picture(me(ann))
    assert "Try a description that leaves the lower left corner dark and empty." in said(ann, image)
    assert "Try" not in said(ann, image, RIGHT)
    black = said(ann, image, RIGHT, text_colour="#000")
    assert "Try a description that leaves the lower right corner bright and empty." in black


def test_a_place_where_much_goes_on_is_said_to_be_busy(ann: Client) -> None:
    picture_of_squares = factories.Pillow.new("RGB", (320, 180), "#111")
    for x in range(0, 320, 8):
        picture_of_squares.paste("#444", (x, 0, x + 4, 180))
    out = io.BytesIO()
    picture_of_squares.save(out, "PNG")
    row = factories.generation(me(ann), status="completed", pictures=True, aspect_ratio="16:9")
    words = said(ann, factories.image(row, content=out.getvalue()))
    assert "enough here. Much goes on behind it. Try a description that leaves the lower left corner empty." in words


def test_a_contrast_that_is_not_enough_never_looks_as_if_it_were(ann: Client) -> None:
    row = factories.generation(me(ann), status="completed", pictures=True, aspect_ratio="16:9")
    image = factories.image(row, content=factories.picture_bytes("white"))
    assert "Text in #777: contrast 4.4:1, enough for large text only." in said(ann, image, text_colour="#777")


@pytest.mark.parametrize(
    ("box", "part"),
    [
        (LEFT, "the lower left corner"),
        ((50, 0, 50, 50), "the upper right corner"),
        ((0, 0, 33, 100), "the left third"),
        ((70, 20, 30, 70), "the right third"),
        ((0, 60, 100, 40), "the lower third"),
        ((5, 5, 90, 20), "the upper third"),
        ((35, 35, 30, 30), "the middle"),
        ((0, 0, 50, 100), "the left half"),
        ((0, 45, 100, 55), "the lower half"),
        ((0, 30, 100, 70), "the whole picture"),
        (WHOLE, "the whole picture"),
    ],
)
def test_a_box_lies_in_the_smallest_part_that_holds_it(box: tuple[int, ...], part: str) -> None:
    assert headline.part(box) == part


@pytest.mark.parametrize(
    ("language", "told"),
    [
        ("de", "Weißer Text: Kontrast 1,3:1, hier zu gering."),
        ("fr", "Texte blanc : contraste de 1,3 pour 1, trop faible ici."),
        ("ar", "نص أبيض: التباين 1,3:1، وهو أقل من اللازم هنا."),
    ],
)
def test_it_is_said_as_people_here_write_it(ann: Client, language: str, told: str) -> None:
    image = picture(me(ann))
    accept = {"headers": {**JSON["headers"], "Accept-Language": language}}
    with translation.override(language):  # what a request activates holds for its thread
        html = ann.get(to("state", image.generation), {"door": door(ann)}, **accept).json()["html"]
    assert told in text(html.replace("\N{NO-BREAK SPACE}", " "))


# --- where it is said ---


def test_the_box_is_drawn_on_the_cut_and_named_for_who_cannot_see_it(ann: Client) -> None:
    page = shown(ann, picture(me(ann)))
    (box,) = page.all("svg", **{"class": "imagen-words"})
    assert (box["role"], box["aria-label"]) == ("img", "Words will lie here: the lower left corner")
    assert page.all("svg", viewbox="0 0 1408 768"), "a picture of the field's own shape is shown whole"
    (rect,) = page.all("rect")
    assert rect == {"x": "0", "y": "60", "width": "45", "height": "40"}
    assert "16:9" in page.text


def test_a_field_without_words_on_its_picture_says_nothing_and_draws_nothing(ann: Client, measured: list[Any]) -> None:
    page = shown(ann, picture(me(ann)), ())
    assert "contrast" not in page.text
    assert not page.all("rect")
    assert not measured


def test_a_field_that_takes_any_shape_shows_the_picture_as_it_is(ann: Client) -> None:
    image = picture(me(ann), size=(900, 900))
    page = shown(ann, image, ratio="")
    assert "too low here" in page.text
    assert page.all("svg", viewbox="0 0 900 900")
    assert "enough here" in said(ann, image, (60, 0, 40, 100), ratio="")


def test_the_field_itself_says_it_in_the_door_it_opens(ann: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    slot = Slot("16:9", alt="hero_alt", text_box=[0, 60, 45, 40], text_colour="#fc0")
    monkeypatch.setattr(ArticleAdmin, "imagen_fields", {"hero": slot})
    link, *_rows = Page(ann.get(ADD).content.decode()).all("a", **{"class": "button imagen-open"})
    (token,) = parse_qs(urlsplit(str(link["href"])).query)["door"]
    found = Door.read(token, me(ann))
    assert (found.text_box, found.text_colour) == (LEFT, "#fc0")


def test_a_picture_that_is_not_shown_is_not_measured(ann: Client, measured: list[Any]) -> None:
    for fields in ({"review": "held"}, {"review": "rejected"}):
        assert said(ann, picture(me(ann), **fields)) == ""
    assert not measured


def test_a_door_that_was_tampered_with_says_nothing(ann: Client, measured: list[Any]) -> None:
    image = picture(me(ann))
    forged = f"{door(ann, ())[:-4]}AAAA"
    assert "contrast" not in text(news(ann, image.generation, door=forged)["html"])
    assert asked(ann, image, door=forged, focal_x=50, focal_y=50) == ""
    assert not measured


# --- the cut ---


@pytest.mark.parametrize(("focal", "verdict"), [(0, "too low"), (100, "enough here"), (50, "too low")])
def test_the_cut_that_is_placed_is_measured_wherever_its_focal_point_is(ann: Client, focal: int, verdict: str) -> None:
    image = picture(me(ann), focal_x=focal)
    upright = {"ratio": "9:16", "text_colour": "#fff"}
    assert verdict in said(ann, image, WHOLE, **upright)
    panel = ann.get(to("place", image), {"door": door(ann, WHOLE, **upright)}, **JSON).json()["html"]
    assert verdict in text(panel)
    straight, moved = picture(me(ann)), door(ann, WHOLE, **upright)
    assert verdict in asked(ann, straight, door=moved, focal_x=focal, focal_y=50, crop="9:16")
    other = asked(ann, straight, door=moved, focal_x=100 - focal, focal_y=50, crop="9:16")
    assert (verdict in other) is (focal == 50)


def test_a_picture_of_the_fields_own_shape_is_measured_whole_and_never_again(ann: Client) -> None:
    image = picture(me(ann), focal_x=0)
    panel = Page(ann.get(to("place", image), {"door": door(ann, RIGHT)}, **JSON).json()["html"])
    assert "enough here" in panel.text
    assert not [each for _tag, each in panel.elements if "data-measured" in each]


def test_nothing_is_said_of_a_picture_that_is_left_as_it_is(ann: Client) -> None:
    image = picture(me(ann), size=(768, 768))
    query = {"door": door(ann), "focal_x": 50, "focal_y": 50}
    assert "too low" in asked(ann, image, **query, crop="16:9")
    assert asked(ann, image, **query, crop="") == ""
    panel = ann.get(to("place", image), {"door": door(ann), "crop": ""}, **JSON).json()["html"]
    assert "contrast" not in text(panel)


def test_a_panel_that_comes_back_speaks_of_the_focal_point_it_was_sent_with(ann: Client) -> None:
    image = picture(me(ann))
    token = door(ann, WHOLE, ratio="9:16")
    sent = {"door": token, "focal_x": "100", "focal_y": "50", "crop": "9:16"}
    panel = ann.post(to("place", image), sent, **JSON)
    assert panel.status_code == 422
    page = Page(panel.json()["html"])
    assert "enough here" in page.text
    (cut,) = [each["data-cut"] for _tag, each in page.elements if "data-cut" in each]
    assert cut == "focal_x=100&focal_y=50&crop=9%3A16"


@pytest.mark.parametrize("wrong", [{"focal_x": "x"}, {"focal_x": "101"}, {"focal_y": "-1"}, {"focal_y": ""}])
def test_a_focal_point_that_is_none_gets_no_verdict(ann: Client, wrong: dict[str, str]) -> None:
    query = {"door": door(ann), "focal_x": "50", "focal_y": "50", **wrong}
    assert asked(ann, picture(me(ann)), **query) == ""


def test_somebody_elses_picture_is_not_measured(ann: Client, measured: list[Any]) -> None:
    image = picture(factories.person("bob"))
    assert asked(ann, image, door=door(ann), focal_x=50, focal_y=50) == ""
    assert ann.post(to("contrast", image), {"door": door(ann)}, **JSON).status_code == 405
    assert not measured


# --- what it costs ---


def test_a_picture_is_opened_once_and_not_before_the_page_is_there(ann: Client, measured: list[Any]) -> None:
    image = picture(me(ann))
    address = f"{STUDIO}?run={image.generation_id}&door={door(ann)}"
    assert "contrast" not in ann.get(address).content.decode()
    assert not measured
    for _poll in range(3):
        assert LOW in said(ann, image)
    assert measured == [LEFT]
    assert LOW in ann.get(address).content.decode()
    assert "contrast" in said(ann, image, RIGHT)
    assert measured == [LEFT, RIGHT], "another box is another question"


@pytest.mark.by_hand("a file is lost")
def test_the_small_copy_is_enough_and_the_picture_itself_will_do_without_one(ann: Client) -> None:
    small, whole = picture(me(ann)), picture(me(ann), thumbnail="")
    storage().delete(str(small.file.name))
    assert LOW in said(ann, small)
    assert LOW in said(ann, whole)


def test_words_on_pictures_cost_no_query(ann: Client) -> None:
    image = picture(me(ann))

    def queries(*box: Any) -> int:
        shown(ann, image, *box)
        with CaptureQueriesContext(connection) as counted:
            shown(ann, image, *box)
        return len(counted)

    assert queries() == queries(())


@pytest.mark.parametrize("broken", [None, b"", b"no picture"], ids=["gone", "empty", "no picture"])
@pytest.mark.by_hand("a file is lost or damaged")
def test_a_file_that_cannot_be_read_says_nothing_and_is_left_alone_for_a_while(
    ann: Client, caplog: pytest.LogCaptureFixture, broken: bytes | None
) -> None:
    image = picture(me(ann))
    storage().delete(str(image.thumbnail.name))
    if broken is not None:
        with storage().open(str(image.thumbnail.name), "wb") as file:
            file.write(broken)
    with caplog.at_level(logging.WARNING, "imagen"):
        assert not any(said(ann, image) for _poll in range(3))
    assert [record.message.partition(" (")[0] for record in caplog.records] == ["words on a picture were not measured"]


def test_without_a_cache_nothing_is_said_and_everything_else_works(
    ann: Client, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    image = picture(me(ann))
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://[::1]:9"}
    }
    with caplog.at_level(logging.WARNING, "imagen"):
        page = shown(ann, image)
    assert "contrast" not in page.text
    assert "Use this" in page.text
    assert "the cache does not answer" in caplog.text
