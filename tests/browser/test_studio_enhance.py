"""*Enhance* in a browser: what is added is seen and undone, what is written meanwhile stays, no word is lost."""

from __future__ import annotations

import threading

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from imagen.models import Generation, HouseRule, Style, Template
from tests.browser.looks import screens, wrong

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

STUDIO = reverse("admin:imagen_studio_changelist")
PART = ".imagen-studio"
KITE = "A red kite over the bay"
ADDED = "Photograph, soft natural light, centred composition, clear depth and fine detail."
RICHER = f"{KITE}. {ADDED}"
UNDONE = "Undo"
OURS = "tests.browser.test_studio_enhance."
HELD = threading.Event()


def reworded(text: str, *, ratio: str, style: str) -> str:
    """A site's function that takes words away, too."""
    return text.replace("red kite", "scarlet stunt kite")


def slow(text: str, *, ratio: str, style: str) -> str:
    """One that takes its time."""
    HELD.wait(20)
    return f"{text} {ratio}"


def broken(text: str, *, ratio: str, style: str) -> str:
    """One that fails."""
    raise ValueError(text)


@pytest.fixture(autouse=True)
def house(transactional_db):
    """No rule, a style and a template."""
    HouseRule.objects.all().delete()
    Template.objects.all().delete()
    Style.objects.create(name="Ink", words="Drawn in ink.")
    Template.objects.create(name="Animal", text="A {animal} in the snow")


@pytest.fixture
def site_function(settings):
    """The site enhances by a function of its own."""

    def use(name):
        HELD.clear()
        settings.IMAGEN = {**settings.IMAGEN, "ENHANCE": OURS + name}

    yield use
    HELD.set()


@pytest.fixture
def studio(visit, editor):
    """The Studio with a description."""

    def begin(text=KITE, **options):
        page = visit(STUDIO, editor, **options)
        if text:
            words(page).fill(text)
        return page

    return begin


def words(page):
    return page.locator("#id_prompt")


def enhance(page):
    return page.locator("[name=enhance]")


def note(page):
    return page.locator("#imagen-reworded")


def said(page):
    return page.locator("#imagen-enhanced")


def undo(page):
    return note(page).get_by_role("button", name=UNDONE)


def test_what_is_added_is_shown_and_undone(studio):
    page, posted = studio(), []
    page.on("request", lambda request: posted.append(request.url) if request.url.endswith(STUDIO) else None)
    enhance(page).click()
    expect(words(page)).to_have_value(RICHER)
    expect(note(page).locator("ins")).to_have_text(f"added: . {ADDED}")
    expect(note(page).locator("del")).to_have_count(0)
    expect(note(page)).to_contain_text(KITE)
    expect(enhance(page)).to_be_focused()
    expect(page.locator("#imagen-sent")).to_contain_text(ADDED)
    page.wait_for_timeout(500)
    expect(said(page)).to_be_empty()
    undo(page).click()
    expect(words(page)).to_have_value(KITE)
    expect(words(page)).to_be_focused()
    expect(note(page)).to_be_hidden()
    page.wait_for_timeout(300)
    assert not posted


def test_a_second_time_there_is_nothing_to_add_and_the_first_can_still_be_undone(studio):
    page = studio()
    enhance(page).click()
    expect(undo(page)).to_be_visible()
    enhance(page).click()
    expect(said(page)).to_have_text("There is nothing to add.")
    expect(words(page)).to_have_value(RICHER)
    undo(page).click()
    expect(words(page)).to_have_value(KITE)
    expect(said(page)).to_be_empty()


def test_whoever_said_nothing_is_asked_to(studio):
    page = studio("")
    enhance(page).click()
    expect(said(page)).to_have_text("Say what the picture shows.")
    expect(words(page)).to_have_value("")
    words(page).fill("A kite")
    expect(said(page)).to_be_empty()


def test_what_is_typed_afterwards_stays_and_there_is_nothing_to_undo(studio):
    page = studio()
    enhance(page).click()
    expect(undo(page)).to_be_visible()
    words(page).press("Control+End")
    words(page).press_sequentially(" And a dog.")
    expect(words(page)).to_have_value(f"{RICHER} And a dog.")
    expect(note(page)).to_be_hidden()


