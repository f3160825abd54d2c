"""What happens while somebody looks at the Studio, and what people write: a plain sentence, and nothing lost."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from playwright.sync_api import expect

from imagen import doors, pipeline, placing
from imagen.models import Budget, Generation, Image
from project.articles.models import Article
from tests.browser.conftest import EDITOR
from tests.browser.newsroom import (
    ADD,
    ALT,
    STUDIO,
    TITLE,
    ask,
    choose,
    clean,
    enter,
    finish,
    hero,
    put,
    ready,
    says,
    studio,
    use,
    write,
)
from tests.factories import person
from tests.project.conftest import WRITER, article, change

pytestmark = [pytest.mark.browser, pytest.mark.story]

OURS = "a heron at dawn"


def generate(at):
    """Press the button, whatever comes of it."""
    expect(at.locator("#imagen-generate")).to_have_attribute("aria-disabled", "false")
    at.locator("#imagen-generate").click()


def refused(page, at, *texts):
    """The form says this, keeps the words, and nothing was asked for."""
    for text in texts:
        expect(at.locator("#imagen-form")).to_contain_text(text)
    expect(at.get_by_label("Description")).to_have_value(OURS)
    clean(page)
    assert not Generation.objects.exists()


def test_a_window_of_yesterday_says_so_and_still_makes_pictures_without_a_field(visit, cluster, writer, monkeypatch):
    cluster()
    page = visit(ADD, writer)
    write(page)
    inside = enter(page, OURS)
    monkeypatch.setattr(doors, "LIFETIME", timedelta(0))
    generate(inside)
    refused(page, inside, "This window no longer knows which field it was opened for.")
    generate(inside)
    ready(inside, 2)
    assert Generation.objects.get().place == ""
    expect(page.get_by_label("Title")).to_have_value(TITLE)


def test_a_picture_chosen_yesterday_is_chosen_again(visit, cluster, writer, monkeypatch):
    cluster()
    page = visit(ADD, writer)
    write(page)
    choose(page)
    page.get_by_label("Text:", exact=True).fill("A text.")
    with monkeypatch.context() as patch:
        patch.setattr(doors, "LIFETIME", timedelta(0))
        page.get_by_role("button", name="Save", exact=True).first.click()
        expect(page.get_by_text("The picture was chosen more than a day ago. Choose it again")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value(TITLE)
    expect(page.locator("#id_hero_alt")).to_have_value(ALT)
    hero(page).get_by_role("link", name="or choose").click()
    ready(studio(page), 2)
    use(studio(page))
    put(page)
    finish(page)
    assert placing.current(Article.objects.get(), "hero")


def test_a_model_that_is_gone_since_is_another_choice_away(visit, cluster, writer, settings):
    page = visit(STUDIO, writer)
    page.get_by_label("Description").fill(OURS)
    settings.IMAGEN = {"PROVIDERS": {"sandbox": {"BACKEND": "tests.browser.newsroom.Renewed"}}}
    generate(page)
    refused(page, page, "This is no longer offered. Choose another.")


def test_who_may_not_any_more_reads_it_in_the_form(visit, cluster, writer):
    page = visit(ADD, writer)
    write(page)
    inside = enter(page, OURS)
    writer.user_permissions.remove(Permission.objects.get(codename="generate"))
    generate(inside)
    refused(page, inside, "Your account may not generate images here.")
    page.keyboard.press("Escape")
    expect(page.get_by_label("Title")).to_have_value(TITLE)


def test_a_budget_that_is_gone_since_is_named(visit, cluster, writer):
    page = visit(STUDIO, writer)
    page.get_by_label("Description").fill(OURS)
    expect(page.locator("#imagen-generate")).to_have_attribute("aria-disabled", "false")
    page.wait_for_load_state("networkidle")
    Budget.objects.create(scope="each", limit=Decimal("0.01"))
    generate(page)
    refused(page, page, "This needs 0.08 USD; 0.01 USD of 0.01 USD is left", "Ask for more")


def test_a_picture_deleted_while_it_is_placed_or_before_saving_ends_in_a_sentence(visit, cluster, writer):
    cluster()
    page = visit(ADD, writer)
    write(page)
    inside = enter(page)
    ask(inside)
    ready(inside, 2)
    use(inside)
    pipeline.discard(Image.objects.get(index=0))
    inside.get_by_role("button", name="Put into the").click()
    says(inside, "This picture was deleted meanwhile. Your form is as it was.")
    clean(page)
    inside.get_by_role("link", name="Use this").last.click()
    inside.get_by_role("radio", name="It shows something").check()
    inside.get_by_label("Alt text").fill(ALT)
    put(page)
    pipeline.discard(Image.objects.get())
    page.get_by_label("Text:", exact=True).fill("A text.")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("This picture was deleted or withheld meanwhile. Choose another.")).to_be_visible()
    expect(page.get_by_label("Title")).to_have_value(TITLE)
    expect(hero(page).get_by_role("status")).to_be_hidden()
    finish(page)
    assert not Article.objects.get().hero


def test_of_two_editors_at_one_field_the_later_one_is_told_and_both_files_stay(visit, cluster, writer):
    cluster()
    row = article(hero_alt="")
    bob = person("bob", *EDITOR, is_staff=True)
    bob.user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    pages = [visit(change(row), user) for user in (writer, User.objects.get(pk=bob.pk))]
    for page in pages:
        ask(enter(page, OURS), count=1)
        ready(studio(page), 1)
        use(studio(page))
        put(page)
    files = []
    for page in pages:
        page.get_by_role("button", name="Save", exact=True).first.click()
        expect(page.locator(".messagelist .success")).to_be_visible()
        files.append(Article.objects.get().hero)
    told = "Somebody else changed “Picture” while you were writing. Yours is there now; theirs is kept as a file."
    expect(pages[1].locator(".messagelist")).to_contain_text(told)
    assert files[0].name != files[1].name
    assert files[0].storage.exists(files[0].name)
    assert placing.current(Article.objects.get(), "hero").user == bob
