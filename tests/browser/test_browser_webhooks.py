"""The pages about webhooks as people meet them: readable, fit for the screen, and the secret can be kept."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from imagen.models import Endpoint
from tests.browser.conftest import SANDBOX
from tests.browser.looks import DJANGOS_OWN, screens, wrong
from tests.endpoints import ADDRESS, HOSTS, KEY, delivery, endpoint
from tests.factories import completed, person

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

OWNER = ("view_endpoint", "add_endpoint", "change_endpoint", "delete_endpoint", "view_delivery", "generate")
LIST, ADD, LOG = (
    reverse(f"admin:imagen_{name}") for name in ("endpoint_changelist", "endpoint_add", "delivery_changelist")
)


@pytest.fixture(autouse=True)
def keys(settings: Any, site: None) -> None:
    known = {"PROVIDERS": {"sandbox": SANDBOX}, "ENCRYPTION_KEYS": [KEY], "ALLOWED_PRIVATE_HOSTS": HOSTS}
    settings.IMAGEN = known


@pytest.fixture
def owner(chromium: Any, transactional_db: None) -> User:
    """A member of staff with endpoints of their own."""
    return person("ann", *OWNER, is_staff=True)


@pytest.fixture
def shop(owner: User) -> Endpoint:
    """An endpoint with everything that may have become of a message; another that is switched off."""
    row, asked = (
        endpoint(owner, url=f"{ADDRESS}/a/rather/long/way/to/the/place/where/pictures/are/received"),
        completed(owner),
    )
    delivery(row, generation=asked, status="delivered")
    soon = timezone.now() + timedelta(minutes=5)
    delivery(row, generation=asked, tries=2, last_code=500, last_error="answered", due_at=soon)
    delivery(row, generation=asked, status="failed", tries=10, last_error="timeout", event="generation.failed")
    delivery(row, generation=asked, status="sending")
    endpoint(owner, url="https://other.example/x", state="disabled", reason="failing")
    return row


def test_every_page_is_readable_and_fits_the_screen(visit, owner, shop):
    page = visit(LIST, owner)
    own = reverse("admin:imagen_endpoint_change", args=[shop.pk])
    for name, address in {"list": LIST, "add": ADD, "log": LOG, "endpoint": own, "secret": ""}.items():
        if address:
            page.goto(address)
        else:
            page.get_by_role("button", name="Make a new secret").click()
        page.wait_for_load_state("networkidle")
        for screen in screens(page):
            assert not wrong(page, f"webhooks-{name}-{screen}", "#content", without=DJANGOS_OWN)


def test_the_form_leads_to_the_secret_and_on_to_the_page_that_says_how_it_stands(visit, owner):
    page = visit(ADD, owner, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Address").fill(ADDRESS)
    page.get_by_role("button", name="Save", exact=True).click()
    secret = page.get_by_label("The secret").input_value()
    assert secret.startswith("whsec_")
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == secret
    page.get_by_role("link", name="I have kept it").click()
    expect(page.get_by_text("It has not answered our ping yet, and works once it has.")).to_be_visible()
    expect(page.get_by_text("It is sent in a moment.")).to_be_visible()
