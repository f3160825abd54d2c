"""From an image field to the Studio and back, in a browser; the Studio is a stand-in."""

from __future__ import annotations

import json

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from playwright.sync_api import expect

from imagen import placing
from imagen.models import Style
from project.articles.models import Article, Figure
from tests import factories
from tests.browser.looks import DJANGOS_OWN, keep, screens, wrong
from tests.project.conftest import HERO, WRITER, article, chosen

pytestmark = [pytest.mark.browser, pytest.mark.urls("tests.admin.studio_site")]

ADD = reverse("admin:articles_article_add")
FIGURE = "articles.figure.picture"
ALT = "A crab under weed"


@pytest.fixture(autouse=True)
def public(settings, media):
    """The live server serves the media folder of this test."""
    settings.MEDIA_ROOT = media


@pytest.fixture
def writer(editor):
    """An editor who also writes."""
    names = (*WRITER, "view_style", "add_style")
    editor.user_permissions.add(*Permission.objects.filter(codename__in=names))
    return User.objects.get(pk=editor.pk)


@pytest.fixture
def image(writer):
    """A picture to choose."""
    made = factories.generation(writer, status="completed", pictures=True)
    return factories.image(made, content=factories.picture_bytes(size=(160, 90)))


def change(row):
    return reverse("admin:articles_article_change", args=[row.pk])


def put(page, image, writer, *, place=HERO, alt=ALT):
    """Choose this picture in the Studio that is open."""
    said = {
        "place": place,
        "pick": chosen(image, writer, place=place, alt_text=alt)["hero-imagen"],
        "thumbnail": reverse("imagen:thumbnail", args=[image.pk]),
        "alt": alt,
        "image": str(image.pk),
        "name": alt,
    }
    studio(page).locator("main").evaluate("(_main, said) => window.put(said)", said)


def studio(page):
    return page.frame_locator("dialog[open] iframe")


def hero(page):
    return page.locator(f"[data-imagen='{HERO}']")


def write(page, title="A quiet day"):
    page.get_by_label("Title").fill(title)
    page.get_by_label("Summary").fill("Some <b>things</b> go well.")
    page.get_by_label("Text:", exact=True).fill("It was a quiet day.")


def save(page):
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator(".messagelist .success")).to_be_visible()


def test_a_picture_reaches_a_new_article_without_a_page_in_between(visit, writer, image):
    page = visit(ADD, writer)
    write(page)
    page.evaluate("window.same = true")
    hero(page).get_by_role("link", name="Generate…").click()
    description = studio(page).get_by_label("Description")
    expect(description).to_have_value("A quiet day. Some things go well. It was a quiet day")
    expect(description).to_be_focused()
    assert description.get_attribute("data-current") == "null"
    put(page, image, writer)
    expect(page.locator("dialog")).to_have_count(0)
    expect(hero(page).get_by_role("link", name="Generate…")).to_be_focused()
    expect(hero(page).get_by_alt_text(ALT)).to_be_visible()
    expect(hero(page).get_by_role("status")).to_have_text("AI-generated · not saved yet")
    expect(page.locator("#id_hero_alt")).to_have_value(ALT)
    assert page.evaluate("window.same")
    save(page)
    row = Article.objects.get()
    assert placing.current(row, "hero").image == image
    assert row.hero_alt == ALT
    page.goto(row.get_absolute_url())
    expect(page.get_by_alt_text(ALT)).to_be_visible()
    expect(page.get_by_text("AI-generated", exact=True)).to_be_visible()


def test_what_looks_like_a_tag_or_an_entity_is_told_apart_from_text(visit, writer):
    page = visit(ADD, writer)
    page.get_by_label("Title").fill("Profit < 5 % and costs > 3 %")
    page.get_by_label("Summary").fill("<p class='x'>Caf&eacute;&nbsp;&amp;</p><!-- no --><p>bar</p>")
    hero(page).get_by_role("link", name="Generate…").click()
    expect(studio(page).get_by_label("Description")).to_have_value("Profit < 5 % and costs > 3 %. Café & bar")


