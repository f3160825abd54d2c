"""A service that is away, seen from the Studio: another one is a press away, at its price."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from imagen.models import Generation
from proof.site import free_port
from tests.browser.newsroom import STUDIO, ask, button, clean, ready, says

pytestmark = [pytest.mark.browser, pytest.mark.story]


@pytest.fixture
def services(vendors):
    """WaveSpeedAI, at whose address nobody listens, and Apiframe."""
    port = free_port()
    vendors["PROVIDERS"]["wavespeed"]["OPTIONS"]["base_url"] = f"http://127.0.0.1:{port}"
    return {**vendors, "ALLOWED_PRIVATE_HOSTS": [*vendors["ALLOWED_PRIVATE_HOSTS"], f"127.0.0.1:{port}"]}


def test_another_service_makes_it_when_the_chosen_one_is_away(visit, cluster, writer):
    cluster()
    page = visit(STUDIO, writer)
    page.get_by_text("More choices").click()
    page.get_by_label("Service").select_option("wavespeed")
    ask(page, "a kite", count=1)
    says(page, "WaveSpeedAI is not answering.", "Nothing was charged so far.")
    clean(page)
    way = button(page, "Try Apiframe · 7 credits")
    expect(way).to_be_visible()
    way.click()
    ready(page, 1)
    first, second = Generation.objects.order_by("created_at")
    assert (first.status, first.cost_actual) == ("canceled", None)
    assert (second.status, second.provider, second.parent_id) == ("completed", "apiframe", first.pk)
