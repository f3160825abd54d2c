"""The ways into the dialog and out of it leave the form behind it as it is, however long it stood open."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission
from playwright.sync_api import expect

from imagen.models import Budget, Generation, Job
from tests.browser.studio import SERVICES, open_room
from tests.browser.test_studio_ask import BEGUN
from tests.browser.test_studio_field import hero, studio

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

TITLE = "Two hours of unsaved work"
DAYS = 3 * 24 * 60 * 60


@pytest.fixture
def room(transactional_db, settings, media):
    """A newsroom, and services that cost money."""
    settings.MEDIA_ROOT = media
    settings.IMAGEN = {"PROVIDERS": SERVICES}
    return open_room()


@pytest.fixture
def form(visit, room):
    """An article's form with words that are not saved."""

    def write():
        page = visit(room.form, room.editor)
        page.get_by_label("Title").fill(TITLE)
        return page

    return write


def opens_beside(page, link, heading):
    """The link opens a window of its own, and the form stays."""
    with page.expect_popup() as opened:
        link.click()
    expect(opened.value.locator("h1", has_text=heading)).to_be_visible()
    assert opened.value.evaluate("opener") is None
    expect(page.get_by_label("Title")).to_have_value(TITLE)


def test_who_asks_for_more_beside_the_pictures_keeps_the_form(form, room):
    row = room.made(1, status="partial", error_code="partial_outputs", cost_actual=Decimal("0.038"))
    Generation.objects.filter(pk=row.pk).update(num_images=2)
    Job.objects.filter(generation=row).update(slots=[0, 1], error_code="partial_outputs")
    Budget.objects.update(limit=Decimal("0.01"))
    page = form()
    hero(page).get_by_role("link", name="or choose").click()
    link = studio(page).locator("#imagen-results").get_by_role("link", name="Ask for more")
    opens_beside(page, link.first, "Ask for more")


def test_who_opens_the_settings_keeps_the_form(form, room, settings):
    room.editor.user_permissions.add(Permission.objects.get(codename="view_alarm"))
    page = form()
    settings.IMAGEN = {"PROVIDERS": {}}
    hero(page).get_by_role("link", name="Generate…").click()
    opens_beside(page, studio(page).get_by_role("link", name="Open settings"), "")


def test_a_form_that_stood_open_for_days_still_leads_to_its_field(form, room, monkeypatch):
    page = form()
    later = time.time() + DAYS
    monkeypatch.setattr("django.core.signing.time.time", lambda: later)
    hero(page).get_by_role("link", name="Generate…").click()
    expect(studio(page).get_by_role("radio", name="16:9 from this field")).to_be_checked()
    expect(studio(page).get_by_text("no longer knows which field")).to_have_count(0)
    studio(page).get_by_label("Description").fill("a kite")
    studio(page).locator("#imagen-generate").click()
    expect(studio(page).locator("#imagen-results")).to_contain_text(BEGUN)
    row = Generation.objects.latest("created_at")
    assert (row.place, row.place_id) == ("articles.article.hero", str(room.article.pk))
    expect(page.get_by_label("Title")).to_have_value(TITLE)
