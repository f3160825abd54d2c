"""Every code there is, as the Studio shows it: on a wide bright screen, a narrow dark one, and from right to left."""

from __future__ import annotations

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from imagen.admin.studio.trouble import SAID_BEFORE
from imagen.models import Worker
from imagen.sentences import SENTENCES
from tests.browser.codes import FORMS, PROGRAMS, STATES, row
from tests.browser.looks import DJANGOS_OWN, screens, wrong
from tests.browser.studio import SERVICES

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

STUDIO = reverse("admin:imagen_studio_changelist")


@pytest.fixture(autouse=True)
def open_shop(site, settings, editor, media):
    """Two services, and a worker that is alive."""
    settings.IMAGEN, settings.MEDIA_ROOT = {"PROVIDERS": SERVICES}, media
    Worker.objects.create(name="host-1", started_at=timezone.now(), beat_at=timezone.now())


def looks(page, name, at="#content"):
    """What is wrong with the page, scrolled to this part, on two screens that have nothing in common."""
    for screen in screens(page):
        if screen in ("light-1280", "dark-360"):
            page.locator(at).evaluate("each => each.scrollIntoView()")
            yield from wrong(page, f"{name}-{screen}", without=DJANGOS_OWN)


@pytest.mark.parametrize("code", STATES)
def test_every_code_of_a_request_is_readable(visit, editor, code):
    rows = [row(editor, make(code)) for make in STATES[code]]
    found = []
    for locale in ("en", "ar"):
        page = visit(reverse("admin:index"), editor, locale=locale)
        for number, made in enumerate(rows):
            page.goto(f"{STUDIO}?run={made.pk}")
            expect(page.locator(f"[data-run='{made.pk}']:not([data-brief])")).to_be_visible()
            assert code in SAID_BEFORE or page.locator("#imagen-results .imagen-notice:visible").count()
            page.wait_for_load_state("networkidle")
            found += looks(page, f"code-{code}-{number}-{locale}", "#imagen-results")
    assert not found


@pytest.mark.parametrize("code", FORMS)
def test_every_code_of_the_form_is_readable(visit, editor, settings, code):
    page = visit(reverse("admin:index"), editor)
    said = FORMS[code](page, settings, editor)
    expect(page.locator("#content")).to_contain_text(said)
    assert not list(looks(page, f"code-{code}-form"))


def test_a_new_code_gets_its_state_here():
    assert SENTENCES.keys() == {*STATES, *FORMS, *PROGRAMS}
    assert not PROGRAMS & {*STATES, *FORMS}
