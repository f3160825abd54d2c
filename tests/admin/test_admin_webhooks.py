"""Webhook endpoints in the admin: one's own, the secret once, and buttons that fit."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.views.debug import ExceptionReporter

from imagen.models import Delivery, Endpoint
from imagen.models.webhook import Happening
from tests.admin.pages import Page
from tests.admin.receivers import ADD, LIST, LOG, ann, deed, keys, mine, page, text, theirs
from tests.endpoints import ADDRESS, delivery, endpoint

__all__ = ["ann", "keys", "mine", "theirs"]
SECRET = re.compile(r"whsec_[A-Za-z0-9+/=]+")


def form(**said: Any) -> dict[str, Any]:
    return {"name": "Shop", "url": ADDRESS, "events": Happening.values, "mark": "", **said}


# Registering


def test_the_answer_to_the_form_shows_the_secret_and_nothing_else_ever_does(ann):
    shown = ann.post(ADD, form())
    secret = SECRET.findall(shown.content.decode())
    row = Endpoint.objects.get()
    assert shown.status_code == 200
    assert len(secret) == 1
    assert secret[0].endswith(row.last4)
    assert "no-store" in shown.headers["Cache-Control"]
    assert (row.user.username, row.state, row.events) == ("ann", "pending", Happening.values)
    for address in (page(row), LIST, page(row, "history"), LOG):
        assert not SECRET.search(ann.get(address).content.decode())
    kept = [
        *LogEntry.objects.values_list("object_repr", "change_message"),
        *(s.get_decoded() for s in Session.objects.all()),
    ]
    assert secret[0] not in str(kept) + row.secret


def test_a_form_that_is_sent_twice_registers_once_and_its_second_answer_has_no_secret(ann):
    mark = Page(ann.get(ADD).content.decode()).all("input", name="mark")[0]["value"]
    ann.post(ADD, form(mark=mark))
    again = ann.post(ADD, form(mark=mark), follow=True)
    assert again.redirect_chain[-1][0] == page(Endpoint.objects.get())
    assert not SECRET.search(again.content.decode())
    assert "This was already registered; its secret is not shown again." in text(again)


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        ({"url": "http://shop.example/"}, "We do not send there."),
        ({"url": "javascript:alert(1)"}, "We do not send there."),
        ({"url": "https://10.0.0.1/"}, "We do not send there."),
        ({"url": ""}, "This field is required."),
        ({"events": []}, "This field is required."),
        ({"events": ["generation.exploded"]}, "is not one of the available choices"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field_and_nothing_is_written(ann, said, sentence):
    assert sentence in text(ann.post(ADD, form(**said)))
    assert not Endpoint.objects.exists()


def test_the_sixth_is_refused_and_so_is_any_on_a_site_without_keys(ann, settings):
    for number in range(5):
        ann.post(ADD, form(url=f"{ADDRESS}/{number}"))
    assert "You have 5 endpoints already. Remove one first." in text(ann.post(ADD, form()))
    Endpoint.objects.first().delete()
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": []}
    assert "Webhooks are not set up on this site." in text(ann.post(ADD, form()))
    assert Endpoint.objects.count() == 4


def test_what_the_verb_refuses_at_the_last_moment_is_said_too(ann, monkeypatch):
    for number in range(5):
        ann.post(ADD, form(url=f"{ADDRESS}/{number}"))
    monkeypatch.setattr("imagen.webhooks.check", lambda *args, **kwargs: None)
    assert "You have 5 endpoints already." in text(ann.post(ADD, form(), follow=True))
    assert Endpoint.objects.count() == 5


def test_a_name_is_looked_up_once_and_never_while_a_transaction_is_open(ann, monkeypatch):
    asked: list[tuple[str, int]] = []
    outside = len(connection.savepoint_ids)

    def looked_up(host: str, *args: Any, **kwargs: Any) -> list[Any]:
        asked.append((host, len(connection.savepoint_ids) - outside))
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("93.184.215.14", 443))]

    monkeypatch.setattr("imagen.courier.socket.getaddrinfo", looked_up)
    assert SECRET.search(ann.post(ADD, form(url="https://public.example/x")).content.decode())
    assert asked == [("public.example", 0)]


# Whose


def test_people_see_their_own_alone_and_a_superuser_everybodys(ann, mine, theirs, sign_in):
    delivery(theirs, webhook_id="msg_of_bob")
    root = sign_in("root", is_superuser=True)
    for address in (LIST, LOG):
        shown = text(ann.get(address))
        assert ADDRESS in shown
        assert "other.example" not in shown
        assert "other.example" in text(root.get(address))
    assert "other.example" not in text(ann.get(LOG, {"endpoint": theirs.pk}))


@pytest.mark.parametrize("name", ["rotate", "test", "disable", "enable", "ping"])
def test_nobody_does_anything_with_somebody_elses(ann, theirs, name):
    before = Endpoint.objects.values().get(pk=theirs.pk)
    assert ann.post(deed(theirs, name)).status_code == 404
    assert ann.post(page(theirs), form(name="mine now")).status_code in (302, 404)
    assert ann.post(page(theirs, "delete"), {"post": "yes"}).status_code in (302, 404)
    for action in ("send_test", "enable", "switch_off", "delete_selected"):
        ann.post(LIST, {"action": action, "_selected_action": str(theirs.pk), "post": "yes"})
    assert Endpoint.objects.values().get(pk=theirs.pk) == before


def test_who_may_only_look_has_no_buttons_and_no_way_around_them(sign_in):
    client = sign_in("eve", "view_endpoint", "view_delivery")
    row = endpoint(User.objects.get(username="eve"))
    sent = delivery(row, status="failed", tries=10, last_error="timeout")
    assert "/do/" not in client.get(page(row)).content.decode()
    for name in ("rotate", "test", "disable"):
        assert client.post(deed(row, name)).status_code == 403
    client.post(LOG, {"action": "redeliver", "_selected_action": str(sent.pk)})
    row.refresh_from_db()
    sent.refresh_from_db()
    assert (row.state, row.rotated_at, sent.status) == ("active", None, "failed")
    assert client.post(ADD, form()).status_code == 403


@pytest.mark.parametrize("name", ["rotate", "test", "disable"])
def test_looking_changes_nothing(ann, mine, name):
    assert ann.get(deed(mine, name)).status_code == 405
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(mine.user)
    assert strict.post(deed(mine, name)).status_code == 403
    mine.refresh_from_db()
    assert (mine.state, mine.rotated_at) == ("active", None)


# What can be done


def test_the_buttons_are_those_that_fit(ann, mine):
    offered = {
        ("active", ""): ["Send a test", "Make a new secret", "Switch off"],
        ("pending", ""): ["Ping it now", "Make a new secret", "Switch off"],
        ("disabled", "gone"): ["Enable", "Make a new secret"],
    }
    for (state, reason), buttons in offered.items():
        Endpoint.objects.filter(pk=mine.pk).update(state=state, reason=reason)
        html = ann.get(page(mine)).content.decode()
        assert re.findall(r'<button class="button[^"]*">([^<]+)</button>', html) == buttons


def test_a_new_secret_is_shown_in_the_answer_alone_and_says_what_to_do_with_it(ann, mine):
    shown = ann.post(deed(mine, "rotate"))
    mine.refresh_from_db()
    assert SECRET.findall(shown.content.decode())[0].endswith(mine.last4)
    assert "For 24 hours every message is signed with the old secret as well." in text(shown)
    assert not SECRET.search(ann.get(page(mine)).content.decode())
    assert LogEntry.objects.get().change_message == "Make a new secret"


def test_a_test_is_sent_and_what_becomes_of_it_stands_below(ann, mine):
    told = text(ann.post(deed(mine, "test"), follow=True))
    assert "A test is on its way" in told
    assert "It is sent in a moment." in told
    assert "There is nothing to do" in text(ann.post(deed(mine, "test"), follow=True))


def test_switched_off_and_on_again_it_has_to_answer_first(ann, mine):
    assert "It is switched off; nothing is sent there." in text(ann.post(deed(mine, "disable"), follow=True))
    assert "It is pinged now, and works once it has answered." in text(ann.post(deed(mine, "enable"), follow=True))
    mine.refresh_from_db()
    assert mine.state == "pending"


def test_a_change_keeps_what_was_not_touched_and_another_address_is_pinged(ann, mine):
    before = Endpoint.objects.values().get()
    ann.post(page(mine), form(include_prompt="on", events=["generation.failed"]))
    after = Endpoint.objects.values().get()
    changed = {"include_prompt": True, "events": ["generation.failed"]}
    assert after == {**before, **changed}
    ann.post(page(mine), form(url="https://other.example/x"))
    mine.refresh_from_db()
    assert (mine.url, mine.state) == ("https://other.example/x", "pending")


def test_chosen_ones_are_tested_and_switched_off_together_and_those_it_does_not_fit_are_named(ann, mine):
    off = endpoint(mine.user, url="https://other.example/x", state="disabled", reason="by_hand", name="Off")
    both = [str(mine.pk), str(off.pk)]
    told = text(ann.post(LIST, {"action": "switch_off", "_selected_action": both}, follow=True))
    assert "It is switched off; nothing is sent there." in told
    assert "Off: There is nothing to do" in told
    mine.refresh_from_db()
    assert mine.state == "disabled"


def test_deleting_takes_the_log_along(ann, mine):
    ann.post(page(mine, "delete"), {"post": "yes"})
    assert not Endpoint.objects.exists()
    assert not Delivery.objects.exists()


@pytest.mark.parametrize("how", ["register", "rotate"])
def test_an_error_report_about_the_page_with_the_secret_does_not_tell_it(ann, mine, monkeypatch, how):
    monkeypatch.setattr("imagen.admin.endpoint.TemplateResponse", int)  # which refuses, and has no frame of its own
    with pytest.raises(TypeError) as raised:
        ann.post(ADD, form()) if how == "register" else ann.post(deed(mine, "rotate"))
    report = ExceptionReporter(None, raised.type, raised.value, raised.tb).get_traceback_html()
    assert "_secret" in report
    assert not SECRET.search(report)
