"""Words on a picture, in a real browser: the box on the cut, the verdict, and how it follows the focal point."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from imagen.painting import paint, size_of
from tests.browser.looks import keep, screens, wrong
from tests.browser.test_studio_pick import PANEL, PART, at
from tests.factories import generation, image

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

LEFT, WHOLE = (0, 60, 45, 40), (0, 0, 100, 100)
LOW, GOOD = "too low here.", "enough here."


def halves(user, *sides, ratio="16:9"):
    """A finished request with one picture for each of these halves."""
    row = generation(user, num_images=len(sides), aspect_ratio=ratio, status="completed", pictures=True)
    for side in sides:
        content = paint(digest=b"\0", size=size_of(ratio, "1k"), caption="", output_format="png", halves=side)
        image(row, content=content)
    return row


def verdicts(at_):
    return at_.locator(".imagen-contrast")


def drawn(part):
    """Where the box is seen on the first cut, in per cent of it."""
    crop, box = (part.locator(each).first.bounding_box() for each in (".imagen-crop img", ".imagen-words rect"))
    across, down = crop["width"] / 100, crop["height"] / 100
    return (
        (box["x"] - crop["x"]) / across,
        (box["y"] - crop["y"]) / down,
        box["width"] / across,
        box["height"] / down,
    )


def test_every_candidate_says_it_and_shows_where(visit, editor):
    page = visit(at(halves(editor, "light,dark", "dark,light"), editor, text_box=LEFT), editor)
    expect(verdicts(page)).to_have_text(
        [
            f"White text: contrast 1.3:1, {LOW} Try a description that leaves the lower left corner dark and empty.",
            f"White text: contrast 16.6:1, {GOOD}",
        ]
    )
    expect(page.get_by_role("img", name="Words will lie here: the lower left corner")).to_have_count(2)
    assert drawn(page.locator(PART)) == pytest.approx(LEFT, abs=4)
    page.get_by_role("link", name="Use this").first.click()
    expect(verdicts(page.locator(PANEL))).to_contain_text(LOW)
    assert drawn(page.locator(PANEL)) == pytest.approx(LEFT, abs=4)


def test_it_goes_when_the_focal_point_moves_and_comes_back_for_the_new_cut(visit, editor):
    page = visit(at(halves(editor, "light,dark"), editor, ratio="9:16", text_box=WHOLE), editor)
    page.get_by_role("link", name="Crop to 9:16").or_(page.get_by_role("link", name="Use this")).first.click()
    panel = page.locator(PANEL)
    expect(verdicts(panel)).to_contain_text(LOW)
    page.route("**/contrast/**", lambda route: (page.wait_for_timeout(300), route.continue_()))
    panel.get_by_label("From the left").fill("100")
    expect(verdicts(panel)).to_have_count(0)
    expect(verdicts(panel)).to_contain_text(GOOD)
    expect(panel.get_by_label("From the left")).to_be_focused()
    panel.get_by_text("Leave it as it is").click()
    expect(verdicts(panel)).to_have_count(0)
    expect(panel.locator(".imagen-words")).to_be_hidden()
    panel.get_by_text("Cut to 9:16").click()
    expect(verdicts(panel)).to_contain_text(GOOD)
    expect(panel.locator(".imagen-words")).to_be_visible()


def test_only_what_moves_is_asked_for_again_and_a_lost_answer_says_nothing(visit, editor):
    page = visit(at(halves(editor, "light,dark"), editor, ratio="9:16", text_box=WHOLE), editor)
    page.locator("[data-place]").first.click()
    panel, asked = page.locator(PANEL), []
    page.on("request", lambda request: "/contrast/" in request.url and asked.append(request.url))
    page.get_by_label("Alt text").fill("Two walls")
    expect(verdicts(panel)).to_contain_text(LOW)
    page.wait_for_timeout(600)
    assert asked == []
    page.context.set_offline(True)
    for point in ("10", "60", "100"):
        panel.get_by_label("From the left").fill(point)
    page.wait_for_timeout(900)
    assert len(asked) == 1, "one question after a pause"
    expect(verdicts(panel)).to_have_count(0)
    page.context.set_offline(False)


@pytest.mark.parametrize("language", ["en", "ar"])
def test_it_can_be_read_by_day_and_night_on_a_desk_and_a_phone(visit, editor, language):
    row = halves(editor, "light,dark", "dark,light", ratio="1:1")
    page = visit(at(row, editor, text_box=LEFT), editor, locale=language)
    found = []
    for step, part in (("results", PART), ("panel", PANEL)):
        if part == PANEL:
            page.locator("[data-place]").first.click()
        expect(verdicts(page.locator(part)).first).to_be_visible()
        for screen in screens(page):
            found += wrong(page, f"headline-{language}-{step}-{screen}", "#content")
            keep(page.locator(part), f"headline-{language}-{step}-{screen}-part")
    assert found == []