def test_all_of_it_by_keyboard(studio):
    page = studio()
    words(page).press("Tab")
    expect(enhance(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect(words(page)).to_have_value(RICHER)
    page.keyboard.press("Tab")
    expect(undo(page)).to_be_focused()
    page.keyboard.press("Enter")
    expect(words(page)).to_have_value(KITE)
    expect(words(page)).to_be_focused()
    assert not Generation.objects.exists()


def test_words_that_go_are_seen_and_come_back(studio, site_function):
    site_function("reworded")
    page = studio()
    expect(page.get_by_text("free of charge")).to_have_count(0)
    enhance(page).click()
    expect(words(page)).to_have_value("A scarlet stunt kite over the bay")
    expect(note(page).locator("del")).to_have_text("removed: red")
    expect(note(page).locator("ins")).to_have_text("added: scarlet stunt")
    undo(page).click()
    expect(words(page)).to_have_value(KITE)


def test_markup_in_a_description_stays_text(studio):
    text = "<img src=x onerror=alert(1)> & \"kite\" {'a'}"
    page = studio(text)
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    enhance(page).click()
    expect(words(page)).to_have_value(f"{text}. {ADDED}")
    expect(note(page).locator("img")).to_have_count(0)
    undo(page).click()
    expect(words(page)).to_have_value(text)


def test_lines_come_back_as_they_were(studio):
    page = studio("  A kite\n\nover the bay \n")
    enhance(page).click()
    expect(words(page)).to_have_value(f"A kite\n\nover the bay. {ADDED}")
    undo(page).click()
    expect(words(page)).to_have_value("  A kite\n\nover the bay \n")


# --- templates ---


def test_a_template_keeps_its_gaps(studio):
    page = studio("")
    page.get_by_label("Template", exact=True).select_option(label="Animal")
    enhance(page).click()
    expect(words(page)).to_have_value(f"A {{animal}} in the snow. {ADDED}")
    page.get_by_label("animal", exact=True).fill("fox")
    expect(words(page)).to_have_value(f"A fox in the snow. {ADDED}")
    expect(note(page)).to_be_hidden()
    page.get_by_label("Template", exact=True).select_option(label="None")
    expect(words(page)).to_have_value("")
    page.get_by_label("Template", exact=True).select_option(label="Animal")
    expect(words(page)).to_have_value("A {animal} in the snow")


def test_a_template_that_was_enhanced_and_undone_is_as_it_was(studio):
    page = studio("")
    page.get_by_label("Template", exact=True).select_option(label="Animal")
    enhance(page).click()
    undo(page).click()
    expect(words(page)).to_have_value("A {animal} in the snow")
    page.get_by_label("animal", exact=True).fill("fox")
    expect(words(page)).to_have_value("A fox in the snow")


def test_gaps_that_went_with_their_words_come_back_with_them(studio, settings):
    settings.IMAGEN = {**settings.IMAGEN, "ENHANCE": OURS + "upper"}
    page = studio("")
    page.get_by_label("Template", exact=True).select_option(label="Animal")
    page.get_by_label("animal", exact=True).fill("fox")
    enhance(page).click()
    expect(words(page)).to_have_value("A FOX IN THE SNOW")
    expect(page.get_by_label("animal", exact=True)).to_have_count(0)
    undo(page).click()
    expect(words(page)).to_have_value("A fox in the snow")
    page.get_by_label("animal", exact=True).fill("hare")
    expect(words(page)).to_have_value("A hare in the snow")


def upper(text: str, *, ratio: str, style: str) -> str:
    """A site's function that leaves no word as it was."""
    return text.upper()


# --- what takes long, fails or comes in between ---


def test_a_double_press_asks_once_and_says_so_when_it_takes_long(studio, site_function):
    site_function("slow")
    page, asked = studio(), []
    page.on("request", lambda request: asked.append(request.url) if "/enhance/" in request.url else None)
    enhance(page).dblclick()
    expect(enhance(page)).to_have_attribute("aria-disabled", "true")
    expect(said(page)).to_have_text("One moment…")
    enhance(page).press("Enter")
    HELD.set()
    expect(words(page)).to_have_value(f"{KITE} 1:1")
    expect(enhance(page)).to_have_attribute("aria-disabled", "false")
    expect(enhance(page)).to_be_focused()
    expect(said(page)).to_be_empty()
    assert len(asked) == 1


def test_who_writes_on_meanwhile_keeps_what_was_written(studio, site_function):
    site_function("slow")
    page = studio()
    enhance(page).click()
    words(page).fill("Something else")
    HELD.set()
    expect(said(page)).to_have_text("You went on writing, so your words are as you wrote them.")
    expect(words(page)).to_have_value("Something else")
    expect(note(page)).to_be_hidden()


@pytest.mark.parametrize("how", ["function", "network", "nothing of ours"])
def test_what_fails_leaves_the_words_alone_and_says_so(studio, site_function, how):
    if how == "function":
        site_function("broken")
    page = studio()
    if how == "network":
        page.route("**/enhance/", lambda route: route.abort("internetdisconnected"))
    if how == "nothing of ours":
        page.route("**/enhance/", lambda route: route.fulfill(body="<h1>Gateway</h1>", content_type="text/html"))
    enhance(page).click()
    expect(said(page)).to_have_text("That did not work. Your words are as they were.")
    expect(words(page)).to_have_value(KITE)
    expect(enhance(page)).to_have_attribute("aria-disabled", "false")
    expect(note(page)).to_be_hidden()


def test_pictures_asked_for_meanwhile_are_asked_for_with_the_words_that_were_seen(studio, site_function):
    site_function("slow")
    page = studio()
    enhance(page).click()
    page.locator("#imagen-generate").click()
    expect(page.locator("#imagen-results .imagen-run[data-run]")).to_be_visible()
    HELD.set()
    expect(words(page)).to_have_value(f"{KITE} 1:1")
    assert Generation.objects.get().wording["own"] == KITE


def test_a_press_while_a_price_is_on_its_way_asks_for_no_picture_with_other_words(studio):
    page, waiting = studio(), []
    page.wait_for_load_state("networkidle")
    page.route("**/quote/", lambda route: waiting.append(route))  # noqa: PLW0108 (it looks into what it is given)
    page.get_by_role("radio", name="3", exact=True).check()
    page.locator("#imagen-generate").press("Enter")
    enhance(page).click()
    expect(words(page)).to_have_value(RICHER)
    for route in waiting:
        route.continue_()
    page.unroute("**/quote/")
    expect(page.locator("#imagen-generate")).to_have_attribute("aria-disabled", "false")
    page.wait_for_timeout(300)
    assert not Generation.objects.exists()


def test_a_form_that_comes_back_with_what_is_wrong_can_still_be_undone(studio, settings):
    page = studio()
    enhance(page).click()
    expect(undo(page)).to_be_visible()
    settings.IMAGEN = {**settings.IMAGEN, "PROMPT_RULES": {"people policy": ["kite"]}}
    page.locator("#imagen-generate").click()
    expect(page.locator(".errorlist")).to_contain_text("kite")
    expect(note(page).locator("ins")).to_contain_text(ADDED)
    undo(page).click()
    expect(words(page)).to_have_value(KITE)


def test_where_no_service_is_set_up_words_can_be_enhanced_all_the_same(studio, settings):
    settings.IMAGEN = {"PROVIDERS": {}}
    page = studio()
    expect(page.locator("#imagen-generate")).to_be_disabled()
    enhance(page).click()
    expect(words(page)).to_have_value(RICHER)


def test_who_may_not_any_more_reads_that(studio, editor):
    page = studio()
    editor.user_permissions.clear()
    enhance(page).click()
    expect(said(page)).to_have_text("Your account may not generate images here.")
    expect(words(page)).to_have_value(KITE)


# --- without scripts, or before they ran ---


def test_without_scripts_the_page_comes_back_with_the_words_and_the_way_back(studio):
    page = studio(java_script_enabled=False)
    page.get_by_role("radio", name="3", exact=True).check()
    enhance(page).click()
    expect(words(page)).to_have_value(RICHER)
    expect(note(page).locator("ins")).to_contain_text(ADDED)
    expect(page.get_by_role("radio", name="3", exact=True)).to_be_checked()
    undo(page).click()
    expect(words(page)).to_have_value(KITE)
    expect(note(page)).to_be_hidden()
    enhance(page).click()
    enhance(page).click()
    expect(said(page)).to_have_text("There is nothing to add.")
    assert not Generation.objects.exists()


def test_who_is_quicker_than_the_scripts_can_undo_it_as_well(studio):
    page = studio()
    page.context.route("**/imagen/enhance*.js", lambda route: route.fulfill(content_type="text/javascript", body=""))
    page.reload()
    words(page).fill(KITE)
    enhance(page).click()
    expect(words(page)).to_have_value(RICHER)
    undo(page).click()
    expect(words(page)).to_have_value(KITE)
    expect(words(page)).to_be_focused()
    enhance(page).click()
    expect(undo(page)).to_be_visible()
    words(page).fill("Something else")
    expect(note(page)).to_be_hidden()


# --- how it looks ---


def test_it_is_readable_on_every_screen(studio, site_function):
    site_function("reworded")
    page = studio(
        f"{KITE}, with a long beach, low dunes and marram grass, seen from a hill behind a village by the sea"
    )
    enhance(page).click()
    expect(note(page)).to_be_visible()
    for screen in screens(page):
        assert not wrong(page, f"enhance-{screen}", PART)


@pytest.mark.parametrize("width", [1280, 360])
def test_in_arabic_it_reads_from_right_to_left(studio, width):
    page = studio("منارة على ساحل صخري", locale="ar", viewport={"width": width, "height": 900})
    enhance(page).click()
    expect(note(page)).to_contain_text("صورة فوتوغرافية، إضاءة طبيعية ناعمة، تكوين يتوسطه الموضوع")
    page.wait_for_load_state("networkidle")
    assert not wrong(page, f"enhance-arabic-{width}", PART)
    button, box = enhance(page).bounding_box(), words(page).bounding_box()
    assert button["x"] + button["width"] == pytest.approx(box["x"] + box["width"], abs=8)
