"""A look at a page: all of it is readable and nothing wider than the screen, by day and by night."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Frame, Page

DJANGOS_OWN = ("label-title-only", "link-in-text-block")  # its search bar, its breadcrumbs
FITS = "document.documentElement.scrollWidth <= innerWidth"
STILL = """new Promise(requestAnimationFrame).then(
    () => Promise.allSettled(document.getAnimations().map((each) => each.finished))).then(() => null)"""
VIOLATED = """([part, options]) => axe.run(part || document, options).then(
    (found) => found.violations.map((each) => [each.id, each.nodes[0].html.slice(0, 200)]))"""
SCHEMES = ("light", "dark")


def violations(page: Page | Frame, part: str = "", *, without: tuple[str, ...] = (), **options: Any) -> list[Any]:
    """What Axe finds wrong on the page or this part of it: each rule, and where it is broken first."""
    if page.evaluate("typeof axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    rules = {rule: {"enabled": False} for rule in without}
    found: list[Any] = page.evaluate(VIOLATED, [part, {"rules": rules, "resultTypes": ["violations"], **options}])
    return found


def screens(page: Page, *widths: int) -> Iterator[str]:
    """Show the page on each of these screens, by day and by night, and say which it is."""
    for width in widths or (1280, 360):
        page.set_viewport_size({"width": width, "height": 900})
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            page.evaluate(STILL)
            yield f"{scheme}-{width}"


def wrong(page: Page, name: str, part: str = "", **options: Any) -> list[Any]:
    """What is wrong with the page as it is now, under its name."""
    keep(page, name)
    wide = [] if page.evaluate(FITS) else ["too wide"]
    return [(name, each) for each in (*wide, *violations(page, part, **options))]


def timed(page: Page) -> Page:
    """The same page, loaded again with a clock that ``asked_for`` can put forward."""
    page.clock.install()
    page.reload(wait_until="networkidle")  # what it asks for first is answered, and its next look is set
    return page


def asked_for(page: Page, seconds: float = 10.0) -> list[str]:
    """What a timed page asks for by itself while so much time passes for it."""
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.run_for(int(seconds * 1000))
    page.evaluate("fetch(location.href)")  # whatever was asked for before is known now
    return asked[:-1]


def keep(seen: Any, name: str, **options: Any) -> None:
    """Photograph the page or a part of it, where somebody says with ``IMAGEN_SCREENSHOTS`` where to."""
    if folder := os.environ.get("IMAGEN_SCREENSHOTS"):
        seen.screenshot(path=Path(folder) / f"{name}.png", **options)
