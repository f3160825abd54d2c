"""A generated picture on an article: a public copy with words of its own, and what may not be placed."""

from __future__ import annotations

import io
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image as Pillow

from imagen import marks
from imagen.models import Generation, Image
from project.articles.models import Article
from tests import factories
from tests.admin.pages import Page
from tests.project.conftest import (
    ADD,
    ALT,
    DATE,
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
    upload,
)

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 11, 19, 12, tzinfo=UTC)

# --- a generated picture ---


def test_a_generated_picture_becomes_a_public_copy(sign_in: SignIn, media: Path) -> None:
    client = sign_in()
    image = picture(me(client))
    assert save(client, picture=image.pk, hero_alt=ALT) == {}
    row = Article.objects.get()
    assert (row.hero_source, row.hero_alt, row.hero_generated) == (image, ALT, True)
    assert (row.hero_width, row.hero_height) == (64, 36)
    assert row.hero.name != image.file.name
    assert (media / row.hero.name).read_bytes() == (media / image.file.name).read_bytes()


def test_the_copy_is_named_after_the_article(sign_in: SignIn) -> None:
    client = sign_in()
    save(client, picture=picture(me(client)).pk, hero_alt=ALT, title="What the Tide leaves: behind!")
    assert Article.objects.get().hero.name.endswith("/what-the-tide-leaves-behind.png")


def test_the_small_copy_says_too_that_it_was_made_by_ai(sign_in: SignIn, media: Path) -> None:
    client = sign_in()
    image = picture(me(client), content=factories.picture_bytes(size=(1600, 900)))
    save(client, picture=image.pk, hero_alt=ALT)
    row = Article.objects.get()
    small = (media / row.hero_small.name).read_bytes()
    assert marks.marked(small)
    assert Pillow.open(io.BytesIO(small)).size == (720, 405)
    assert row.small_width == 720


def test_another_save_leaves_the_picture_as_it_is(sign_in: SignIn) -> None:
    client = sign_in()
    row = article(picture(me(client)))
    Article.objects.update(published_at=NOON)
    before = Article.objects.values().get()
    same = {"published": "on", "published_at": "2026-11-19T12:00", "hero_alt": row.hero_alt}
    assert save(client, change(row), title="High water", **same) == {}
    assert not [text for text in said(client) if "alt text" in text]
    after = Article.objects.values().get()
    assert (before.pop("title"), after.pop("title")) == ("Low water", "High water")
    assert before == after


def test_a_colleague_can_edit_an_article_with_a_picture_of_somebody_else(sign_in: SignIn) -> None:
    row = article(picture(factories.person("bob")))
    assert save(sign_in(), change(row), title="High water", hero_alt=row.hero_alt) == {}


# --- what may not be placed ---


def held(user: User) -> Image:
    return picture(user, review="held")


def rejected(user: User) -> Image:
    return picture(user, review="rejected")


def deleted(user: User) -> Image:
    image = picture(user)
    Generation.objects.filter(pk=image.generation_id).update(deleted_at=timezone.now())
    return image


def of_another(user: User) -> Image:
    return picture(factories.person("bob"))


@pytest.mark.parametrize("make", [held, rejected, deleted, of_another], ids=lambda make: make.__name__)
@pytest.mark.by_hand("half of a deletion")
def test_a_picture_that_may_not_be_placed_is_refused_wherever_its_id_is_forged(
    sign_in: SignIn, make: Callable[[User], Image]
) -> None:
    client = sign_in("ann", "review")
    image = make(me(client))
    row = article()
    errors = save(client, picture=image.pk, hero_alt=ALT, slug="other")
    assert errors["picture"] == ["This picture cannot be used: it is held, rejected, deleted or not yours."]
    assert client.get(f"{ADD}?picture={image.pk}").status_code == 403
    assert client.get(f"{change(row)}?picture={image.pk}").status_code == 403
    assert client.get(place(image)).status_code == 404
    assert str(image.pk) not in client.get(PICTURES).content.decode()
    assert Article.objects.get().hero.name == ""


