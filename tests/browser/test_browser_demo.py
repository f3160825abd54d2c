"""The magazine as readers and its newsroom meet it: readable everywhere, and a picture finds its way onto a page."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from imagen import files
from imagen.models import Image
from imagen.painting import paint
from project.articles import plates, samples
from project.articles.models import Article
from tests.factories import generation

pytestmark = pytest.mark.browser

LIST = reverse("admin:articles_article_changelist")
ADD = reverse("admin:articles_article_add")
WIDE, TALL = 704, 384
DJANGOS_OWN = {rule: {"enabled": False} for rule in ("label-title-only", "link-in-text-block")}  # its search bar


@pytest.fixture(autouse=True)
def public(settings, media):
    """The live server serves the media folder of this test."""
    settings.MEDIA_ROOT = media


@pytest.fixture
def writer(editor):
    """An editor who also writes."""
    names = ("view_article", "add_article", "change_article")
    editor.user_permissions.add(*Permission.objects.filter(content_type__app_label="articles", codename__in=names))
    return User.objects.get(pk=editor.pk)


def painted(user, prompt):
    """A finished picture of this prompt."""
    digest = hashlib.sha256(prompt.encode()).digest()
    content = paint(digest=digest, size=(WIDE, TALL), caption="", output_format="png")
    row = generation(user, status="completed", prompt=prompt, aspect_ratio="16:9")
    kept = files.keep(files.prepare(content, system="sandbox"), folder=row.pk)
    return Image.objects.create(
        generation=row,
        job=row.jobs.get(),
        index=0,
        file=kept.name,
        thumbnail=kept.thumbnail,
        width=kept.width,
        height=kept.height,
        format=kept.format,
        bytes=kept.bytes,
        sha256=kept.sha256,
        provider_model="sandbox",
        created_at=timezone.now(),
        alt_text=f"A landscape painted for {prompt}",
    )


@pytest.fixture
def issue(writer):
    """The first issue, printed."""
    now = timezone.now()
    for days, story in enumerate(samples.stories()):
        words = {name: getattr(story, name) for name in ("slug", "title", "section", "byline", "summary", "body")}
        article = Article(**words, hero_alt=story.alt, published=True, published_at=now - timezone.timedelta(days=days))
        article.illustrate(plates.of_picture(painted(writer, story.prompt), title=story.title))
        article.save()
    return Article.objects.all()


def loaded(page):
    """Whether every picture of the page has arrived, those below the fold too."""
    page.evaluate("document.querySelectorAll('img').forEach((image) => { image.loading = 'eager' })")
    page.wait_for_function("[...document.images].every((image) => image.complete && image.naturalWidth > 0)")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1600, 800, 360])
def test_every_page_of_the_magazine_is_readable_and_fits_the_screen(visit, writer, issue, theme, width, tmp_path):
    folder = Path(os.environ.get("IMAGEN_SCREENSHOTS") or tmp_path)
    options = {"viewport": {"width": width, "height": 900}, "color_scheme": theme, "reduced_motion": "reduce"}
    page = visit("/", writer, **options)
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
        page.screenshot(path=folder / f"demo-{name}-{theme}-{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        found = Axe().run(page).response["violations"]
        assert not [(name, each["id"], each["nodes"][0]["html"][:200]) for each in found]


@pytest.mark.parametrize("width", [1280, 360])
def test_every_page_of_the_newsroom_is_readable_and_fits_the_screen(visit, writer, issue, width, tmp_path):
    folder = Path(os.environ.get("IMAGEN_SCREENSHOTS") or tmp_path)
    page = visit(LIST, writer, viewport={"width": width, "height": 900}, reduced_motion="reduce")
    picture = issue[0].hero_source
    places = {
        "articles": LIST,
        "article": f"{reverse('admin:articles_article_change', args=[issue[0].pk])}?picture={picture.pk}",
        "choose": reverse("admin:articles_article_pictures"),
        "use": reverse("admin:articles_article_use", args=[picture.pk]),
    }
    for name, address in places.items():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        page.screenshot(path=folder / f"newsroom-{name}-{width}.png")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, name
        found = Axe().run(page, context="#content-main", options={"rules": DJANGOS_OWN}).response["violations"]
        assert not [(name, each["id"], each["nodes"][0]["html"][:200]) for each in found]


def write(page, title):
    page.get_by_label("Title").fill(title)
    page.get_by_label("Summary").fill("Some things go well.")
    page.get_by_label("Text:", exact=True).fill("It was a quiet day.\n\n## Evening\n\nIt stayed <b>quiet</b>.")
    page.get_by_label("Published").check()


def test_a_picture_chosen_in_the_newsroom_is_seen_on_the_page(visit, writer):
    painted(writer, "a harbour at noon")
    wanted = painted(writer, "a red kite over the coast")
    page = visit(ADD, writer)
    write(page, "A quiet day")
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Choose a generated picture").click()
    choice = opened.value
    expect(choice.locator(".articles-grid li")).to_have_count(2)
    choice.get_by_label("Words in the description").fill("kite")
    choice.get_by_role("button", name="Search").click()
    expect(choice.locator(".articles-grid li")).to_have_count(1)
    with choice.expect_event("close"):
        choice.get_by_role("link", name="a red kite").click()
    expect(page.get_by_alt_text("The picture you chose")).to_have_attribute(
        "src", f"/imagen/images/{wanted.pk}/thumbnail/"
    )
    page.get_by_label("Alt text").fill("A red kite above a cliff")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    page.goto("/")
    page.get_by_role("link", name="A quiet day").click()
    expect(page.get_by_role("heading", name="A quiet day")).to_be_visible()
    expect(page.get_by_alt_text("A red kite above a cliff")).to_be_visible()
    expect(page.get_by_text("AI-generated", exact=True)).to_be_visible()
    expect(page.get_by_text("It stayed <b>quiet</b>.")).to_be_visible()
    loaded(page)


def test_without_an_alt_text_the_form_comes_back_with_the_picture_still_chosen(visit, writer):
    wanted = painted(writer, "a red kite")
    wanted.alt_text = ""
    wanted.save()
    page = visit(f"{ADD}?picture={wanted.pk}", writer)
    write(page, "A quiet day")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator(".field-hero_alt .errorlist")).to_contain_text("Say what the picture shows")
    expect(page.get_by_alt_text("The picture you chose")).to_be_visible()
    page.get_by_role("button", name="Do not use it").click()
    expect(page.get_by_alt_text("The picture you chose")).to_be_hidden()
    expect(page.get_by_role("link", name="Choose a generated picture")).to_be_focused()
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert Article.objects.get().hero.name == ""


def test_without_scripts_the_way_leads_over_pages(visit, writer):
    wanted = painted(writer, "a red kite")
    page = visit(ADD, writer, java_script_enabled=False)
    page.get_by_role("link", name="Choose a generated picture").click()
    page.get_by_role("link", name="a red kite").click()
    page.get_by_role("link", name="Start a new article with it").click()
    write(page, "A quiet day")
    page.get_by_label("Address").fill("a-quiet-day")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    assert Article.objects.get().hero_source == wanted


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
