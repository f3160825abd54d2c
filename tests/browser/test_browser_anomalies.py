"""What was odd about a service as people meet it: what waits, why, what to do, and that somebody has seen it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from imagen import anomalies
from imagen.models import Generation, Oddity
from tests.browser.looks import DJANGOS_OWN, wrong
from tests.factories import generation, person

pytestmark = pytest.mark.browser

LIST, DUTIES = reverse("admin:imagen_anomaly_changelist"), reverse("admin:imagen_duty_changelist")
PHONE = {"viewport": {"width": 360, "height": 740}, "color_scheme": "dark"}
SCREEN = {"viewport": {"width": 1280, "height": 800}}


@pytest.fixture
def root(chromium: Any, transactional_db: None) -> Any:
    return person("root", is_staff=True, is_superuser=True)


@pytest.fixture
def odd(site: None, settings: Any, root: Any) -> Generation:
    """Money spent for nothing, and a service that calls back about strangers."""
    wavespeed = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}}
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": wavespeed}}
    known = {"status": "failed", "error_code": "no_outputs", "started_at": timezone.now()}
    made = generation(
        root, provider="wavespeed", cost_actual=Decimal("0.038"), job={"error_code": "no_outputs"}, **known
    )
    anomalies.note(Oddity.NO_OUTPUTS, job=made.jobs.get())
    for _ in range(3):
        anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed", note="00000000-0000-4000-8000-000000000000")
    return made


def test_from_what_waits_over_the_request_to_seen(visit, root, odd):
    page = visit(reverse("admin:index"), root)
    page.get_by_role("link", name="Needs you (2)").click()
    expect(page.locator("#content-main")).to_contain_text(
        "so money was spent for nothing. Ask the service for the money"
    )
    page.locator("li", has_text="spent for nothing").get_by_role("link", name="Show").click()
    page.get_by_role("link", name=str(odd.pk)[:8]).click()
    expect(page.get_by_text("Odd: WaveSpeedAI was done and sent no picture")).to_be_visible()
    page.get_by_role("link", name="Show in the list of anomalies").click()
    page.locator("tbody input[type=checkbox]").check()
    page.get_by_label("Action:").select_option(label="Mark as seen")
    page.get_by_role("button", name="Go").click()
    expect(page.get_by_text("1 anomaly is marked as seen.")).to_be_visible()
    page.goto(DUTIES)
    expect(page.locator("#content-main")).not_to_contain_text("spent for nothing")
    assert odd.anomalies.get().seen_by == root


@pytest.mark.parametrize("options", [PHONE, SCREEN], ids=["phone", "screen"])
def test_the_pages_fit_and_everybody_can_use_them(visit, root, odd, options):
    page = visit(DUTIES, root, **options)
    for where in (DUTIES, LIST, reverse("admin:imagen_generation_change", args=[odd.pk])):
        page.goto(where)
        assert not wrong(page, where, without=DJANGOS_OWN)
