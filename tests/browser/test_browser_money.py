"""Money as people meet it: the price first, what is left, fewer instead, asking for more, an answer."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from imagen import pleas
from imagen.models import Budget, Generation, Plea
from tests.browser.looks import DJANGOS_OWN, wrong
from tests.factories import person

pytestmark = pytest.mark.browser

ADD = reverse("admin:imagen_generation_add")
PHONE = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
SCREEN = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture(autouse=True)
def priced(site: None, settings: Any) -> None:
    """A gateway at 0.038 a picture, and a tenth of a dollar for each person."""
    wavespeed = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}}
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": wavespeed}, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0.038"}}}}


@pytest.fixture
def budget(transactional_db: None) -> Budget:
    """What each person may spend a month."""
    return Budget.objects.create(scope="each", limit=Decimal("0.1"))


def test_what_does_not_fit_is_offered_smaller_and_made_with_one_click(visit, editor, budget):
    page = visit(ADD, editor)
    expect(page.locator("#imagen-price")).to_have_text("1 picture · 0.038 USD")
    page.get_by_label("Description").fill("A bay")
    page.get_by_label("Number of pictures").select_option("4")
    expect(page.get_by_text("This needs 0.152 USD")).to_be_visible()
    expect(page.get_by_role("link", name="Ask for more")).to_be_visible()
    page.get_by_role("button", name="Make 2 instead · 0.076 USD").click()
    expect(page.get_by_role("heading", name="A bay")).to_be_visible()
    assert Generation.objects.get().num_images == 2


def test_the_enter_key_never_buys_the_smaller_offer(visit, editor, budget):
    page = visit(ADD, editor)
    page.get_by_label("Description").fill("A bay")
    page.get_by_label("Number of pictures").select_option("4")
    expect(page.get_by_role("button", name="Make 2 instead")).to_be_visible()
    page.get_by_text("More choices").click()
    page.get_by_label("Seed").press("Enter")
    expect(page.get_by_text("Please correct the error below.")).to_be_visible()
    assert not Generation.objects.exists()


def test_without_scripts_a_price_that_was_not_shown_is_shown_before_it_is_paid(visit, editor, budget):
    page = visit(ADD, editor, java_script_enabled=False)
    page.get_by_label("Description").fill("A bay")
    page.get_by_label("Number of pictures").select_option("2")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_text("The price is 0.076 USD now, not 0.038 USD. Look at it and send again.")).to_be_visible()
    expect(page.locator("#imagen-price")).to_have_text("2 pictures · 0.076 USD")
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("heading", name="A bay")).to_be_visible()
    assert Generation.objects.get().num_images == 2


def test_more_is_asked_for_and_granted(visit, editor, budget):
    owner = person("owner", "manage_budget", is_staff=True)
    page = visit(ADD, editor)
    page.get_by_label("Number of pictures").select_option("4")
    page.get_by_role("link", name="Ask for more").click()
    expect(page.get_by_label("How much more")).to_have_value("0.06")
    page.get_by_label("What it is for").fill("A special")
    page.get_by_role("button", name="Ask").click()
    expect(page.get_by_text("Nobody has answered yet.")).to_be_visible()
    desk = visit(reverse("admin:index"), owner)
    desk.get_by_role("link", name="Needs you (1)").first.click()
    desk.get_by_role("link", name="Show").click()
    desk.get_by_role("link", name="ann").click()
    desk.get_by_label("A note for the person who asked, if you like").fill("enjoy")
    desk.get_by_role("button", name="Grant once").click()
    expect(desk.get_by_text("Answered: granted once. ann is told.")).to_be_visible()
    page.goto(ADD)
    expect(page.get_by_text("You got 0.06 USD more for the period that runs now. Note: enjoy")).to_be_visible()
    assert Plea.objects.get().answer == "granted"


@pytest.mark.parametrize("window", [SCREEN, PHONE], ids=["wide", "phone, dark"])
def test_every_page_about_money_is_readable_by_everybody(visit, editor, budget, window):
    root = person("root", is_staff=True, is_superuser=True)
    plea = pleas.ask(editor, Decimal(1), reason="A special")
    page = visit(reverse("admin:index"), root, **window)
    places = [reverse(f"admin:imagen_{name}_changelist") for name in ("budget", "entry", "plea", "duty")]
    places += [reverse("admin:imagen_plea_change", args=[plea.pk]), reverse("admin:imagen_budget_add")]
    places += [reverse(f"admin:imagen_budget_{name}", args=[budget.pk]) for name in ("change", "delete")]
    for where in [reverse("admin:index"), *places, ADD]:
        page.goto(where)
        assert not wrong(page, where, without=DJANGOS_OWN)
