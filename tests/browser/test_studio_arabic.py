"""The Studio, the image field and the page of a request in Arabic: from right to left, whole, and readable."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from imagen.models import Budget, Event
from project.articles.models import Article
from tests.browser.looks import DJANGOS_OWN, wrong
from tests.browser.test_browser_admin import paint_into
from tests.factories import generation
from tests.project.conftest import WRITER, article

pytestmark = [pytest.mark.browser, pytest.mark.by_hand("rows stand for how they look")]

STUDIO = reverse("admin:imagen_studio_changelist")
LIST = reverse("admin:imagen_generation_changelist")
widths = pytest.mark.parametrize("width", [1280, 360])


@pytest.fixture(autouse=True)
def public(settings, media):
    """The live server serves the media folder of this test."""
    settings.MEDIA_ROOT = media


@pytest.fixture
def writer(editor):
    """An editor who also writes and has a budget."""
    editor.user_permissions.add(*Permission.objects.filter(codename__in=WRITER))
    Budget.objects.create(scope="each", limit=Decimal("1234.5"))
    return User.objects.get(pk=editor.pk)


@pytest.fixture
def row(writer):
    """A finished request of two pictures at this writer's field."""
    place = {"place": "articles.article.hero", "place_id": str(article(hero_alt="رصيف قديم").pk)}
    told = {"num_images": 2, "aspect_ratio": "16:9", "prompt": "كثبان واسعة عند الظهيرة", "started_at": timezone.now()}
    made = generation(writer, status="completed", cost_actual=Decimal("0.038"), **told, **place)
    for number in range(2):
        paint_into(made, number)
    Event.objects.create(generation=made, what="asked")
    return made


@pytest.fixture
def see(visit, writer):
    """Open a page in Arabic, and look whether all of it is there and readable."""

    def look(address, width):
        size = {"width": width, "height": 900}
        page = visit(address, writer, locale="ar", viewport=size, reduced_motion="reduce")
        expect(page.locator("html")).to_have_attribute("dir", "rtl")
        page.wait_for_load_state("networkidle")

        def whole(name, part):
            assert not wrong(page, f"arabic-{name}-{width}", part, without=DJANGOS_OWN)

        return page, whole

    return look


def begin(locator):
    """Where the line of this part begins: its right edge."""
    box = locator.bounding_box()
    return box["x"] + box["width"]


@widths
def test_the_studio_begins_at_the_right(see, row, width):
    page, whole = see(f"{STUDIO}?run={row.pk}", width)
    whole("studio", ".imagen-studio")
    asking, answers = page.locator(".imagen-asking"), page.locator(".imagen-answers")
    assert begin(asking) == pytest.approx(begin(answers), abs=1) if width == 360 else begin(asking) > begin(answers)
    first, second = page.locator(".imagen-shape").nth(0), page.locator(".imagen-shape").nth(1)
    assert begin(first) > begin(second)
    choice = page.locator(".imagen-choice").first
    assert begin(choice) - begin(choice.locator("input")) < 30
    expect(page.locator("#imagen-generate")).to_contain_text("إنشاء صورتين")
    expect(page.locator(".imagen-left-over")).to_contain_text("1234,50")


