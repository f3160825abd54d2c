"""A real browser at a real server: signed in, offline, under a strict content security policy."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect, sync_playwright

from imagen.queue import knock
from imagen.testing.gateway import KEYS, Gateway
from project.demo import Account
from proof.site import RUNSERVER, VENDORS, Place, build
from tests.browser.scenery import scenery
from tests.factories import person
from tests.project.conftest import WRITER
from tests.story.conftest import opened

POLICY = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; object-src 'none'"
EDITOR = ("generate", "view_generation", "change_generation", "add_generation", "view_image", "change_image")
SANDBOX = {"BACKEND": "imagen.providers.sandbox.Sandbox"}
MEANT = ("status of 403", "status of 409", "status of 410", "status of 422", "ERR_INTERNET_DISCONNECTED")
SLOW = float(os.environ.get("IMAGEN_SLOW_SCRIPTS", "0"))  # milliseconds every script comes late, and people do not wait
THROTTLE = 4  # as many times slower is the browser's CPU then
expect.set_options(timeout=20_000)  # another process may have the CPU for seconds


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
    """The sandbox, the strict policy, and a queue nobody answers."""
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    settings.IMAGEN = {"PROVIDERS": {"sandbox": SANDBOX}}
    settings.MIDDLEWARE = [*settings.MIDDLEWARE, "tests.browser.conftest.StrictPolicy"]


def slow(page: Page, late: float = SLOW) -> None:
    """A weak machine on a weak line: the scripts of this window come late, and its CPU has other things to do."""
    if late:
        page.context.route("**/*.js", lambda route: (page.wait_for_timeout(late), route.continue_()))
        page.context.new_cdp_session(page).send("Emulation.setCPUThrottlingRate", {"rate": THROTTLE})


def complains(message: ConsoleMessage) -> bool:
    """Whether the browser found something wrong; what is meant, and an icon a site may have, is no fault."""
    meant = "favicon.ico" in message.location.get("url", "") or any(word in message.text for word in MEANT)
    return message.type == "error" and not meant


@contextmanager
def windows(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Empty windows with these options; at the end nothing may have been wrong in the browser's eyes."""
    wrong: list[str] = []
    contexts: list[BrowserContext] = []

    def window(**options: Any) -> Page:
        contexts.append(context := chromium.new_context(**options))
        page = context.new_page()
        page.on(
            "console",
            lambda message: (
                wrong.append(f"{message.text} {message.location.get('url')}") if complains(message) else None
            ),
        )
        page.on("pageerror", lambda error: wrong.append(str(error)))
        slow(page)
        return page

    yield window
    for context in contexts:
        context.close()
    assert not wrong


@pytest.fixture
def visit(chromium: Browser, live_server: Any) -> Iterator[Callable[..., Page]]:
    """Open a page of the site of this process as somebody."""
    with windows(chromium) as window:

        def open_page(address: str, user: Any, **options: Any) -> Page:
            client = Client()
            client.force_login(user)
            page = window(base_url=live_server.url, **options)
            session = {"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}
            page.context.add_cookies([session])
            page.goto(address, wait_until="commit" if SLOW else "load")
            return page

        yield open_page


@pytest.fixture
def editor(chromium: Browser, transactional_db: None) -> Any:
    """A member of staff who may generate."""
    return person("ann", *EDITOR, is_staff=True)


# --- a whole site: web server, cluster, storage, and every service at the other end of a socket

PEOPLE = """
from project import demo
demo.account(demo.ADMIN)
print(demo.key(demo.editor()))
"""


@pytest.fixture(scope="module")
def gateway() -> Iterator[Gateway]:
    """Every service, with pictures to look at."""
    with Gateway(scale=1 / 2, latency=1.0, paint=scenery) as running:
        yield running


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, gateway: Gateway) -> Iterator[Place]:
    """The demo with its people, a cluster and the three services, for one module."""
    folder = tmp_path_factory.mktemp("place")
    known = {"database": f"sqlite:///{folder}/db.sqlite3", "vendors": VENDORS, "rings": True, "web": RUNSERVER}
    found = build(folder, gateway, **known)
    found.token = found.manage("shell", "--no-imports", "-c", PEOPLE).splitlines()[-1]
    found.cluster()
    yield from opened(found)


@pytest.fixture
def enter(chromium: Browser, place: Place) -> Iterator[Callable[..., Page]]:
    """Sign in to the whole site as one of its people, and go on to an address."""
    with windows(chromium) as window:

        def sign_in(person: Account, address: str, **options: Any) -> Page:
            page = window(base_url=f"http://127.0.0.1:{place.port}", **options)
            page.goto(f"/admin/login/?next={address}")
            page.get_by_label("Username").fill(person.name)
            page.get_by_label("Password").fill(person.password)
            page.get_by_role("button", name="Log in").click()
            return page

        yield sign_in


# --- the site of this process, with a cluster of its own that works on the same rows and files

QUICK = {"POLL_SECONDS": 0.2, "LEASE_SECONDS": 3, "THROTTLES": None}
COSTLY = {"sandbox": {"imagen-4": {"price": "0.04"}, "nano-banana-2.1": {"price": "0.07"}}}
PAINTER = {**SANDBOX, "OPTIONS": {"latency": 0.4}}


@pytest.fixture
def writer(editor: Any) -> Any:
    """An editor who also writes articles."""
    editor.user_permissions.add(*Permission.objects.filter(codename__in=(*WRITER, "add_template")))
    return User.objects.get(pk=editor.pk)


@pytest.fixture
def services() -> dict[str, Any]:
    """Who makes pictures: the sandbox alone, and here it costs money."""
    return {**QUICK, "PROVIDERS": {"sandbox": PAINTER}, "OFFERS": COSTLY}


@pytest.fixture
def vendors(gateway: Gateway) -> Iterator[dict[str, Any]]:
    """Two services at the other end of a socket instead."""
    backends = {"wavespeed": "wavespeed.WaveSpeed", "apiframe": "apiframe.Apiframe"}
    options = {alias: {"api_key": KEYS[alias], "base_url": gateway.url} for alias in backends}
    found = {name: {"BACKEND": f"imagen.providers.{backends[name]}", "OPTIONS": options[name]} for name in backends}
    yield {**QUICK, "PROVIDERS": found, "ALLOWED_PRIVATE_HOSTS": [f"127.0.0.1:{gateway.port}"]}
    gateway.reset()


@pytest.fixture
def cluster(site: None, live_server: Any, settings: Any, media: Path, services: Any, monkeypatch: Any) -> Iterator[Any]:
    """The cluster, started when it is called; it ends with the test, without a word."""
    monkeypatch.setattr("imagen.queue.knock", knock)
    settings.IMAGEN, settings.MEDIA_ROOT = services, media / "public"
    for alias, name in (("default", "public"), ("imagen", "private")):
        folder = {**settings.STORAGES[alias], "OPTIONS": {"location": media / name}}
        settings.STORAGES = {**settings.STORAGES, alias: folder}
    rows = f"sqlite:///{connection.settings_dict['NAME']}"
    known = {"DATABASE_URL": rows, "MEDIA_ROOT": str(media), "IMAGEN_SETTINGS": json.dumps(services)}
    running = Place(env={**os.environ, **known, "LOG_LEVEL": "ERROR", "PYTHONWARNINGS": "ignore"}, port=0)
    yield running.cluster
    for process in [*running.running]:
        running.kill(process)
