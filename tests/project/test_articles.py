"""The magazine as readers see it: a cover, one page per article, and drafts for the newsroom alone."""

from __future__ import annotations

from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.core.files.base import ContentFile
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from imagen import placing
from project.articles.models import Article, Figure
from project.articles.templatetags.prose import prose
from tests.admin.pages import Page
from tests.factories import picture_bytes
from tests.project.conftest import article, picture, writer

pytestmark = pytest.mark.django_db

TOMORROW = timedelta(days=1)
MARKUP = '"><script>alert(1)</script><img src=x onerror=alert(1)>'


def read(client: Client, address: str = "/") -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def several(count: int) -> list[Article]:
    now = timezone.now()
    return [
        article(title=f"Story {number:02}", slug=f"story-{number}", published_at=now - timedelta(hours=number))
        for number in range(count)
    ]


def test_the_newest_story_leads_the_cover(client: Client) -> None:
    several(3)
    page = read(client)
    assert page.index("Story 00") < page.index("Story 01") < page.index("Story 02")
    leads = Page(page).all("article", **{"class": "teaser lead"})
    assert len(leads) == 1


def test_an_empty_magazine_says_so(client: Client) -> None:
    assert "Nothing is published yet." in read(client)


def test_older_stories_are_on_further_pages_without_a_lead(client: Client) -> None:
    several(13)
    assert "Story 12" not in read(client)
    older = read(client, "/?page=2")
    assert "Story 12" in older
    assert "teaser lead" not in older
    assert client.get("/?page=3").status_code == 404


def test_an_article_has_its_words_and_its_date(client: Client) -> None:
    shown = article(section="Shore", byline="Mairi Sand", body="One.\n\n## A heading\n\nTwo.")
    page = read(client, shown.get_absolute_url())
    for text in ("<h1>Low water</h1>", "What the sea leaves.", "Shore", "By Mairi Sand", "<p>One.</p>"):
        assert text in page
    assert "<h2>A heading</h2>" in page
    assert Page(page).all("time", datetime=shown.published_at.isoformat(timespec="microseconds"))
    assert "noindex" not in page


def test_an_article_leads_to_others_but_not_to_itself(client: Client) -> None:
    first, *_rest = several(3)
    page = Page(read(client, first.get_absolute_url()))
    assert [link["href"] for link in page.all("a") if str(link["href"]).startswith("/articles/")] == [
        "/articles/story-1/",
        "/articles/story-2/",
    ]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"published": False}, "This is a draft."),
        ({"published_at": timezone.now() + TOMORROW}, "Planned for"),
    ],
    ids=["draft", "planned"],
)
def test_what_is_not_out_yet_is_for_the_newsroom_alone(client: Client, fields: dict[str, object], said: str) -> None:
    hidden = article(**fields)
    assert client.get(hidden.get_absolute_url()).status_code == 404
    client.force_login(writer())
    page = read(client, hidden.get_absolute_url())
    assert said in page
    assert "noindex" in page
    assert hidden.title not in read(client)


@pytest.mark.parametrize(
    ("is_staff", "articles"),
    [(False, ("view_article",)), (True, ())],
    ids=["not of the staff", "not of the newsroom"],
)
def test_other_accounts_see_no_drafts(client: Client, is_staff: bool, articles: tuple[str, ...]) -> None:
    user = writer(articles=articles)
    User.objects.filter(pk=user.pk).update(is_staff=is_staff)
    client.force_login(user)
    assert client.get(article(published=False).get_absolute_url()).status_code == 404


def test_a_draft_is_not_among_what_else_there_is_to_read(client: Client) -> None:
    article(title="Not yet", slug="not-yet", published=False)
    assert "Not yet" not in read(client, article().get_absolute_url())


def test_only_those_who_may_edit_find_the_way_to_it(client: Client) -> None:
    shown = article()
    assert "Edit this article" not in read(client, shown.get_absolute_url())
    client.force_login(writer())
    assert f'href="/admin/articles/article/{shown.pk}/change/"' in read(client, shown.get_absolute_url())


# --- words are words ---


@pytest.mark.parametrize("field", ["title", "section", "byline", "summary", "body", "hero_alt"])
@pytest.mark.parametrize("address", ["/", "/articles/low-water/"])
def test_markup_in_any_field_is_shown_as_it_was_typed(client: Client, field: str, address: str) -> None:
    words = MARKUP[:30] if field == "section" else MARKUP
    article(picture(None), **{field: words})
    page = Page(read(client, address))
    assert not page.all("script")
    assert not page.all("img", src="x")
    assert [image for image in page.all("img") if "onerror" in image] == []


