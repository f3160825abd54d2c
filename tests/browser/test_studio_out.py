"""A session that ends while the dialog is open: a plain sentence, and nothing that was typed is lost."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from playwright.sync_api import expect

from imagen.models import Generation
from project.articles.models import Article
from tests.browser.newsroom import ADD, TITLE, clean, enter, finish, opener, says, studio, write

pytestmark = pytest.mark.browser
SENTENCE = "You were logged out. Log in again in another tab, then press “Try again”. Nothing is lost."
OURS = "a heron at dawn"


def log_out(page):
    page.context.clear_cookies(name="sessionid")


def log_in(page, user, site):
    """In another tab: there is a new session then, and another mark against forgery."""
    client = Client()
    client.force_login(user)
    names = {"sessionid": client.cookies["sessionid"].value, "csrftoken": "n" * 32}
    page.context.add_cookies([{"name": name, "value": value, "url": site.url} for name, value in names.items()])


def test_who_is_logged_out_reads_so_and_goes_on_after_logging_in_elsewhere(visit, writer, live_server):
    page = visit(ADD, writer)
    write(page)
    inside = enter(page, OURS)
    expect(inside.locator("#imagen-generate")).to_have_attribute("aria-disabled", "false")
    log_out(page)
    inside.locator("#imagen-generate").click()
    told = inside.get_by_role("alert").filter(has_text=SENTENCE)
    expect(told).to_be_visible()
    clean(page)
    expect(told.get_by_role("link", name="Log in")).to_have_attribute("href", "/admin/login/?next=%2Fadmin%2F")
    told.get_by_role("button", name="Try again").click()
    expect(told.get_by_role("button", name="Try again")).to_be_focused()
    inside.get_by_label("Description").fill(f"{OURS}, in mist")
    log_in(page, writer, live_server)
    told.get_by_role("button", name="Try again").click()
    expect(told).to_have_count(0)
    says(inside, "Queued")
    assert Generation.objects.get().own_words == f"{OURS}, in mist"
    log_out(page)  # and now while a request is followed
    expect(told).to_be_visible()
    log_in(page, writer, live_server)
    told.get_by_role("button", name="Try again").click()
    expect(told).to_have_count(0)
    page.locator("dialog > div").get_by_role("button", name="Close").click()
    finish(page)


def test_a_dialog_opened_by_who_is_logged_out_says_so_and_begins_after_the_login(visit, writer, live_server):
    page = visit(ADD, writer)
    write(page)
    log_out(page)
    opener(page).click()  # a frame cannot show the login page
    expect(studio(page).get_by_text(SENTENCE)).to_be_visible()
    clean(page)
    log_in(page, writer, live_server)
    studio(page).get_by_role("link", name="Try again").click()
    expect(studio(page).get_by_label("Description")).to_have_value(re.compile(TITLE))
    page.locator("dialog > div").get_by_role("button", name="Close").click()
    finish(page)
    assert Article.objects.get().title == TITLE
