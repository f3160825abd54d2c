"""A real browser at a real server: signed in, offline, under a strict content security policy."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from playwright.sync_api import BrowserContext, Page

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


@pytest.fixture(autouse=True)
def site(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The sandbox alone, the strict policy, and a queue nobody answers."""
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")  # the browser's driver keeps a loop in this thread
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    settings.IMAGEN = {"PROVIDERS": {"sandbox": SANDBOX}}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.browser.conftest.StrictPolicy"]


@pytest.fixture(scope="session")
def base_url() -> str:
    """Every visit names its own server; the plugin's fixture is written in a way pytest warns about."""
    return ""


@pytest.fixture
def visit(live_server: Any, new_context: Callable[..., BrowserContext]) -> Iterator[Callable[..., Page]]:
    """Open a page of the site as somebody; at the end nothing may have been wrong in the browser's eyes."""
    wrong: list[str] = []

    def open_page(address: str, user: Any, **options: Any) -> Page:
        client = Client()
        client.force_login(user)
        context = new_context(base_url=live_server.url, **options)
        context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(address)
        return page

    yield open_page
    assert not wrong


@pytest.fixture
def editor(live_server: Any) -> Any:
    """A member of staff who may generate."""
    return person("ann", *EDITOR, is_staff=True)
