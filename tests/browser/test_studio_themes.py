"""The Studio and the image fields under other people's admin themes: visible, operable, readable, light and dark."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from project import demo
from proof.site import RUNSERVER, build
from tests.browser.conftest import PEOPLE, windows
from tests.browser.looks import SCHEMES, keep, violations
from tests.story.conftest import opened

pytestmark = pytest.mark.browser

THEMES = ("unfold", "jazzmin")
ALT = "A crab under weed"
PAGES = {
    "studio": ("/admin/imagen/studio/", ".imagen-studio"),
    "list": ("/admin/imagen/generation/", "#result_list"),
    "ask": ("/admin/imagen/generation/add/", "#imagen-quote"),
    "pictures": ("/admin/imagen/image/", "#result_list"),
    "duties": ("/admin/imagen/duty/", "#content-main"),
    "budget": ("/admin/imagen/budget/add/", "#id_limit"),
}
NOBODYS_GATEWAY = type("Nobody", (), {"port": 1, "url": "http://127.0.0.1:1"})()


@pytest.fixture(scope="module", params=THEMES)
def themed(request, tmp_path_factory):
    """The demo under one theme, with its people, a cluster and the sandbox."""
    folder = tmp_path_factory.mktemp(request.param)
    found = build(folder, NOBODYS_GATEWAY, database=f"sqlite:///{folder}/db.sqlite3", vendors=(), web=())
    found.env["DJANGO_SETTINGS_MODULE"] = f"tests.browser.themes.{request.param}"
    found.manage("shell", "--no-imports", "-c", PEOPLE)
    found.cluster()
    found.serve(*RUNSERVER)
    found.theme = request.param
    yield from opened(found)


@pytest.fixture
def enter(chromium, themed):
    """Sign in to the themed site and go to an address."""
    with windows(chromium) as window:

        def sign_in(address, *, width=1280):
            size = {"width": width, "height": 900}
            page = window(
                base_url=f"http://127.0.0.1:{themed.port}",
                viewport=size,
                reduced_motion="reduce",
            )
            page.goto(f"/admin/login/?next={address}")
            page.locator("[name=username]").fill(demo.ADMIN.name)
            page.locator("[name=password]").fill(demo.ADMIN.password)
            page.locator("[type=submit]").first.click()
            page.wait_for_load_state("networkidle")
            return page

        yield sign_in


@pytest.fixture
def shot(themed):
    """Keep a picture of what is seen."""
    return lambda page, name: keep(page, f"{themed.theme}-{name}")


def readable(page, part):
    assert not violations(page, part)


def tab(page, name):
    """Open this part of the form, where the theme puts parts behind tabs."""
    found = page.get_by_role("tab", name=name)
    if found.count():
        found.first.click()


def studio(page):
    return page.frame_locator("dialog[open] iframe")


def generate(page, row, words):
    """Through the dialog: ask, wait, describe, and put the picture into the form."""
    row.get_by_role("link", name="Generate…").click()
    studio(page).get_by_label("Description").fill(words)
    studio(page).locator("#imagen-generate").click()
    studio(page).get_by_role("link", name="Use this").first.click(timeout=30_000)
    studio(page).get_by_role("radio", name="It shows something").check()
    studio(page).get_by_label("Alt text").fill(ALT)


@pytest.mark.timeout(240)
def test_a_picture_is_generated_chosen_and_saved_in_a_new_article_and_in_a_figure(enter, shot, themed):
    page = enter("/admin/articles/article/add/")
    page.locator("#id_title").fill("A quiet day")
    page.locator("#id_slug").fill("a-quiet-day")
    page.locator("#id_summary").fill("Some things go well.")
    page.locator("#id_body").fill("It was a quiet day.")
    tab(page, "Picture")
    hero = page.locator("[data-imagen='articles.article.hero']")
    generate(page, hero, "A crab under weed at low tide")
    shot(page, "placing")
    readable(page, "dialog")
    studio(page).get_by_role("button", name="Put into the").click()
    expect(hero.get_by_alt_text(ALT)).to_be_visible()
    expect(page.locator("#id_hero_alt")).to_have_value(ALT)
    shot(page, "picked")
    readable(page, "[data-imagen='articles.article.hero']")
    tab(page, "Figures")
    page.get_by_text("Add another Figure").click()
    figure = page.locator("[data-imagen]:has([name=figures-0-picture-imagen])")
    generate(page, figure, "A shell")
    studio(page).get_by_role("button", name="Put into the").click()
    expect(figure.get_by_alt_text(ALT)).to_be_visible()
    shot(page, "figure")
    page.locator("[name=_save]").first.click()
    page.locator("#result_list").get_by_role("link", name="A quiet day").click()
    page.wait_for_url("**/change/")  # a theme opens its first tab as soon as the page is there
    tab(page, "Picture")
    expect(page.locator(".articles-current")).to_be_visible()
    page.goto(f"/articles/{page.locator('#id_slug').input_value()}/")
    expect(page.get_by_alt_text(ALT).first).to_be_visible()
    expect(page.get_by_text("AI-generated", exact=True).first).to_be_visible()


def asked(page):
    """The page of a request asked for through the classic form."""
    page.goto("/admin/imagen/generation/add/")
    page.locator("#id_prompt").fill("A pier in winter")
    page.locator("[name=_save]").click()
    page.wait_for_url("**/change/")
    expect(page.locator("#imagen-live .imagen-pictures a img")).to_be_visible(timeout=30_000)


def test_every_page_of_ours_is_readable(enter, shot, themed):
    page = enter("/admin/imagen/generation/add/")
    asked(page)
    expect(page.get_by_role("button", name="Download as zip")).to_be_visible()
    pages = {"detail": (page.url, "#imagen-live"), **PAGES}
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        for name, (address, part) in pages.items():
            page.goto(address)
            expect(page.locator(part)).to_be_visible()
            page.wait_for_load_state("networkidle")
            shot(page, f"{name}-{scheme}")
            readable(page, part)
        assert _dark(page) is (scheme == "dark")


def _dark(page):
    """Whether the ground our parts stand on is dark."""
    page.goto("/admin/imagen/studio/")
    seen = "getComputedStyle(document.querySelector('.imagen-foot')).backgroundColor"
    return page.evaluate(
        "(colour) => { const c = document.createElement('canvas').getContext('2d'); c.fillStyle = colour;"
        " c.fillRect(0, 0, 1, 1); return c.getImageData(0, 0, 1, 1).data[0] < 100; }",
        page.evaluate(seen),
    )


@pytest.mark.parametrize("path", ["/admin/imagen/studio/", "/admin/imagen/generation/"])
def test_a_telephone_shows_all_of_it(enter, shot, themed, path):
    page = enter(path, width=360)
    shot(page, f"{path.strip('/').rsplit('/')[-1]}-360")
    for part in (".imagen-studio", "#changelist"):
        if (found := page.locator(part)).count():
            box = found.bounding_box()
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
