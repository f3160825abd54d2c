"""The page of one request, and the fragment that keeps it fresh."""

from __future__ import annotations

import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from imagen.admin import live
from imagen.models import Event, Generation, Worker
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import add_job, completed, generation, image

LIST = reverse("admin:imagen_generation_changelist")


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def page_of(row):
    return reverse("admin:imagen_generation_change", args=[row.pk])


def live_of(row):
    return reverse("admin:imagen_generation_live", args=[row.pk])


def text(client, row):
    return " ".join(Page(client.get(page_of(row)).content.decode()).text.split())


def test_the_page_shows_facts_pictures_calls_and_money(sign_in, worker):
    client = sign_in("ann", *EDITOR)
    row = completed(me(client), prompt="a red kite over the sea", seed=7, images=2)
    row.images.filter(index=0).update(alt_text="A kite")
    said = text(client, row)
    for fact in ("a red kite over the sea", "7", "Ready", "0.076 USD was spent.", "google/imagen4", "A kite"):
        assert fact in said
    shown = Page(client.get(page_of(row)).content.decode())
    alts = {found["alt"] for found in shown.all("img")}
    assert {"A kite", "Picture 2, not described yet"} <= alts


def test_the_timeline_tells_who_what_and_why(sign_in):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client), status="failed", error_code="content_filtered")
    job = row.jobs.get()
    Event.objects.create(generation=row, what="asked", actor=me(client))
    Event.objects.create(generation=row, job=job, what="failed", code="content_filtered", note="Blocked by policy")
    said = text(client, row)
    for part in ("Asked · ann", "Failed Sandbox declined this description", "Blocked by policy"):
        assert part in said


def test_a_failure_says_what_happened_what_to_do_and_what_it_cost(sign_in):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client), status="failed", error_code="provider_rejected", error_note="no brands")
    said = text(client, row)
    for part in ("Sandbox declined this request", "no brands", "Change the description", "Nothing was charged."):
        assert part in said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "queued"}, "Nothing was charged so far. Expected cost: 0.038 USD."),
        ({"status": "processing", "started_at": timezone.now()}, "Expected cost: 0.038 USD."),
        ({"status": "completed", "cost_actual": Decimal("0.05")}, "0.05 USD was spent."),
        ({"status": "unconfirmed"}, "It may have been charged (0.038 USD)."),
        ({"status": "failed"}, "Nothing was charged."),
        ({"status": "failed", "started_at": timezone.now(), "cost_actual": Decimal(0)}, "Nothing was charged."),
        ({"status": "failed", "started_at": timezone.now()}, "did not say what it charged; expected: 0.038 USD."),
        ({"status": "queued", "cost_estimated": None}, "Expected cost: price unknown."),
    ],
)
def test_the_money_is_one_plain_sentence(sign_in, fields, said):
    client = sign_in("ann", *EDITOR)
    assert said in text(client, generation(me(client), **fields))


def test_pictures_that_are_missing_are_announced(sign_in):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client), status="processing", num_images=3)
    image(row)
    assert text(client, row).count("on its way") == 2


def test_what_can_be_done_follows_the_state(sign_in):
    client = sign_in("ann", *EDITOR)

    def buttons(**fields):
        shown = Page(client.get(page_of(generation(me(client), **fields))).content.decode())
        return {found["value"] for found in shown.all("button", name="action")}

    assert buttons(status="queued") == {"cancel", "again"}
    assert buttons(status="failed") == {"retry", "again"}
    assert buttons(status="canceled") == {"again"}


def test_a_silent_worker_is_mentioned_while_something_waits(sign_in):
    client, hint = sign_in("ann", *EDITOR), "the background worker is not running. Nothing was charged."
    assert hint not in text(client, generation(me(client)))
    row = generation(me(client), job={"due_at": timezone.now() - timedelta(seconds=9)})
    assert hint in text(client, row)
    Worker.objects.create(name="w", started_at=timezone.now(), beat_at=timezone.now() - timedelta(seconds=89))
    assert hint not in text(client, row)
    Worker.objects.all().delete()
    assert hint not in text(client, completed(me(client)))


@pytest.mark.by_hand("the engine is played")
def test_the_live_answer_is_what_a_reload_shows(sign_in, worker):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client))
    before = client.get(live_of(row)).json()
    assert (before["status"], before["finished"]) == ("Waiting", False)
    image(row)
    Generation.objects.filter(pk=row.pk).update(status="completed", cost_actual="0.0380")
    after = client.get(live_of(row)).json()
    assert (after["status"], after["finished"]) == ("Ready", True)
    assert "0.038 USD was spent." in after["html"]
    shown = Page(client.get(page_of(row)).content.decode())
    assert Page(after["html"]).all("img") == [found for found in shown.all("img") if "thumbnail" in found["src"]]


