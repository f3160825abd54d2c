"""Who is quicker than the Studio's scripts: whatever is clicked or written before they ran is not lost."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from playwright.sync_api import expect

from imagen.doors import Door
from imagen.models import HouseRule, Template
from tests.browser.newsroom import ALT, INFORMATIVE, hero, studio, use
from tests.browser.test_browser_admin import paint_into
from tests.factories import generation, person
from tests.project.conftest import WRITER, article

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

STUDIO = reverse("admin:imagen_studio_changelist")
PLACE = "articles.article.hero"
PICKED = "AI-generated · not saved yet"
WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}}


@pytest.fixture(autouse=True)
def public(settings, media):
    """The live server serves the media folder of this test."""
    settings.MEDIA_ROOT = media


@pytest.fixture
def writer(editor):
    """An editor who also writes."""
    editor.user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    return User.objects.get(pk=editor.pk)


@pytest.fixture
def row(writer):
    """An article, and a finished request of two pictures at its field."""
    place = {"place": PLACE, "place_id": str(article().pk)}
    made = generation(writer, status="completed", num_images=2, aspect_ratio="16:9", prompt="Wide dunes", **place)
    for number in range(2):
        paint_into(made, number)
    return made


@pytest.fixture
def late(visit, writer):
    """A page whose scripts of these names are held back, in all of its windows, until they are let go."""

    def look(address, name):
        page = visit(reverse("admin:index"), writer)
        pattern = f"**/imagen/{name}*.js"
        page.context.route(pattern, lambda route: None)
        page.goto(address, wait_until="commit")
        return page, lambda: page.context.unroute(pattern)

    return look


def scripted(page):
    expect(page.locator("#imagen-form.imagen-scripted")).to_have_count(1)


def sent(page, button):
    """The page that comes when this is pressed before any script ran."""
    page.evaluate("window.before = true")
    button.click(no_wait_after=True)
    page.wait_for_function("!window.before && document.getElementById('imagen-results')")


# --- asking ---


def test_a_template_chosen_before_the_scripts_ran_asks_for_its_gaps(late):
    HouseRule.objects.all().delete()
    Template.objects.all().delete()
    Template.objects.create(name="Animal", text="A {animal} in the snow")
    page, let_go = late(STUDIO, "call")
    page.get_by_label("Template", exact=True).select_option(label="Animal")
    let_go()
    page.get_by_label("animal", exact=True).fill("fox")
    expect(page.get_by_label("Description")).to_have_value("A fox in the snow")


def test_a_number_chosen_before_the_scripts_ran_has_its_own_price(late, settings):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
    page, let_go = late(STUDIO, "call")
    page.get_by_role("radio", name="4", exact=True).check()
    expect(page.locator("#imagen-generate")).to_have_text("Generate 2 · 0.076 USD")
    let_go()
    expect(page.locator("#imagen-generate")).to_have_text("Generate 4 · 0.152 USD")


def test_the_scripts_do_not_take_the_focus_from_who_writes(late):
    page, let_go = late(STUDIO, "call")
    page.get_by_text("More choices").click()
    page.get_by_label("Seed").focus()
    page.keyboard.type("1")
    let_go()
    scripted(page)
    expect(page.get_by_label("Seed")).to_be_focused()


def test_an_example_pressed_before_the_scripts_ran_takes_no_words_from_who_wrote_some(late):
    page, let_go = late(STUDIO, "call")
    words, example = page.get_by_label("Description"), page.locator("[name=example]").first
    said = example.inner_text()
    words.fill("My own kite")
    page.get_by_role("radio", name="4", exact=True).check()
    sent(page, example)
    expect(words).to_have_value("My own kite")
    expect(page.get_by_role("radio", name="4", exact=True)).to_be_checked()
    words.fill("")
    sent(page, example)
    expect(words).to_have_value(said)
    words.fill("My own kite")
    let_go()
    expect(example).to_be_hidden()
    expect(words).to_have_value("My own kite")


def test_a_button_that_needs_scripts_is_not_there_before(late, writer):
    generation(person("bea"), place=PLACE, place_id="7")
    door = Door(place=PLACE, place_id="7", ratio="16:9").sign(writer)
    page, let_go = late(f"{STUDIO}?door={door}", "call")
    expect(page.get_by_text("Another editor")).to_be_visible()
    expect(page.get_by_role("button", name="Start my own")).to_be_hidden()
    let_go()
    page.get_by_role("button", name="Start my own").click()
    expect(page.get_by_text("Another editor")).to_be_hidden()


# --- from the form and back ---


def test_the_way_to_the_studio_taken_before_the_script_ran_leads_back_into_the_form(late, row):
    page, let_go = late(reverse("admin:articles_article_change", args=[row.place_id]), "field")
    with page.expect_popup() as opened:
        hero(page).get_by_role("link", name="or choose").click()
    let_go()
    window = opened.value
    use(window)
    with window.expect_event("close"):
        window.get_by_role("button", name="Put into the").click()
    expect(hero(page).get_by_role("status")).to_have_text(PICKED)
    expect(hero(page).get_by_alt_text(ALT)).to_be_visible()


def test_the_window_of_a_relation_opened_before_the_scripts_ran_fills_its_field_and_closes(late, writer, row):
    writer.user_permissions.add(*Permission.objects.filter(codename__in=("view_style", "add_style", "change_style")))
    page, let_go = late(reverse("admin:imagen_style_add"), "field")  # Django's script waits for it too
    with page.expect_popup() as opened:
        page.get_by_role("link", name="Generate…").click()
    let_go()
    window = opened.value
    window.goto(f"{window.url}&run={row.pk}")
    window.get_by_role("link", name="Use this").first.click()
    window.get_by_label("Alt text").fill(ALT)
    with window.expect_event("close"):
        window.get_by_role("button", name="Put into the").click()
    expect(page.locator("[name=example]")).to_have_value(str(row.images.get(index=0).pk))


@pytest.fixture
def page_of_its_own(late, row):
    """The panel as a page of its own in the dialog, its script still on its way."""
    page, let_go = late(reverse("admin:articles_article_change", args=[row.place_id]), "place")
    page.wait_for_load_state()
    hero(page).get_by_role("link", name="or choose").click()
    expect(studio(page).locator(".imagen-run:not([data-brief])")).to_be_visible()  # drawn for the last time
    studio(page).locator("[data-place]").first.click(no_wait_after=True)
    expect(studio(page).locator("#content-main[data-quote] .imagen-place")).to_be_visible()
    return page, let_go


def test_a_picture_sent_before_the_script_ran_is_handed_over_all_the_same(page_of_its_own):
    page, let_go = page_of_its_own
    studio(page).get_by_role("radio", name=INFORMATIVE).check()
    studio(page).get_by_label("Alt text").fill(ALT)
    studio(page).get_by_role("button", name="Put into the").click(no_wait_after=True)
    expect(studio(page).locator("[data-picked]")).to_have_count(1)
    let_go()
    expect(page.locator("dialog")).to_have_count(0)
    expect(hero(page).get_by_role("status")).to_have_text(PICKED)
    expect(hero(page).get_by_alt_text(ALT)).to_be_visible()


def test_an_alt_text_written_before_the_script_ran_says_what_the_picture_is_for(page_of_its_own):
    page, let_go = page_of_its_own
    studio(page).get_by_label("Alt text").fill(ALT)
    let_go()
    expect(studio(page).get_by_role("radio", name=INFORMATIVE)).to_be_checked()


def test_in_a_window_no_form_opened_it_is_said_where_the_picture_is(visit, writer, row):
    page = visit(STUDIO, writer)
    door = Door(place=PLACE, place_id=row.place_id, ratio="16:9").sign(writer)
    page.goto(reverse("admin:imagen_studio_place", args=[row.images.first().pk]) + f"?door={door}")
    page.get_by_role("radio", name=INFORMATIVE).check()
    page.get_by_label("Alt text").fill(ALT)
    page.get_by_role("button", name="Put into the").click()
    expect(page.get_by_role("alert")).to_contain_text("No form opened this window")
    expect(page.get_by_label("Alt text")).to_have_value(ALT)