@pytest.mark.parametrize("pk", [uuid.UUID(int=7), "7", "'; drop table", '"><script>', "\0"])
def test_an_id_that_is_none_is_refused(sign_in: SignIn, pk: Any) -> None:
    client = sign_in()
    assert list(save(client, picture=pk, hero_alt=ALT)) == ["picture"]
    assert client.get(ADD, {"picture": pk}).status_code == 403
    page = Page(client.post(ADD, {**WORDS, **DATE, "picture": pk}).content.decode())
    assert not [script for script in page.all("script") if not script]


def test_a_released_picture_may_be_placed(sign_in: SignIn) -> None:
    client = sign_in()
    assert save(client, picture=picture(me(client), review="released").pk, hero_alt=ALT) == {}


def test_who_may_see_every_picture_may_place_every_picture(sign_in: SignIn) -> None:
    client = sign_in("ann", "view_all")
    assert save(client, picture=picture(factories.person("bob")).pk, hero_alt=ALT) == {}


@pytest.mark.by_hand("a file is lost")
def test_a_picture_whose_file_is_gone_is_refused_in_words(sign_in: SignIn, media: Path) -> None:
    client = sign_in()
    image = picture(me(client))
    (media / image.file.name).unlink()
    assert "cannot be read just now" in save(client, picture=image.pk, hero_alt=ALT)["picture"][0]


# --- alt texts ---


@pytest.mark.parametrize("alt", ["", "   "])
def test_a_picture_needs_an_alt_text(sign_in: SignIn, alt: str) -> None:
    client = sign_in()
    assert list(save(client, picture=picture(me(client)).pk, hero_alt=alt)) == ["hero_alt"]
    row = article(picture(me(client)))
    assert list(save(client, change(row), hero_alt=alt)) == ["hero_alt"]
    assert list(save(client, hero=upload(factories.picture_bytes()), slug="other", hero_alt=alt)) == ["hero_alt"]


@pytest.mark.parametrize("alt", ["A lighthouse, at dusk", "  a LIGHTHOUSE at dusk. "])
def test_the_prompt_is_no_alt_text(sign_in: SignIn, alt: str) -> None:
    client = sign_in()
    image = picture(me(client), prompt="a lighthouse at dusk")
    assert "Say what it shows." in save(client, picture=image.pk, hero_alt=alt)["hero_alt"][0]
    row = article(image)
    assert "Say what it shows." in save(client, change(row), hero_alt=alt)["hero_alt"][0]


def test_a_new_picture_leaves_the_old_alt_text_and_says_so(sign_in: SignIn) -> None:
    client = sign_in()
    row = article(picture(me(client)))
    image = picture(me(client), alt_text="Quite another thing")
    assert save(client, change(row), picture=image.pk, hero_alt=row.hero_alt) == {}
    row.refresh_from_db()
    assert (row.hero_source, row.hero_alt) == (image, "A pool between rocks")
    assert any("the alt text is the old one" in text for text in said(client))


def test_a_new_picture_with_new_words_needs_no_remark(sign_in: SignIn) -> None:
    client = sign_in()
    row = article(picture(me(client)))
    assert save(client, change(row), picture=picture(me(client)).pk, hero_alt="Something else") == {}
    assert not [text for text in said(client) if "alt text" in text]


def test_the_words_of_the_picture_are_offered_where_there_are_none(sign_in: SignIn) -> None:
    client = sign_in()
    image = picture(me(client), alt_text="A crab under weed")
    bare, described = article(), article(picture(me(client)), slug="other")
    for address, offered in ((ADD, "A crab under weed"), (change(bare), "A crab under weed"), (change(described), "")):
        form = client.get(f"{address}?picture={image.pk}").context["adminform"].form
        assert form.initial["picture"] == image.pk
        assert form["hero_alt"].value() == (offered or "A pool between rocks")
