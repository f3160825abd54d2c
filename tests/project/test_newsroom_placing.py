"""A generated picture on an article: a public copy with words of its own, and what may not be placed."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from PIL import Image as Pillow

from imagen import marks, placing
from imagen.models import Generation, Image
from project.articles.models import Article
from tests import factories
from tests.project.conftest import (
    ALT,
    SignIn,
    article,
    change,
    chosen,
    me,
    picture,
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
    assert save(client, hero_alt=ALT, **chosen(image, me(client))) == {}
    row = Article.objects.get()
    placed = placing.current(row, "hero")
    assert placed
    assert (placed.image, placed.user, placed.alt_text, row.hero_alt) == (image, me(client), ALT, ALT)
    assert (row.hero_width, row.hero_height) == (64, 36)
    assert row.hero.name != image.file.name
    assert marks.marked((media / row.hero.name).read_bytes())


def test_the_copy_has_the_name_that_was_chosen(sign_in: SignIn) -> None:
    client = sign_in()
    save(client, hero_alt=ALT, **chosen(picture(me(client)), me(client), name="../What the Tide leaves/"))
    assert Article.objects.get().hero.name.endswith("/what-the-tide-leaves.png")


def test_the_small_copy_says_too_that_it_was_made_by_ai(sign_in: SignIn, media: Path) -> None:
    client = sign_in()
    image = picture(me(client), content=factories.picture_bytes(size=(1600, 900)))
    save(client, hero_alt=ALT, **chosen(image, me(client)))
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
def test_a_picture_that_may_not_be_placed_any_more_is_refused(sign_in: SignIn, make: Callable[[User], Image]) -> None:
    client = sign_in("ann", "review")
    errors = save(client, hero_alt=ALT, **chosen(make(me(client)), me(client)))
    assert errors["hero"] == ["This picture was deleted or withheld meanwhile. Choose another."]
    assert not Article.objects.exists()


def test_a_released_picture_may_be_placed(sign_in: SignIn) -> None:
    client = sign_in()
    image = picture(me(client), review="released")
    assert save(client, hero_alt=ALT, **chosen(image, me(client))) == {}


def test_who_may_see_every_picture_may_place_every_picture(sign_in: SignIn) -> None:
    client = sign_in("ann", "view_all")
    image = picture(factories.person("bob"))
    assert save(client, hero_alt=ALT, **chosen(image, me(client))) == {}


@pytest.mark.by_hand("a file is lost")
def test_a_picture_whose_file_is_gone_is_refused_in_words(sign_in: SignIn, media: Path) -> None:
    client = sign_in()
    image = picture(me(client))
    (media / image.file.name).unlink()
    assert "cannot be read just now" in save(client, hero_alt=ALT, **chosen(image, me(client)))["hero"][0]


# --- alt texts ---


@pytest.mark.parametrize("alt", ["", "   "])
def test_a_picture_needs_an_alt_text(sign_in: SignIn, alt: str) -> None:
    client = sign_in()
    assert list(save(client, hero_alt=alt, **chosen(picture(me(client)), me(client)))) == ["hero_alt"]
    row = article(picture(me(client)))
    assert list(save(client, change(row), hero_alt=alt)) == ["hero_alt"]
    assert list(save(client, hero=upload(factories.picture_bytes()), slug="other", hero_alt=alt)) == ["hero_alt"]


@pytest.mark.parametrize("alt", ["A lighthouse, at dusk", "  a LIGHTHOUSE at dusk. "])
def test_the_prompt_is_no_alt_text(sign_in: SignIn, alt: str) -> None:
    client = sign_in()
    image = picture(me(client), prompt="a lighthouse at dusk")
    assert "Say what it shows." in save(client, hero_alt=alt, **chosen(image, me(client)))["hero_alt"][0]
    row = article(image)
    assert "Say what it shows." in save(client, change(row), hero_alt=alt)["hero_alt"][0]


def test_neither_are_an_editors_own_words_to_which_the_house_added_some(sign_in: SignIn) -> None:
    image = picture(me(client := sign_in()), prompt="A lighthouse. Muted colours.")
    Generation.objects.update(wording={"own": "A lighthouse", "parts": []})
    for alt in ("A lighthouse", "A lighthouse, muted colours"):
        assert "Say what it shows." in save(client, hero_alt=alt, **chosen(image, me(client)))["hero_alt"][0]


def test_a_new_picture_leaves_the_old_alt_text_and_says_so(sign_in: SignIn) -> None:
    client = sign_in()
    row = article(picture(me(client)))
    image = picture(me(client), alt_text="Quite another thing")
    assert save(client, change(row), hero_alt=row.hero_alt, **chosen(image, me(client))) == {}
    row = Article.objects.get()
    placed = placing.current(row, "hero")
    assert placed
    assert (placed.image, row.hero_alt) == (image, "A pool between rocks")
    assert any("the alt text is the old one" in text for text in said(client))


def test_a_new_picture_with_new_words_needs_no_remark(sign_in: SignIn) -> None:
    client = sign_in()
    row = article(picture(me(client)))
    new = chosen(picture(me(client)), me(client))
    assert save(client, change(row), hero_alt="Something else", **new) == {}
    assert not [text for text in said(client) if "alt text" in text]
