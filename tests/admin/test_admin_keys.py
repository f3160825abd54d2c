"""API keys in the admin: shown once, never edited, one's own, revoked for good."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.contrib.sessions.models import Session
from django.urls import reverse
from django.utils import timezone

from imagen import keyring
from imagen.models import ApiKey, IdempotencyKey
from tests.admin.pages import Page
from tests.factories import api_key, person

LIST = reverse("admin:imagen_apikey_changelist")
ADD = reverse("admin:imagen_apikey_add")
MINE = ("view_apikey", "add_apikey", "change_apikey")
KEY = re.compile(r"imagen_\w{8}_\w{38}")


def page(row, name="change"):
    return reverse(f"admin:imagen_apikey_{name}", args=[row.pk])


def form(client, **changes):
    """The form as it comes, with a name and these changes."""
    mark = Page(client.get(ADD).content.decode()).all("input", name="mark")[0]["value"]
    return {"name": "Shop", "scopes": ["read", "generate"], "lasts": "90", "rate": "", "mark": mark, **changes}


@pytest.fixture
def ann(sign_in):
    """Somebody who may look after their own keys."""
    return sign_in("ann", *MINE)


@pytest.fixture
def root(sign_in):
    return sign_in("root", is_superuser=True)


def test_a_key_is_shown_in_the_answer_to_the_form_and_works(ann, client):
    shown = ann.post(ADD, form(ann))
    (text,) = set(KEY.findall(shown.content.decode()))
    assert "no-store" in shown.headers["Cache-Control"]
    row = ApiKey.objects.get()
    assert (row.user.username, row.name, row.scopes, row.last_four) == ("ann", "Shop", ["read", "generate"], text[-4:])
    assert timedelta(days=89) < row.expires_at - timezone.now() < timedelta(days=90)
    assert client.get("/api/imagen/v1/models/", headers={"X-API-Key": text}).status_code == 200


def test_it_is_shown_once_and_a_form_that_is_sent_again_makes_no_other(ann):
    said = form(ann)
    text = KEY.findall(ann.post(ADD, said).content.decode())[0]
    again = ann.post(ADD, said, follow=True)
    assert "made and shown before" in again.content.decode()
    row = ApiKey.objects.get()
    places = [again, ann.get(LIST), ann.get(page(row)), ann.get(page(row, "history"))]
    assert [each for each in places if text in each.content.decode()] == []


def test_its_text_is_in_no_session_message_history_or_row(ann):
    shown = ann.post(ADD, form(ann))
    secret = KEY.findall(shown.content.decode())[0].rpartition("_")[2]
    kept = [str(each.get_decoded()) for each in Session.objects.all()]
    kept += [str(each) for each in get_messages(shown.wsgi_request)]
    kept += [str(each) for rows in (ApiKey, LogEntry, IdempotencyKey) for each in rows.objects.values_list()]
    assert [each for each in kept if secret in each] == []
    assert secret not in str(shown.cookies)


def test_the_page_that_shows_it_has_no_script_but_from_a_file_of_ours(ann):
    shown = Page(ann.post(ADD, form(ann)).content.decode())
    assert all((each.get("src") or "").startswith("/static/") for each in shown.all("script"))
    assert shown.all("button", **{"data-copy": "imagen-key"})


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scopes": []}, "This field is required."),
        ({"scopes": ["everything"]}, "Select a valid choice."),
        ({"rate": "often"}, "Write a number and a time, such as 1/min."),
        ({"name": " "}, "This field is required."),
        ({"lasts": "9999"}, "Select a valid choice."),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(ann, changes, said):
    assert said in ann.post(ADD, form(ann, **changes)).content.decode()
    assert not ApiKey.objects.exists()


def test_whoever_has_many_already_is_told_so(ann, monkeypatch):
    monkeypatch.setattr(keyring, "MOST", 0)
    told = ann.post(ADD, form(ann), follow=True).content.decode()
    assert "You have reached what your account may use." in told
    assert not ApiKey.objects.exists()


def test_a_key_may_last_for_ever_and_have_a_rate(ann):
    ann.post(ADD, form(ann, lasts="", rate="60/min", webhook_urls="on", mark="none of ours"))
    row = ApiKey.objects.get()
    assert (row.expires_at, row.rate, row.webhook_urls) == (None, "60/min", True)


def test_superusers_make_keys_for_others_and_nobody_else_does(root, ann):
    person("eve")
    root.post(ADD, form(root, user="eve"))
    ann.post(ADD, form(ann, user="eve"))
    assert sorted(ApiKey.objects.values_list("user__username", flat=True)) == ["ann", "eve"]
    assert "There is nobody called adam." in root.post(ADD, form(root, user="adam")).content.decode()
    assert LogEntry.objects.order_by("pk").first().user.username == "root"


def test_people_see_their_own_keys_and_superusers_all(root, ann):
    own, _ = api_key(User.objects.get(username="ann"))
    foreign, _ = api_key(person("eve"))
    listed = ann.get(LIST).content.decode()
    assert f"…{own.last_four}" in listed
    assert f"…{foreign.last_four}" not in listed
    assert ann.get(page(foreign)).status_code == 302
    assert f"…{foreign.last_four}" in root.get(LIST).content.decode()
    assert root.get(page(foreign)).status_code == 200


@pytest.mark.parametrize("permission", MINE)
def test_each_permission_opens_the_list_and_no_more_than_it_says(sign_in, permission):
    client = sign_in("bob", permission)
    row, _ = api_key(User.objects.get(username="bob"))
    assert client.get(LIST).status_code == 200
    assert (client.get(ADD).status_code == 200) == (permission == "add_apikey")
    button = Page(client.get(page(row)).content.decode()).all("input", value="Revoke")
    assert bool(button) == (permission == "change_apikey")
    client.post(LIST, {"action": "revoke", "_selected_action": row.pk, "sure": "1"})
    row.refresh_from_db()
    assert (row.revoked_at is not None) == (permission == "change_apikey")


def test_without_a_permission_there_are_no_keys(sign_in):
    client = sign_in("bob", "generate")
    assert [client.get(where).status_code for where in (LIST, ADD)] == [403, 403]


def test_nothing_about_a_key_can_be_edited(root):
    row, _ = api_key(person("eve"))
    before = ApiKey.objects.values().get()
    assert root.post(page(row), {"name": "Other", "digest": "0" * 64, "scopes": ["manage"]}).status_code == 403
    assert ApiKey.objects.values().get() == before
    assert row.digest not in root.get(page(row)).content.decode()


def test_revoking_is_asked_for_once_more_and_noted(ann):
    row, _ = api_key(User.objects.get(username="ann"))
    asked = ann.post(LIST, {"action": "revoke", "_selected_action": row.pk})
    assert "That cannot be undone" in asked.content.decode()
    row.refresh_from_db()
    assert row.state == "valid"
    done = ann.post(LIST, {"action": "revoke", "_selected_action": row.pk, "sure": "1"}, follow=True)
    assert "1 key was revoked." in done.content.decode()
    row.refresh_from_db()
    assert row.state == "revoked"
    assert "Revoked." in ann.get(page(row, "history")).content.decode()
    assert not Page(ann.get(page(row)).content.decode()).all("input", value="Revoke")


def test_what_is_revoked_already_is_not_asked_about(ann):
    row, _ = api_key(User.objects.get(username="ann"))
    keyring.revoke(row)
    told = ann.post(LIST, {"action": "revoke", "_selected_action": row.pk}, follow=True).content.decode()
    assert "0 keys were revoked." in told


def test_nobody_revokes_what_is_anothers(ann):
    row, _ = api_key(person("eve"))
    ann.post(LIST, {"action": "revoke", "_selected_action": row.pk, "sure": "1"})
    row.refresh_from_db()
    assert row.state == "valid"


def test_the_list_says_how_each_key_stands(root):
    eve = person("eve", is_active=False)
    api_key(eve, "read", rate="60/min")
    ended, _ = api_key(eve, expires_at=timezone.now() + timedelta(days=1))
    ApiKey.objects.filter(pk=ended.pk).update(expires_at=timezone.now(), last_used_at=timezone.now())
    keyring.revoke(api_key(eve)[0])
    told = Page(root.get(LIST).content.decode()).text
    for word in ("valid", "expired", "revoked", "never", "just now", "at most 60/min", "account closed"):
        assert word in told, word


def test_the_list_stays_at_a_few_queries(root, django_assert_max_num_queries):
    for number in range(10):
        api_key(person(f"person-{number}"))
    with django_assert_max_num_queries(11):
        assert "person-9" in root.get(LIST).content.decode()


def test_an_account_with_keys_can_be_deleted(root):
    eve = person("eve")
    api_key(eve)
    root.post(reverse("admin:auth_user_delete", args=[eve.pk]), {"post": "yes"})
    assert not ApiKey.objects.exists()
