"""What can be done with chosen requests: priced first, done once, for those who may."""

from __future__ import annotations

import io
import uuid
import zipfile

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from imagen import pipeline, shelf
from imagen.admin import actions, base
from imagen.exceptions import Conflict
from imagen.models import Budget, Generation
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import completed, editor, generation, image, kept

LIST = reverse("admin:imagen_generation_changelist")


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def act(client, action, rows, **more):
    chosen = {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}
    return client.post(LIST, chosen, follow="mark" in more or action == "cancel")


def messages(response):
    return [str(message) for message in response.context["messages"]]


def failed(client, **fields):
    return out_of_luck(me(client), **fields)


def out_of_luck(user, **fields):
    return generation(user, status="failed", provider="wavespeed", **fields)


def test_trying_again_shows_the_price_of_what_is_missing_first(sign_in):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client), status="partial", provider="wavespeed", num_images=3)
    image(row)
    response = act(client, "retry", [row])
    page = Page(response.content.decode())
    assert "cost money again" in page.text
    assert "2 pictures · 0.0" in page.text
    assert page.all("input", name="_selected_action", value=str(row.pk))
    row.refresh_from_db()
    assert row.status == "partial"


def test_what_costs_nothing_is_not_said_to_cost_money_again(sign_in, settings):
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0"}}}}
    client = sign_in("ann", *EDITOR)
    told = Page(act(client, "retry", [failed(client)]).content.decode()).text
    assert "which cost nothing:" in told
    assert "cost money again" not in told


@pytest.mark.parametrize("action", ["retry", "again"])
def test_the_price_of_a_whole_page_takes_no_more_queries_than_that_of_two(sign_in, action):
    client, counts = sign_in("ann", *EDITOR, "view_all"), []
    people = [me(client), *(editor(name) for name in ("bob", "cid"))]
    Budget.objects.create(scope="each", period="month", limit=5)
    rows = [made(user) for user in people * 3 for made in (out_of_luck, kept)]
    rows += [completed(user) for user in people[:2]]
    for chosen in (rows[:2], rows):
        shelf.prime()
        with CaptureQueriesContext(connection) as queries:
            assert "imagen-bill" in act(client, action, chosen).content.decode()
        counts.append(len(queries))
    assert counts == [counts[0]] * 2
    assert counts[0] <= 20


def test_confirmed_it_asks_again_once(sign_in):
    client, mark = sign_in("ann", *EDITOR), str(uuid.uuid4())
    row = failed(client)
    first = act(client, "retry", [row], mark=mark)
    second = act(client, "retry", [row], mark=mark)
    row.refresh_from_db()
    assert (row.status, row.jobs.count()) == ("queued", 2)
    assert messages(first) == ["1 request is on its way."]
    assert messages(second) == ["This was already done; nothing was asked for twice."]
    assert first.redirect_chain[-1][0] == reverse("admin:imagen_generation_change", args=[row.pk])


def test_a_second_confirmation_finds_nothing_to_try_again(sign_in):
    client = sign_in("ann", *EDITOR)
    row = failed(client)
    act(client, "retry", [row], mark=str(uuid.uuid4()))
    again = act(client, "retry", [row], mark=str(uuid.uuid4()))
    assert row.jobs.count() == 2
    assert messages(again) == ["1 was left as it is. There is nothing to do: it is Waiting."]


def test_only_what_failed_is_tried_again_and_the_rest_is_named(sign_in):
    client = sign_in("ann", *EDITOR)
    rows = [failed(client), failed(client), completed(me(client)), generation(me(client))]
    page = act(client, "retry", rows)
    assert (len(page.context["rows"]), len(page.context["left"])) == (2, 2)
    done = act(client, "retry", rows, mark=str(uuid.uuid4()))
    assert sorted(messages(done)) == [
        "1 was left as it is. There is nothing to do: it is Ready.",
        "1 was left as it is. There is nothing to do: it is Waiting.",
        "2 requests are on their way.",
    ]


def test_with_nothing_to_try_again_there_is_nothing_to_confirm(sign_in):
    client = sign_in("ann", *EDITOR)
    response = client.post(LIST, {"action": "retry", "_selected_action": [str(completed(me(client)).pk)]}, follow=True)
    assert messages(response) == ["1 was left as it is. There is nothing to do: it is Ready."]


