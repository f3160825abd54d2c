"""Where a picture is used, which request led to which, and how the list of pictures is narrowed by it."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imagen import placing
from imagen.doors import Pick
from imagen.models import Generation
from project.articles.models import Article, Figure
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import completed, generation, image, person
from tests.project.conftest import HERO, article, change

pytestmark = pytest.mark.django_db
LIST = reverse("admin:imagen_image_changelist")
READER = ("view_article",)


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def page_of(row):
    return reverse(f"admin:imagen_{row._meta.model_name}_change", args=[row.pk])


def shown(client, row):
    return Page(client.get(page_of(row)).content.decode())


@pytest.fixture
def ann(sign_in):
    """An editor who may look at articles."""
    client = sign_in("ann", *EDITOR)
    me(client).user_permissions.add(*Permission.objects.filter(codename__in=READER))
    return client


@pytest.fixture
def picture(ann):
    """One of hers."""
    return completed(me(ann), prompt="a lighthouse").images.get()


@pytest.mark.by_hand("placed without a form")
def test_the_page_of_a_picture_leads_to_what_holds_it(ann, picture):
    row = article(picture, title="Low water")
    page = shown(ann, picture)
    assert "Where it is used Article Low water · " in " ".join(page.text.split())
    assert page.all("a", href=change(row))


def test_a_picture_nobody_placed_says_so(ann, picture):
    assert "No page holds it." in shown(ann, picture).text


@pytest.mark.by_hand("placed without a form")
def test_who_may_not_look_at_articles_learns_only_that_one_holds_it(sign_in):
    bob = sign_in("bob", *EDITOR)
    held = completed(me(bob)).images.get()
    row = article(held, title="Secret plans")
    page = shown(bob, held)
    assert "Article" in page.text
    assert "Secret plans" not in page.text
    assert not page.all("a", href=change(row))


@pytest.mark.by_hand("placed without a form")
def test_what_was_replaced_or_deleted_does_not_count_as_a_use(ann, picture):
    replaced, deleted = article(picture, title="Replaced"), article(picture, title="Deleted", slug="deleted")
    placing.end(replaced, "hero")
    Article.objects.filter(pk=deleted.pk).delete()
    assert "No page holds it." in shown(ann, picture).text


@pytest.mark.by_hand("placed without a form")
def test_many_uses_cost_no_more_queries_than_one(ann, picture):
    def asked():
        ann.get(page_of(picture))
        with CaptureQueriesContext(connection) as queries:
            ann.get(page_of(picture))
        return len(queries)

    first = article(picture, title="First")
    few = asked()
    for number in range(5):
        article(picture, title=f"Another {number}", slug=f"another-{number}")
    assert asked() == few <= 15
    figure = Figure.objects.create(article=first, alt="A kite")
    placing.record(figure, "picture", image=picture, user=None, pick=None, alt="A kite")
    assert asked() <= 15


@pytest.mark.by_hand("placed without a form")
@pytest.mark.parametrize(
    ("when", "said", "told"),
    [
        ("ask", {}, "labelled · nobody was asked"),
        ("ask", {"disclosure": "yes"}, "labelled · could be taken for real"),
        ("ask", {"disclosure": "no", "reason": "<b>100%"}, "no label · could not be taken for real: “<b>100%”"),
        ("ask", {"disclosure": "illustration"}, "no label · plainly an illustration"),
        ("always", {"disclosure": "illustration"}, "labelled · plainly an illustration"),
        ("always", {}, ""),
    ],
)
def test_beside_each_use_stands_what_was_decided_of_it(ann, picture, settings, when, said, told):
    settings.IMAGEN = {**settings.IMAGEN, "DISCLOSURE": when}
    pick = Pick(image=str(picture.pk), place=HERO, meaning="informative", **said)
    placing.record(article(), "hero", image=picture, user=me(ann), pick=pick, alt="")
    (use,) = re.findall(r"· ann · \S+ \d+, \d+(.*?) (?=History)", " ".join(shown(ann, picture).text.split()))
    assert use == (told and f" · {told}")


@pytest.mark.by_hand("placed without a form")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"used": "yes"}, {"held"}),
        ({"used": "no"}, {"free", "bob's"}),
        ({"used": "perhaps"}, {"held", "free", "bob's"}),
        ({"whose": "mine"}, {"held", "free"}),
        ({"whose": "ours"}, {"held", "free", "bob's"}),
        ({"shape": "16:9"}, {"free"}),
        ({"shape": "7:5"}, {"held", "free", "bob's"}),
    ],
)
def test_the_list_is_narrowed(sign_in, query, found):
    client = sign_in("chief", *EDITOR, "view_all")
    article(image(generation(me(client), status="completed"), title="held"))
    image(generation(me(client), status="completed", aspect_ratio="16:9"), title="free")
    image(generation(person("bob"), status="completed"), title="bob's")
    listed = client.get(LIST, query).context["cl"].result_list
    assert {row.title for row in listed} == found


def test_who_sees_only_their_own_is_not_asked_whose(ann, sign_in):
    assert "By person" not in Page(ann.get(LIST).content.decode()).text
    assert "By person" in Page(sign_in("chief", *EDITOR, "view_all").get(LIST).content.decode()).text


def test_the_page_of_a_request_leads_to_the_one_it_was_varied_from_and_back(ann):
    first = completed(me(ann), prompt="a lighthouse")
    second = completed(me(ann), prompt="a lighthouse at night", parent=first)
    assert shown(ann, second).all("a", href=page_of(first))
    assert shown(ann, first).all("a", href=page_of(second))
    assert "Variations" not in shown(ann, completed(me(ann), prompt="something else")).text


def test_variations_in_the_same_words_are_told_apart_by_how_they_stand_and_when_they_were_asked_for(ann):
    first = completed(me(ann), prompt="a lighthouse")
    for day, status in ((3, "failed"), (4, "queued")):
        made = generation(me(ann), prompt="a lighthouse", parent=first, status=status)
        Generation.objects.filter(pk=made.pk).update(created_at=datetime(2026, 11, day, 12, tzinfo=UTC))
    said = " ".join(shown(ann, first).text.split())
    told = r"Led to a lighthouse · Waiting · Nov\. 4, 2026, .* Led to a lighthouse · Failed · Nov\. 3, 2026,"
    assert re.search(told, said)


def test_what_somebody_else_asked_for_is_not_told_in_a_lineage(ann):
    theirs = completed(person("bob"), prompt="a secret lighthouse")
    mine = completed(me(ann), prompt="a lighthouse", parent=theirs)
    assert "secret" not in shown(ann, mine).text
