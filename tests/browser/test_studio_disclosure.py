"""The question whether readers could take a picture for real, before it goes into the article."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import FrameLocator, Locator, Page, expect

from imagen.doors import Pick
from imagen.models import QUESTION
from tests.browser.looks import screens, wrong
from tests.browser.studio import SERVICES, Room, open_room

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

ALT = "A low sun over a calm sea"
REASON = "A collage of cut paper"
DESK, PHONE = {"width": 1280, "height": 800}, {"width": 360, "height": 640}
LISTEN = """window.heard = []; window.addEventListener("message", (event) => window.heard.push(event.data))"""
EMBED = """address => { document.body.innerHTML = ""; const frame = document.createElement("iframe");
frame.src = address; frame.width = innerWidth - 20; frame.height = innerHeight - 20; document.body.append(frame); }"""
PICKED = "window.heard.find((each) => each.type === 'imagen:picked')?.pick"
Opened = Callable[..., tuple[Page, FrameLocator]]


@pytest.fixture
def room(transactional_db: None, settings: Any, media: Path) -> Room:
    """A newsroom whose site asks."""
    settings.MEDIA_ROOT = media
    settings.IMAGEN = {"PROVIDERS": SERVICES, "DISCLOSURE": "ask"}
    return open_room()


@pytest.fixture
def opened(visit: Callable[..., Page], room: Room) -> Opened:
    """The panel of a picture, in a frame of a page that listens as a form does."""

    def open_panel(**options: Any) -> tuple[Page, FrameLocator]:
        page = visit(reverse("admin:index"), room.editor, **{"viewport": DESK, "reduced_motion": "reduce", **options})
        page.evaluate(LISTEN)
        page.evaluate(EMBED, room.studio(room.made(1)))
        frame = page.frame_locator("iframe")
        frame.locator("[data-place]").first.click()
        expect(frame.locator("[name=alt_text]")).to_be_focused()
        return page, frame

    return open_panel


def put(frame: FrameLocator) -> Any:
    return frame.locator(".imagen-place [type=submit]")


def edge(part: Locator) -> float:
    box = part.bounding_box()
    return box["y"] if box else 0


def bottom(part: Locator) -> float:
    box = part.bounding_box()
    return box["y"] + box["height"] if box else 0


def lacks(frame: FrameLocator, text: str) -> None:
    """The button waits, and beside it stands for what."""
    expect(put(frame)).to_have_attribute("aria-disabled", "true" if text else "false")
    expect(frame.locator(".imagen-missing")).to_have_text(text)
    if text:
        expect(frame.get_by_text(text)).to_be_in_viewport(ratio=1)


def picked(page: Page, room: Room) -> tuple[str, str, int]:
    """What went over to the form."""
    pick = Pick.read(page.wait_for_function(PICKED).json_value(), room.editor)
    return pick.disclosure, pick.reason, pick.question


def test_the_question_is_answered_by_keyboard_alone(opened: Opened, room: Room) -> None:
    page, frame = opened()
    page.keyboard.type(ALT)
    lacks(frame, "Still missing: whether it could be taken for real.")
    put(frame).press("Enter")
    expect(frame.get_by_role("radio", name="Yes")).to_be_focused()
    expect(frame.locator("[name=disclosure]:checked")).to_have_count(0)
    expect(frame.get_by_label("Why not")).to_be_hidden()
    page.keyboard.press("ArrowRight")
    expect(frame.get_by_role("radio", name="No", exact=True)).to_be_checked()
    lacks(frame, "Still missing: why nobody could take it for real.")
    put(frame).press("Enter")
    expect(frame.get_by_label("Why not")).to_be_focused()
    expect(frame.get_by_label("Why not")).to_be_in_viewport(ratio=1)
    page.keyboard.type(REASON)
    lacks(frame, "")
    page.keyboard.press("Enter")
    assert picked(page, room) == ("no", REASON, QUESTION)


@pytest.mark.parametrize(
    ("answer", "follows"),
    [("Yes", "It will carry the label “AI-generated”."), ("It is plainly an illustration", "It will carry no label.")],
)
def test_one_click_answers_it_and_what_follows_is_said(opened: Opened, room: Room, answer: str, follows: str) -> None:
    page, frame = opened()
    frame.get_by_label("Alt text").fill(ALT)
    said = frame.get_by_role("group", name="Could a reader take this").get_by_role("status")
    expect(said).to_have_text("", use_inner_text=True)
    frame.get_by_role("radio", name=answer).click()
    expect(said).to_have_text(follows, use_inner_text=True)
    expect(frame.get_by_label("Why not")).to_be_hidden()
    put(frame).click()
    answered, reason, question = picked(page, room)
    assert (answered, reason, question) == ("yes" if answer == "Yes" else "illustration", "", QUESTION)


def test_what_the_server_refuses_comes_back_with_the_answer(opened: Opened, room: Room) -> None:
    _page, frame = opened()
    frame.get_by_label("Alt text").fill(room.request().own_words)
    frame.get_by_role("radio", name="No", exact=True).click()
    frame.get_by_label("Why not").fill(REASON)
    put(frame).click()
    expect(frame.get_by_text("This is what the picture was asked for.")).to_be_visible()
    expect(frame.get_by_role("radio", name="No", exact=True)).to_be_checked()
    expect(frame.get_by_label("Why not")).to_have_value(REASON)


def test_the_button_and_what_is_missing_stay_in_sight_on_a_desk(opened: Opened) -> None:
    _page, frame = opened()
    expect(frame.get_by_role("heading", name="Before it goes into the article")).to_be_in_viewport(ratio=1)
    expect(put(frame)).to_be_in_viewport(ratio=1)
    lacks(frame, "Still missing: what the picture is for.")
    expect(frame.get_by_role("group", name="Could a reader take this")).to_be_in_viewport(ratio=1)


def test_what_has_the_focus_is_not_behind_the_buttons(opened: Opened) -> None:
    page, frame = opened()
    name, buttons = frame.get_by_label("File name"), frame.locator(".imagen-place .imagen-buttons")
    page.locator("iframe").evaluate(
        "(each, height) => { each.height = height }", bottom(name) - edge(page.locator("iframe"))
    )
    assert bottom(name) > edge(buttons)
    name.focus()
    assert bottom(name) <= edge(buttons)


def test_on_a_phone_the_button_leads_to_what_is_missing(opened: Opened) -> None:
    _page, frame = opened(viewport=PHONE)
    frame.get_by_label("Alt text").fill(ALT)
    put(frame).press("Enter")
    expect(frame.get_by_role("radio", name="Yes")).to_be_focused()
    expect(frame.get_by_role("group", name="Could a reader take this")).to_be_in_viewport(ratio=1)


@pytest.mark.parametrize("locale", ["en", "de", "fr", "ar"])
def test_it_is_readable_on_every_screen_in_every_language(visit: Callable[..., Page], room: Room, locale: str) -> None:
    page = visit(room.studio(room.made(1)), room.editor, locale=locale)
    page.locator("[data-place]").first.click()
    page.locator("[name=alt_text]").fill(ALT)
    page.locator("[name=disclosure][value=no]").check()
    page.wait_for_load_state("networkidle")
    faults = []
    for screen in screens(page):
        page.locator("[name=reason]").scroll_into_view_if_needed()
        faults += wrong(page, f"disclosure-{locale}-{screen}", ".imagen-place")
    assert not faults


def test_without_the_question_the_line_beside_the_button_says_what_follows(opened: Opened, settings: Any) -> None:
    settings.IMAGEN = {"PROVIDERS": SERVICES}
    page, frame = opened()
    follows = frame.get_by_text("It will carry the label “AI-generated”.")
    expect(follows).to_be_hidden()
    page.keyboard.type(ALT)
    expect(follows).to_be_in_viewport(ratio=1)
    expect(put(frame)).to_have_accessible_description("It will carry the label “AI-generated”.")
