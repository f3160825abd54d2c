"""Every state of the Studio, as docs/tour.md shows them: readable on a wide bright and a narrow dark screen."""

from __future__ import annotations

import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import FrameLocator, Locator, Page, expect

from imagen.models import Budget, Generation, Worker, database_now
from project import house
from tests import factories
from tests.browser.studio import PLACE, SERVICES, STATES, Room, open_room
from tests.browser.tour import DESK, DESK_NIGHT, NIGHT, PHONE, Frame, Tour

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look"), pytest.mark.timeout(600)]

STUDIO_PART = ".imagen-studio"
FIELD = f"[data-imagen='{PLACE}']"
ALT = "A low sun over a calm sea at dusk, a dark headland on the horizon"
CHOSEN = ("queued", "long-wait", "silent", "four", "held", "partial", "declined", "not-saved")
AT_FIELD = "scrollTo(0, document.querySelector('.field-hero').getBoundingClientRect().top + scrollY - 320)"
LED = "src => { document.querySelector('dialog iframe').src = src }"


@pytest.fixture
def room(transactional_db: None, settings: Any, media: Path) -> Room:
    """A newsroom with two services."""
    settings.MEDIA_ROOT = media
    settings.IMAGEN = {"PROVIDERS": SERVICES}
    return open_room()


@pytest.fixture
def tour(visit: Callable[..., Page], room: Room, tmp_path: Path) -> Tour:
    """A camera in the hands of the editor; ``make screenshots`` says where its pictures go."""
    folder, looks = (os.environ.get(f"IMAGEN_{name}") for name in ("SCREENSHOTS", "LOOKS"))
    page = visit(reverse("admin:index"), room.editor)
    return Tour(folder=Path(folder or tmp_path), page=page, looks=Path(looks) if looks else None)


def studio(page: Page) -> FrameLocator:
    """What the dialog shows."""
    return page.frame_locator("dialog[open] iframe")


def sized(page: Page, frame: Frame) -> None:
    """The window as wide and high as this."""
    page.set_viewport_size({"width": frame.width, "height": frame.height})


def enter(tour: Tour, room: Room, run: Generation | None = None) -> FrameLocator:
    """Open the Studio at the article's picture, and there this request."""
    sized(tour.page, DESK)
    tour.page.goto(room.form)
    tour.page.locator(f"{FIELD} .imagen-open").first.click()
    expect(studio(tour.page).locator("#id_prompt")).to_be_focused()
    if run:
        tour.page.evaluate(LED, room.studio(run))
        expect(studio(tour.page).locator(f"[data-run='{run.pk}']:not([data-brief])")).to_be_visible()
    return studio(tour.page)


def shown(frame: FrameLocator) -> Locator:
    """The panel before a picture goes into the form."""
    panel = frame.locator(".imagen-place")
    expect(panel).to_be_visible()
    return panel


def answered(frame: FrameLocator) -> Locator:
    """The same with everything said."""
    panel = shown(frame)
    panel.get_by_role("radio", name="It shows something").check()
    panel.get_by_label("Alt text").fill(ALT)
    return panel.get_by_role("button", name="Put into the")


def test_asking_is_readable_on_every_screen_and_is_photographed(tour: Tour, room: Room) -> None:
    tour.page.goto(room.form)
    tour.page.evaluate(AT_FIELD)
    tour.stop("studio-field", at=".field-current")
    enter(tour, room)
    tour.stop("studio-open", part="")
    _worded(tour, room)
    _enhanced(tour, room)
    _refused(tour, room)
    tour.page.goto(room.studio(door=False, popup=False))
    tour.stop("studio-page-empty", None, part=STUDIO_PART)


def _worded(tour: Tour, room: Room) -> None:
    frame = enter(tour, room)
    frame.get_by_label("Description").fill("The open sea at dusk, violet sky")
    frame.get_by_role("radio", name=house.LOOKS[0].name).check()
    frame.get_by_text("What will be sent").click()
    expect(frame.locator("#imagen-sent mark").first).to_be_visible()
    tour.stop("studio-words", part="")
    frame.get_by_label("Template").select_option(label=house.TEMPLATES[0][0])
    frame.get_by_label("place", exact=True).fill("A harbour")
    tour.stop("studio-template", part="")
    for summary in frame.locator("summary").all()[1:]:
        summary.click()
    tour.stop("studio-more", None, part="")


