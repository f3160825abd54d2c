"""How somebody who writes an article gets a picture into it, step by step, and what must be true of every step."""

from __future__ import annotations

from typing import Any

from django.urls import reverse
from playwright.sync_api import FrameLocator, Locator, Page, expect

from imagen.providers.sandbox import Sandbox
from tests.browser.looks import DJANGOS_OWN, FITS, violations

ADD = reverse("admin:articles_article_add")
LIST = reverse("admin:articles_article_changelist")
STUDIO = reverse("admin:imagen_studio_changelist")
HERO = "articles.article.hero"
TITLE, SUMMARY = "Snow leopards return", "Twelve cubs were seen this spring."
ALT = "A snow leopard on a ridge, two cubs behind it"
INFORMATIVE = "It shows something readers need to know"
MOST_TABS = 90
PATIENT = 30_000  # milliseconds for a whole request, on a machine that has more to do
PHONE = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark", "reduced_motion": "reduce"}
SEEN = """() => { const at = document.activeElement; if (at === document.body) return "body";
if (at.matches("iframe")) return "";
const box = at.getBoundingClientRect();
return box.width && box.height && getComputedStyle(at).visibility === "visible" ? "" : at.outerHTML.slice(0, 200); }"""


class Renewed(Sandbox):
    """The sandbox once it has taken its first model out of its list."""

    offers = {name: offers for name, offers in Sandbox.offers.items() if name != "imagen-4"}


def write(page: Page) -> None:
    """The words of an article that is not saved yet."""
    page.get_by_label("Title").fill(TITLE)
    page.get_by_label("Summary").fill(SUMMARY)


def finish(page: Page) -> None:
    """The rest of the article; it is saved."""
    page.get_by_label("Text:", exact=True).fill("They had been gone for forty years.")
    page.get_by_label("published", exact=False).first.check()
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def hero(page: Page) -> Locator:
    """The row under the article's picture."""
    return page.locator(f"[data-imagen='{HERO}']")


def opener(page: Page) -> Locator:
    """Where the Studio opens."""
    return hero(page).get_by_role("link", name="Generate…")


def studio(page: Page) -> FrameLocator:
    """The Studio in its dialog."""
    return page.frame_locator("dialog[open] iframe")


def enter(page: Page, description: str = "") -> FrameLocator:
    """Open the Studio and say what is wanted."""
    opener(page).click()
    expect(studio(page).get_by_label("Description")).to_be_focused()
    if description:
        studio(page).get_by_label("Description").fill(description)
    return studio(page)


def ask(at: Any, description: str = "", *, count: int = 2) -> None:
    """Ask for so many pictures, here or in the dialog."""
    if description:
        at.get_by_label("Description").fill(description)
    if count != 2:
        at.get_by_role("radio", name=str(count), exact=True).check()
    expect(at.locator("#imagen-generate")).to_contain_text(f"Generate {count}")
    expect(at.locator("#imagen-generate")).to_have_attribute("aria-disabled", "false")
    before = column(at).locator(".imagen-run").get_attribute("data-run") or ""
    at.locator("#imagen-generate").click()
    expect(column(at).locator(f".imagen-run[data-run]:not([data-run='{before}'])")).to_be_visible()


def column(at: Any) -> Locator:
    """The right column."""
    found: Locator = at.locator("#imagen-results")
    return found


def button(at: Any, name: str) -> Locator:
    """A button of the right column, or a link that looks like one."""
    return column(at).locator(".button", has_text=name)


def candidates(at: Any) -> Locator:
    """The pictures there are to choose from."""
    found: Locator = at.locator("#imagen-results [name=imagen-choice]")
    return found


def ready(at: Any, count: int) -> None:
    """Wait until so many pictures can be chosen."""
    expect(candidates(at)).to_have_count(count, timeout=PATIENT)
    expect(column(at).locator("[data-finished]")).to_have_count(1, timeout=PATIENT)


def use(at: Any, number: int = 1, *, alt: str = ALT) -> None:
    """Take this picture and say what it shows; nothing is put anywhere yet."""
    at.get_by_role("link", name="Use this").nth(number - 1).click()
    at.get_by_role("radio", name=INFORMATIVE).check()
    at.get_by_label("Alt text").fill(alt)


def put(page: Page) -> None:
    """Put it into the form; the dialog closes."""
    studio(page).get_by_role("button", name="Put into the").click()
    expect(page.locator("dialog")).to_have_count(0)


def choose(page: Page, description: str = "") -> None:
    """From the form to a picture in it: ask for two, and take the first."""
    ask(enter(page, description))
    ready(studio(page), 2)
    use(studio(page))
    put(page)


def says(at: Any, *texts: str) -> None:
    """Wait until the right column says all of this."""
    for text in texts:
        expect(column(at)).to_contain_text(text, timeout=PATIENT)


def clean(page: Page) -> None:
    """Axe finds nothing on the page or in the dialog, and nothing is wider than the screen."""
    for frame in page.frames:
        wrong = violations(frame, without=DJANGOS_OWN, iframes=False)
        assert not wrong, wrong
        assert frame.evaluate(FITS), frame.url.partition("?")[0]


def focused(page: Page) -> None:
    """The focus is on something that can be seen, in the page or in the dialog's frame."""
    inner = next((frame for frame in page.frames if frame.parent_frame), None)
    at = inner if inner and page.evaluate("document.activeElement.matches('iframe')") else page.main_frame
    assert at.evaluate(SEEN) == ""


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until this has the focus."""
    for _press in range(MOST_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("each => each === document.activeElement"):
            return
    raise AssertionError(f"Tab does not lead to {target}")
