"""The Studio's left column as people meet it: by mouse, by keyboard, in a dialog, on a phone, without scripts."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from imagen.doors import Door
from imagen.models import Budget, Generation, HouseRule, Scope, Style, Template, Tempo
from tests.browser.conftest import EDITOR
from tests.browser.looks import timed, violations
from tests.browser.newsroom import clean
from tests.factories import completed, person

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

STUDIO = reverse("admin:imagen_studio_changelist")
BEGUN = re.compile("Waiting|Queued")
PHONE = {"viewport": {"width": 360, "height": 740}}
NO_TEXT = "No text, no lettering and no logos in the picture."
WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}}
OPEN = """([address, words]) => new Promise((done) => {
  window.heard = [];
  const frame = Object.assign(document.createElement("iframe"), { src: address, name: "studio" });
  window.addEventListener("message", (event) => {
    window.heard.push(event.data.type);
    if (event.data.type !== "imagen:ready") return;
    frame.contentWindow.postMessage({ type: "imagen:form", words, current: null }, location.origin);
    done();
  });
  document.body.replaceChildren(frame);
})"""


@pytest.fixture
def editor(chromium, transactional_db):
    """A member of staff who may generate and keep templates."""
    return person("ann", *EDITOR, "add_template", is_staff=True)


@pytest.fixture(autouse=True)
def house(transactional_db):
    """A rule, two styles and a template."""
    HouseRule.objects.all().delete()
    HouseRule.objects.create(name="No text in the picture", words=NO_TEXT)
    ink = Style.objects.create(name="Ink", words="Drawn in ink.")
    Style.objects.create(name="Woodcut", words="A woodcut.", position=1)
    Template.objects.create(name="Animal", text="A {animal} in the {place}", style=ink)


@pytest.fixture
def wavespeed(settings):
    """A service whose models differ in what they can do, and cost money."""
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}


def describe(page: Page, text: str) -> None:
    page.get_by_label("Description").fill(text)


def button(page: Page):
    return page.locator("#imagen-generate")


def test_asking_keeps_the_page_the_words_and_the_focus(visit, editor):
    page = visit(STUDIO, editor)
    page.evaluate("window.same = true")
    describe(page, "a red kite")
    button(page).click()
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    assert page.evaluate("window.same")
    expect(page.get_by_label("Description")).to_have_value("a red kite")
    expect(button(page)).to_be_focused()
    assert Generation.objects.get().prompt == f"a red kite. {NO_TEXT}"


def test_a_double_click_asks_once_and_a_later_click_asks_again(visit, editor):
    page = visit(STUDIO, editor)
    describe(page, "a red kite")
    button(page).dblclick()
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    expect(button(page)).to_have_attribute("aria-disabled", "false")
    assert Generation.objects.count() == 1
    with page.expect_response(lambda answer: answer.url.endswith(STUDIO)):
        button(page).click()
    assert Generation.objects.count() == 2


def test_what_was_taken_is_said_on_the_button_and_aloud_before_the_next_can_be_asked(visit, editor):
    page = timed(visit(STUDIO, editor))
    describe(page, "a red kite")
    page.clock.pause_at(page.evaluate("Date.now()") + 500)
    button(page).click()
    expect(button(page)).to_have_text("Queued")
    expect(page.locator("#imagen-said")).to_contain_text("Queued, place 1")
    with page.expect_response(lambda answer: "/quote/" in answer.url):
        page.clock.run_for(500)
    expect(button(page)).to_have_text("Queued")
    expect(button(page)).to_have_attribute("aria-disabled", "true")
    expect(button(page)).to_be_focused()
    page.clock.run_for(2000)
    expect(button(page)).to_contain_text("Generate 2")
    expect(button(page)).to_have_attribute("aria-disabled", "false")


def test_who_goes_on_at_once_need_not_wait_for_the_button(visit, editor):
    page = timed(visit(STUDIO, editor))
    describe(page, "a red kite")
    page.clock.pause_at(page.evaluate("Date.now()") + 500)
    button(page).click()
    expect(button(page)).to_have_text("Queued")
    describe(page, "a blue kite")
    expect(button(page)).to_contain_text("Generate 2")
    expect(button(page)).to_have_attribute("aria-disabled", "false")


def test_the_whole_of_it_by_keyboard(visit, editor):
    page = visit(STUDIO, editor)
    expect(page.get_by_label("Description")).to_be_focused()
    page.keyboard.type("a red kite")
    page.get_by_role("radio", name="Ink").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("radio", name="2", exact=True).focus()
    page.keyboard.press("ArrowRight")
    expect(button(page)).to_contain_text("Generate 3")
    expect(button(page)).to_have_attribute("aria-disabled", "false")
    page.get_by_label("Description").focus()
    page.keyboard.press("Control+Enter")
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    row = Generation.objects.get()
    assert (row.prompt, row.num_images) == (f"a red kite. A woodcut. {NO_TEXT}", 3)


@pytest.mark.by_hand("rows stand for how they look")
def test_a_picture_that_says_the_same_already_is_looked_at_instead(visit, editor):
    completed(editor, images=2, prompt="a red kite over the dunes")
    page = visit(STUDIO, editor)
    page.get_by_label("Description").fill("A red kite over the dunes")
    have = page.locator("#imagen-have")
    expect(have).to_contain_text("You already have 2 similar pictures. They cost nothing.")
    clean(page)
    have.get_by_role("link", name="Show: Picture 2, not described yet").click()
    expect(page.locator("#imagen-results [name=imagen-choice]")).to_have_count(2)
    expect(page.locator("#imagen-results h2")).to_be_focused()
    page.get_by_role("radio", name="1", exact=True).check()
    expect(have).to_be_empty()
    expect(page.get_by_label("Description")).to_have_value("A red kite over the dunes")


def test_price_and_choices_follow_the_model(visit, editor, wavespeed):
    page = visit(STUDIO, editor)
    expect(button(page)).to_have_text("Generate 2 · 0.076 USD")
    expect(page.locator("#imagen-notes")).to_contain_text("Its successor is Nano Banana 2.1")
    page.get_by_role("radio", name="4", exact=True).check()
    expect(button(page)).to_have_text("Generate 4 · 0.152 USD")
    page.get_by_text("More choices").click()
    expect(page.get_by_label("Seed", exact=True)).to_be_visible()
    page.get_by_role("button", name="Use Nano Banana 2.1").click()
    expect(page.get_by_label("Model")).to_have_value("nano-banana-2.1")
    expect(page.get_by_label("Model")).to_be_focused()
    expect(page.locator("#imagen-notes")).not_to_contain_text("successor")
    expect(page.get_by_label("Seed", exact=True)).to_be_hidden()
    page.get_by_text("More shapes").click()
    page.get_by_role("radio", name="21:9").check()
    page.get_by_label("Model").select_option("imagen-4")
    expect(page.get_by_role("radio", name="16:9")).to_be_checked()
    expect(page.get_by_role("radio", name="21:9")).to_be_hidden()


def test_chance_writes_a_seed_by_keyboard_and_reads_it_out(visit, editor, wavespeed):
    page = visit(STUDIO, editor)
    describe(page, "a red kite")
    page.get_by_text("More choices").click()
    dice = page.get_by_role("button", name="Random seed")
    dice.press("Enter")
    expect(page.get_by_label("Seed", exact=True)).to_have_value(re.compile(r"^\d+$"))
    drawn = page.get_by_label("Seed", exact=True).input_value()
    expect(page.locator("#imagen-drawn")).to_have_text(drawn)
    expect(dice).to_be_focused()
    clean(page)
    expect(button(page)).to_have_attribute("aria-disabled", "false")
    button(page).click()
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    assert Generation.objects.get().seed == int(drawn)
    page.get_by_label("Model").select_option("nano-banana-2.1")
    expect(dice).to_be_hidden()


def test_how_long_the_model_usually_takes_stands_there_without_a_touch(visit, editor, wavespeed):
    Tempo.objects.create(provider="wavespeed", provider_model="google/imagen4", mean=11.0, deviation=3.0)
    page = visit(STUDIO, editor)
    expect(page.locator("#imagen-notes")).to_contain_text("Imagen 4: 0.038 USD a picture, usually 11 s.")
    expect(page.get_by_label("Description")).to_be_focused()


def test_what_will_be_sent_can_be_seen_taken_apart_and_edited_as_a_whole(visit, editor):
    page = visit(STUDIO, editor)
    describe(page, "a red kite")
    page.get_by_role("radio", name="Ink").check()
    page.get_by_text("What will be sent").click()
    sent = page.locator("#imagen-sent")
    expect(sent).to_contain_text(f"a red kite. Drawn in ink. {NO_TEXT}")
    page.get_by_role("checkbox", name="No text in the picture").uncheck()
    expect(sent).to_contain_text("a red kite. Drawn in ink. Added: Ink, version 1 25 of 5000 characters")
    page.get_by_role("button", name="Edit all of it").click()
    expect(page.get_by_label("Description")).to_have_value("a red kite. Drawn in ink.")
    expect(page.get_by_role("radio", name="No style")).to_be_checked()
    expect(page.get_by_label("Description")).to_be_focused()


def test_a_template_asks_for_its_gaps_and_gives_the_words_back(visit, editor):
    page = visit(STUDIO, editor)
    describe(page, "my own words")
    page.get_by_label("Template", exact=True).select_option(label="Animal")
    page.get_by_label("animal", exact=True).fill("fox")
    expect(page.get_by_label("Description")).to_have_value("A fox in the {place}")
    expect(page.get_by_role("radio", name="Ink")).to_be_checked()
    button(page).click()
    expect(page.get_by_text("Fill in: place.")).to_be_visible()
    expect(page.get_by_label("place", exact=True)).to_be_focused()
    page.get_by_label("place", exact=True).fill("snow")
    expect(page.get_by_label("Description")).to_have_value("A fox in the snow")
    page.get_by_label("Template", exact=True).select_option(label="None")
    expect(page.get_by_label("animal", exact=True)).to_have_count(0)


def test_words_changed_by_hand_are_not_overwritten_by_a_gap(visit, editor):
    page = visit(STUDIO, editor)
    page.get_by_label("Template", exact=True).select_option(label="Animal")
    page.get_by_label("Description").fill("A fox, asleep")
    expect(page.get_by_label("animal", exact=True)).to_have_count(0)
    expect(page.get_by_label("Description")).to_have_value("A fox, asleep")


def test_words_are_kept_as_a_template_without_leaving_the_page(visit, editor):
    page = visit(STUDIO, editor)
    describe(page, "A {thing} at sea")
    page.get_by_text("Keep this as a template").click()
    page.get_by_label("Name").fill("At sea")
    page.get_by_role("button", name="Keep").click()
    expect(page.get_by_role("status").filter(has_text="“At sea” is kept")).to_be_visible()
    expect(page.get_by_label("Description")).to_have_value("A {thing} at sea")
    page.get_by_label("Template", exact=True).select_option(label="At sea (only mine)")
    expect(page.get_by_label("thing", exact=True)).to_be_visible()


def test_what_is_wrong_is_said_beside_its_field_which_gets_the_focus(visit, editor):
    page = visit(STUDIO, editor)
    page.get_by_role("radio", name="Ink").check()
    button(page).click()
    expect(page.get_by_text("Say what the picture shows.")).to_be_visible()
    expect(page.get_by_label("Description")).to_be_focused()
    expect(page.get_by_role("radio", name="Ink")).to_be_checked()


def test_when_the_site_does_not_answer_nothing_is_lost(visit, editor):
    page = visit(STUDIO, editor)
    describe(page, "a red kite")
    page.context.set_offline(True)
    button(page).click()
    expect(page.get_by_role("alert")).to_contain_text("Your words are still here")
    expect(page.get_by_label("Description")).to_have_value("a red kite")
    page.context.set_offline(False)
    button(page).click()
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)


def test_over_budget_fewer_are_made_with_one_click(visit, editor, wavespeed):
    Budget.objects.create(scope=Scope.EACH, limit=Decimal("0.05"))
    page = visit(STUDIO, editor)
    describe(page, "a red kite")
    page.get_by_role("button", name="Make 1 instead · 0.038 USD").click()
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    assert Generation.objects.get().num_images == 1
    expect(page.locator("#imagen-form")).to_contain_text("0.012 USD of 0.05 USD is left")


BEHIND = """() => { const [at, foot] = [document.activeElement, document.querySelector(".imagen-foot")];
const { top, height } = at.getBoundingClientRect(); // of what is high, its first lines are enough
const hidden = top + Math.min(height, 36) > foot.getBoundingClientRect().top + 1;
return [at.name || at.textContent, foot.contains(at), hidden && !foot.contains(at)]; }"""


def test_what_has_the_focus_is_not_behind_the_foot_however_high_it_is(visit, editor, wavespeed):
    Budget.objects.create(scope=Scope.EACH, limit=Decimal("0.05"))
    page = visit(STUDIO, editor, viewport={"width": 1280, "height": 600})
    expect(page.get_by_role("button", name="Make 1 instead")).to_be_visible()
    for summary in page.locator("#imagen-form summary").all():
        summary.click()
    page.get_by_label("Template", exact=True).focus()
    seen = [page.evaluate(BEHIND)]
    while not seen[-1][1]:
        page.keyboard.press("Tab")
        seen.append(page.evaluate(BEHIND))
    assert len(seen) > 10
    assert not [name for name, _foot, behind in seen if behind]


def test_the_words_of_the_form_that_opened_it_are_there_and_it_can_be_closed(visit, editor):
    page = visit(reverse("admin:index"), editor)
    door = Door(place="articles.article.hero", ratio="16:9").sign(editor)
    page.evaluate(OPEN, [f"{STUDIO}?door={door}&_popup=1", "Snow leopards return"])
    frame = page.frame_locator("iframe")
    expect(frame.get_by_label("Description")).to_have_value("Snow leopards return")
    expect(frame.get_by_text("Taken from the form.")).to_be_visible()
    expect(frame.get_by_role("radio", name="16:9 from this field")).to_be_checked()
    frame.get_by_label("Description").press("End")
    frame.get_by_label("Description").press_sequentially(" home")
    expect(frame.get_by_text("Taken from the form.")).to_be_hidden()
    frame.get_by_role("button", name="Close").click()
    page.wait_for_function("window.heard.includes('imagen:close')")


def test_words_from_elsewhere_do_not_replace_an_editors_own(visit, editor):
    page = visit(STUDIO, editor)
    describe(page, "my own words")
    page.evaluate("window.postMessage({type: 'imagen:form', words: 'others'}, location.origin)")
    page.wait_for_timeout(200)
    expect(page.get_by_label("Description")).to_have_value("my own words")


def test_further_shapes_are_ticked_by_keyboard_and_shown_with_each_picture(visit, editor):
    page = visit(STUDIO, editor)
    describe(page, "a red kite")
    page.get_by_role("checkbox", name="9:16").press("Space")
    expect(button(page)).to_have_attribute("aria-disabled", "false")
    clean(page)
    button(page).click()
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    assert Generation.objects.get().slots == ["9:16"]


def test_an_earlier_picture_fills_the_form(visit, editor):
    page = visit(STUDIO, editor)
    detail = {
        "prompt": "a blue kite",
        "model": "imagen-4",
        "aspect_ratio": "9:16",
        "seed": 7,
        "negative_prompt": "rain",
        "slots": ["4:3"],
    }
    page.evaluate("(detail) => document.dispatchEvent(new CustomEvent('imagen:reuse', {detail}))", detail)
    expect(page.get_by_label("Description")).to_have_value("a blue kite")
    expect(page.get_by_label("Description")).to_be_focused()
    expect(page.get_by_role("radio", name="9:16")).to_be_checked()
    expect(page.get_by_label("Seed", exact=True)).to_have_value("7")
    expect(page.get_by_label("To avoid")).to_have_value("rain")
    expect(page.get_by_role("checkbox", name="4:3")).to_be_checked()
    expect(page.get_by_role("checkbox", name="1:1")).not_to_be_checked()


def test_without_scripts_everything_is_asked_with_plain_buttons(visit, editor):
    page = visit(STUDIO, editor, java_script_enabled=False)
    page.get_by_text("More choices").click()
    expect(page.get_by_label("Seed", exact=True)).to_be_visible()
    expect(page.locator("#imagen-dice")).to_be_hidden()
    page.get_by_label("Template", exact=True).select_option(label="Animal")
    page.get_by_role("button", name="Use it").click()
    page.get_by_label("animal", exact=True).fill("fox")
    page.get_by_label("place", exact=True).fill("snow")
    button(page).click()
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    assert Generation.objects.get().wording["own"] == "A fox in the snow"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_stands_in_anybodys_way(visit, editor, scheme):
    page = visit(STUDIO, editor, color_scheme=scheme, **PHONE)
    page.get_by_label("Template", exact=True).select_option(label="Animal")
    for summary in page.locator("summary").all():
        summary.click()
    button(page).click()
    expect(page.get_by_text("Fill in: animal, place.")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert not violations(page, ".imagen-studio")


def test_a_word_the_site_does_not_allow_is_selected_where_it_stands(visit, editor, settings):
    settings.IMAGEN = {**settings.IMAGEN, "PROMPT_RULES": {"people policy": ["celebrity"]}}
    page = visit(STUDIO, editor)
    describe(page, "a celebrity at sea")
    button(page).click()
    expect(page.locator("#id_prompt_error")).to_contain_text("rule: people policy")
    assert page.evaluate("getSelection().toString()") == "celebrity"


def test_on_a_narrow_screen_what_was_asked_for_comes_into_sight_and_the_focus_stays(visit, editor):
    page = visit(STUDIO, editor, **PHONE)
    describe(page, "a red kite")
    page.evaluate("scrollTo(0, 0)")
    button(page).click()
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    page.wait_for_function("document.querySelector('#imagen-results h2').getBoundingClientRect().top < 100")
    expect(page.locator("[data-current]")).to_be_hidden()
    expect(button(page)).to_be_focused()
