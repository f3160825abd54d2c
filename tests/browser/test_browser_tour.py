"""The way of an editor through the whole site, as docs/tour.md shows it: every page readable on every screen."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from imagen.testing.gateway import Gateway
from project.articles import samples
from project.demo import ADMIN, EDITOR
from proof.site import Place
from tests.browser.desk import LIST, ask, fill, look_again, pictures, stands
from tests.browser.scenery import BAY, DUNES, LAKE, STARS, WOODS
from tests.browser.tour import DESK, MOST_BYTES, NIGHT, PHONE, Tour

DOCS = Path(__file__).resolve().parents[2] / "docs"
API = "/api/imagen/v1/docs/"
FAMOUS = "A famous footballer as a knight, photograph"
FILTER = "Content is filtered due to unknown reasons"
LONG, FOREVER = 5.0, 600.0
MAGAZINE = "from project import demo; demo.magazine(demo.editor(), check=lambda: None)"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the photographs go; ``make screenshots`` says docs/images."""
    return Path(os.environ.get("IMAGEN_SCREENSHOTS") or tmp_path)


@pytest.mark.browser
@pytest.mark.story
@pytest.mark.timeout(300)
def test_every_page_an_editor_meets_is_readable_on_every_screen_and_is_photographed(
    enter: Callable[..., Page], place: Place, gateway: Gateway, folder: Path
) -> None:
    place.manage("shell", "--no-imports", "-c", MAGAZINE)
    tour = Tour(folder=folder, page=enter(EDITOR, LIST))
    _asked_made_and_ready(tour, gateway)
    _declined(tour, gateway)
    _read(tour)
    _passed_on(tour, gateway)
    tour.page = enter(ADMIN, LIST)
    _decided_by_a_person(tour, place, gateway)
    _programmed(tour)
    kept = sorted(folder.glob("*.png"))
    assert [path.name for path in kept if path.stat().st_size > MOST_BYTES] == []


def _asked_made_and_ready(tour: Tour, gateway: Gateway) -> None:
    page = tour.page
    gateway.script(STARS, latency=LONG)
    ask(page, STARS, count=3)
    stands(page, "Ready")
    gateway.script(BAY, latency=FOREVER)
    page.goto(LIST)
    page.get_by_role("link", name="Generate pictures").click()
    fill(page, BAY, count=2)
    expect(page.locator("#imagen-price")).to_contain_text("2 pictures · 0.076 USD")
    tour.stop("ask")
    page.get_by_role("button", name="Generate").click()
    stands(page, "Being made")
    tour.stop("making")
    gateway.script(BAY, latency=0.0)
    stands(page, "Ready")
    pictures(page)
    tour.stop("ready")


def _declined(tour: Tour, gateway: Gateway) -> None:
    gateway.script(FAMOUS, failure=FILTER)
    tour.page.goto(LIST)
    ask(tour.page, FAMOUS, service="apiframe")
    stands(tour.page, "Failed")
    tour.stop("failed")


def _read(tour: Tour) -> None:
    page, story = tour.page, samples.stories()[0]
    page.goto("/")
    tour.stop("cover", part="")
    page.get_by_role("link", name=story.title).first.click()
    expect(page.get_by_role("heading", name=story.title)).to_be_visible()
    tour.stop("article", part="")
    tour.photograph("article-phone", NIGHT)


def _passed_on(tour: Tour, gateway: Gateway) -> None:
    gateway.script(WOODS, latency=FOREVER)
    tour.page.goto(LIST)
    ask(tour.page, WOODS, service="apiframe")
    gateway.closed["wavespeed"] = 402
    tour.page.goto(LIST)
    ask(tour.page, LAKE)
    stands(tour.page, "Ready")
    pictures(tour.page)
    tour.stop("moved", at=".imagen-card .imagen-notice")


def _decided_by_a_person(tour: Tour, place: Place, gateway: Gateway) -> None:
    page = tour.page
    gateway.script(DUNES, submit="reset-after", webhook="none")
    ask(page, DUNES, service="apiin")
    stands(page, "Needs a person")
    request = page.url
    look_again(place)
    page.goto(request)
    tour.stop("unconfirmed")
    page.goto(LIST)
    tour.stop("list")
    tour.photograph("list-phone", PHONE)
    for way in ("It was not charged…", "Send again…", "Adopt…"):
        page.goto(request)
        page.get_by_role("link", name=way).click()
        tour.stop(way, None)
    page.get_by_label("Id there").fill(next(job.id for job in gateway.jobs if job.prompt == DUNES))
    tour.photograph("adopt", DESK)


def _programmed(tour: Tour) -> None:
    tour.page.goto(API)
    expect(tour.page.get_by_text("Ask for pictures")).to_be_visible()
    tour.photograph("api", DESK)


def test_the_tour_shows_every_photograph_and_no_other() -> None:
    text = (DOCS / "tour.md").read_text(encoding="utf-8")
    shown = set(re.findall(r"\]\(images/([\w-]+\.png)\)", text))
    assert shown == {path.name for path in (DOCS / "images").glob("*.png")}


def test_the_photographs_are_small_and_of_one_size() -> None:
    for path in (DOCS / "images").glob("*.png"):
        with Image.open(path) as picture:
            assert picture.size in {(frame.width, frame.height) for frame in (DESK, PHONE)}, path.name
        assert path.stat().st_size <= MOST_BYTES, path.name