def test_the_dialog_is_left_with_escape_its_button_or_the_studios_own(visit, writer):
    page = visit(ADD, writer)
    generate = hero(page).get_by_role("link", name="Generate…")
    leave = (
        lambda: page.keyboard.press("Escape"),
        lambda: page.locator("dialog").get_by_role("button", name="Close").click(),
        lambda: studio(page).get_by_role("button", name="Close").click(),
    )
    for each in leave:
        generate.focus()
        page.keyboard.press("Enter")
        expect(studio(page).get_by_label("Description")).to_be_focused()
        each()
        expect(page.locator("dialog")).to_be_hidden()
        expect(generate).to_be_focused()


def test_words_that_are_there_are_kept_until_somebody_says_otherwise_and_undo_undoes(visit, writer, image):
    row = article(image, hero_alt="An old pier")
    page = visit(change(row), writer)
    alt = page.locator("#id_hero_alt")
    hero(page).get_by_role("link", name="Generate…").click()
    current = json.loads(studio(page).locator("[data-current]").get_attribute("data-current"))
    assert current == {"url": row.hero.url, "alt": "An old pier"}
    put(page, image, writer)
    expect(alt).to_have_value("An old pier")
    question = hero(page).locator(".imagen-field-words")
    expect(question).to_contain_text(ALT)
    question.get_by_role("button", name="Use the new one").click()
    expect(alt).to_have_value(ALT)
    expect(question).to_be_hidden()
    hero(page).get_by_role("button", name="Undo").click()
    expect(alt).to_have_value("An old pier")
    expect(hero(page).get_by_alt_text(ALT)).to_be_hidden()
    expect(hero(page).get_by_role("link", name="Generate…")).to_be_focused()
    save(page)
    assert Article.objects.get().hero.name == row.hero.name


def test_a_picture_that_only_decorates_leaves_the_words_to_the_editor(visit, writer, image):
    page = visit(change(article(image, hero_alt="An old pier")), writer)
    hero(page).get_by_role("link", name="Generate…").click()
    expect(studio(page).get_by_label("Description")).to_be_focused()
    put(page, image, writer, alt="")
    question, alt = hero(page).locator(".imagen-field-words"), page.locator("#id_hero_alt")
    expect(question.get_by_text("The new picture only decorates the page and needs none.")).to_be_visible()
    expect(question.locator("q")).to_be_hidden()
    expect(alt).to_have_value("An old pier")
    for screen in screens(page):
        assert not wrong(page, f"field-decorates-{screen}", "#content-main", without=DJANGOS_OWN)
    question.get_by_role("button", name="Empty it").click()
    expect(alt).to_have_value("")
    hero(page).get_by_role("button", name="Undo").click()
    expect(alt).to_have_value("An old pier")


def test_words_typed_after_the_choice_survive_undo(visit, writer, image):
    page = visit(ADD, writer)
    hero(page).get_by_role("link", name="Generate…").click()
    expect(studio(page).get_by_label("Description")).to_be_focused()
    put(page, image, writer)
    page.locator("#id_hero_alt").fill("My own words")
    hero(page).get_by_role("button", name="Undo").click()
    expect(page.locator("#id_hero_alt")).to_have_value("My own words")


def test_messages_of_other_windows_and_for_other_fields_are_not_heard(visit, writer, image):
    page = visit(ADD, writer)
    hero(page).get_by_role("link", name="Generate…").click()
    expect(studio(page).get_by_label("Description")).to_be_focused()
    put(page, image, writer, place=FIGURE)
    page.evaluate("window.postMessage({type: 'imagen:close'}, origin)")
    page.evaluate(f"window.postMessage({{type: 'imagen:picked', place: '{HERO}', pick: 'forged', alt: ''}}, origin)")
    studio(page).locator("main").evaluate("parent.postMessage({type: 'toString'}, origin)")
    page.wait_for_timeout(200)
    expect(page.locator("dialog")).to_be_visible()
    expect(page.locator("input[name=hero-imagen]")).to_have_value("")


