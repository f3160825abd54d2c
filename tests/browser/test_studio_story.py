"""From an article nobody has saved yet to a picture its readers see, through a real cluster."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from playwright.sync_api import expect

from imagen.models import Entry, Generation, Placement
from project.articles.models import Article
from tests.browser.newsroom import (
    ADD,
    ALT,
    INFORMATIVE,
    LIST,
    SUMMARY,
    TITLE,
    ask,
    candidates,
    enter,
    finish,
    focused,
    hero,
    opener,
    ready,
    studio,
    tab_to,
    write,
)

pytestmark = [pytest.mark.browser, pytest.mark.story]

COUNT = """addEventListener("click", (event) => { if (event.isTrusted && event.detail) window.clicked(); }, true)"""


@pytest.fixture
def clicks(visit, writer):
    """A window on the add form in which every press of the mouse is counted, and every page that is loaded."""
    page = visit(reverse("admin:index"), writer)
    counted = {"clicks": 0, "loads": []}
    page.expose_function("clicked", lambda: counted.__setitem__("clicks", counted["clicks"] + 1))
    page.context.add_init_script(COUNT)
    page.goto(ADD)
    page.on("framenavigated", lambda frame: frame.parent_frame or counted["loads"].append(frame.url))
    return page, counted


def test_four_clicks_and_no_page_load_lead_to_a_picture_on_the_page(clicks, cluster, writer):
    cluster()
    page, counted = clicks
    write(page)
    before = counted["clicks"]
    opener(page).click()
    inside = studio(page)
    expect(inside.get_by_label("Description")).to_have_value(f"{TITLE}. {SUMMARY[:-1]}")
    expect(inside.locator("#imagen-generate")).to_have_text("Generate 2 · 0.08 USD")
    inside.locator("#imagen-generate").click()
    ready(inside, 2)
    inside.get_by_role("link", name="Use this").nth(1).click()
    expect(inside.get_by_label("Alt text")).to_be_focused()
    page.keyboard.type(ALT)
    expect(inside.get_by_role("radio", name=INFORMATIVE)).to_be_checked()
    inside.get_by_role("button", name="Put into the").click()
    expect(hero(page).get_by_role("status")).to_have_text("AI-generated · not saved yet")
    assert counted["clicks"] - before == 4
    assert counted["loads"] == []
    finish(page)
    _everything_is_written_down(writer)
    _readers_see_it(page)


@pytest.mark.parametrize(("width", "height"), [(1280, 900), (1280, 800), (360, 640)])
def test_the_panel_is_seen_from_its_top_where_it_fits_and_always_where_one_writes(
    visit, cluster, writer, width, height
):
    cluster()
    page = visit(ADD, writer, viewport={"width": width, "height": height})
    page.route("**/imagen/images/**", lambda route: None)
    inside = enter(page, "A ridge at dawn")
    ask(inside)
    ready(inside, 2)
    inside.get_by_role("link", name="Use this").nth(1).click()
    expect(inside.get_by_label("Alt text")).to_be_focused()
    before = inside.locator(".imagen-place").bounding_box()
    page.unroute("**/imagen/images/**")  # the picture comes last
    expect(inside.locator(".imagen-aim img")).to_have_js_property("complete", True)
    assert inside.locator(".imagen-place").bounding_box() == before, "nothing moves when it comes"
    expect(inside.get_by_label("Alt text")).to_be_in_viewport(ratio=1)
    if width == 1280:
        expect(inside.get_by_role("heading", name="Before it goes into the article")).to_be_in_viewport(ratio=1)
        expect(inside.get_by_label("File name")).to_be_in_viewport(ratio=1)
        expect(inside.get_by_role("button", name="Put into the")).to_be_in_viewport(ratio=1)


def _everything_is_written_down(writer):
    article, generation = Article.objects.get(), Generation.objects.get()
    placed = Placement.objects.get()
    assert (placed.image, placed.field, placed.object_id) == (generation.images.get(index=1), "hero", str(article.pk))
    assert (placed.user, placed.alt_text, placed.meaning) == (writer, ALT, "informative")
    assert (generation.place, generation.place_id) == ("articles.article.hero", str(article.pk))
    assert article.hero_alt == ALT
    assert "generated picture" in LogEntry.objects.get(object_id=str(article.pk)).change_message
    assert (generation.cost_estimated, generation.cost_actual) == (Decimal("0.08"), Decimal("0.08"))
    assert sum(entry.spent for entry in Entry.objects.all()) == Decimal("0.08")


def _readers_see_it(page):
    article = Article.objects.get()
    page.goto(article.get_absolute_url())
    picture = page.get_by_alt_text(ALT)
    expect(picture).to_be_visible()
    assert picture.evaluate("each => each.naturalWidth") > 0
    assert (picture.get_attribute("width"), picture.get_attribute("height")) == (
        str(article.hero_width),
        str(article.hero_height),
    )
    expect(page.get_by_text("AI-generated", exact=True)).to_be_visible()


def test_who_closes_the_window_is_told_on_the_next_page_and_led_back(visit, cluster, writer):
    page = visit(ADD, writer)
    write(page)
    ask(enter(page))
    context = page.context
    later = context.new_page()
    page.close()
    later.goto(LIST)
    expect(later.locator(".messagelist")).to_have_count(0)
    cluster()
    _wait_for(later, Generation.objects.filter(status="completed"))
    later.goto(LIST)
    expect(later.locator(".messagelist")).to_contain_text(f"2 images for {TITLE}. {SUMMARY[:-1]} are ready.")
    expect(later.get_by_role("link", name="Studio (1)").first).to_be_visible()
    later.locator(".messagelist").get_by_role("link", name="Show").click()
    ready(later, 2)
    later.goto(LIST)
    expect(later.locator(".messagelist")).to_have_count(0)
    expect(later.get_by_role("link", name="Studio (1)")).to_have_count(0)


def _wait_for(page, rows):
    for _look in range(120):
        if rows.exists():
            return
        page.wait_for_timeout(250)
    raise AssertionError("it did not come")


def test_a_double_click_asks_once(visit, cluster, writer):
    cluster()
    page = visit(ADD, writer)
    write(page)
    inside = enter(page)
    expect(inside.locator("#imagen-generate")).to_have_attribute("aria-disabled", "false")
    inside.locator("#imagen-generate").dblclick()
    ready(inside, 2)
    assert Generation.objects.get().cost_actual == Decimal("0.08")


def test_by_keyboard_alone_and_the_focus_is_always_to_be_seen(visit, cluster, writer):
    cluster()
    page = visit(ADD, writer)
    inside = studio(page)
    tab_to(page, page.get_by_label("Title"))
    page.keyboard.type(TITLE)
    tab_to(page, opener(page))
    page.keyboard.press("Enter")
    expect(inside.get_by_label("Description")).to_be_focused()
    page.keyboard.type(". A ridge at dawn")
    tab_to(page, inside.locator("#imagen-generate"))
    page.keyboard.press("Enter")
    ready(inside, 2)
    expect(inside.locator("#imagen-generate")).to_be_focused()
    tab_to(page, candidates(inside).first)
    page.keyboard.press("ArrowRight")
    expect(candidates(inside).nth(1)).to_be_checked()
    page.keyboard.press("1")
    page.keyboard.press("Enter")
    expect(inside.locator("dialog.imagen-large-view")).to_be_visible()
    focused(page)
    page.keyboard.press("Escape")
    expect(candidates(inside).first).to_be_focused()
    tab_to(page, inside.get_by_role("link", name="Use this").nth(1))
    page.keyboard.press("Enter")
    _place_by_keyboard(page, inside)
    expect(opener(page)).to_be_focused()
    tab_to(page, hero(page).get_by_role("button", name="Undo"))
    page.keyboard.press("Enter")
    expect(opener(page)).to_be_focused()


def _place_by_keyboard(page, inside):
    expect(inside.get_by_label("Alt text")).to_be_focused()
    page.keyboard.press("Escape")
    expect(inside.get_by_role("link", name="Use this").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(inside.get_by_label("Alt text")).to_be_focused()
    page.keyboard.type(ALT)
    tab_to(page, inside.get_by_role("button", name="Put into the"))
    page.keyboard.press("Enter")
    expect(page.locator("dialog")).to_have_count(0)
