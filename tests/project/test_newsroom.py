"""The newsroom: choosing a picture, the list of articles, the form."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imagen.models import Image
from tests import factories
from tests.admin.pages import Page
from tests.project.conftest import (
    ADD,
    ALT,
    DATE,
    IMAGES,
    LIST,
    PICTURES,
    WORDS,
    SignIn,
    article,
    change,
    me,
    picture,
    place,
    said,
    save,
    writer,
)

pytestmark = pytest.mark.django_db


def held(user: User) -> Image:
    return picture(user, review="held")


# --- choosing ---


def test_pictures_to_choose_from_are_found_by_their_words_newest_first(sign_in: SignIn) -> None:
    client = sign_in()
    for number, prompt in enumerate(("a red kite", "a blue kite", "a red boat")):
        picture(me(client), prompt=prompt, title="", alt_text="on the beach" if number == 0 else "")
    listed = lambda **query: [row.generation.prompt for row in client.get(PICTURES, query).context["page"]]  # noqa: E731
    assert listed() == ["a red boat", "a blue kite", "a red kite"]
    assert listed(q="KITE") == ["a blue kite", "a red kite"]
    assert listed(q="kite red") == ["a red kite"]
    assert listed(q="beach") == ["a red kite"]
    assert listed(q="\0") == ["a red boat", "a blue kite", "a red kite"]
    assert "No picture has these words." in client.get(PICTURES, {"q": "<b>owl"}).content.decode()


def test_many_pictures_are_paged_and_the_search_stays(sign_in: SignIn) -> None:
    client = sign_in()
    made = factories.generation(me(client), status="completed", prompt="a kite")
    for _ in range(26):
        factories.image(made)
    page = Page(client.get(PICTURES, {"q": "kite", "_popup": "1"}).content.decode())
    (older,) = page.all("a", rel="next")
    assert older["href"] == "?q=kite&_popup=1&page=2"
    assert len(client.get(PICTURES + str(older["href"])).context["page"]) == 2


def test_more_pictures_cost_no_more_queries(sign_in: SignIn) -> None:
    client = sign_in()

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(PICTURES).status_code == 200
        return len(queries)

    picture(me(client))
    few = asked()
    for number in range(6):
        picture(me(client), prompt=f"kite {number}")
    assert asked() == few


def test_a_click_in_the_pop_up_hands_over_the_id_and_without_scripts_leads_on(sign_in: SignIn) -> None:
    client = sign_in()
    image = picture(me(client))
    popup, page = (Page(client.get(PICTURES + query).content.decode()) for query in ("?_popup=1", ""))
    assert popup.all("a", **{"data-popup-opener": str(image.pk)})
    assert page.all("a", href=place(image))


def test_from_a_picture_the_way_leads_to_a_new_article_and_to_those_there_are(sign_in: SignIn) -> None:
    client = sign_in()
    image, row = picture(me(client)), article()
    assert Page(client.get(reverse("admin:imagen_image_change", args=[image.pk])).content.decode()).all(
        "a", href=place(image)
    )
    page = Page(client.get(place(image)).content.decode())
    for address in (f"{ADD}?picture={image.pk}", f"{change(row)}?picture={image.pk}"):
        assert page.all("a", href=address)


def act(client: Client, *images: Image) -> Any:
    return client.post(IMAGES, {"action": "use_on_article", "_selected_action": [image.pk for image in images]})


def test_the_list_of_pictures_leads_on_with_one_of_them(sign_in: SignIn) -> None:
    client = sign_in("ann", "view_image")
    one, other = picture(me(client)), picture(me(client))
    assert act(client, one)["Location"] == place(one)
    for chosen in ((one, other), (held(me(client)),)):
        assert act(client, *chosen)["Location"] != place(chosen[0])
        assert "Choose one picture that is neither held nor rejected." in said(client, IMAGES)


@pytest.mark.parametrize("articles", [(), ("view_article",)], ids=["nothing", "to look"])
def test_who_may_not_write_is_shown_no_way_and_finds_none(sign_in: SignIn, articles: tuple[str, ...]) -> None:
    client = sign_in(articles=articles)
    image = picture(me(client))
    assert client.get(PICTURES).status_code == 403
    assert client.get(place(image)).status_code == 403
    shown = client.get(reverse("admin:imagen_image_change", args=[image.pk])).content.decode()
    assert place(image) not in shown
    assert "use_on_article" not in client.get(IMAGES).content.decode()


def test_a_held_picture_is_not_offered_for_a_page(sign_in: SignIn) -> None:
    client = sign_in("ann", "review")
    image = held(me(client))
    assert place(image) not in client.get(reverse("admin:imagen_image_change", args=[image.pk])).content.decode()


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    assert client.get(PICTURES)["Location"].startswith("/admin/login/")


# --- the list and the form ---


def test_the_list_shows_the_picture_and_whether_readers_see_it(sign_in: SignIn) -> None:
    client = sign_in()
    article(picture(me(client)))
    article(title="Not yet", slug="not-yet", published=False)
    article(title="Soon", slug="soon", published_at="2126-01-01T00:00:00Z")
    page = Page(client.get(LIST).content.decode())
    assert len(page.all("img", **{"class": "articles-small"})) == 1
    for word in ("Published", "Draft", "Planned"):
        assert word in page.text


def test_more_articles_cost_the_list_no_more_queries(sign_in: SignIn) -> None:
    client = sign_in()

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(LIST).status_code == 200
        return len(queries)

    article(picture(me(client)))
    few = asked()
    for number in range(5):
        article(picture(me(client)), slug=f"story-{number}")
    assert asked() == few


@pytest.mark.parametrize("words", ["tide pool", "Sand", "behind the weed"])
def test_articles_are_found_by_their_words(sign_in: SignIn, words: str) -> None:
    client = sign_in()
    article(title="A tide pool", byline="Mairi Sand", body="Look behind the weed.")
    article(slug="other")
    found = client.get(LIST, {"q": words}).context["cl"].result_list
    assert [row.title for row in found] == ["A tide pool"]


def test_who_may_only_look_sees_the_article_and_no_way_to_change_it(sign_in: SignIn) -> None:
    client = sign_in(articles=("view_article",))
    row = article(picture(None))
    page = Page(client.get(change(row)).content.decode())
    assert page.all("img", **{"class": "articles-current"})
    assert "Or a file of your own" not in page.text
    assert client.post(change(row), {**WORDS, **DATE}).status_code == 403


def test_the_form_leads_to_the_page(sign_in: SignIn) -> None:
    row = article()
    page = Page(sign_in().get(change(row)).content.decode())
    assert page.all("a", href="/articles/low-water/")


def test_an_address_can_be_taken_once(sign_in: SignIn) -> None:
    client = sign_in()
    article()
    assert list(save(client)) == ["slug"]


def test_what_was_done_stands_in_the_history(sign_in: SignIn) -> None:
    client = sign_in()
    row = article()
    save(client, change(row), picture=picture(me(client)).pk, hero_alt=ALT)
    assert "Generated picture" in LogEntry.objects.get().get_change_message()


def test_markup_in_a_title_is_shown_as_it_was_typed(sign_in: SignIn) -> None:
    client = sign_in()
    evil = '"><script src="//evil.example"></script>'
    image = picture(me(client), title=evil, prompt=evil, alt_text=evil)
    row = article(image, title=evil, hero_alt=evil)
    for address in (LIST, change(row), PICTURES, place(image), f"{ADD}?picture={image.pk}"):
        assert not Page(client.get(address).content.decode()).all("script", src="//evil.example")


def test_two_people_choose_from_pictures_of_their_own(sign_in: SignIn) -> None:
    ann, bob = sign_in("ann"), sign_in("bob")
    hers = picture(me(ann))
    assert save(ann, picture=hers.pk, hero_alt=ALT) == {}
    assert list(save(bob, picture=hers.pk, hero_alt=ALT, slug="other")) == ["picture"]


def test_the_newsroom_is_for_those_with_permission(client: Client) -> None:
    client.force_login(writer(articles=()))
    assert client.get(LIST).status_code == 403
