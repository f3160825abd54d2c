"""The list of requests: what it shows, to whom, and at what price in queries."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from imagen.admin import base
from imagen.models import Job, Worker
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import completed, generation, image

LIST = reverse("admin:imagen_generation_changelist")


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def listed(client, **query):
    """The descriptions on the page."""
    response = client.get(LIST, query)
    assert response.status_code == 200, response
    return {row.prompt for row in response.context["cl"].result_list}


def test_a_row_says_what_was_asked_how_it_stands_who_where_and_when(sign_in, worker):
    client = sign_in("ann", *EDITOR)
    completed(me(client), prompt="a red kite", images=2, created_at=timezone.now() - timedelta(minutes=5, seconds=9))
    page = Page(client.get(LIST).content.decode())
    for said in ("a red kite", "Ready", "Imagen 4", "Sandbox", "0.076 USD", "ann", "5\xa0minutes ago"):
        assert said in page.text
    assert page.all("span", **{"class": "imagen-badge imagen-completed"})
    assert len(page.all("img", **{"class": "imagen-thumbnail"})) == 2


@pytest.mark.parametrize("kind", ["generation", "image"])
def test_lists_call_a_request_by_its_own_words_and_not_by_those_of_the_house(sign_in, kind):
    client = sign_in("ann", *EDITOR)
    said = {"prompt": "a red kite. No lettering.", "wording": {"own": "a red kite", "parts": []}}
    completed(me(client), images=1, **said)
    text = Page(client.get(reverse(f"admin:imagen_{kind}_changelist")).content.decode()).text
    assert "a red kite" in text
    assert "No lettering" not in text


def test_what_is_under_way_shows_its_expected_cost(sign_in):
    client = sign_in("ann", *EDITOR)
    generation(me(client), cost_estimated=Decimal("0.0760"))
    assert "about 0.076 USD" in client.get(LIST).content.decode()


def test_people_see_their_own_and_nothing_deleted(sign_in):
    ann, bob = sign_in("ann", *EDITOR), sign_in("bob", *EDITOR, "view_all")
    generation(me(ann), prompt="of ann")
    generation(me(ann), prompt="gone", deleted_at=timezone.now())
    generation(me(bob), prompt="of bob")
    assert listed(ann) == {"of ann"}
    assert listed(bob) == {"of ann", "of bob"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"status": "failed"}, {"old"}),
        ({"status": "nonsense"}, {"old", "new"}),
        ({"provider": "wavespeed"}, {"new"}),
        ({"provider": "no\x00body"}, {"old", "new"}),
        ({"model": "imagen-4-fast"}, {"new"}),
        ({"from": "2026-02-01"}, {"new"}),
        ({"until": "2026-01-15"}, {"old"}),
        ({"from": "2026-01-15", "until": "2026-01-15"}, {"old"}),
        ({"from": "2026-02-31", "until": "never"}, {"old", "new"}),
        ({"until": "9999-12-31"}, {"old", "new"}),
        ({"q": "NEW"}, {"new"}),
    ],
)
def test_filters_and_search_narrow_the_list(sign_in, query, found):
    client = sign_in("ann", *EDITOR)
    old = {"status": "failed", "created_at": datetime(2026, 1, 15, 23, 59, tzinfo=UTC)}
    new = {"provider": "wavespeed", "model": "imagen-4-fast", "created_at": datetime(2026, 3, 1, tzinfo=UTC)}
    generation(me(client), prompt="old", **old)
    generation(me(client), prompt="new", **new)
    assert listed(client, **query) == found


def test_an_id_finds_its_request_for_who_may_see_it(sign_in):
    ann, bob = (sign_in(name, *EDITOR) for name in ("ann", "bob"))
    wanted = generation(me(ann), prompt="wanted")
    generation(me(ann), prompt="another")
    assert (listed(ann, q=f" {wanted.pk} "), listed(bob, q=str(wanted.pk))) == ({"wanted"}, set())


def test_the_date_form_keeps_the_other_filters(sign_in):
    client = sign_in("ann", *EDITOR)
    page = Page(client.get(LIST, {"status": "failed", "from": "2026-02-01", "p": "1"}).content.decode())
    assert page.all("input", type="date", name="from", value="2026-02-01")
    assert page.all("input", type="hidden", name="status", value="failed")
    assert not page.all("input", name="p")


def test_more_rows_cost_no_more_queries_and_none_counts_or_compares_them_all(sign_in, worker):
    client = sign_in("ann", *EDITOR)

    def asked():
        client.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        return [query["sql"] for query in queries]

    completed(me(client))
    few = asked()
    for _ in range(5):
        completed(me(client), images=2)
    many = asked()
    assert len(many) == len(few)
    assert not [sql for sql in many if "DISTINCT" in sql.upper()]
    counts = [sql for sql in many if sql.startswith("SELECT COUNT(") and "imagen_generation" in sql]
    assert counts
    assert all(f"LIMIT {base.CappedPaginator.most + 1}" in sql for sql in counts)


def test_the_order_is_the_order_of_an_index(sign_in):
    client = sign_in("ann", *EDITOR)
    with CaptureQueriesContext(connection) as queries:
        client.get(LIST, {"o": "1.-2.3"})
    pages = [query["sql"] for query in queries if "LIMIT 50" in query["sql"] or "LIMIT 51" in query["sql"]]
    assert all('"created_at" DESC, "imagen_generation"."id" DESC' in sql for sql in pages)


def test_the_list_ends_where_counting_ends_and_says_so(sign_in, monkeypatch):
    monkeypatch.setattr(base.CappedPaginator, "most", 2)
    client = sign_in("ann", *EDITOR)
    for number in range(3):
        generation(me(client), prompt=f"number {number}")
    response = client.get(LIST)
    assert response.context["cl"].result_count == 2
    assert "Only the first 2 are listed" in response.content.decode()


@pytest.mark.by_hand("a call is lost")
def test_a_silent_worker_is_mentioned_while_something_waits(sign_in, worker):
    client, hint = sign_in("ann", *EDITOR), "The background worker is not running"
    generation(me(client), job={"due_at": timezone.now() - timedelta(seconds=9)})
    assert hint not in client.get(LIST).content.decode()
    Worker.objects.update(beat_at=timezone.now() - timedelta(seconds=91))
    assert hint in client.get(LIST).content.decode()
    Job.objects.update(due_at=None)
    assert hint not in client.get(LIST).content.decode()


def test_a_held_picture_is_shown_to_reviewers_only(sign_in):
    client, reviewer = sign_in("ann", *EDITOR), sign_in("rea", *EDITOR, "view_all", "review")
    image(generation(me(client), status="completed"), review="held")
    assert not Page(client.get(LIST).content.decode()).all("img", **{"class": "imagen-thumbnail"})
    assert "Held for review" in client.get(LIST).content.decode()
    assert Page(reviewer.get(LIST).content.decode()).all("img", **{"class": "imagen-thumbnail"})


def test_without_permission_there_is_no_list(sign_in):
    assert sign_in("nil").get(LIST).status_code == 403


def test_workers_are_only_looked_at(sign_in, worker):
    client = sign_in("rea", "view_worker")
    assert "host-1" in client.get(reverse("admin:imagen_worker_changelist")).content.decode()
    for name, arguments in (("add", []), ("delete", ["host-1"])):
        assert client.post(reverse(f"admin:imagen_worker_{name}", args=arguments)).status_code == 403
