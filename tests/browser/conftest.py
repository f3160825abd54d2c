"""A real browser at a real server: signed in, offline, under a strict content security policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.factories import person

POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'"
EDITOR = ("generate", "view_generation", "change_generation", "add_generation", "view_image", "change_image")
SANDBOX = {"BACKEND": "imagen.providers.sandbox.Sandbox"}


class StrictPolicy:
    """Lets a page run nothing but our own files."""

    def __init__(self, get_response: Callable[[Any], Any]) -> None:
        self.get_response = get_response

    def __call__(self, request: Any) -> Any:
        """The answer with the policy."""
        response = self.get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response


@pytest.fixture(scope="module")
def chromium(browser_type_launch_args: dict[str, Any]) -> Iterator[Browser]:
    """The browser, for one module: its driver keeps an event loop in this thread, which no other test would bear."""
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as driver:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = driver.chromium.launch(**browser_type_launch_args)
        yield browser
        browser.close()


@pytest.fixture(autouse=True)
def site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox alone, the strict policy, and a queue nobody answers."""
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    settings.IMAGEN = {"PROVIDERS": {"sandbox": SANDBOX}}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.browser.conftest.StrictPolicy"]


def complains(message: ConsoleMessage) -> bool:
    """Whether the browser found something wrong; the icon it always asks for is the site's business."""
    return message.type == "error" and "favicon.ico" not in message.location.get("url", "")


@pytest.fixture
def visit(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Open a page of the site as somebody; at the end nothing may have been wrong in the browser's eyes."""
    wrong: list[str] = []
    contexts: list[BrowserContext] = []

    def open_page(address: str, user: Any, **options: Any) -> Page:
        client = Client()
        client.force_login(user)
        contexts.append(context := chromium.new_context(base_url=live_server.url, **options))
        session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
        context.add_cookies([session])
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if complains(message) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def editor(chromium: Browser, transactional_db: None) -> Any:
    """A member of staff who may generate."""
    return person("ann", *EDITOR, is_staff=True)
