"""Every service as an editor meets it: the whole site, from signing in to the picture, and to a refusal."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from project.demo import EDITOR
from tests.browser.desk import LABELS, LIST, ask, pictures, said, stands
from tests.browser.scenery import BAY

pytestmark = [pytest.mark.browser, pytest.mark.story]

SPENT = {"wavespeed": "0.076 USD", "apiframe": "14 credits", "apiin": "16 credits"}
FILTER = "Content is filtered due to unknown reasons"
FAMOUS = "A famous footballer as a knight"


@pytest.mark.parametrize("service", LABELS)
def test_an_editor_asks_a_service_and_sees_the_pictures_come_without_reload(enter, service):
    page = enter(EDITOR, LIST)
    ask(page, BAY, service=service, count=2)
    page.evaluate("window.same = true")
    stands(page, "Ready")
    expect(pictures(page)).to_have_count(2)
    assert page.evaluate("window.same")
    assert SPENT[service] in page.locator(".imagen-money").inner_text()
    assert f"{LABELS[service]} is making it" in said(page)


@pytest.mark.parametrize("service", LABELS)
def test_a_description_a_service_declines_is_explained_and_the_way_on_is_open(enter, gateway, service):
    gateway.script(FAMOUS, failure=FILTER)
    page = enter(EDITOR, LIST)
    ask(page, FAMOUS, service=service)
    stands(page, "Failed")
    notice = " ".join(page.locator(".imagen-wrong").inner_text().split())
    assert f"{LABELS[service]} declined this description." in notice
    assert notice.endswith("What you can do: Change the description")
    step = page.get_by_role("link", name="Change and generate")
    expect(step).to_have_class("button default")
    step.click()
    expect(page.get_by_label("Description")).to_have_value(FAMOUS)
    expect(page.get_by_label("Service")).to_have_value(service)
