"""A Studio without any service: what an editor can do is have administrators told, and their words stay."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from imagen import alarms
from tests.browser.looks import screens, violations, wrong
from tests.browser.newsroom import STUDIO, focused

pytestmark = pytest.mark.browser


@pytest.fixture(autouse=True)
def bare(settings, site):
    """No service at all."""
    settings.IMAGEN = {"PROVIDERS": {}}


def test_administrators_are_told_at_a_press_and_what_was_written_stays(visit, editor):
    page = visit(STUDIO, editor)
    page.get_by_label("Description").fill("a kite at dusk")
    expect(page.get_by_text("No image service is set up.")).to_be_visible()
    page.get_by_role("button", name="Ask administrator").press("Enter")
    expect(page.get_by_text("Administrators have been told.")).to_be_focused()
    expect(page.get_by_label("Description")).to_have_value("a kite at dusk")
    focused(page)
    assert [alarm.cause for alarm in alarms.current()] == ["service_wanted"]
    assert not violations(page)
    page.reload()
    expect(page.get_by_text("Administrators have been told.")).to_be_visible()
    expect(page.get_by_role("button", name="Ask administrator")).to_have_count(0)


def test_enter_in_a_field_tells_nobody(visit, editor):
    page = visit(STUDIO, editor, java_script_enabled=False)
    page.get_by_text("More choices").click()
    page.get_by_label("Description").fill("a kite")
    page.locator("[name=seed]").press("Enter")
    page.wait_for_timeout(500)
    assert not alarms.current()


def test_without_scripts_it_is_told_too(visit, editor):
    page = visit(STUDIO, editor, java_script_enabled=False)
    page.get_by_role("button", name="Ask administrator").click()
    expect(page.locator(".messagelist")).to_contain_text("Administrators have been told.")


def test_it_is_readable_on_every_screen(visit, editor):
    page = visit(STUDIO, editor)
    assert not [each for screen in screens(page) for each in wrong(page, f"closed-{screen}")]
