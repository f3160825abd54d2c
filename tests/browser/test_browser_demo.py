"""The magazine as readers and its newsroom meet it: readable everywhere, and a picture finds its way onto a page."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from project.articles import samples
from project.articles.models import Article
from tests.browser.looks import DJANGOS_OWN, screens, wrong
from tests.browser.scenery import painted
from tests.factories import generation, image
from tests.project.conftest import WRITER

pytestmark = pytest.mark.browser

LIST = reverse("admin:articles_article_changelist")
WIDE, TALL = 704, 384


@pytest.fixture(autouse=True)
def public(settings, media):
    """The live server serves the media folder of this test."""
    settings.MEDIA_ROOT = media


@pytest.fixture
def writer(editor):
    """An editor who also writes."""
    editor.user_permissions.add(*Permission.objects.filter(content_type__app_label="articles", codename__in=WRITER))
    return User.objects.get(pk=editor.pk)


def finished(user, prompt):
    """A finished picture of this prompt."""
    row = generation(user, status="completed", pictures=True, prompt=prompt, aspect_ratio="16:9")
    return image(row, content=painted(prompt, (WIDE, TALL)), alt_text=f"A landscape painted for {prompt}")


@pytest.fixture
def issue(writer):
    """The first issue, printed."""
    now = timezone.now()
    for days, story in enumerate(samples.stories()):
        words = {name: getattr(story, name) for name in ("slug", "title", "section", "byline", "summary", "body")}
        article = Article(**words, hero_alt=story.alt, published=True, published_at=now - timezone.timedelta(days=days))
        samples.put(article, finished(writer, story.prompt), writer)
    return Article.objects.all()


def loaded(page):
    """Whether every picture of the page has arrived, those below the fold too."""
    page.evaluate("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager' })")
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")


def test_every_page_of_the_magazine_is_readable_and_fits_the_screen(visit, writer, issue):
    page = visit("/", writer)
    Article.objects.filter(pk=issue[1].pk).update(published=False)
    places = {
        "cover": "/",
        "story": issue[0].get_absolute_url(),
        "draft": issue[1].get_absolute_url(),
        "editors": "/editors/",
    }
    for name, address in places.items():
        page.goto(address)
        loaded(page)
        faults = [each for screen in screens(page, 1600, 800, 360) for each in wrong(page, f"demo-{name}-{screen}")]
        assert not faults


def test_every_page_of_the_newsroom_is_readable_and_fits_the_screen(visit, writer, issue):
    page = visit(LIST, writer)
    places = {"articles": LIST, "article": reverse("admin:articles_article_change", args=[issue[0].pk])}
    for name, address in places.items():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        for screen in screens(page):
            assert not wrong(page, f"newsroom-{name}-{screen}", "#content", without=DJANGOS_OWN)


def test_readers_at_the_keyboard_can_skip_to_the_stories_and_see_where_they_are(visit, writer, issue):
    page = visit("/", writer)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    expect(page.get_by_role("link", name="Skip to the content")).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name=issue[0].title)).to_be_focused()
    outline = "getComputedStyle(document.querySelector('.lead')).outlineStyle"
    assert page.evaluate(outline) == "solid"


def test_a_printed_story_is_words_and_its_picture(visit, writer, issue):
    page = visit(issue[0].get_absolute_url(), writer)
    page.emulate_media(media="print")
    for hidden in (".masthead nav", ".more", ".desk"):
        expect(page.locator(hidden)).to_be_hidden()
    expect(page.locator(".story .hero img")).to_be_visible()
