"""A walk through the site with a checklist and a camera: every stop is readable, and some are photographed."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from playwright.sync_api import Frame as Part
from playwright.sync_api import Page

from tests.browser.looks import DJANGOS_OWN, FITS, STILL, violations

ADMIN_PART = "#content"
MOST_BYTES = 250_000
HEAVY = 110_000
LOADED = "[...document.images].every((image) => !image.src || (image.complete && image.naturalWidth))"
EAGER = "document.querySelectorAll('img').forEach((image) => { image.loading = 'eager' })"


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """What the camera sees: so wide, so high, by day or by night."""

    width: int = 1280
    height: int = 800
    theme: str = "light"


DESK = Frame()
PHONE = Frame(width=360, height=780)
NIGHT = Frame(width=360, height=780, theme="dark")
DESK_NIGHT = Frame(theme="dark")
NARROW = Frame(width=360, theme="dark")  # the smallest screen, in the other colours


@dataclass(slots=True, kw_only=True)
class Tour:
    """Where the photographs go, the page that is looked at, and where every stop is kept as both screens show it."""

    folder: Path
    page: Page
    looks: Path | None = None

    def stop(self, name: str, frame: Frame | None = DESK, *, at: str = "", part: str = ADMIN_PART) -> None:
        """Photograph the page as it is, scrolled to ``at``, then check it on a wide bright and a narrow dark screen."""
        if frame:
            self.photograph(name, frame, at=at)
        for screen in (DESK, NARROW):
            self._frame(screen)
            self._keep(name, screen)
            for each in self._parts:
                assert each.evaluate(FITS), (name, screen)
                wrong = violations(each, part, without=DJANGOS_OWN)
                assert not wrong, (name, screen, wrong)

    @property
    def _parts(self) -> list[Part]:
        """What is on top: the dialog over the page where there is one."""
        return self.page.frames[1:] or self.page.frames

    def _keep(self, name: str, screen: Frame) -> None:
        if self.looks:
            self.looks.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=self.looks / f"{name}-{screen.width}.png", animations="disabled")

    def photograph(self, name: str, frame: Frame, *, at: str = "") -> None:
        """Keep what is seen as a small PNG."""
        self._frame(frame)
        for part in self.page.frames:
            part.evaluate(EAGER)
            part.wait_for_function(LOADED)
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
    """The same picture without waste; one that is still heavy in its 256 most frequent colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    whole = packed(picture)
    return whole if len(whole) <= HEAVY else packed(picture.quantize(256, dither=Image.Dither.NONE))


def packed(picture: Image.Image) -> bytes:
    """The smallest PNG of this picture."""
    out = io.BytesIO()
    picture.save(out, "PNG", optimize=True)
    return out.getvalue()