@widths
def test_the_dialog_and_the_panel_begin_at_the_right_and_the_left_stays_left(see, row, width):
    page, whole = see(reverse("admin:articles_article_change", args=[Article.objects.get().pk]), width)
    field = page.locator("[data-imagen='articles.article.hero']")
    field.scroll_into_view_if_needed()
    whole("row", "[data-imagen='articles.article.hero']")
    page.evaluate("window.same = true")
    field.locator(".imagen-open").last.click()
    studio = page.frame_locator("dialog[open] iframe")
    studio.locator("[data-place]").first.click()
    expect(studio.locator(".imagen-place h2")).to_have_text("قبل أن تدخل «مقال»")
    whole("placing", "dialog")
    title = page.locator(".imagen-dialog-close")
    assert title.bounding_box()["x"] < page.locator("dialog").bounding_box()["x"] + 60
    slider = studio.get_by_label("من اليسار")
    for _press in range(5):
        slider.press("ArrowLeft")
    expect(slider).to_have_value("45")
    picture, mark = studio.locator(".imagen-aim img").bounding_box(), studio.locator(".imagen-mark").bounding_box()
    assert (mark["x"] + mark["width"] / 2 - picture["x"]) / picture["width"] == pytest.approx(0.45, abs=0.02)
    studio.get_by_role("radio", name="تُظهر شيئًا يحتاج").check()
    studio.get_by_label("النص البديل").fill("كثبان تحت سماء شاحبة")
    studio.get_by_role("button", name="وضعها في").click()
    expect(page.locator("dialog")).to_have_count(0, timeout=20_000)
    expect(field.get_by_role("status")).to_have_text("مُنشأة بالذكاء الاصطناعي · لم تُحفظ بعد")
    whole("picked", "[data-imagen='articles.article.hero']")
    assert page.evaluate("window.same")


@pytest.fixture
def early(see, row):
    """The article, and the panel as a page of its own in the dialog: clicked before its script ran."""
    page, _whole = see(reverse("admin:articles_article_change", args=[Article.objects.get().pk]), 1280)
    page.route("**/imagen/place*.js", lambda route: None)
    page.locator("[data-imagen='articles.article.hero'] .imagen-open").last.click()
    studio = page.frame_locator("dialog[open] iframe")
    expect(studio.locator(".imagen-run:not([data-brief])")).to_be_visible()  # drawn for the last time
    studio.locator("[data-place]").first.click(no_wait_after=True)
    expect(studio.locator("#content-main[data-quote] .imagen-place")).to_be_visible()
    page.unroute("**/imagen/place*.js")  # lets go what was held
    expect(studio.locator(".imagen-place [type=submit]")).to_have_attribute("aria-disabled", "true")
    expect(studio.locator("[name=alt_text]")).to_be_focused()
    return page, studio


def put(page, studio):
    """Put it into the form; the dialog closes and the row says so."""
    studio.locator(".imagen-place [type=submit]").click()
    expect(page.locator("dialog")).to_have_count(0)
    said = page.locator("[data-imagen='articles.article.hero']").get_by_role("status")
    expect(said).to_have_text("مُنشأة بالذكاء الاصطناعي · لم تُحفظ بعد")


def test_a_click_before_the_scripts_ran_still_puts_the_picture_into_the_form(early):
    page, studio = early
    page.keyboard.type("كثبان تحت سماء شاحبة")
    expect(studio.locator("[name=meaning][value=informative]")).to_be_checked()
    put(page, studio)


def test_a_page_of_its_own_shows_what_is_wrong_in_place_and_then_hands_over(early, row):
    page, studio = early
    studio.locator("body").evaluate("() => { window.same = true; }")
    page.keyboard.type(row.prompt)
    studio.locator(".imagen-place [type=submit]").click()
    expect(studio.locator(".imagen-alt .errorlist")).to_be_visible()
    expect(studio.locator("[name=alt_text]")).to_be_focused()
    expect(studio.locator("[name=alt_text]")).to_have_value(row.prompt)
    assert studio.locator("body").evaluate("() => window.same"), "the page was not loaded again"
    studio.locator("[name=alt_text]").fill("كثبان تحت سماء شاحبة")
    put(page, studio)


@widths
def test_the_page_of_a_request_begins_at_the_right_and_says_its_price_as_arabic_does(see, row, width):
    page, whole = see(reverse("admin:imagen_generation_change", args=[row.pk]), width)
    whole("detail", "#imagen-live")
    expect(page.locator(".imagen-money")).to_contain_text("0,038 USD")
    card, badge = page.locator(".imagen-card").first, page.locator(".imagen-badge").first
    assert begin(card) - begin(badge) < 30
    page.goto(LIST)
    whole("list", "#result_list")
    page.goto(reverse("admin:imagen_generation_add"))
    whole("ask", "#imagen-quote")


@widths
def test_the_magazine_begins_at_the_right(see, row, width):
    _page, whole = see("/", width)
    whole("cover", "body")
