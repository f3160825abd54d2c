"""Waiting, precisely: a long wait, nobody at work, somebody else at the same field, too little money."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.utils import timezone
from playwright.sync_api import expect

from imagen.models import Budget, Generation, Job, Plea, Tempo, Worker
from tests.browser.conftest import EDITOR
from tests.browser.newsroom import (
    ADD,
    LIST,
    STUDIO,
    ask,
    button,
    clean,
    enter,
    opener,
    ready,
    says,
    write,
)
from tests.factories import person
from tests.project.conftest import WRITER, article, change

pytestmark = [pytest.mark.browser, pytest.mark.story]


def test_who_does_not_want_to_wait_longer_is_told_when_it_is_ready(visit, cluster, writer):
    Tempo.objects.create(provider="sandbox", provider_model="sandbox/imagen-4", mean=1.0, deviation=0.0)
    cluster()
    page = visit(ADD, writer)
    write(page)
    inside = enter(page, "a kite [[slow:9]]")
    ask(inside)
    says(inside, "Taking longer than usual (")
    clean(page)
    button(inside, "Keep waiting").click()
    expect(inside.get_by_text("Taking longer than usual (")).to_be_hidden()
    button(inside, "Tell me when ready").click()
    expect(page.locator("dialog")).to_be_hidden()
    expect(opener(page)).to_be_focused()
    expect(page.get_by_label("Title")).not_to_have_value("")
    for _look in range(60):
        if Generation.objects.get().status == "completed":
            break
        page.wait_for_timeout(500)
    page.goto(LIST)
    expect(page.locator(".messagelist")).to_contain_text("2 images for a kite")


def test_who_asked_at_the_foot_of_a_long_form_sees_what_comes(visit, writer):
    page = visit(ADD, writer)
    page.set_viewport_size({"width": 1280, "height": 800})
    inside = enter(page, "a kite")
    expect(inside.locator("#imagen-generate")).to_have_attribute("aria-disabled", "false")
    inside.locator("body").evaluate("each => scrollTo(0, each.scrollHeight)")
    heading = inside.locator("#imagen-results h2")
    expect(heading).not_to_be_in_viewport()
    inside.locator("#imagen-generate").press("Enter")
    expect(inside.locator(".imagen-steps")).to_be_in_viewport(ratio=1)
    expect(heading).to_be_in_viewport(ratio=1)
    expect(inside.locator("#imagen-generate")).to_be_focused()
    expect(inside.locator("#imagen-generate")).to_be_in_viewport(ratio=1)


def test_where_nobody_works_the_request_is_safe_and_goes_on_later(visit, cluster, writer):
    page = visit(STUDIO, writer)
    ask(page, "a kite")
    says(page, "Place 1 in the queue")
    Job.objects.update(due_at=timezone.now() - timedelta(minutes=2))
    says(
        page,
        "Your request is saved but the background worker is not running. Nothing was charged. "
        "Administrators have been told.",
    )
    clean(page)
    cluster()
    ready(page, 2)


@pytest.mark.parametrize("trusted", [True, False])
def test_somebody_else_at_the_same_field_is_watched_or_left_alone(visit, cluster, writer, trusted):
    row, now = article(), timezone.now()
    Worker.objects.create(name="host-1", started_at=now, beat_at=now)  # however slow this machine is
    bob = person("bob", *EDITOR, *(["view_all"] if trusted else []), is_staff=True)
    bob.user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    page = visit(change(row), writer)
    ask(enter(page, "a kite"))
    other = visit(change(row), User.objects.get(pk=bob.pk))
    inside = enter(other, "a heron")
    says(inside, "Another editor started 2 images for this field")
    expect(button(inside, "Watch")).to_have_count(int(trusted))
    clean(other)
    if trusted:
        button(inside, "Watch").click()
        says(inside, "a kite", "Place 1 in the queue")
        expect(inside.get_by_label("Description")).to_have_value("a heron")
        return
    button(inside, "Start my own").click()
    expect(inside.get_by_label("Description")).to_be_focused()
    expect(inside.get_by_text("Another editor started")).to_be_hidden()
    ask(inside)
    assert Generation.objects.filter(place_id=str(row.pk)).count() == 2


def test_what_is_left_pays_for_one_and_more_can_be_asked_for(visit, cluster, writer):
    Budget.objects.create(scope="each", limit=Decimal("0.05"))
    cluster()
    page = visit(STUDIO, writer)
    page.get_by_label("Description").fill("a kite")
    price = page.locator("#imagen-price")
    expect(price).to_contain_text("This needs 0.08 USD; 0.05 USD of 0.05 USD is left until")
    clean(page)
    with page.expect_popup() as opened:
        price.get_by_role("link", name="Ask for more").click()
    _ask_for_more(opened.value)
    price.get_by_role("button", name="Make 1 instead · 0.04 USD").click()
    ready(page, 1)
    assert Generation.objects.get().cost_actual == Decimal("0.04")
    page.locator("#imagen-generate").click()
    expect(page.locator("#imagen-form .imagen-wrong").first).to_contain_text("0.01 USD of 0.05 USD is left")
    expect(page.get_by_label("Description")).to_have_value("a kite")
    assert Generation.objects.count() == 1


def _ask_for_more(window):
    window.get_by_label("What it is for").fill("One more for the cover.")
    window.locator("[name=_save]").first.click()
    expect(window.locator(".messagelist")).to_be_visible()
    assert Plea.objects.get().wanted >= Decimal("0.03")
