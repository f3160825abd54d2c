"""Where a picture is used, what was varied from what, the narrowed list: on every screen, and from right to left."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from imagen import placing
from project.articles.models import Figure
from tests.browser.looks import DJANGOS_OWN, screens, wrong
from tests.browser.test_browser_admin import COST, paint_into
from tests.factories import generation
from tests.project.conftest import article

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("placed without a form")]

LIST = reverse("admin:imagen_image_changelist")
WORDS = "A lighthouse above a calm sea at dusk, warm light in the windows, seen from a boat that comes home"
TITLE = "Why the lighthouses along this coast go dark one after the other, and who still climbs their stairs"
LONG = "Donaudampfschifffahrtsgesellschaftskapitaenspatentanwaerterinnenausbildungsverordnungsentwurf"


@pytest.fixture
def editor(editor, settings, media):
    """One who looks after everybody's pictures and may read articles, but not the figures in them."""
    settings.MEDIA_ROOT = media
    editor.user_permissions.add(*Permission.objects.filter(codename__in=("view_all", "view_article")))
    return User.objects.get(pk=editor.pk)


@pytest.fixture
def picture(editor):
    """A picture that two articles and a figure hold, of a request that came from another and led to two more."""
    first = generation(editor, prompt=WORDS, aspect_ratio="16:9", **COST)
    asked = generation(editor, prompt=f"{WORDS} at night", parent=first, aspect_ratio="16:9", **COST)
    paint_into(asked, 0)
    held = asked.images.get()
    row = article(held, title=TITLE)
    article(held, title=LONG, slug="long")
    figure = Figure.objects.create(article=row, alt="A lighthouse")
    placing.record(figure, "picture", image=held, user=editor, pick=None, alt="A lighthouse")
    for status in ("queued", "failed"):
        generation(editor, prompt=f"{WORDS} {LONG}", parent=asked, status=status)
    held.generation.created_at = timezone.now() - timedelta(days=1)
    return held


def places(picture):
    """Each page, and what has to be seen on it."""
    return {
        "uses": (reverse("admin:imagen_image_change", args=[picture.pk]), "#imagen-uses"),
        "variations": (reverse("admin:imagen_generation_change", args=[picture.generation_id]), "#imagen-lineage"),
        "filters": (f"{LIST}?whose=mine&used=yes&shape=16:9", "#changelist-filter [data-filter-title] .selected"),
    }


@pytest.mark.parametrize("name", ["uses", "variations", "filters"])
@pytest.mark.parametrize("locale", ["en", "ar"])
def test_it_is_readable_and_fits_the_screen(visit, editor, picture, name, locale):
    address, part = places(picture)[name]
    page = visit(address, editor, locale=locale)
    page.wait_for_load_state("networkidle")
    expect(page.locator(part).first).to_be_visible()
    for screen in screens(page):
        page.locator(part).first.evaluate("each => each.scrollIntoView()")
        assert not wrong(page, f"{name}-{locale}-{screen}", "#content", without=DJANGOS_OWN)
