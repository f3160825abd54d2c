"""What people write and bring along: markup stays text, a path becomes a name, of two pictures one is taken."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from imagen import placing
from project.articles.models import Article
from tests.browser.newsroom import (
    ADD,
    ALT,
    ask,
    choose,
    enter,
    finish,
    hero,
    put,
    ready,
    says,
    use,
    write,
)
from tests.factories import picture_bytes

pytestmark = [pytest.mark.browser, pytest.mark.story]


def test_markup_in_a_description_stays_text_and_a_path_becomes_a_plain_name(visit, cluster, writer):
    cluster()
    page = visit(ADD, writer)
    page.get_by_label("Title").fill('<img src=x onerror=alert(1)> & "kites"')
    page.on("dialog", lambda dialog: pytest.fail(dialog.message))
    inside = enter(page, '</textarea><script>alert(1)</script>{{ kite }} "&quot;')
    ask(inside)
    ready(inside, 2)
    says(inside, '</textarea><script>alert(1)</script>{{ kite }} "&quot;')
    inside.get_by_role("link", name="More like this").first.click()
    expect(inside.get_by_label("Description")).to_have_value('</textarea><script>alert(1)</script>{{ kite }} "&quot;')
    use(inside, alt='"><b>A kite</b>')
    inside.get_by_label("File name").fill("../../etc/kite over the bay.png")
    put(page)
    page.get_by_label("Address").fill("kites")
    page.get_by_label("Summary").fill("A kite.")
    finish(page)
    row = Article.objects.get()
    assert row.hero.name.endswith("/etc-kite-over-the-bay.png")
    page.goto(row.get_absolute_url())
    expect(page.get_by_alt_text('"><b>A kite</b>')).to_be_visible()


@pytest.mark.parametrize("kept", ["picture", "file"])
def test_a_file_and_a_picture_at_once_are_not_both_taken(visit, cluster, writer, tmp_path, kept):
    cluster()
    own = tmp_path / "own.png"
    own.write_bytes(picture_bytes(size=(160, 90)))
    page = visit(ADD, writer)
    write(page)
    choose(page)
    page.locator("#id_hero").set_input_files(own)
    page.get_by_label("Text:", exact=True).fill("A text.")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("A file and a generated picture were chosen. Choose one")).to_be_visible()
    expect(hero(page).get_by_alt_text(ALT)).to_be_visible()
    if kept == "file":
        hero(page).get_by_role("button", name="Undo").click()
        page.locator("#id_hero").set_input_files(own)
        page.locator("#id_hero_alt").fill("My own")
    finish(page)
    assert bool(placing.current(Article.objects.get(), "hero")) is (kept == "picture")