def test_the_alt_text_arrives_whole(client: Client) -> None:
    article(picture(None), hero_alt='A "pool" <between> rocks & weed')
    assert Page(read(client)).all("img", alt='A "pool" <between> rocks & weed')


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One\n\nTwo", "<p>One</p>\n<p>Two</p>"),
        ("One\r\n\r\n \r\nTwo\r\n", "<p>One</p>\n<p>Two</p>"),
        ("One\nline", "<p>One\nline</p>"),
        ("## Head\nand text", "<h2>Head</h2>\n<p>and text</p>"),
        ("##no head", "<p>##no head</p>"),
        ("## <b>Head</b>", "<h2>&lt;b&gt;Head&lt;/b&gt;</h2>"),
        ("{0} & <i>", "<p>{0} &amp; &lt;i&gt;</p>"),
        (" \n\n ", ""),
    ],
)
def test_blank_lines_part_paragraphs_and_two_hashes_make_a_heading(text: str, expected: str) -> None:
    assert prose(text) == expected


# --- pictures ---


def test_a_hero_has_its_size_its_alt_text_and_a_small_copy(client: Client) -> None:
    shown = article(picture(None))
    (image,) = Page(read(client, shown.get_absolute_url())).all("img")
    assert (image["width"], image["height"], image["alt"]) == ("64", "36", "A pool between rocks")
    assert image["srcset"] == f"{shown.hero_small.url} 64w, {shown.hero.url} 64w"


def test_only_what_lies_below_the_fold_waits_to_be_loaded(client: Client) -> None:
    article(picture(None))
    article(picture(None), title="Older", slug="older", published_at=timezone.now() - TOMORROW)
    lead, other = Page(read(client)).all("img")
    assert "loading" not in lead
    assert other["loading"] == "lazy"


def test_a_generated_picture_is_labelled_and_a_photograph_is_not(client: Client) -> None:
    shown = article(picture(None))
    assert "AI-generated" in read(client, shown.get_absolute_url())
    placing.end(shown, "hero")
    assert "<figcaption>" not in read(client, shown.get_absolute_url())


def test_no_hero_leaves_no_gap(client: Client) -> None:
    article()
    assert "<figure" not in read(client)


def test_figures_stand_below_the_words_with_their_labels(client: Client) -> None:
    shown = article(section="")
    image = picture(None)
    Figure.objects.create(article=shown, picture=ContentFile(picture_bytes(), name="sketch.png"), alt="A sketch")
    made = Figure.objects.create(
        article=shown, picture=ContentFile(picture_bytes(), name="crab.png"), alt="A crab", caption="In the weed"
    )
    placing.record(made, "picture", image=image, user=None, pick=None, alt="A crab")
    page = Page(read(client, shown.get_absolute_url()))
    assert [(each["alt"], each["width"], each["height"]) for each in page.all("img")] == [
        ("A sketch", "64", "36"),
        ("A crab", "64", "36"),
    ]
    assert "In the weed" in page.text
    assert len(page.all("span", **{"class": "imagen-label"})) == len(page.all("figcaption")) == 1


@pytest.mark.by_hand("a picture goes without its files")
def test_the_picture_on_the_page_outlives_its_original(client: Client, media: Path) -> None:
    image = picture(None)
    shown = article(image)
    image.delete()
    shown.refresh_from_db()
    assert (media / shown.hero.name).exists()
    assert "AI-generated" in read(client, shown.get_absolute_url())


@pytest.mark.by_hand("the picture's rows are rolled back")
def test_no_hero_gets_into_the_database_without_words() -> None:
    with pytest.raises(IntegrityError, match="articles_hero_is_described"), transaction.atomic():
        article(picture(None), hero_alt="")


# --- the pages themselves ---


def asked(client: Client, address: str) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        read(client, address)
    return len(queries)


def test_more_stories_cost_no_more_queries(client: Client) -> None:
    shown = article(picture(None), published_at=timezone.now() - timedelta(days=9))
    few = asked(client, "/"), asked(client, shown.get_absolute_url())
    several(11)
    assert (asked(client, "/"), asked(client, shown.get_absolute_url())) == few
    assert max(few) <= 5


class Balance(HTMLParser):
    """Complains about an element that is closed in the wrong place or never."""

    VOID = frozenset({"img", "meta", "link", "input", "br"})

    def __init__(self, html: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids += [str(value) for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.mark.parametrize("address", ["/", "/articles/low-water/", "/editors/"])
def test_pages_are_whole_and_bring_no_script_and_no_style_of_their_own(client: Client, address: str) -> None:
    article(picture(None))
    article(title="Older", slug="older")
    html = read(client, address)
    page, balance = Page(html), Balance(html)
    assert balance.open == []
    assert len(balance.ids) == len(set(balance.ids))
    assert len(page.all("h1")) == len(page.all("main")) == len(page.all("title")) == 1
    assert not page.all("script")
    assert not page.all("style")
    assert not [attrs for _, attrs in page.elements if "style" in attrs or any(name.startswith("on") for name in attrs)]
    assert all("alt" in image for image in page.all("img"))
