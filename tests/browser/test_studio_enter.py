"""Enter in a one-line field of the Studio's form: it asks for pictures, or keeps the template that is being named."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from imagen.models import Generation, Template
from tests.browser.conftest import EDITOR
from tests.factories import person

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

STUDIO = reverse("admin:imagen_studio_changelist")
WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}}
scripts = pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no-scripts"])


@pytest.fixture
def begun(visit, transactional_db):
    """The Studio with a template chosen, with scripts or without; everything is done by keyboard."""
    Template.objects.all().delete()
    Template.objects.create(name="Animal", text="A {animal} in the snow")
    ann = person("ann", *EDITOR, "add_template", is_staff=True)

    def begin(scripts):
        page = visit(STUDIO, ann, java_script_enabled=scripts)
        page.get_by_label("Template", exact=True).focus()
        page.keyboard.type("Animal")
        if not scripts:
            page.keyboard.press("Tab")
            page.keyboard.press("Enter")
        expect(page.get_by_label("animal", exact=True)).to_be_visible()
        return page

    return begin


def write(page, label, text):
    """Write this into a field that may stand in a closed box."""
    box = page.locator("details", has=page.get_by_label(label, exact=True))
    if box.count():
        box.locator("summary").press("Enter")
    page.get_by_label(label, exact=True).focus()
    page.keyboard.type(text)


def asked(page):
    """The words of the one request that was asked for."""
    expect(page.locator("#imagen-results .imagen-run[data-run]")).to_be_visible()
    return Generation.objects.get().wording["own"]


@scripts
def test_enter_in_a_gap_of_a_template_asks(begun, scripts):
    page = begun(scripts)
    write(page, "animal", "fox")
    page.keyboard.press("Enter")
    assert asked(page) == "A fox in the snow"


@scripts
def test_enter_in_the_seed_asks(begun, scripts):
    page = begun(scripts)
    write(page, "animal", "fox")
    write(page, "Seed", "7")
    page.keyboard.press("Enter")
    assert asked(page) == "A fox in the snow"
    assert Generation.objects.get().seed == 7


@scripts
def test_enter_in_the_name_of_a_template_keeps_it(begun, scripts):
    page = begun(scripts)
    write(page, "animal", "fox")
    write(page, "Name", "Fox")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").filter(has_text="“Fox” is kept among your templates.")).to_be_visible()
    assert Template.objects.filter(name="Fox").exists()
    assert not Generation.objects.exists()


@scripts
def test_enter_presses_nothing_else_where_no_service_can_be_asked(begun, settings, scripts):
    page = begun(scripts)
    settings.IMAGEN = {"PROVIDERS": {}}
    page.reload()
    expect(page.locator("#imagen-generate")).to_be_disabled()
    posted = []
    page.on("request", lambda request: posted.append(request) if "quote" not in request.url else None)
    write(page, "Seed", "7")
    page.keyboard.press("Enter")
    page.wait_for_timeout(500)
    assert not posted


# --- while a price is on its way ---


@pytest.fixture
def held(begun, settings):
    """The Studio with a description, and prices that come when they are let go."""
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
    page, waiting = begun(True), []
    write(page, "animal", "fox")
    expect(page.locator("#imagen-generate")).to_have_text("Generate 2 · 0.076 USD")
    page.wait_for_load_state("networkidle")
    page.route("**/quote/", lambda route: waiting.append(route))  # noqa: PLW0108 (it looks into what it is given)

    def let_go():
        while not waiting:
            page.wait_for_timeout(50)
        waiting.pop(0).continue_()

    return page, let_go


def test_what_was_pressed_before_the_price_came_goes_on_if_it_is_the_price_that_was_seen(held):
    page, let_go = held
    page.get_by_role("radio", name="2", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowLeft")
    page.locator("#imagen-generate").press("Enter")
    page.wait_for_timeout(300)
    assert not Generation.objects.exists()
    let_go()
    assert asked(page) == "A fox in the snow"


def test_what_was_pressed_before_the_price_came_is_not_sent_at_another_price(held):
    page, let_go = held
    page.get_by_role("radio", name="2", exact=True).focus()
    page.keyboard.press("ArrowRight")
    page.locator("#imagen-generate").press("Enter")
    let_go()
    expect(page.locator("#imagen-generate")).to_have_text("Generate 3 · 0.114 USD")
    expect(page.locator("#imagen-generate")).to_have_attribute("aria-disabled", "false")
    page.wait_for_timeout(300)
    assert not Generation.objects.exists()
