"""Other ways in and out of the Studio: a small screen, no scripts, rows of an inline, a pop-up, an old hero."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from playwright.sync_api import expect

from imagen import placing
from imagen.admin.house import StyleAdmin
from imagen.models import Image, Style
from project.articles.models import Article, Figure
from tests import factories
from tests.browser.newsroom import (
    ADD,
    ALT,
    PHONE,
    STUDIO,
    TITLE,
    ask,
    candidates,
    choose,
    clean,
    enter,
    finish,
    focused,
    hero,
    put,
    ready,
    says,
    studio,
    use,
    write,
)
from tests.project.conftest import article, change

pytestmark = [pytest.mark.browser, pytest.mark.story]


def test_on_a_small_dark_screen_every_state_is_readable_and_fits(visit, cluster, writer):
    cluster()
    page = visit(ADD, writer, **PHONE)
    write(page)
    clean(page)
    inside = enter(page)
    clean(page)
    ask(inside, "A ridge at dawn [[slow:4]]")
    says(inside, "Generating")
    clean(page)
    ready(inside, 2)
    clean(page)
    use(inside)
    clean(page)
    put(page)
    clean(page)
    finish(page)
    assert placing.current(Article.objects.get(), "hero").alt_text == ALT


def test_without_scripts_the_form_is_sent_and_a_reload_shows_the_pictures(visit, cluster, writer):
    page = visit(STUDIO, writer, java_script_enabled=False)
    page.get_by_label("Description").fill("A ridge at dawn")
    page.locator("#imagen-generate").click()
    says(page, "Queued")
    assert "run=" in page.url
    assert "ridge" not in page.url
    cluster()
    for _look in range(60):
        page.reload()
        if candidates(page).count() == 2:
            break
        page.wait_for_timeout(500)
    page.get_by_role("link", name="Describe and keep").first.click()
    page.get_by_label("Alt text").fill(ALT)
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Saved with the picture.")).to_be_visible()
    assert Image.objects.get(index=0).alt_text == ALT


def test_a_row_of_an_inline_that_is_not_saved_yet_gets_a_picture(visit, cluster, writer):
    cluster()
    page = visit(ADD, writer)
    write(page)
    page.get_by_role("button", name="Add another Figure").click()
    figure = page.locator("#figures-0")
    figure.get_by_label("Caption").fill("Tracks in the snow")
    figure.get_by_role("link", name="Generate…").click()
    inside = studio(page)
    expect(inside.get_by_label("Description")).to_have_value(f"Tracks in the snow. {TITLE}")
    ask(inside, count=1)
    ready(inside, 1)
    use(inside, alt="Tracks of a cat")
    put(page)
    expect(figure.get_by_label("Alt text")).to_have_value("Tracks of a cat")
    finish(page)
    row = Figure.objects.get()
    assert placing.current(row, "picture").image == Image.objects.get()
    assert abs(row.width / row.height - 3 / 2) < 0.01


@pytest.mark.parametrize("kind", ["raw_id_fields", "autocomplete_fields", "select"])
def test_a_relation_is_filled_from_the_dialog_and_can_be_undone(visit, cluster, writer, monkeypatch, kind):
    monkeypatch.setattr(StyleAdmin, "raw_id_fields", ())
    monkeypatch.setattr(StyleAdmin, kind, ("example",), raising=False)
    look = clean if kind != "autocomplete_fields" else focused  # Django draws that box without a name
    cluster()
    writer.user_permissions.add(*Permission.objects.filter(codename__in=("view_style", "add_style", "change_style")))
    page = visit(reverse("admin:imagen_style_add"), writer)
    page.get_by_label("Name").fill("Ink")
    page.get_by_label("Words").fill("Ink on paper.")
    page.get_by_role("link", name="Generate…").click()
    inside = studio(page)
    expect(inside.get_by_label("Description")).to_have_value("Ink on paper")
    ask(inside, "An ink drawing of a cat", count=1)
    ready(inside, 1)
    look(page)
    inside.get_by_role("link", name="Use this").click()
    put_in = inside.get_by_role("button", name="Put into the style")
    expect(put_in).to_have_accessible_description(re.compile("^Still missing: the alt text[.]"))
    inside.get_by_label("Alt text").fill(ALT)
    expect(put_in).to_have_accessible_description("It will carry the label “AI-generated”.")
    look(page)
    put_in.click()
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(page.get_by_role("link", name="Generate…")).to_be_focused()
    assert len(page.context.pages) == 1  # Django's script opened no window
    made, chosen = Image.objects.get(), page.locator("[name=example]")
    expect(chosen).to_have_value(str(made.pk))
    expect(page.get_by_text("AI-generated · not saved yet")).to_be_visible()
    look(page)
    page.get_by_role("button", name="Undo").click()
    expect(chosen).to_have_value("")
    expect(page.get_by_text("AI-generated · not saved yet")).to_be_hidden()
    page.get_by_role("link", name="Generate…").click()
    inside.get_by_role("link", name="Earlier").click()
    use_again(inside, put_in)
    expect(chosen).to_have_value(str(made.pk))
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    assert Style.objects.get().example == made
    assert placing.current(Style.objects.get(), "example").image == made


def use_again(inside, put_in):
    """The words are the picture's own and stand there already."""
    inside.get_by_role("link", name="Use this").click()
    expect(inside.get_by_label("Alt text")).to_have_value(ALT)
    put_in.click()


@pytest.fixture
def old(writer):
    """An article with a hero and words for it."""
    made = factories.generation(writer, status="completed", pictures=True)
    content = factories.picture_bytes(size=(160, 90))
    return article(factories.image(made, content=content), hero_alt="An old pier")


@pytest.mark.by_hand("the old hero was made without a call")
@pytest.mark.parametrize(("choice", "alt"), [("Keep my alt text", "An old pier"), ("Use the new one", ALT)])
def test_an_old_hero_and_its_words_stay_until_somebody_says_otherwise(visit, cluster, writer, old, choice, alt):
    cluster()
    page = visit(change(old), writer)
    inside = enter(page, "A new pier")
    expect(inside.locator("[data-current]")).to_be_hidden()
    ask(inside)
    ready(inside, 2)
    expect(inside.locator("[data-current]").get_by_alt_text("An old pier")).to_be_visible()
    use(inside)
    put(page)
    expect(page.locator("#id_hero_alt")).to_have_value("An old pier")
    hero(page).get_by_role("button", name=choice).click()
    focused(page)
    expect(page.locator("#id_hero_alt")).to_have_value(alt)
    assert Article.objects.get().hero.name == old.hero.name
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    row = Article.objects.get()
    assert row.hero.name != old.hero.name
    assert (row.hero_alt, placing.current(row, "hero").alt_text) == (alt, alt)


@pytest.mark.by_hand("the old hero was made without a call")
def test_undo_before_saving_leaves_everything_as_it_was(visit, cluster, writer, old):
    cluster()
    page = visit(change(old), writer)
    choose(page, "A new pier")
    hero(page).get_by_role("button", name="Use the new one").click()
    hero(page).get_by_role("button", name="Undo").click()
    expect(page.locator("#id_hero_alt")).to_have_value("An old pier")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()
    row = Article.objects.get()
    assert (row.hero.name, row.hero_alt) == (old.hero.name, "An old pier")