def test_generating_again_like_this_is_a_new_request_of_ones_own(sign_in):
    ann, bob = sign_in("ann", *EDITOR), sign_in("bob", *EDITOR, "view_all")
    row = completed(
        me(ann), prompt="a kite", aspect_ratio="3:4", images=2, seed=7, provider="sandbox", provider_named=True
    )
    assert "2 pictures" in act(bob, "again", [row]).content.decode()
    act(bob, "again", [row], mark=str(uuid.uuid4()))
    new = Generation.objects.exclude(pk=row.pk).get()
    assert (new.prompt, new.aspect_ratio, new.num_images, new.seed) == ("a kite", "3:4", 2, 7)
    assert (new.user, new.provider, new.status) == (me(bob), "sandbox", "queued")


def test_a_service_nobody_named_is_chosen_afresh(sign_in):
    client = sign_in("ann", *EDITOR)
    act(client, "again", [completed(me(client), provider="gone")], mark=str(uuid.uuid4()))
    assert Generation.objects.get(status="queued").provider == "wavespeed"


def test_generating_again_twice_with_one_form_asks_once(sign_in):
    client, mark = sign_in("ann", *EDITOR), str(uuid.uuid4())
    row = completed(me(client))
    for _ in range(2):
        act(client, "again", [row], mark=mark)
    assert Generation.objects.count() == 2


def test_a_model_that_is_gone_is_named_and_left(sign_in):
    client = sign_in("ann", *EDITOR)
    row = completed(me(client), model="gone-1")
    response = client.post(LIST, {"action": "again", "_selected_action": [str(row.pk)]}, follow=True)
    assert "gone-1" in messages(response)[0]


def test_a_price_nobody_knows_is_named(sign_in, settings):
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"wavespeed": {"imagen-4": {"price": None}}}}
    client = sign_in("ann", *EDITOR)
    rows = [failed(client), failed(client, model="imagen-4-fast")]
    assert act(client, "retry", rows).context["total"].endswith("+ one price unknown")


def test_cancelling_stops_what_was_not_sent_and_says_what_it_left(sign_in):
    client = sign_in("ann", *EDITOR)
    rows = [generation(me(client)), completed(me(client))]
    response = act(client, "cancel", rows)
    rows[0].refresh_from_db()
    assert rows[0].status == "canceled"
    assert messages(response) == [
        "1 request was cancelled.",
        "1 was left as it is. There is nothing to do: it is Ready.",
    ]
    assert rows[0].events.get(what="cancel asked").actor == me(client)


def test_an_action_from_the_page_leads_back_to_it(sign_in):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client))
    response = act(client, "cancel", [row], back="detail")
    assert response.redirect_chain[-1][0] == reverse("admin:imagen_generation_change", args=[row.pk])


@pytest.mark.parametrize("action", ["retry", "cancel", "again"])
def test_looking_is_not_acting(sign_in, action):
    ann, viewer = sign_in("ann", *EDITOR), sign_in("bob", "view_generation", "view_all")
    rows = [failed(ann), generation(me(ann))]
    viewer.post(LIST, {"action": action, "_selected_action": [str(row.pk) for row in rows], "mark": str(uuid.uuid4())})
    assert sorted(Generation.objects.values_list("status", flat=True)) == ["failed", "queued"]


@pytest.mark.parametrize(("action", "status"), [("retry", "failed"), ("cancel", "queued")])
def test_acting_for_others_needs_more_than_seeing_them(sign_in, action, status):
    ann, bob = sign_in("ann", *EDITOR), sign_in("bob", "generate", "view_generation", "view_all")
    row = generation(me(ann), status=status, provider="wavespeed")
    act(bob, action, [row], mark=str(uuid.uuid4()))
    row.refresh_from_db()
    assert (row.status, row.jobs.count()) == (status, 1)


