"""The first issue: stories people would read, with pictures from the sandbox."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import User

from imagen import placing
from imagen.models import Generation
from project import demo
from project.articles import samples
from project.articles.models import Article
from tests import factories
from tests.project.conftest import article

STORIES = samples.stories()


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.slug)
def test_every_story_is_worth_reading_and_its_picture_described(story: samples.Story) -> None:
    Article(title=story.title, slug=story.slug, summary=story.summary, body=story.body).clean_fields(
        exclude=["hero", "hero_width", "hero_height"]
    )
    assert 200 <= len(story.body.split()) <= 400
    assert story.body.count("\n## ") == 2
    assert 40 <= len(story.alt) <= 300
    words = re.findall(r"\w+", story.alt.casefold())
    assert words != re.findall(r"\w+", story.prompt.casefold())


def finish(pictures: dict[str, Generation]) -> None:
    """Every picture as the engine would have left it."""
    for number, generation in enumerate(pictures.values()):
        factories.image(generation, content=factories.picture_bytes(size=(64, 36 + number)))
        factories.leave(generation, "completed")
        generation.refresh_from_db()


@pytest.fixture
def editor(db: None, settings: object, monkeypatch: pytest.MonkeyPatch) -> User:
    """The demo's editor on a site with the sandbox, whose bell nobody hears."""
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    settings.IMAGEN = {"PROVIDERS": {"sandbox": {"BACKEND": "imagen.providers.sandbox.Sandbox"}}}  # type: ignore[attr-defined]
    return demo.editor()


def test_the_first_issue_has_every_story_with_its_picture(editor: User) -> None:
    pictures = samples.ask(editor)
    finish(pictures)
    samples.publish(pictures)
    assert [row.slug for row in Article.objects.live()] == [story.slug for story in STORIES]
    for row in Article.objects.all():
        placed = placing.current(row, "hero")
        assert placed
        assert placed.image == pictures[row.slug].images.get()
        assert row.hero_alt == placed.alt_text == placed.image.alt_text


def test_the_pictures_are_asked_of_the_sandbox_without_a_caption(editor: User) -> None:
    for generation in samples.ask(editor).values():
        assert (generation.provider, generation.user, generation.aspect_ratio) == ("sandbox", editor, "16:9")
        assert "text" in generation.negative_prompt


def test_a_magazine_that_has_articles_is_left_alone(editor: User) -> None:
    article(published=False)
    demo.magazine(editor, check=lambda: None)
    assert not Generation.objects.exists()
    assert Article.objects.count() == 1


@pytest.mark.by_hand("the engine is played")
def test_a_picture_that_fails_is_named_and_nothing_is_published_by_halves(
    editor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = samples.ask(editor)
    finish(asked)
    last = list(asked.values())[-1]
    Generation.objects.filter(pk=last.pk).update(status="failed", error_code="provider_failed")
    last.refresh_from_db()
    monkeypatch.setattr(samples, "ask", lambda user: asked)
    with pytest.raises(demo.DemoError, match="picture for when-the-sand-sings ended as failed: provider_failed"):
        demo.magazine(editor, check=lambda: None)
    assert not Article.objects.exists()


def test_the_editor_may_write_and_illustrate_but_not_delete(editor: User) -> None:
    found = User.objects.get(pk=editor.pk)
    assert found.has_perms(["articles.add_article", "articles.change_article", "articles.view_article"])
    assert not found.has_perm("articles.delete_article")