def _enhanced(tour: Tour, room: Room) -> None:
    frame = enter(tour, room)
    frame.get_by_label("Description").fill("The open sea at dusk, violet sky")
    frame.get_by_role("button", name="Enhance").click()
    expect(frame.locator("#imagen-reworded ins")).to_be_visible()
    tour.stop("studio-enhance", part="")


def _refused(tour: Tour, room: Room) -> None:
    Budget.objects.update(limit=Decimal("0.10"))
    frame = enter(tour, room)
    frame.get_by_role("radio", name="4", exact=True).check()
    expect(frame.get_by_role("button", name="Make 2 instead")).to_be_visible()
    frame.locator("#imagen-notes").scroll_into_view_if_needed()
    tour.stop("studio-over-budget", part="")
    Budget.objects.update(limit=5)
    frame = enter(tour, room)
    frame.get_by_label("Description").fill("")
    frame.locator("#imagen-generate").click()
    expect(frame.get_by_text("Say what the picture shows.")).to_be_visible()
    tour.stop("studio-nothing-said", None, part="")
    room.request(user=factories.person("bea"))
    enter(tour, room)
    tour.stop("studio-another-editor", part="")


def test_every_state_of_a_request_is_readable_on_every_screen_and_is_photographed(tour: Tour, room: Room) -> None:
    for name, make in STATES.items():
        enter(tour, room, make(room))
        tour.stop(f"studio-{name}", DESK if name in CHOSEN else None, part="")
        Worker.objects.update(beat_at=database_now())


def test_placing_is_readable_on_every_screen_and_is_photographed(tour: Tour, room: Room) -> None:
    run = room.made(4)
    frame = enter(tour, room, run)
    frame.locator("[name=imagen-choice]").first.press("Enter")
    tour.stop("studio-large", part="")
    frame = enter(tour, room, run)
    frame.get_by_role("link", name="Use this").first.click()
    panel = shown(frame)
    tour.stop("studio-place", part="")
    panel.get_by_role("radio", name="It shows something").check()
    tour.stop("studio-place-missing", None, part="")
    panel.get_by_role("radio", name="It only decorates").check()
    tour.stop("studio-place-decorative", None, part="")
    answered(frame).click()
    expect(tour.page.locator(FIELD).get_by_role("status")).to_have_text("AI-generated · not saved yet")
    tour.stop("studio-back", at=".field-hero")
    tour.page.get_by_role("button", name="Add another Figure").click()
    tour.stop("studio-inline", at="#figures-group")


def test_the_page_itself_is_readable_on_every_screen_and_is_photographed(tour: Tour, room: Room) -> None:
    free = {"place": "", "place_id": ""}
    for scene in ("a", "b"):
        room.made(2, scene=scene, **free)
    run = room.made(4, **free)
    tour.page.goto(room.studio(run, door=False, popup=False))
    expect(tour.page.get_by_role("link", name="Earlier")).to_be_visible()
    tour.stop("studio-page", part=STUDIO_PART)
    tour.page.goto(room.studio(run, ratio="1:1", crops=(), target="object", place="imagen.style.example"))
    tour.stop("studio-popup", None, part=STUDIO_PART)
    Generation.objects.filter(pk=run.pk).update(unseen=True)
    tour.page.goto(reverse("admin:index"))
    tour.stop("studio-news")
    tour.page.goto(room.article.get_absolute_url())
    tour.stop("studio-public", None, part="")


def test_phones_nights_and_other_languages_are_photographed(tour: Tour, room: Room, visit: Callable[..., Page]) -> None:
    run = room.made(4)
    for name, frame in {"studio-night": DESK_NIGHT, "studio-phone": PHONE}.items():
        enter(tour, room, run)
        sized(tour.page, frame)
        studio(tour.page).locator("#imagen-results").evaluate("each => each.scrollIntoView()")
        tour.photograph(name, frame)
    studio(tour.page).get_by_role("link", name="Use this").first.click()
    shown(studio(tour.page))
    tour.photograph("studio-phone-place", NIGHT)
    tour.page = visit(reverse("admin:index"), room.editor, locale="de")
    enter(tour, room, run)
    tour.stop("studio-german", part="")
