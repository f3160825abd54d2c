"""How somebody at the admin asks for pictures and reads how they come."""

from __future__ import annotations

from django.urls import reverse
from playwright.sync_api import Locator, Page, expect

from imagen.providers.apiframe import Apiframe
from imagen.providers.apiin import ApiInOne
from imagen.providers.wavespeed import WaveSpeed
from proof.site import Place

LIST = reverse("admin:imagen_generation_changelist")
LABELS = {vendor.slug: vendor.label for vendor in (WaveSpeed, Apiframe, ApiInOne)}
A_MINUTE_LATER = """
import time
from django.utils import timezone
from imagen import queue
from imagen.models import Job
doubtful = Job.objects.filter(status="unconfirmed")
doubtful.update(due_at=timezone.now())
queue.ring()
until = time.monotonic() + 30
while doubtful.exclude(due_at=None).exists():
    assert time.monotonic() < until, "nobody looked for the call"
    time.sleep(0.1)
"""
PATIENT = 30_000  # milliseconds for a whole request, on a machine that has more to do


def ask(page: Page, description: str, *, service: str = "", count: int = 1) -> None:
    """From the list to the page that follows the request, as an editor goes."""
    page.get_by_role("link", name="Generate pictures").click()
    page.wait_for_load_state()  # who is quicker than the price is told so, and has a test of their own
    fill(page, description, service=service, count=count)
    page.get_by_role("button", name="Generate").click()
    expect(page.get_by_role("heading", name=description)).to_be_visible()


def fill(page: Page, description: str, *, service: str = "", count: int = 1) -> None:
    """Say what is wanted; a service is among the choices that are folded away."""
    page.get_by_label("Description").fill(description)
    page.get_by_label("Shape").select_option("16:9")
    page.get_by_label("Number of pictures").select_option(str(count))
    if service:
        page.get_by_text("More choices").click()
        page.get_by_label("Service").select_option(LABELS[service])


def stands(page: Page, status: str) -> None:
    """Wait until the page says so by itself."""
    expect(page.locator("#imagen-live .imagen-badge")).to_have_text(status, timeout=PATIENT)


def pictures(page: Page) -> Locator:
    """The pictures on the page of a request, once they are seen."""
    found = page.locator(".imagen-pictures img")
    expect(found.first).to_be_visible()
    page.wait_for_function("[...document.querySelectorAll('.imagen-pictures img')].every((each) => each.naturalWidth)")
    return found


def said(page: Page) -> str:
    """Everything the page of a request says, in one line."""
    return " ".join(page.locator("#imagen-live").inner_text().split())


def look_again(place: Place) -> None:
    """A minute passes, and unconfirmed calls are looked for; where there is no list, only a person can help."""
    place.manage("shell", "--no-imports", "-c", A_MINUTE_LATER)
