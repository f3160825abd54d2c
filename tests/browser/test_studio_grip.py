"""Nothing a person holds is dropped: the focus has a place after every deed, and words that were typed stay."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from imagen import pipeline
from imagen.models import Budget, Generation, Scope, Template
from tests.browser.conftest import EDITOR
from tests.browser.looks import keep
from tests.browser.studio import SERVICES
from tests.browser.test_studio_ask import BEGUN, STUDIO, WAVESPEED, button, describe
from tests.browser.test_studio_pick import PANEL, PART, at, door, live, made
from tests.factories import person

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

CHOOSE = """([name, value]) => { const at = document.getElementById("imagen-form").elements[name];
const one = at.options ? [...at.options].find((each) => each.value === value) : at[at.length - 1];
Object.assign(one, {value, selected: true, checked: true});
one.dispatchEvent(new Event("change", {bubbles: true})); }"""
WORDS = "Three sentences that took a while to write, about the dunes."


def test_after_words_are_saved_the_focus_is_at_the_picture_they_are_about(visit, editor):
    page = visit(at(made(editor)), editor)
    page.get_by_role("link", name="Describe and keep").nth(1).click()
    page.get_by_label("Alt text").fill("A kite in the wind")
    page.get_by_role("button", name="Save").press("Enter")
    expect(live(page)).to_have_text("Saved with the picture.")
    expect(page.get_by_role("link", name="Describe and keep").nth(1)).to_be_focused()


def test_after_a_picture_went_the_focus_is_where_it_was(visit, editor):
    row = made(editor, 1)
    page = visit(at(row, editor), editor)
    page.get_by_role("link", name="Use this").click()
    page.get_by_role("radio", name="It only decorates the page").check()
    pipeline.discard(row.images.get())
    page.get_by_role("button", name="Put into the article").press("Enter")
    expect(live(page)).to_have_text("This picture was deleted meanwhile. Your form is as it was.")
    expect(page.get_by_role("link", name="Use this")).to_be_focused()


def test_without_its_picture_the_focus_is_at_the_heading(visit, editor):
    row = made(editor, 1)
    page = visit(at(row, editor), editor)
    page.get_by_role("link", name="Use this").click()
    expect(page.get_by_label("Alt text")).to_be_focused()
    page.evaluate("document.querySelector('[data-place]').remove()")
    page.keyboard.press("Escape")
    expect(page.locator(f"{PART} h2")).to_be_focused()


@pytest.mark.parametrize("leave", ["Escape", "Back to the pictures"])
def test_what_was_typed_about_a_picture_is_there_when_it_is_opened_again(visit, editor, leave):
    page = visit(at(made(editor), editor), editor)
    one, other = (page.get_by_role("link", name="Use this").nth(place) for place in (0, 1))
    one.click()
    page.get_by_label("Alt text").fill(WORDS)
    page.get_by_label("From the left").fill("20")
    if leave == "Escape":
        page.keyboard.press("Escape")
    else:
        page.get_by_role("link", name=leave).click()
    expect(one).to_be_focused()
    other.click()
    expect(page.get_by_label("Alt text")).to_have_value("")
    page.keyboard.press("Escape")
    one.click()
    expect(page.get_by_label("Alt text")).to_have_value(WORDS)
    expect(page.get_by_label("Alt text")).to_be_focused()
    expect(page.get_by_label("From the left")).to_have_value("20")
    expect(page.get_by_role("radio", name="It shows something")).to_be_checked()
    page.get_by_label("Alt text").fill("")
    expect(page.locator("[name=meaning]:checked")).to_have_count(0)


def test_words_stay_when_the_same_picture_is_opened_to_be_cut(visit, editor):
    row = made(editor, 1)
    row.images.update(width=64, height=64)
    page = visit(at(row, editor), editor)
    page.get_by_role("link", name="Use as is").click()
    page.get_by_label("Alt text").fill(WORDS)
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Crop to 16:9").click()
    expect(page.get_by_label("Alt text")).to_have_value(WORDS)
    expect(page.locator("[name=crop]:checked")).to_have_value("16:9")
    page.keyboard.press("Escape")
    page.get_by_role("link", name="Use as is").click()
    expect(page.locator("[name=crop]:checked")).to_have_value("")


def test_escape_on_a_page_of_its_own_loses_nothing(visit, editor):
    image = made(editor, 1).images.get()
    page = visit(reverse("admin:imagen_studio_place", args=[image.pk]), editor)
    page.get_by_label("Alt text").fill(WORDS)
    page.keyboard.press("Escape")
    expect(page.get_by_label("Alt text")).to_have_value(WORDS)
    expect(page.locator(PANEL)).to_be_visible()


def test_the_focus_stays_at_the_foot_when_the_button_for_fewer_goes(visit, editor, settings):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
    Budget.objects.create(scope=Scope.EACH, limit=Decimal("0.05"))
    page = visit(STUDIO, editor)
    describe(page, "a kite")
    fewer = page.get_by_role("button", name="Make 1 instead · 0.038 USD")
    fewer.press("Enter")
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    expect(fewer).to_have_count(0)
    expect(button(page)).to_be_focused()


@pytest.fixture
def said(visit, editor, settings):
    """The Studio with a description, an open fold and a value that goes before the button is pressed."""
    settings.IMAGEN = {"PROVIDERS": SERVICES}

    def press(name, value, address=STUDIO):
        page = visit(address, editor)
        describe(page, "a kite")
        page.get_by_text("More choices").click()
        page.evaluate(CHOOSE, [name, value])
        expect(button(page)).to_have_attribute("aria-disabled", "false")
        settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
        button(page).press("Enter")
        expect(
            page.get_by_text("This is no longer offered. Choose another.").first
        ).to_be_visible()  # the price says it too
        return page

    return press


def test_a_service_that_went_is_shown_with_what_is_wrong_though_one_is_left(said):
    expect(said("provider", "apiframe").get_by_label("Service")).to_be_focused()


def test_where_what_is_wrong_cannot_be_changed_the_focus_is_at_the_button(said, editor):
    page = said("slots", "7:1", f"{STUDIO}?door={door(editor)}")
    expect(button(page)).to_be_focused()


def test_enter_twice_while_a_template_is_kept_buys_nothing(visit, chromium, transactional_db):
    page = visit(STUDIO, person("ann", *EDITOR, "add_template", is_staff=True))
    describe(page, "A {thing} at sea")
    page.get_by_text("Keep this as a template").click()
    page.get_by_label("Name").fill("At sea")
    page.keyboard.press("Enter")
    kept = page.get_by_role("status").filter(has_text="“At sea” is kept")
    expect(kept).to_be_focused()
    expect(kept).to_be_in_viewport()
    keep(page, "template-kept")
    page.keyboard.press("Enter")
    page.wait_for_load_state("networkidle")
    assert Template.objects.get().name == "At sea"
    assert not Generation.objects.exists()
