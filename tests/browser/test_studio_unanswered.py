"""What is pressed while the site does not answer: it is said once, stays, and nothing is taken for done."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from imagen import pipeline
from imagen.models import Job, Tempo
from tests.browser.looks import screens, wrong
from tests.browser.test_browser_admin import alive
from tests.browser.test_studio_pick import PANEL, PART, at, live, made
from tests.factories import generation

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

AWAY = "The site does not answer. This may not have been done: press again."


@pytest.fixture
def cut_off(visit, editor):
    """The Studio at a request, after the line broke."""

    def look(row, user=None):
        page = visit(at(row, user), editor)
        page.wait_for_load_state("networkidle")
        page.context.set_offline(True)
        return page

    return look


def test_a_stop_nobody_answered_is_said_once_until_a_press_is_answered(cut_off, editor):
    alive()
    ahead, row = generation(editor), generation(editor)
    page, said = cut_off(row), []
    stop, notice = page.get_by_role("button", name="Stop"), page.locator(PART).get_by_text(AWAY)
    for _press in range(3):
        stop.press("Enter")
        expect(live(page)).to_have_text(AWAY)
        said.append(notice.count())
    assert said == [1, 1, 1]
    page.context.set_offline(False)
    pipeline.cancel(ahead)
    expect(live(page)).to_have_text("Queued, place 1")
    expect(notice).to_be_visible()
    stop.press("Enter")
    expect(live(page)).to_have_text("Cancelled")
    expect(notice).to_have_count(0)


def test_who_is_not_told_yet_does_not_read_so(cut_off, editor):
    alive()
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=1.0, deviation=0.0)
    row = generation(editor, created_at=timezone.now() - timedelta(seconds=28))
    Job.objects.update(created_at=row.created_at)
    page = cut_off(row)
    told = page.get_by_text("You will be told on the next page you open.", exact=True)
    page.get_by_role("button", name="Tell me when ready").press("Enter")
    expect(page.locator(PART).get_by_text(AWAY)).to_be_visible()
    expect(told).to_be_hidden()
    page.context.set_offline(False)
    page.get_by_role("button", name="Tell me when ready").press("Enter")
    expect(page.locator(PART).locator("[data-after=told]")).to_be_visible()
    expect(page.locator(PART).get_by_text(AWAY)).to_have_count(0)
    assert page.evaluate("document.activeElement.tagName") == "H2"
    row.refresh_from_db()
    assert row.unseen


def test_a_panel_that_cannot_be_opened_or_sent_leaves_everything_where_it_is(cut_off, editor):
    page = cut_off(made(editor), editor)
    use = page.get_by_role("link", name="Use this").first
    use.press("Enter")
    expect(page.locator(PART).get_by_text(AWAY)).to_be_visible()
    expect(use).to_be_focused()
    page.context.set_offline(False)
    use.press("Enter")
    page.get_by_role("radio", name="It only decorates the page").check()
    page.context.set_offline(True)
    page.get_by_role("button", name="Put into the article").press("Enter")
    expect(page.locator(PANEL).get_by_text(AWAY)).to_be_visible()


def test_what_is_said_is_seen_below_many_pictures(cut_off, editor):
    page = cut_off(made(editor, 4))
    page.set_viewport_size({"width": 360, "height": 640})
    discard = page.get_by_role("button", name="Discard").last
    discard.press("Enter")
    expect(page.locator(PART).get_by_text(AWAY)).to_be_in_viewport(ratio=0.9)
    expect(discard).to_be_focused()


def test_what_is_said_is_readable_on_every_screen(cut_off, editor):
    alive()
    page = cut_off(generation(editor))
    page.get_by_role("button", name="Stop").press("Enter")
    expect(page.locator(PART).get_by_text(AWAY)).to_be_visible()
    assert not [each for name in screens(page) for each in wrong(page, f"unanswered-{name}")]


def test_administrators_nobody_reached_can_be_told_again(visit, editor, settings):
    settings.IMAGEN = {"PROVIDERS": {}}
    page = visit("/admin/imagen/studio/", editor)
    page.wait_for_load_state("networkidle")
    page.context.set_offline(True)
    ask = page.get_by_role("button", name="Ask administrator")
    for _press in range(2):
        ask.click()
        expect(page.get_by_text(AWAY)).to_have_count(1)
    page.context.set_offline(False)
    ask.click()
    expect(page.get_by_text("Administrators have been told.")).to_be_focused()
    expect(page.get_by_text(AWAY)).to_have_count(0)
