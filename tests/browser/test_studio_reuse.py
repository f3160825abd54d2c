"""More like this is like it: the form says what the request said, as far as that is still offered."""

from __future__ import annotations

from decimal import Decimal

import pytest
from playwright.sync_api import expect

from imagen.models import Generation, Job, Style
from tests.browser.looks import screens, wrong
from tests.browser.studio import SERVICES, open_room
from tests.browser.test_studio_ask import BEGUN, button
from tests.browser.test_studio_pick import at, made

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

ONE_MODEL = {"sandbox": {"BACKEND": "tests.admin.shop.OneModel"}}


@pytest.fixture
def room(transactional_db, settings, media):
    """A newsroom with services whose models differ, and five dollars a month."""
    settings.MEDIA_ROOT = media
    settings.IMAGEN = {"PROVIDERS": SERVICES}
    return open_room()


def test_everything_that_was_chosen_is_chosen_again(visit, room):
    far = Style.objects.create(name="Far down", words="Seen from far away.", position=99)
    part = {"key": f"style:{far.pk}", "name": far.name, "version": 1, "words": far.words, "locked": False}
    said = {"resolution": "2k", "output_format": "png", "model": "nano-banana-2.1", "aspect_ratio": "1:1"}
    room.made(4, wording={"own": "A kite", "parts": [part]}, **said)
    page = visit(room.studio(), room.editor)
    page.get_by_role("link", name="Earlier").click()
    page.get_by_role("link", name="More like this").first.click()
    expect(page.get_by_label("Description")).to_have_value("A kite")
    expect(page.get_by_label("Description")).to_be_focused()
    expect(page.get_by_role("radio", name="Far down")).to_be_checked()
    expect(page.get_by_role("radio", name="Far down")).to_be_visible()
    expect(page.get_by_role("radio", name="4", exact=True)).to_be_checked()
    expect(page.get_by_role("radio", name="1:1")).to_be_checked()
    expect(page.get_by_label("Model", exact=True)).to_have_value("nano-banana-2.1")
    expect(page.get_by_label("Resolution")).to_have_value("2k")
    expect(page.get_by_label("Resolution")).to_be_visible()
    expect(page.get_by_label("Format")).to_have_value("png")
    expect(page.locator("#imagen-sent")).to_contain_text("A kite. Seen from far away.")


def test_what_is_not_offered_any_more_is_not_left_from_before(visit, room):
    part = {"key": "style:0", "name": "Gone", "version": 1, "words": "Gone.", "locked": False}
    row = room.made(1, wording={"own": "A kite", "parts": [part]})
    page = visit(room.studio(row), room.editor)
    first = page.locator("[name=style]:not([value=''])").first
    first.check(force=True)
    page.get_by_role("link", name="More like this").click()
    expect(page.get_by_label("Description")).to_be_focused()
    expect(page.get_by_role("radio", name="No style")).to_be_checked()
    expect(page.get_by_label("Resolution")).to_be_hidden()


def test_where_one_model_is_sold_it_is_used_instead_and_said_so(visit, editor, settings):
    settings.IMAGEN = {"PROVIDERS": ONE_MODEL}
    page = visit(at(made(editor, 1, model="nano-banana-2.1")), editor)
    page.get_by_role("link", name="Edit prompt").click()
    said = "Nano Banana 2.1 is not offered any more. Imagen 4 is chosen instead."
    expect(page.get_by_role("status").filter(has_text=said)).to_be_visible()
    expect(page.locator("#id_model")).to_have_value("imagen-4")
    assert not [each for name in screens(page) for each in wrong(page, f"instead-{name}")]
    button(page).click()
    expect(page.locator("#imagen-results")).to_contain_text(BEGUN)
    assert Generation.objects.filter(model="imagen-4").count() == 1


def test_a_model_that_went_meanwhile_leaves_the_choice_as_it_is(visit, editor):
    page = visit(at(made(editor, 1)), editor)
    before = page.locator("#id_model").input_value()
    page.evaluate(
        "document.dispatchEvent(new CustomEvent('imagen:reuse', {detail: {prompt: 'a kite', model: 'gone'}}))"
    )
    expect(page.get_by_label("Description")).to_have_value("a kite")
    expect(page.locator("#id_model")).to_have_value(before)


def test_what_is_left_follows_what_is_bought_beside_the_form(visit, room):
    row = room.made(1, status="partial", error_code="partial_outputs", cost_actual=Decimal("0.038"))
    Generation.objects.filter(pk=row.pk).update(num_images=2)
    Job.objects.filter(generation=row).update(slots=[0, 1], error_code="partial_outputs")
    page = visit(room.studio(row), room.editor)
    page.wait_for_load_state("networkidle")
    left = page.locator(".imagen-left-over")
    before = left.inner_text()
    page.get_by_role("button", name="Make 1 more").press("Enter")
    expect(left).not_to_have_text(before)
    expect(left).to_contain_text("4.962")
