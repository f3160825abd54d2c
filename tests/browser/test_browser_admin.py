"""The admin as people meet it: it follows a request, limits what it offers, and works without scripts."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from imagen.models import Event, Generation, Worker
from imagen.painting import size_of
from tests.browser.looks import DJANGOS_OWN, asked_for, screens, timed, wrong
from tests.browser.scenery import painted
from tests.factories import generation, image

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

LIST = reverse("admin:imagen_generation_changelist")
ADD = reverse("admin:imagen_generation_add")
PHONE = {"viewport": {"width": 360, "height": 740}}
COST = {"status": "completed", "cost_estimated": Decimal("0.076"), "cost_actual": Decimal("0.076")}
DAY = (
    ("A mountain hut under stars, long exposure", "16:9", 3, {"status": "queued"}),
    ("A lighthouse above a calm sea at dusk, warm light in the windows", "16:9", 4, COST),
    ("A portrait of somebody well known", "4:3", 1, {"status": "failed", "error_code": "content_filtered"}),
    ("A market square in the rain, reflections on the cobbles, evening", "3:4", 2, COST),
    ("An autumn alley with a cyclist", "9:16", 1, {"status": "unconfirmed", "error_code": "submit_unknown"}),
    ("Harbour cranes at sunrise, long exposure", "3:2", 1, {**COST, "model": "nano-banana-2.1"}),
    ("Four studies of a red kite over the coast", "1:1", 4, {"status": "canceled"}),
)


def page_of(row):
    return reverse("admin:imagen_generation_change", args=[row.pk])


def alive():
    Worker.objects.create(name="host-1", started_at=timezone.now(), beat_at=timezone.now())


def finish(row):
    image(row, alt_text="A red kite")
    row.jobs.update(status="completed")
    Generation.objects.refresh_outcomes([row.pk])


def test_the_page_follows_a_request_without_reload_and_then_rests(visit, editor):
    alive()
    row = generation(editor)
    page = timed(visit(page_of(row), editor))
    page.evaluate("window.same = true")
    expect(page.locator("#imagen-live .imagen-badge")).to_have_text("Waiting")
    expect(page.get_by_text("on its way")).to_have_count(1)
    finish(row)
    expect(page.locator("#imagen-live .imagen-badge")).to_have_text("Ready")
    expect(page.get_by_role("status")).to_have_text("Ready")
    expect(page.get_by_alt_text("A red kite")).to_be_visible()
    expect(page.get_by_text("on its way")).to_have_count(0)
    assert not asked_for(page)
    assert page.evaluate("window.same")


def test_the_focus_survives_the_news(visit, editor):
    alive()
    row = generation(editor, status="processing")
    page = visit(page_of(row), editor)
    page.get_by_role("button", name="Generate again like this").focus()
    finish(row)
    expect(page.locator("#imagen-live .imagen-badge")).to_have_text("Ready")
    expect(page.get_by_role("button", name="Generate again like this")).to_be_focused()


def test_a_hidden_tab_does_not_ask(visit, editor):
    alive()
    page = timed(visit(page_of(generation(editor)), editor))
    assert asked_for(page)
    page.evaluate("Object.defineProperty(document, 'hidden', {value: true})")
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    assert not asked_for(page)


def test_without_scripts_a_reload_shows_the_same(visit, editor):
    alive()
    row = generation(editor)
    page = visit(page_of(row), editor, java_script_enabled=False)
    finish(row)
    expect(page.locator("#imagen-live .imagen-badge")).to_have_text("Waiting")
    page.reload()
    expect(page.locator("#imagen-live .imagen-badge")).to_have_text("Ready")


def test_a_button_on_the_page_cancels(visit, editor):
    alive()
    row = generation(editor)
    page = visit(page_of(row), editor)
    page.get_by_role("button", name="Cancel").click()
    expect(page.locator("#imagen-live .imagen-badge")).to_have_text("Cancelled")
    assert page.url.endswith(page_of(row))


def test_trying_again_shows_the_price_before_anything_is_asked(visit, editor):
    alive()
    row = generation(editor, status="failed", error_code="provider_failed")
    page = visit(page_of(row), editor)
    page.get_by_role("button", name="Try again").click()
    expect(page.get_by_text("This asks for new pictures, which cost nothing:")).to_be_visible()
    assert row.jobs.count() == 1
    page.get_by_role("button", name="Try again · free").click()
    expect(page.locator("#imagen-live .imagen-badge")).to_have_text("Waiting")
    assert row.jobs.count() == 2


@pytest.fixture
def wavespeed(settings):
    """A service whose models differ in what they can do."""
    backend = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}}
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": backend}}


def test_choices_follow_the_model_and_the_price_follows_the_choices(visit, editor, wavespeed):
    page = visit(ADD, editor)
    expect(page.locator("#imagen-price")).to_contain_text("1 picture · 0.0")
    page.get_by_label("Number of pictures").select_option("3")
    expect(page.locator("#imagen-price")).to_contain_text("3 pictures · 0.")
    expect(page.locator("#imagen-notes")).to_contain_text("Its successor is Nano Banana 2.1")
    shape = page.get_by_label("Shape")
    assert shape.locator("option:not([disabled])").all_inner_texts() == ["1:1", "16:9", "9:16", "4:3", "3:4"]
    page.get_by_label("Model").select_option("nano-banana-2.1")
    expect(page.locator("#imagen-notes")).not_to_contain_text("successor")
    shape.select_option("21:9")
    page.get_by_label("Model").select_option("imagen-4")
    expect(shape).to_have_value("1:1")


def test_nothing_is_sent_at_a_price_nobody_saw_though_the_page_has_only_now_finished_loading(visit, editor, wavespeed):
    page, held = visit(ADD, editor), []
    page.route("**/quote/", lambda route: held.append(route))  # noqa: PLW0108 (it looks into what it is given)
    page.get_by_label("Number of pictures").select_option("3")
    generate = page.get_by_role("button", name="Generate")
    expect(generate).to_be_disabled()
    page.evaluate("window.dispatchEvent(new PageTransitionEvent('pageshow'))")
    expect(generate).to_be_disabled()
    while not held:
        page.wait_for_timeout(50)
    held[0].continue_()
    expect(page.locator("#imagen-price")).to_contain_text("3 pictures")
    expect(generate).to_be_enabled()


def test_asking_by_keyboard_leads_to_the_page_that_follows_it(visit, editor):
    alive()
    page = visit(ADD, editor)
    page.get_by_label("Description").focus()
    page.keyboard.type("A lighthouse <b>at dusk</b>")
    page.get_by_role("button", name="Generate").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="A lighthouse <b>at dusk</b>")).to_be_visible()
    assert Generation.objects.get().prompt == "A lighthouse <b>at dusk</b>"


def test_without_scripts_the_form_still_asks_and_still_refuses(visit, editor, wavespeed):
    alive()
    page = visit(ADD, editor, java_script_enabled=False)
    page.get_by_label("Description").fill("x" * 5000)
    page.get_by_label("Model").select_option("imagen-4")
    page.get_by_label("Shape").select_option("21:9")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator(".field-aspect_ratio .errorlist")).to_contain_text("These can")
    page.get_by_label("Shape").select_option("16:9")
    page.get_by_role("button", name="Generate").click()
    expect(page.locator("#imagen-live .imagen-badge")).to_have_text("Waiting")


@pytest.fixture
def made(editor, wavespeed):
    """Requests as a day leaves them."""
    now = timezone.now()
    for age, (prompt, ratio, count, fields) in enumerate(DAY):
        known = {"provider": "wavespeed", "created_at": now - timedelta(minutes=17 * age + 3), "aspect_ratio": ratio}
        row = generation(editor, prompt=prompt, num_images=count, **known, **fields)
        Event.objects.create(generation=row, what="asked", actor=editor, at=row.created_at)
        for number in range(count if row.status == "completed" else 0):
            paint_into(row, number)
    alive()


def paint_into(row, number):
    width, height = size_of(row.aspect_ratio, "1k")
    content = painted(f"{row.prompt} {number}", (width // 3, height // 3))
    image(row, content=content, thumbnail="", width=width, height=height)


def test_every_page_is_readable_and_fits_the_screen(visit, editor, made):
    page = visit(LIST, editor)
    picture = Generation.objects.get(prompt__startswith="A lighthouse").images.first()
    picture.alt_text = "A lighthouse on a cliff at dusk"
    picture.save()
    places = {
        "list": LIST,
        "request": page_of(picture.generation),
        "failed": page_of(Generation.objects.get(status="failed")),
        "waiting": page_of(Generation.objects.get(status="queued")),
        "ask": ADD,
        "pictures": reverse("admin:imagen_image_changelist"),
        "picture": reverse("admin:imagen_image_change", args=[picture.pk]),
    }
    for name, address in places.items():
        page.goto(address)
        page.wait_for_load_state("networkidle")
        for screen in screens(page):
            assert not wrong(page, f"admin-{name}-{screen}", "#content", without=DJANGOS_OWN)
