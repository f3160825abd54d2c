"""What goes wrong on the other side, seen on the whole site: another service steps in, a person decides."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from project.demo import ADMIN, EDITOR
from tests.browser.desk import LIST, ask, look_again, pictures, said, stands
from tests.browser.scenery import DUNES, LAKE

pytestmark = [pytest.mark.browser, pytest.mark.story]

DOCS = "/api/imagen/v1/docs/"


def test_an_empty_account_passes_the_request_on_and_the_page_says_to_whom_and_for_how_much(enter, gateway):
    gateway.closed["wavespeed"] = 402
    page = enter(EDITOR, LIST)
    ask(page, LAKE)
    stands(page, "Ready")
    expect(pictures(page)).to_have_count(1)
    told = said(page)
    assert "The service first chosen was not available, so Apiframe makes it." in told
    assert "WaveSpeedAI (0.038 USD) → Apiframe (7 credits)" in told
    page.goto(LIST)
    expect(page.get_by_text("Our account at WaveSpeedAI is empty. Top it up")).to_be_visible()


def test_a_person_names_the_call_nobody_confirmed_and_its_picture_comes(enter, place, gateway):
    gateway.script(DUNES, submit="reset-after", webhook="none")
    page = enter(ADMIN, LIST)
    ask(page, DUNES, service="apiin")
    stands(page, "Needs a person")
    look_again(place)
    page.goto(LIST)
    alarm = page.locator(".imagen-notice", has_text="A request sent to API in One was never confirmed")
    alarm.get_by_role("link", name="Show them").click()
    page.get_by_role("link", name=DUNES).click()
    expect(page.locator("#imagen-doubts + ul .button")).to_have_text(["Adopt…", "It was not charged…", "Send again…"])
    page.get_by_role("link", name="Adopt…").click()
    page.get_by_label("Id there").fill(next(job.id for job in gateway.jobs if job.prompt == DUNES))
    page.get_by_role("button", name="Adopt").click()
    stands(page, "Ready")
    expect(pictures(page)).to_have_count(1)
    page.goto(LIST)
    expect(alarm).to_be_hidden()
    assert len([job for job in gateway.jobs if job.prompt == DUNES]) == 1


def test_the_api_docs_show_every_call_and_open_one(enter, place):
    page = enter(EDITOR, DOCS)
    expect(page.get_by_role("heading", name="imagen")).to_be_visible()
    document = place.call("GET", "/api/imagen/v1/schema/", Accept="application/json").json
    known = [(method, path) for path, calls in document["paths"].items() for method in calls if method != "parameters"]
    expect(page.locator(".opblock")).to_have_count(len(known) + len(document["webhooks"]))
    page.get_by_text("Ask for pictures").click()
    expect(page.get_by_text("The same key and body within 24 hours give the same answer")).to_be_visible()
