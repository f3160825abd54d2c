"""Pictures in the admin: previews, words for them, and who sees what."""

from __future__ import annotations

import io
import zipfile
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imagen.doors import Door
from imagen.models import Generation, Image
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import completed, generation, image

LIST = reverse("admin:imagen_image_changelist")


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def pictures(answer):
    """Those of imagen's, and not the admin's own."""
    return [found for found in Page(answer.content.decode()).all("img") if "/static/" not in found["src"]]


def page_of(row):
    return reverse("admin:imagen_image_change", args=[row.pk])


def test_a_row_shows_the_picture_its_shape_who_made_it_and_whether_it_is_described(sign_in):
    client = sign_in("ann", *EDITOR)
    completed(me(client), prompt="a red kite", aspect_ratio="16:9")
    page = Page(client.get(LIST).content.decode())
    for said in ("a red kite", "16:9 64 × 36", "Imagen 4", "ann", "no alt text"):
        assert said in page.text
    assert page.all("img", **{"class": "imagen-thumbnail"})


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"alt": "yes"}, {"told"}),
        ({"alt": "no"}, {"untold"}),
        ({"alt": "perhaps"}, {"told", "untold"}),
        ({"review": "held"}, {"untold"}),
        ({"model": "imagen-4-fast"}, {"untold"}),
    ],
)
def test_filters_narrow_the_list(sign_in, query, found):
    client = sign_in("ann", *EDITOR)
    image(generation(me(client), status="completed"), title="told", alt_text="A kite")
    image(generation(me(client), status="completed", model="imagen-4-fast"), title="untold", review="held")
    listed = client.get(LIST, query).context["cl"].result_list
    assert {row.title for row in listed} == found


@pytest.mark.parametrize(("words", "found"), [("kite", ["told"]), ("lighthouse", ["told", "untold"]), ("fish", [])])
def test_pictures_are_found_by_their_words_and_by_what_was_asked_for(sign_in, words, found):
    client = sign_in("ann", *EDITOR)
    image(generation(me(client), status="completed"), title="told", alt_text="A kite")
    image(generation(me(client), status="completed"), title="untold")
    listed = client.get(LIST, {"q": words}).context["cl"].result_list
    assert sorted(row.title for row in listed) == found


@pytest.mark.parametrize(
    ("permissions", "query", "offered"),
    [(EDITOR, {"_popup": "1"}, True), (EDITOR, {}, False), (("view_image",), {"_popup": "1"}, False)],
    ids=["picker", "list", "may only look"],
)
def test_where_a_picture_is_chosen_for_a_relation_a_new_one_can_be_made(sign_in, permissions, query, offered):
    client = sign_in("ann", *permissions)
    page = Page(client.get(LIST, query).content.decode())
    links = [link for link in page.all("a", **{"class": "addlink"}) if "studio" in str(link["href"])]
    assert bool(links) is offered
    if offered:
        asked = parse_qs(urlsplit(links[0]["href"]).query)
        assert (Door.read(asked["door"][0], me(client)).target, asked["_popup"]) == ("object", ["1"])


def test_more_rows_cost_no_more_queries(sign_in):
    client = sign_in("ann", *EDITOR)

    def asked():
        client.get(LIST)
        with CaptureQueriesContext(connection) as queries:
            client.get(LIST)
        return len(queries)

    completed(me(client))
    few = asked()
    completed(me(client), images=4)
    assert asked() == few


@pytest.mark.by_hand("half of a deletion")
def test_people_see_their_own_pictures(sign_in):
    ann, bob = sign_in("ann", *EDITOR), sign_in("bob", *EDITOR)
    picture = completed(me(ann)).images.get()
    assert ann.get(page_of(picture)).status_code == 200
    assert bob.get(page_of(picture)).status_code == 302
    assert not bob.get(LIST).context["cl"].result_list
    Generation.objects.update(deleted_at="2026-01-01T00:00Z")
    assert not ann.get(LIST).context["cl"].result_list


def test_title_and_alt_text_are_the_editors(sign_in):
    client = sign_in("ann", *EDITOR)
    row = completed(me(client))
    picture = row.images.get()
    assert client.post(page_of(picture), {"title": "Kite", "alt_text": "A red kite", "sha256": "0"}).url == LIST
    changed = Image.objects.get()
    assert (changed.title, changed.alt_text, changed.sha256) == ("Kite", "A red kite", picture.sha256)
    assert Generation.objects.get().version > row.version


def test_a_viewer_changes_nothing(sign_in):
    client = sign_in("ann", "view_image", "view_all")
    picture = completed().images.get()
    assert client.get(page_of(picture)).status_code == 200
    assert client.post(page_of(picture), {"title": "Kite"}).status_code == 403
    assert client.get(reverse("admin:imagen_image_add")).status_code == 403


def test_a_held_picture_has_a_placeholder_for_all_but_reviewers(sign_in):
    client, reviewer = sign_in("ann", *EDITOR), sign_in("rea", *EDITOR, "view_all", "review")
    picture = image(generation(me(client), status="completed"), review="held")
    for address in (LIST, page_of(picture)):
        assert not pictures(client.get(address))
        assert "Held for review" in client.get(address).content.decode()
        assert pictures(reviewer.get(address))


def test_deleting_one_picture_keeps_its_request(sign_in):
    client = sign_in("ann", *EDITOR, "delete_image")
    row = completed(me(client), images=2)
    picture = row.images.first()
    where = reverse("admin:imagen_image_delete", args=[picture.pk])
    assert client.get(where).status_code == 200
    client.post(where, {"post": "yes"})
    assert row.images.count() == 1
    assert row.events.get(what="picture deleted").actor == me(client)
    client.post(LIST, {"action": "delete_selected", "_selected_action": str(row.images.get().pk), "post": "yes"})
    assert row.images.count() == 0
    assert Generation.objects.filter(deleted_at=None).exists()


def test_chosen_pictures_come_as_one_file(sign_in):
    client = sign_in("ann", *EDITOR)
    picture = completed(me(client)).images.get()
    response = client.post(LIST, {"action": "download", "_selected_action": str(picture.pk)})
    archive = zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))
    assert archive.namelist() == [f"{picture.pk}.png"]


def test_on_a_site_without_our_addresses_the_pages_still_open(sign_in, settings):
    client = sign_in("ann", *EDITOR)
    picture = completed(me(client)).images.get()
    settings.ROOT_URLCONF = "tests.admin.urls"
    for address in (LIST, page_of(picture), reverse("admin:imagen_generation_change", args=[picture.generation_id])):
        page = client.get(address)
        assert page.status_code == 200
        assert not pictures(page)
    assert "no address" in client.get(LIST).content.decode()


@pytest.mark.parametrize(("action", "verdict"), [("release", "released"), ("reject", "rejected")])
def test_a_reviewer_decides_about_held_pictures_and_the_history_says_who(sign_in, action, verdict):
    client = sign_in("rev", *EDITOR, "view_all", "review")
    held = image(generation(status="completed"), review="held")
    fine = image(generation(status="completed"))
    client.post(LIST, {"action": action, "_selected_action": [str(held.pk), str(fine.pk)]})
    held.refresh_from_db()
    fine.refresh_from_db()
    assert (held.review, fine.review) == (verdict, "none")
    assert held.generation.events.get(what=f"picture {verdict}").actor == me(client)


def test_without_the_permission_nobody_releases_anything(sign_in):
    client = sign_in("ann", *EDITOR)
    held = image(generation(me(client), status="completed"), review="held")
    client.post(LIST, {"action": "release", "_selected_action": [str(held.pk)]})
    held.refresh_from_db()
    assert held.review == "held"
