"""The admin in German and French fits a phone, though its words are longer."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from tests import factories

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.by_hand("rows stand for words"),
]

LIST = reverse("admin:imagen_generation_changelist")


@pytest.mark.parametrize(
    ("locale", "status", "step"),
    [("de-DE", "Fehlgeschlagen", "Erneut versuchen"), ("fr-FR", "Échec", "Réessayer")],
)
def test_nothing_is_cut_off_on_a_phone(visit, editor, locale, status, step):
    paid = {"cost_actual": Decimal("0.038"), "started_at": timezone.now()}
    made = factories.generation(editor, status="failed", error_code="provider_failed", **paid)
    page = visit(LIST, editor, locale=locale, viewport={"width": 360, "height": 740})
    expect(page.locator("html")).to_have_attribute("lang", locale[:2])
    expect(page.locator(".imagen-badge")).to_have_text(status)
    _fits(page)
    page.goto(reverse("admin:imagen_generation_change", args=[made.pk]))
    expect(page.locator("#imagen-live .imagen-notice")).to_contain_text(step)
    _fits(page)
    page.goto(reverse("admin:imagen_generation_add"))
    _fits(page)


def _fits(page):
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
