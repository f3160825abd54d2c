"""An API key is made, copied and gone, under a policy that lets no script but ours run."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from imagen.models import ApiKey
from tests.factories import person

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_key_is_copied_with_the_button_and_neither_reload_nor_back_shows_it_again(visit):
    root = person("root", is_superuser=True, is_staff=True)
    page = visit(reverse("admin:imagen_apikey_add"), root, permissions=["clipboard-read", "clipboard-write"])
    page.get_by_label("Name:").fill("Shop")
    page.get_by_role("button", name="Save", exact=True).click()
    key = page.locator("#imagen-key").inner_text()
    assert re.fullmatch(r"imagen_\w{47}", key)
    page.get_by_role("button", name="Copy", exact=True).click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == key
    page.reload()  # which sends the form again
    expect(page.get_by_text("made and shown before")).to_be_visible()
    assert key not in page.content()
    page.go_back()
    assert key not in page.content()
    assert ApiKey.objects.count() == 1
