"""A walk through the site with a checklist and a camera: every stop is readable, and some are photographed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Page

DJANGOS_OWN = {rule: {"enabled": False} for rule in ("label-title-only", "link-in-text-block")}  # its search bar
ADMIN_PART = "#content-main"
MOST_BYTES = 250_000
LOADED = "[...document.images].every((image) => image.complete && image.naturalWidth)"
STILL = """new Promise(requestAnimationFrame).then(
    () => Promise.all(document.getAnimations().map((each) => each.finished)))"""
EAGER = "document.querySelectorAll('img').forEach((image) => { image.loading = 'eager' })"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the camera sees: so wide, so high, by day or by night."""

    width: int = 1280
    height: int = 800
    theme: str = "light"


DESK = Frame()
PHONE = Frame(width=390, height=844)
NIGHT = Frame(width=390, height=844, theme="dark")
NARROW = Frame(width=360, theme="dark")  # the smallest screen, in the other colours


@dataclass(slots=True, kw_only=True)
class Tour:
    """Where the photographs go, and the page that is looked at."""

    folder: Path
    page: Page

    def stop(self, name: str, frame: Frame | None = DESK, *, at: str = "", part: str = ADMIN_PART) -> None:
        """Photograph the page as it is, scrolled to ``at``, then check it on a wide bright and a narrow dark screen."""
        if frame:
            self.photograph(name, frame, at=at)
        for screen in (DESK, NARROW):
            self._frame(screen)
            assert self.page.evaluate("document.documentElement.scrollWidth") <= screen.width, (name, screen)
            found = Axe().run(self.page, context=part or None, options={"rules": DJANGOS_OWN})
            wrong = [(each["id"], each["nodes"][0]["html"][:200]) for each in found.response["violations"]]
            assert not wrong, (name, screen, wrong)

    def photograph(self, name: str, frame: Frame, *, at: str = "") -> None:
        """Keep what is seen as a small PNG."""
        self._frame(frame)
        self.page.evaluate(EAGER)
        self.page.wait_for_function(LOADED)
        place = "window.scrollTo(0, at ? document.querySelector(at).getBoundingClientRect().top + scrollY - 10 : 0)"
        self.page.evaluate(f"at => {place}", at)
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / f"{name}.png").write_bytes(small(self.page.screenshot(animations="disabled", caret="hide")))

    def _frame(self, frame: Frame) -> None:
        self.page.set_viewport_size({"width": frame.width, "height": frame.height})
        self.page.mouse.move(frame.width - 1, frame.height - 1)  # over nothing
        self.page.emulate_media(color_scheme=frame.theme, reduced_motion="reduce")
        self.page.evaluate(STILL)


def small(png: bytes) -> bytes:
    """The same picture without waste; one that is still heavy in 64 shades of each colour, which no eye tells apart."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    whole = packed(picture)
    return whole if len(whole) <= MOST_BYTES else packed(picture.point(lambda shade: shade & 0xFC | shade >> 6))


def packed(picture: Image.Image) -> bytes:
    """The smallest PNG of this picture."""
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