def test_a_row_that_is_added_has_a_studio_of_its_own(visit, writer, image):
    page = visit(ADD, writer)
    write(page)
    for number, words in enumerate(("A crab", "A shell")):
        page.get_by_role("button", name="Add another Figure").click()
        figure = page.locator(f"#figures-{number}")
        figure.get_by_label("Caption").fill(words)
        figure.get_by_role("link", name="Generate…").click()
        expect(studio(page).get_by_label("Description")).to_have_value(f"{words}. A quiet day")
        put(page, image, writer, place=FIGURE, alt=words)
        expect(figure.get_by_label("Alt text")).to_have_value(words)
    page.locator("#figures-0 .inline-deletelink").click()
    save(page)
    (row,) = Figure.objects.all()
    assert (row.alt, placing.current(row, "picture").image) == ("A shell", image)


def test_an_error_elsewhere_brings_the_form_back_with_the_picture(visit, writer, image):
    page = visit(ADD, writer)
    write(page)
    page.get_by_label("Address").fill("quiet")
    article(slug="quiet")
    hero(page).get_by_role("link", name="Generate…").click()
    expect(studio(page).get_by_label("Description")).to_be_focused()
    put(page, image, writer)
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.locator(".errornote")).to_be_visible()
    expect(hero(page).get_by_alt_text(ALT)).to_be_visible()
    hero(page).get_by_role("button", name="Undo").click()
    expect(page.locator("#id_hero_alt")).to_have_value("")
    hero(page).get_by_role("link", name="Generate…").click()
    expect(studio(page).get_by_label("Description")).to_be_focused()
    put(page, image, writer)
    page.get_by_label("Address").fill("quieter")
    save(page)
    assert placing.current(Article.objects.get(slug="quieter"), "hero").image == image


def test_without_scripts_the_studio_opens_in_a_window_of_its_own(visit, writer, image):
    page = visit(ADD, writer, java_script_enabled=False)
    with page.expect_popup() as opened:
        hero(page).get_by_role("link", name="Generate…").click()
    expect(opened.value.get_by_label("Description")).to_be_visible()
    assert opened.value.locator("main").get_attribute("data-door") == HERO


def test_earlier_pictures_open_the_studio_at_their_request(visit, writer, image):
    page = visit(ADD, writer)
    hero(page).get_by_role("link", name="or choose your earlier picture").click()
    expect(studio(page).locator("main")).to_have_attribute("data-run", str(image.generation_id))


def test_relations_in_rows_and_in_rows_that_are_added_are_filled_from_the_studio_and_from_the_list(
    visit, writer, image
):
    writer.user_permissions.add(*Permission.objects.filter(codename__in=("view_user", "change_user")))
    page = visit(reverse("admin:auth_user_change", args=[writer.pk]), writer)
    page.get_by_role("button", name="Add another Style").click()
    rows = page.locator("tr.form-row:not(.empty-form)")
    for number, name in enumerate(("Ink", "Chalk")):
        rows.nth(number).locator("[name$=-name]").fill(name)
        rows.nth(number).locator("[name$=-words]").fill(f"{name} on paper")
    rows.nth(1).get_by_role("link", name="Generate…").click()
    expect(studio(page).get_by_label("Description")).to_be_focused()
    put(page, image, writer, place="imagen.style.example")
    expect(page.locator("dialog[open]")).to_have_count(0)
    expect(rows.nth(1).locator("[name$=-example]")).to_have_value(str(image.pk))
    with page.expect_popup() as opened:
        rows.nth(0).locator(".related-lookup").click()
    with opened.value.expect_event("close"):
        opened.value.get_by_role("link", name="Generate…").click()
    expect(rows.nth(0).locator("[name$=-example]")).to_have_value(str(image.pk))
    save(page)
    assert {style.example for style in Style.objects.filter(owner=writer)} == {image}
    assert Style.objects.filter(owner=writer).count() == 2


def test_row_and_dialog_are_readable_and_fit_the_screen(visit, writer, image):
    page = visit(change(article(image, hero_alt="An old pier")), writer)
    hero(page).get_by_role("link", name="Generate…").click()
    expect(studio(page).get_by_label("Description")).to_be_focused()
    for screen in screens(page):
        keep(page, f"field-dialog-{screen}")
        box = page.locator("dialog").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= page.viewport_size["width"]
    put(page, image, writer)
    hero(page).scroll_into_view_if_needed()
    for screen in screens(page):
        assert not wrong(page, f"field-row-{screen}", "#content", without=DJANGOS_OWN)
