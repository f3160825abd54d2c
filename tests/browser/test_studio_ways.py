"""The Studio's ways on in a browser: examples, other words and their undoing, saving at once, earlier pictures."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from imagen.models import Anomaly, Generation, Job, Tempo
from tests.browser.looks import violations
from tests.browser.test_browser_admin import alive, finish, paint_into
from tests.browser.test_studio_pick import PART, PLACE, STUDIO, at, live
from tests.factories import generation
from tests.project.conftest import WRITER, article

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]


def words(page):
    return page.get_by_label("Description")


def declined(user, prompt="a bloody sword on a table"):
    failed = {"status": "failed", "error_code": "content_filtered", "prompt": prompt}
    return generation(user, **failed, job={"error_code": "content_filtered"})


def test_an_example_fills_a_description_nobody_wrote_and_no_other(visit, editor):
    page = visit(STUDIO, editor)
    examples = page.locator("[name=example]")
    examples.first.click()
    expect(words(page)).to_have_value(examples.first.inner_text())
    expect(words(page)).to_be_focused()
    examples.nth(1).press("Enter")
    expect(words(page)).to_have_value(examples.nth(1).inner_text())
    words(page).fill("my own kite")
    expect(examples.first).to_be_hidden()
    words(page).fill("")
    expect(examples.first).to_be_visible()
    assert not violations(page)


def test_other_words_are_shown_as_a_change_and_undone(visit, editor):
    alive()
    page = visit(at(declined(editor)), editor)
    words(page).fill("what I was writing")
    page.get_by_role("link", name="Try another wording").click()
    expect(words(page)).to_have_value("a dramatic sword on a table")
    expect(words(page)).to_be_focused()
    note = page.locator("#imagen-reworded")
    expect(note).to_contain_text("“bloody” → “dramatic”")
    assert not violations(page)
    note.get_by_role("button", name="Undo").click()
    expect(words(page)).to_have_value("what I was writing")
    expect(words(page)).to_be_focused()
    expect(note).to_be_hidden()
    page.get_by_role("link", name="Try another wording").click()
    expect(note).to_be_visible()
    words(page).fill("something else again")
    expect(note).to_be_hidden()
    assert Generation.objects.count() == 1


def test_a_wrong_refusal_is_reported_on_the_spot(visit, editor):
    page = visit(at(declined(editor)), editor)
    page.get_by_role("button", name="Report wrong refusal").click()
    thanks = "Thank you, an administrator will look at it."
    expect(page.locator(PART).get_by_text(thanks)).to_be_visible()
    expect(live(page)).to_have_text(thanks)
    expect(page.get_by_role("button", name="Report wrong refusal")).to_have_count(0)
    assert Anomaly.objects.get().code == "wrong_refusal"


def test_what_could_not_be_saved_is_tried_again_at_a_press(visit, editor):
    alive()
    stuck = {"error_code": "storage_full", "tries": 2, "due_at": timezone.now() + timedelta(hours=1)}
    row = generation(editor, status="processing", error_code="storage_full", job={"status": "storing", **stuck})
    page = visit(at(row), editor)
    expect(page.get_by_text("It is tried again at")).to_be_visible()
    page.get_by_role("button", name="Retry now").press("Enter")
    expect(page.get_by_text("It is being tried again now.")).to_be_visible()
    expect(page.get_by_role("button", name="Retry now")).to_have_count(0)
    assert page.evaluate("document.querySelector('#imagen-results').contains(document.activeElement)")
    assert Job.objects.get().due_at <= timezone.now()


def test_on_a_page_of_its_own_who_does_not_want_to_wait_reads_that_they_will_be_told(visit, editor):
    alive()
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=1.0, deviation=0.0)
    row = generation(editor, created_at=timezone.now() - timedelta(seconds=28))
    Job.objects.update(created_at=row.created_at)
    page = visit(at(row), editor)
    page.get_by_role("button", name="Tell me when ready").click()
    told = page.locator("[data-after=told]")
    expect(told).to_have_text("You will be told on the next page you open.")
    expect(page.get_by_role("button", name="Tell me when ready")).to_be_hidden()
    page.wait_for_timeout(2500)
    expect(told).to_be_visible()


@pytest.fixture
def writer(editor):
    """An editor who also writes."""
    editor.user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    return User.objects.get(pk=editor.pk)


@pytest.mark.parametrize("here", [True, False], ids=["made for this field", "made elsewhere"])
def test_from_an_article_three_earlier_requests_are_leafed_through_and_one_is_used(visit, writer, here):
    row, now = article(), timezone.now()
    for number, prompt in enumerate(("The first", "The second", "The third")):
        facts = {"place": PLACE, "place_id": str(row.pk)} if here else {}
        known = {"status": "completed", "aspect_ratio": "16:9", "pictures": True, "prompt": prompt, **facts}
        paint_into(generation(writer, created_at=now - timedelta(minutes=9 - number), **known), 0)
    page = visit(reverse("admin:articles_article_change", args=[row.pk]), writer)
    page.get_by_role("link", name="3 earlier pictures").click()
    studio = page.frame_locator("dialog[open] iframe")
    expect(studio.get_by_role("heading", name="The third")).to_be_visible()
    for name in ("The second", "The first"):
        studio.get_by_role("link", name="Earlier").click()
        expect(studio.get_by_role("heading", name=name)).to_be_visible()
    expect(studio.get_by_role("link", name="Earlier")).to_have_count(0)
    studio.get_by_role("link", name="Later").click()
    expect(studio.get_by_role("heading", name="The second")).to_be_visible()
    studio.get_by_role("link", name="Use this").click()
    button = studio.get_by_role("button", name="Put into the article")
    expect(button).to_have_accessible_description(re.compile("^Still missing: what the picture is for[.]"))
    expect(studio.get_by_label("File name")).to_have_value("the-second")
    studio.get_by_role("radio", name="It only decorates the page").check()
    expect(button).to_have_accessible_description("It will carry the label “AI-generated”.")
    button.click()
    expect(page.locator("dialog")).to_have_count(0)
    expect(page.get_by_text("AI-generated · not saved yet")).to_be_visible()


def test_who_closes_the_dialog_finds_it_as_it_was_with_the_forms_new_words_if_there_are_none_of_their_own(
    visit, editor
):
    editor.user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    page = visit(reverse("admin:articles_article_add"), User.objects.get(pk=editor.pk))
    studio = page.frame_locator("dialog[open] iframe")
    generate = page.locator("[data-imagen='articles.article.hero']").get_by_role("link", name="Generate…")
    for title in ("Low water", "High water"):
        page.get_by_label("Title").fill(title)
        generate.click()
        expect(words(studio)).to_have_value(title)
        expect(words(studio)).to_be_focused()
        page.keyboard.press("Escape")
        expect(page.locator("dialog")).to_be_hidden()
        expect(generate).to_be_focused()
    generate.press("Enter")
    expect(words(studio)).to_be_focused()
    words(studio).fill("A long description in my own words")
    page.keyboard.press("Escape")
    page.get_by_label("Title").fill("Spring tide")
    generate.click()
    expect(words(studio)).to_be_focused()
    expect(words(studio)).to_have_value("A long description in my own words")
    assert len(page.frames) == 2


def test_what_comes_after_the_dialog_was_closed_is_news_until_it_is_opened_again(visit, editor):
    alive()
    editor.user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    row = article()
    here = {"place": PLACE, "place_id": str(row.pk), "aspect_ratio": "16:9"}
    run = generation(editor, unseen=True, prompt="Tide pools", **here)
    page = visit(reverse("admin:articles_article_change", args=[row.pk]), User.objects.get(pk=editor.pk))
    studio = page.frame_locator("dialog[open] iframe")
    generate = page.locator("[data-imagen='articles.article.hero']").get_by_role("link", name="Generate…")
    generate.click()
    expect(studio.get_by_role("heading", name="Tide pools")).to_be_visible()
    expect(studio.locator(f"{PART} .imagen-run:not([data-brief])")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("dialog")).to_be_hidden()
    finish(run)
    page.wait_for_timeout(2500)  # longer than it is between two looks
    assert Generation.objects.get().unseen
    generate.click()
    expect(studio.get_by_role("link", name="Use this")).to_be_visible()
    assert not Generation.objects.get().unseen
