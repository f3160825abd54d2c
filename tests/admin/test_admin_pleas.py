"""Prices before anything is spent, what to do when they do not fit, asking for more, answering, what needs somebody."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.db import connection
from django.template import engines
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from imagen import alarms, budgets, pipeline, pleas
from imagen.models import Alarm, Budget, Generation, Plea
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import generation, image, person

LIST, ADD = reverse("admin:imagen_generation_changelist"), reverse("admin:imagen_generation_add")
QUOTE = reverse("admin:imagen_generation_quote")
INBOX, ASK = reverse("admin:imagen_plea_changelist"), reverse("admin:imagen_plea_add")
DUTIES = reverse("admin:imagen_duty_changelist")
EVIL = "<img src=x onerror=alert(1)>"


@pytest.fixture(autouse=True)
def priced(settings, monkeypatch):
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    price(settings, "0.038")


@pytest.fixture
def ann(sign_in):
    return sign_in("ann", *EDITOR)


@pytest.fixture
def owner(sign_in):
    return sign_in("owner", "manage_budget")


def price(settings, amount):
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"wavespeed": {"imagen-4": {"price": amount}}}}


def limit(amount, **facts):
    return Budget.objects.create(limit=Decimal(amount), **{"scope": "each", **facts})


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def said(**changes: Any) -> dict[str, Any]:
    return {"prompt": "a kite", "model": "imagen-4", "aspect_ratio": "16:9", "num_images": "2", **changes}


def page(response):
    return Page(response.content.decode())


def text(response):
    return " ".join(page(response).text.split())


def told(response):
    return [str(message) for message in response.context["messages"]]


def hidden(response, name):
    (found,) = page(response).all("input", name=name, type="hidden")
    return found["value"]


# The price on the form.


def test_the_first_page_shows_price_and_what_is_left_without_any_script(ann):
    limit("5")
    shown = text(ann.get(ADD))
    assert "Price 1 picture · 0.038 USD" in shown
    assert "Left: 5.00 USD of 5.00 USD until" in shown
    assert "(budget: each person, a month)" in shown
    assert "Ask for more" not in shown


def test_without_a_budget_nothing_is_said_of_one(ann):
    assert "Left:" not in text(ann.get(ADD))
    assert ann.post(QUOTE, said()).json()["left"] == ""


def test_what_does_not_fit_is_said_with_a_way_out(ann):
    limit("0.1")
    found = ann.post(QUOTE, said(num_images="4")).json()
    assert found["problem"].startswith("This needs 0.152 USD; 0.10 USD of 0.10 USD is left until")
    assert found["fewer"] == {"count": 2, "label": "Make 2 instead · 0.076 USD"}
    assert found["more"] == f"{ASK}?wanted=0.06"
    assert 'name="fewer" value="2"' in found["html"]


@pytest.mark.parametrize("sent", [False, True], ids=["while it is filled in", "once it is sent"])
def test_what_is_left_is_said_once_beside_what_is_needed(ann, sent):
    limit("0.1")
    shown = text(ann.post(ADD, said(num_images="4"))) if sent else ann.post(QUOTE, said(num_images="4")).json()["html"]
    assert shown.count("0.10 USD of 0.10 USD") == 1


def test_where_not_even_one_fits_none_is_offered(ann):
    limit("0.01")
    found = ann.post(QUOTE, said()).json()
    assert (found["fewer"], found["over"]) == (None, True)


def test_fewer_pictures_are_asked_for_with_one_button(ann):
    limit("0.1")
    ann.post(ADD, said(num_images="4", fewer="2", mark=str(uuid.uuid4())))
    assert Generation.objects.get().num_images == 2


@pytest.mark.parametrize("fewer", ["4", "0", "-1", "x", "9"])
def test_the_button_for_fewer_never_asks_for_more(ann, fewer):
    ann.post(ADD, said(num_images="3", fewer=fewer))
    assert Generation.objects.get().num_images == 3


def test_more_than_is_left_is_refused_on_the_page_itself(ann):
    limit("0.05")
    response = ann.post(ADD, said())
    assert response.status_code == 200
    assert text(response).count("This needs 0.076 USD") == 1
    assert "Make 1 instead · 0.038 USD" in text(response)
    assert not Generation.objects.exists()


def test_credits_say_what_they_count_as(ann, settings):
    apiframe = {"BACKEND": "imagen.providers.apiframe.Apiframe", "OPTIONS": {"api_key": "k"}}
    settings.IMAGEN = {"PROVIDERS": {"apiframe": apiframe}}
    assert ann.post(QUOTE, said()).json()["price"] == "2 pictures · 14 credits"
    limit("5")
    assert ann.post(QUOTE, said()).json()["price"] == "2 pictures · 14 credits; counts as 0.50 USD"
    settings.IMAGEN = {"PROVIDERS": {"apiframe": apiframe}, "CREDIT_RATES": {"apiframe": "0.01"}}
    assert ann.post(QUOTE, said()).json()["price"] == "2 pictures · 0.14 USD"


def test_what_is_free_is_called_so(ann):
    limit("0")
    found = ann.post(QUOTE, said(provider="sandbox")).json()
    assert (found["price"], found["over"]) == ("2 pictures · free", False)


# A price that changes between the page and the request.


@pytest.mark.parametrize(("later", "taken"), [("0.05", False), ("0.038", True), ("0.01", True), (None, False)])
def test_a_price_that_rose_is_looked_at_again_before_it_is_paid(ann, settings, later, taken):
    shown = ann.post(QUOTE, said()).json()["shown"]
    price(settings, later)
    response = ann.post(ADD, said(shown=shown))
    assert Generation.objects.exists() is taken
    if not taken:
        now = "0.10 USD" if later else "one price unknown"
        assert f"The price is {now} now, not 0.076 USD. Look at it and send again." in text(response)
        again = hidden(response, "shown")
        ann.post(ADD, said(shown=again))
        assert Generation.objects.exists()


@pytest.mark.parametrize("shown", ["", "nonsense", "USD:x", "USD:NaN", "USD:1:2:x", EVIL])
def test_a_page_that_showed_no_price_is_not_held_to_one(ann, shown):
    ann.post(ADD, said(shown=shown))
    assert Generation.objects.exists()


def act(client, action, rows, **more):
    return client.post(LIST, {"action": action, "_selected_action": [str(row.pk) for row in rows], **more}, follow=True)


@pytest.mark.parametrize("action", ["retry", "again"])
def test_trying_again_is_held_to_the_price_it_showed(ann, settings, action):
    rows = [generation(me(ann), status="failed", provider="wavespeed", provider_named=True) for _ in range(2)]
    first = act(ann, action, rows)
    assert "0.076 USD" in text(first)
    marks = {"mark": hidden(first, "mark"), "shown": hidden(first, "shown")}
    price(settings, "0.05")
    second = act(ann, action, rows, **marks)
    assert "The price is 0.10 USD now, not 0.076 USD. Look at it and send again." in text(second)
    assert hidden(second, "mark") == marks["mark"]
    assert Generation.objects.filter(status="queued").count() == 0
    act(ann, action, rows, mark=marks["mark"], shown=hidden(second, "shown"))
    assert Generation.objects.filter(status="queued").count() == 2


def test_of_many_those_that_still_fit_are_offered_and_the_rest_say_why(ann):
    limit("0.05")
    rows = [generation(me(ann), status="canceled", provider="wavespeed", provider_named=True) for _ in range(2)]
    shown = text(act(ann, "again", rows))
    assert "Together 0.038 USD Left: 0.05 USD of 0.05 USD" in shown
    assert "These stay as they are" in shown
    assert "This needs 0.076 USD" in shown
    assert "Ask for more" in shown


def test_one_that_fits_no_budget_says_so_at_once(ann):
    limit("0.01")
    row = generation(me(ann), status="failed", provider="wavespeed")
    assert "This needs 0.038 USD" in told(act(ann, "retry", [row], back="detail"))[0]


def test_sending_again_is_held_to_the_price_it_showed(sign_in, settings):
    judge = sign_in("judge", *EDITOR, "resolve_unconfirmed", "resubmit_unconfirmed")
    limit("5")
    row = generation(
        me(judge), status="unconfirmed", provider="wavespeed", provider_named=True, job={"sent_at": timezone.now()}
    )
    where = reverse("admin:imagen_generation_resolve", args=[row.pk, row.jobs.get().pk, "resend"])
    first = judge.get(where)
    assert "Left: 5.00 USD of 5.00 USD" in text(first)
    price(settings, "0.05")
    form = {"mark": hidden(first, "mark"), "shown": hidden(first, "shown"), "words": "SEND AGAIN", "note": ""}
    second = judge.post(where, form)
    assert "The price is 0.05 USD now, not 0.038 USD." in text(second)
    assert row.jobs.count() == 1
    judge.post(where, {**form, "shown": hidden(second, "shown")})
    assert row.jobs.count() == 2


# Asking for more.


def ask(client, wanted="2", reason="a special"):
    return client.post(ASK, {"wanted": wanted, "reason": reason}, follow=True)


def test_what_is_missing_is_filled_in_and_what_was_answered_is_told(ann, owner):
    limit("0.05")
    plea = pleas.ask(me(ann), Decimal(1))
    pleas.decline(plea, actor=me(owner), note="not this month")
    response = ann.get(f"{ASK}?wanted=0.06")
    (field,) = page(response).all("input", name="wanted")
    assert field["value"] == "0.06"
    shown = text(response)
    assert "Left: 0.05 USD of 0.05 USD" in shown
    assert "You did not get the 1.00 USD you asked for. Note: not this month" in shown


def test_asking_leads_to_a_page_that_says_nobody_has_answered(ann):
    limit("0.05")
    response = ask(ann)
    plea = Plea.objects.get()
    assert (plea.user, plea.wanted, plea.reason) == (me(ann), 2, "a special")
    assert "Your request is sent." in text(response)
    assert "Nobody has answered yet." in text(response)
    assert not page(response).all("button", value="granted")


def test_asking_twice_leads_to_the_first(ann):
    limit("0.05")
    ask(ann)
    assert ann.get(ASK).url == reverse("admin:imagen_plea_change", args=[Plea.objects.get().pk])
    ask(ann, wanted="9")
    assert Plea.objects.get().wanted == 2


def test_who_is_not_limited_has_nothing_to_ask_for(ann):
    assert "No budget limits you" in text(ann.get(ASK, follow=True))
    ask(ann)
    assert not Plea.objects.exists()


@pytest.mark.parametrize("wanted", ["0", "-1", "", "much", "NaN", "1000000000", "0.001"])
def test_an_amount_that_cannot_be_is_refused_beside_its_field(ann, wanted):
    limit("0.05")
    response = ask(ann, wanted=wanted)
    assert list(response.context["adminform"].form.errors) == ["wanted"]


def test_people_see_only_what_they_asked_for_themselves(sign_in, ann):
    limit("0.05")
    ask(ann)
    where = reverse("admin:imagen_plea_change", args=[Plea.objects.get().pk])
    bob, nil = sign_in("bob", *EDITOR), sign_in("nil", "view_generation", "view_plea")
    assert bob.get(where, follow=True).request["PATH_INFO"] != where
    assert "ann" not in text(bob.get(INBOX))
    for refused in (nil.get(where), nil.get(INBOX), nil.get(ASK), nil.post(ASK, {"wanted": "1"})):
        assert refused.status_code == 403
    assert "Requests for more money" not in text(bob.get(reverse("admin:index")))


# Answering.


def answer(client, plea, way="granted", **more):
    return client.post(reverse("admin:imagen_plea_answer", args=[plea.pk]), {"answer": way, **more}, follow=True)


@pytest.fixture
def plea(ann):
    limit("0.05")
    ask(ann)
    return Plea.objects.get()


def test_the_inbox_says_who_how_much_why_and_how_the_budget_stands(ann, owner, plea):
    pipeline.request(user=me(ann), prompt="x", provider="wavespeed")
    for where in (INBOX, reverse("admin:imagen_plea_change", args=[plea.pk])):
        shown = text(owner.get(where))
        for part in ("ann", "2.00 USD", "a special", "each person, a month"):
            assert part in shown
        assert "0.00 USD spent and 0.038 USD set aside of 0.05 USD until" in shown


@pytest.mark.parametrize(
    ("way", "left"), [("granted", Decimal("2.05")), ("raised", Decimal("2.05")), ("declined", Decimal("0.05"))]
)
def test_each_answer_does_what_it_says_and_the_history_knows_by_whom(ann, owner, plea, way, left):
    response = answer(owner, plea, way, note="enjoy")
    plea.refresh_from_db()
    assert (plea.answer, plea.note, plea.answered_by) == (way, "enjoy", me(owner))
    assert budgets.tightest(me(ann)).remaining == left
    assert "ann is told" in text(response)
    assert LogEntry.objects.filter(user=me(owner), object_id=plea.pk).exists()
    assert LogEntry.objects.filter(content_type__model="budget").exists() is (way == "raised")


def test_two_owners_answer_once_and_the_second_is_told(sign_in, ann, owner, plea):
    other = sign_in("other", "manage_budget")
    answer(owner, plea)
    response = answer(other, plea, "declined")
    assert "already answered" in text(response)
    plea.refresh_from_db()
    assert plea.answer == "granted"
    assert not page(response).all("button", value="granted")
    assert budgets.tightest(me(ann)).remaining == Decimal("2.05")


def test_a_limit_cannot_be_raised_twice_over(owner, ann, plea):
    limit("1", scope="person", user=me(ann))
    assert "a budget of this person" in text(answer(owner, plea, "raised"))
    plea.refresh_from_db()
    assert plea.answer == "open"


def test_answers_are_posted_with_the_token_by_who_may(sign_in, ann, owner, plea):
    where = reverse("admin:imagen_plea_answer", args=[plea.pk])
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = owner.cookies
    assert careful.post(where, {"answer": "granted"}).status_code == 403
    assert owner.get(where).status_code == 405
    assert owner.post(where, {"answer": "everything"}).status_code == 404
    assert owner.post(reverse("admin:imagen_plea_answer", args=[99]), {"answer": "granted"}).status_code == 404
    assert ann.post(where, {"answer": "granted"}).status_code == 403
    assert Client().post(where, {"answer": "granted"}).status_code == 302
    plea.refresh_from_db()
    assert plea.answer == "open"


def test_what_was_asked_is_never_edited_or_deleted(sign_in, plea):
    root = sign_in("root", is_superuser=True)
    for name in ("change", "delete"):
        where = reverse(f"admin:imagen_plea_{name}", args=[plea.pk])
        assert root.post(where, {"wanted": "100", "post": "yes"}).status_code == 403
    plea.refresh_from_db()
    assert plea.wanted == 2


@pytest.mark.parametrize("where", [LIST, ADD])
def test_who_asked_is_told_the_answer_once_on_the_next_page(ann, owner, plea, where):
    answer(owner, plea, note="enjoy")
    assert "You got 2.00 USD more for the period that runs now. Note: enjoy" in text(ann.get(where))
    assert "You got" not in text(ann.get(where))
    assert "You got" not in text(owner.get(INBOX))


def test_names_reasons_and_notes_are_shown_as_they_are(sign_in, owner):
    limit("0.05")
    eve = sign_in("eve", *EDITOR)
    ask(eve, reason=EVIL)
    plea = Plea.objects.get()
    where = reverse("admin:imagen_plea_change", args=[plea.pk])
    pages = [
        owner.get(INBOX),
        owner.get(where),
        answer(owner, plea, "declined", note=EVIL),
        eve.get(where),
        eve.get(LIST),
    ]
    for each in [*pages, eve.get(ASK)]:
        assert not page(each).all("img", src="x")
    assert EVIL in page(pages[0]).text
    assert EVIL in page(pages[4]).text


@pytest.mark.parametrize("where", [INBOX, DUTIES, ADD, LIST, ASK, reverse("admin:index")])
def test_no_page_asks_much_of_the_database(sign_in, settings, where):
    root = sign_in("root", is_superuser=True)
    limit("5"), limit("9", scope="everybody")
    for number in range(5):
        pleas.ask(person(f"person {number}", "generate"), Decimal(1))
        generation(me(root), status="completed")
    root.get(where)
    with CaptureQueriesContext(connection) as queries:
        assert root.get(where).status_code == 200
    assert len(queries) <= 15, "\n".join(query["sql"][:150] for query in queries)


# What needs somebody.


def test_whoever_may_act_finds_what_waits_in_the_index_and_nobody_else(sign_in, ann, plea):
    alarms.sound("provider_auth", about="wavespeed")
    doubt = generation(me(ann), status="unconfirmed", provider="wavespeed", job={"due_at": None})
    alarms.sound(alarms.UNKNOWN, about="wavespeed")
    image(generation(me(ann), status="completed"), review="held")
    people = {
        "minds": (("view_generation", "view_alarm"), ["refuses our key", "never confirmed"]),
        "judge": (("view_generation", "view_all", "resolve_unconfirmed"), ["1 call was never confirmed"]),
        "reviewer": (("view_image", "view_all", "review"), ["1 picture is held back"]),
        "owner": (("manage_budget",), ["1 person asks for more money"]),
    }
    for name, (permissions, parts) in people.items():
        client = sign_in(name, *permissions)
        assert f"Needs you ({len(parts)})" in text(client.get(reverse("admin:index")))
        shown = text(client.get(DUTIES))
        assert [part for part in parts if part not in shown] == []
    root = sign_in("root", is_superuser=True)
    assert "Needs you (4)" in text(root.get(reverse("admin:index")))
    links = {each["href"] for each in page(root.get(DUTIES)).all("a")}
    assert {f"{LIST}?status=unconfirmed", f"{INBOX}?answer=open"} <= links
    assert f"{reverse('admin:imagen_image_changelist')}?review=held" in links
    for client in (ann, sign_in("nil", "view_generation")):
        assert "Needs you" not in text(client.get(reverse("admin:index")))
        assert client.get(DUTIES).status_code == 403
    assert Client().get(DUTIES).status_code == 302
    assert doubt.status == "unconfirmed"


def test_the_entry_goes_with_what_waited(owner, plea):
    assert "Needs you (1)" in text(owner.get(reverse("admin:index")))
    answer(owner, plea)
    assert "Needs you" not in text(owner.get(reverse("admin:index")))
    assert "Nothing waits for you." in text(owner.get(DUTIES))


def test_money_that_is_asked_for_is_no_alarm_to_who_cannot_give_it(sign_in, ann, plea):
    assert Alarm.objects.filter(cause=pleas.WAITING, over_at=None).exists()
    assert "asks for more money" not in text(ann.get(LIST))
    assert "asks for more money" in text(sign_in("root", is_superuser=True).get(LIST))


def test_a_site_can_show_it_as_sentences_where_it_likes(owner, plea):
    def shown(user):
        request = RequestFactory().get("/")
        request.user = user
        return engines["django"].from_string("{% load imagen %}{% imagen_needs_you %}").render({}, request)

    assert "1 person asks for more money" in shown(me(owner))
    assert shown(person("nobody")).strip() == ""