@pytest.mark.parametrize("action", ["retry", "cancel", "again"])
def test_rows_outside_ones_own_list_stay_untouched(sign_in, action):
    ann, bob = sign_in("ann", *EDITOR), sign_in("bob", *EDITOR)
    rows = [failed(ann), generation(me(ann))]
    act(bob, action, rows, mark=str(uuid.uuid4()))
    assert sorted(Generation.objects.values_list("status", flat=True)) == ["failed", "queued"]


def test_nothing_happens_without_a_post_that_carries_the_mark_of_the_site(sign_in):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client))
    asked = {"action": "cancel", "_selected_action": str(row.pk)}
    client.get(LIST, asked)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(me(client))
    assert strict.post(LIST, asked).status_code == 403
    row.refresh_from_db()
    assert row.status == "queued"


@pytest.mark.parametrize("chosen", ["x", "\x00", "1", ""])
@pytest.mark.parametrize("action", ["retry", "cancel", "delete_selected"])
def test_what_is_no_row_at_all_is_not_acted_on(sign_in, action, chosen):
    client = sign_in("root", is_superuser=True)
    row = failed(client)
    response = client.post(LIST, {"action": action, "_selected_action": [chosen, str(row.pk)]}, follow=True)
    assert response.status_code == 200
    assert messages(response) == ["Some of these rows do not exist. Choose again."]
    row.refresh_from_db()
    assert row.status == "failed"


def test_too_many_rows_at_once_are_refused(sign_in, monkeypatch):
    monkeypatch.setattr(base, "MOST_AT_ONCE", 1)
    client = sign_in("ann", *EDITOR)
    rows = [generation(me(client)), generation(me(client))]
    everything = {"action": "cancel", "_selected_action": str(rows[0].pk), "select_across": "1", "index": "0"}
    for response in (act(client, "cancel", rows), client.post(LIST, everything, follow=True)):
        assert messages(response) == ["That is too many at once. Choose at most 1."]
    assert Generation.objects.filter(status="queued").count() == 2


def unzipped(response):
    return zipfile.ZipFile(io.BytesIO(b"".join(response.streaming_content)))


def test_a_download_holds_every_picture_under_its_id(sign_in):
    client = sign_in("ann", *EDITOR)
    row = completed(me(client), images=2)
    response = act(client, "download", [row])
    assert response["Content-Disposition"] == 'attachment; filename="pictures.zip"'
    archive = unzipped(response)
    assert archive.testzip() is None
    for found in row.images.all():
        with found.file.open() as kept:
            assert archive.read(f"{found.pk}.png") == kept.read()


@pytest.mark.by_hand("a file is lost")
def test_a_picture_storage_has_lost_is_left_out(sign_in):
    client = sign_in("ann", *EDITOR)
    row = completed(me(client), images=2)
    lost, kept = row.images.order_by("index")
    lost.file.storage.delete(lost.file.name)
    assert unzipped(act(client, "download", [row])).namelist() == [f"{kept.pk}.png"]


def test_a_download_leaves_held_pictures_to_reviewers(sign_in):
    client, reviewer = sign_in("ann", *EDITOR), sign_in("rea", *EDITOR, "view_all", "review")
    row = completed(me(client))
    image(row, review="held")
    assert len(unzipped(act(client, "download", [row])).namelist()) == 1
    assert len(unzipped(act(reviewer, "download", [row])).namelist()) == 2


def test_a_download_is_bounded_and_never_empty(sign_in, monkeypatch):
    monkeypatch.setattr(actions, "MOST_AT_ONCE", 1)
    client = sign_in("ann", *EDITOR)

    def told(row):
        return messages(client.post(LIST, {"action": "download", "_selected_action": str(row.pk)}, follow=True))

    assert told(completed(me(client), images=2)) == ["These are more than 1 pictures. Choose fewer."]
    assert told(generation(me(client))) == ["There is no picture to download."]


def test_what_changed_since_the_page_was_shown_is_left_and_named(sign_in, monkeypatch):
    def late(row, actor):
        raise Conflict(state="Waiting")

    client = sign_in("ann", *EDITOR)
    row = failed(client)
    monkeypatch.setattr(pipeline, "retry", late)
    done = act(client, "retry", [row], mark=str(uuid.uuid4()))
    assert messages(done) == ["1 was left as it is. There is nothing to do: it is Waiting."]
