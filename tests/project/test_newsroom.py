"""The newsroom: the list of articles, the form."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection
from django.forms import ModelForm
from django.test import Client
from django.test.utils import CaptureQueriesContext

from project.articles.forms import ArticleForm
from project.articles.models import Article
from tests import factories
from tests.admin.pages import Page
from tests.project.conftest import (
    ADD,
    ALT,
    DATE,
    LIST,
    NO_FIGURES,
    WORDS,
    SignIn,
    article,
    change,
    chosen,
    me,
    picture,
    save,
    upload,
    writer,
)

pytestmark = pytest.mark.django_db


def test_strangers_are_sent_to_sign_in(client: Client) -> None:
    assert client.get(LIST)["Location"].startswith("/admin/login/")


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
    assert not page.all("input", type="file")
    assert client.post(change(row), {**WORDS, **DATE}).status_code == 403


def test_the_form_leads_to_the_page(sign_in: SignIn) -> None:
    row = article()
    page = Page(sign_in().get(change(row)).content.decode())
    assert page.all("a", href="/articles/low-water/")


def test_an_address_can_be_taken_once(sign_in: SignIn) -> None:
    client = sign_in()
    article()
    assert list(save(client)) == ["slug"]


@pytest.mark.parametrize("fields", [{}, {"hero": upload(factories.picture_bytes()), "hero_alt": ALT}], ids=["", "hero"])
def test_of_two_who_take_an_address_at_once_the_second_is_told_in_the_form(
    sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, fields: dict[str, Any]
) -> None:
    client = sign_in()
    article()
    looked: list[bool] = []  # the first look comes before the other article is there

    def look(form: ArticleForm) -> None:
        if looked:
            ModelForm.validate_unique(form)
        looked.append(True)

    monkeypatch.setattr(ArticleForm, "validate_unique", look)
    assert save(client, **fields) == {"slug": ["Article with this Address already exists."]}
    assert Article.objects.count() == 1


def test_what_was_done_stands_in_the_history(sign_in: SignIn) -> None:
    client = sign_in()
    row = article()
    save(client, change(row), hero_alt=ALT, **chosen(picture(me(client)), me(client)))
    told = LogEntry.objects.get().get_change_message()
    assert told.startswith("Changed Picture, ")
    assert "Added generated picture “Picture: articles/2026/" in told


def test_markup_in_a_title_is_shown_as_it_was_typed(sign_in: SignIn) -> None:
    client = sign_in()
    evil = '"><script src="//evil.example"></script>'
    image = picture(me(client), title=evil, prompt=evil, alt_text=evil)
    row = article(image, title=evil, hero_alt=evil)
    back = client.post(ADD, {**WORDS, **DATE, **NO_FIGURES, "title": "", **chosen(image, me(client), alt_text=evil)})
    assert not Page(back.content.decode()).all("script", src="//evil.example")
    for address in (LIST, change(row), ADD):
        assert not Page(client.get(address).content.decode()).all("script", src="//evil.example")


def test_two_people_choose_from_pictures_of_their_own(sign_in: SignIn) -> None:
    ann, bob = sign_in("ann"), sign_in("bob")
    hers = picture(me(ann))
    assert save(ann, hero_alt=ALT, **chosen(hers, me(ann))) == {}
    assert list(save(bob, hero_alt=ALT, slug="other", **chosen(hers, me(bob)))) == ["hero"]


def test_the_newsroom_is_for_those_with_permission(client: Client) -> None:
    client.force_login(writer(articles=()))
    assert client.get(LIST).status_code == 403