def test_a_request_somebody_has_to_look_at_is_not_polled_for_ever(sign_in):
    client = sign_in("ann", *EDITOR)
    assert client.get(live_of(generation(me(client), status="unconfirmed"))).json()["finished"] is True


def test_the_live_answer_is_for_those_who_may_see_the_page(sign_in):
    owner, other, blind = sign_in("ann", *EDITOR), sign_in("bob", *EDITOR), sign_in("nil", "generate", "view_all")
    row = generation(me(owner))
    assert owner.get(live_of(row)).status_code == 200
    assert other.get(live_of(row)).status_code == 404
    assert other.get(reverse("admin:imagen_generation_live", args=[uuid.uuid4()])).status_code == 404
    assert blind.get(live_of(row)).status_code == 404
    assert owner.post(live_of(row)).status_code == 405
    owner.logout()
    assert owner.get(live_of(row)).status_code == 302


def test_a_foreign_page_is_as_absent_as_one_that_never_was(sign_in):
    owner, other = sign_in("ann", *EDITOR), sign_in("bob", *EDITOR, "delete_generation")
    row = generation(me(owner))
    for name in ("change", "delete", "history"):
        foreign = other.get(reverse(f"admin:imagen_generation_{name}", args=[row.pk]))
        nothing = other.get(reverse(f"admin:imagen_generation_{name}", args=[uuid.uuid4()]))
        assert (foreign.status_code, foreign.url) == (nothing.status_code, nothing.url) == (302, reverse("admin:index"))


def test_nothing_that_happened_can_be_edited(sign_in):
    client = sign_in("root", is_superuser=True)
    row = generation(me(client))
    assert client.post(page_of(row), {"prompt": "changed"}).status_code == 403
    shown = Page(client.get(page_of(row)).content.decode())
    assert not shown.all("textarea")
    assert not shown.all("input", name="_save")


def test_deleting_erases_words_and_files_and_keeps_the_ledger(sign_in, media):
    client = sign_in("ann", *EDITOR, "delete_generation")
    row = completed(me(client), prompt="a secret")
    where = reverse("admin:imagen_generation_delete", args=[row.pk])
    asked = client.get(where).content.decode()
    assert "deleted for good" in asked
    response = client.post(where, {"post": "yes"})
    assert response.url == LIST
    row.refresh_from_db()
    assert (row.prompt, row.images.count(), row.cost_actual) == ("", 0, Decimal("0.038"))
    assert row.deleted_at
    assert row.jobs.exists()


def test_deleting_many_erases_each(sign_in):
    client = sign_in("ann", *EDITOR, "delete_generation")
    rows = [completed(me(client)), generation(me(client))]
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk) for row in rows]}
    assert "deleted for good" in client.post(LIST, chosen).content.decode()
    client.post(LIST, {**chosen, "post": "yes"})
    assert Generation.objects.filter(deleted_at=None).count() == 0
    assert Generation.objects.count() == 2


def test_deleting_needs_its_permission(sign_in):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client))
    assert client.post(reverse("admin:imagen_generation_delete", args=[row.pk]), {"post": "yes"}).status_code == 403
    client.post(LIST, {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"})
    assert not Generation.objects.exclude(deleted_at=None).exists()


@pytest.mark.by_hand("a replaced call that came through is invented")
def test_a_call_that_was_replaced_stays_in_sight(sign_in):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client), status="failed")
    add_job(row, status="completed", remote_id="there-1", cost=Decimal("0.038"), error_code="made_up_code")
    said = text(client, row)
    for part in ("there-1", "cost 0.038 USD", "made_up_code"):
        assert part in said


def test_it_says_how_long_it_probably_takes(sign_in, monkeypatch):
    monkeypatch.setattr(live, "eta", lambda row, **_: 11)
    client = sign_in("ann", *EDITOR)
    assert client.get(live_of(generation(me(client)))).json()["progress"] == "about 11 seconds left"
    assert client.get(live_of(generation(me(client), status="unconfirmed"))).json()["progress"] == ""
    monkeypatch.setattr(live, "eta", lambda row, **_: 1)
    assert client.get(live_of(generation(me(client)))).json()["progress"] == "taking longer than usual"


@pytest.mark.parametrize("code", ["partial_outputs", "model_retired", "model_retired_upstream"])
def test_the_timeline_and_the_calls_leave_no_blanks_in_their_sentences(sign_in, code):
    client = sign_in("ann", *EDITOR)
    row = generation(me(client), status="failed", num_images=4, job={"error_code": code})
    Event.objects.create(generation=row, job=row.jobs.get(), what="failed", code=code)
    said = text(client, row)
    assert " – of" not in said
    assert "successor is –" not in said
