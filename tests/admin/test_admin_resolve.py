"""A person resolves a call nobody confirmed: seen by those who may, said plainly, done once."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from imagen import kept, pipeline, resolution, unsaved
from imagen.admin.words import HAPPENED
from imagen.hooks import HEARD
from imagen.models import Alarm, Event, Job
from imagen.states import JobStatus, Review
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import add_job, generation

LIST = reverse("admin:imagen_generation_changelist")
JUDGE = (*EDITOR, "view_all", "resolve_unconfirmed")
SENDER = (*JUDGE, "resubmit_unconfirmed")
REMEDIES = ("adopt", "release", "resend")
SAID = {"adopt": {"remote_id": "task-7"}, "release": {"note": ""}, "resend": {"note": "", "words": "SEND AGAIN"}}
EVIL = "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>{{ 7|add:7 }}%(service)s%s"


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr("imagen.queue.knock", lambda: None)


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def doubtful(client, **job):
    """A request of this person whose only call was never confirmed."""
    known = {"sent_at": timezone.now(), "error_code": "submit_unknown", "error_note": "read timeout"}
    made = generation(me(client), status="unconfirmed", provider="wavespeed", job={**known, **job})
    return made.jobs.get()


def page_of(job):
    return reverse("admin:imagen_generation_change", args=[job.generation_id])


def address(job, name):
    return reverse("admin:imagen_generation_resolve", args=[job.generation_id, job.pk, name])


def text(client, where):
    return " ".join(Page(client.get(where).content.decode()).text.split())


def links(client, where):
    return {found.get("href") for found in Page(client.get(where).content.decode()).all("a")}


def decide(client, job, name, **said):
    """Send the form and follow it to where it leads."""
    return client.post(address(job, name), {**SAID[name], **said}, follow=True)


def messages(response):
    return [str(message) for message in response.context["messages"]]


# --- what the page of the request says


def test_the_page_says_what_happened_what_it_may_have_cost_and_what_to_do(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(client, sent_at=datetime(2026, 11, 20, 13, 59, 2, tzinfo=UTC), due_at=None)
    said = text(client, page_of(job))
    for part in (
        "Sent to WaveSpeedAI (google/imagen4) on",
        ":59:02, for picture 1; no usable answer came.",
        "It may have been charged: 0.038 USD.",
        "What came instead: read timeout",
        "Nothing more is tried by itself. Look at the history or the bill of WaveSpeedAI, then decide.",
    ):
        assert part in said
    assert {address(job, name) for name in REMEDIES} <= links(client, page_of(job))


def test_an_answer_nobody_understood_is_shown_to_who_decides_and_stays_text(sign_in):
    client, editor = sign_in("ann", *SENDER), sign_in("bob", *EDITOR, "view_all")
    job = doubtful(client, answer=f"HTTP 200\n{EVIL}")
    page = client.get(page_of(job)).content.decode()
    assert EVIL in Page(page).text
    assert "<img src=x" not in page
    assert "HTTP 200" not in editor.get(page_of(job)).content.decode()


def test_who_can_decide_is_not_sent_to_an_administrator(sign_in):
    editor, judge = sign_in("ann", *EDITOR), sign_in("bob", *JUDGE)
    job = doubtful(editor)
    type(job.generation).objects.update(error_code="submit_unknown")
    assert "Ask an administrator" in text(editor, page_of(job))
    assert "Ask an administrator" not in text(judge, page_of(job))


def test_a_price_nobody_knows_is_said(sign_in):
    client = sign_in("ann", *SENDER)
    assert "the price is unknown" in text(client, page_of(doubtful(client, price=None)))


def test_it_says_what_is_tried_by_itself_and_when_next(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(client, due_at=timezone.now() + timedelta(days=2))
    there = timezone.localtime(job.due_at)
    assert f"in the history of WaveSpeedAI again at {date_format(there)}, {there:%H:%M}." in text(client, page_of(job))
    Job.objects.update(due_at=timezone.now() - timedelta(seconds=1))
    assert "We look it up in the history of WaveSpeedAI again now." in text(client, page_of(job))
    Job.objects.update(remote_id="task-7", holder="a worker", due_at=timezone.now() + timedelta(minutes=1))
    assert "The id task-7 was named for it. We ask WaveSpeedAI about it now." in text(client, page_of(job))


def test_the_time_today_needs_no_date(sign_in, monkeypatch):
    noon = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
    monkeypatch.setattr(timezone, "now", lambda: noon)
    client = sign_in("ann", *SENDER)
    job = doubtful(client, due_at=noon + timedelta(minutes=65))
    there = timezone.localtime(job.due_at)
    assert f"again at {there:%H:%M}." in text(client, page_of(job))


def test_only_the_calls_in_doubt_are_listed(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    ready = add_job(job.generation, status="completed")
    assert not links(client, page_of(job)) & {address(ready, name) for name in REMEDIES}


def test_the_page_follows_a_call_whose_id_was_named(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    live = reverse("admin:imagen_generation_live", args=[job.generation_id])
    assert client.get(live).json()["finished"] is True
    decide(client, job, "adopt")
    assert client.get(live).json()["finished"] is False


# --- who may


@pytest.mark.parametrize(
    ("permissions", "offered"),
    [
        (EDITOR, set()),
        ((*EDITOR, "resubmit_unconfirmed"), set()),
        ((*EDITOR, "resolve_unconfirmed"), {"adopt", "release"}),
        ((*EDITOR, "resolve_unconfirmed", "resubmit_unconfirmed"), set(REMEDIES)),
        (("view_generation", "resolve_unconfirmed"), {"adopt", "release"}),
    ],
)
def test_each_remedy_has_its_permission(sign_in, permissions, offered):
    client = sign_in("ann", *permissions)
    job = doubtful(client)
    shown = links(client, page_of(job))
    for name in REMEDIES:
        allowed = name in offered
        assert (address(job, name) in shown) is allowed
        assert client.get(address(job, name)).status_code == (200 if allowed else 403)
        if not allowed:
            assert client.post(address(job, name), SAID[name]).status_code == 403
    assert ("A person can decide" in text(client, page_of(job))) is bool(offered)
    assert Job.objects.get().status == "unconfirmed"


@pytest.mark.parametrize("name", REMEDIES)
def test_a_foreign_request_is_as_absent_as_one_that_never_was(sign_in, name):
    ann = sign_in("ann", *EDITOR)
    bob = sign_in("bob", *EDITOR, "resolve_unconfirmed", "resubmit_unconfirmed")
    job = doubtful(ann)
    nothing = reverse("admin:imagen_generation_resolve", args=[uuid.uuid4(), uuid.uuid4(), name])
    for where in (address(job, name), nothing):
        assert bob.get(where).status_code == 404
        assert bob.post(where, SAID[name]).status_code == 404
    assert (Job.objects.get().status, Job.objects.get().remote_id) == ("unconfirmed", "")


@pytest.mark.parametrize("name", REMEDIES)
def test_a_call_belongs_to_its_own_request_only(sign_in, name):
    client = sign_in("ann", *SENDER)
    one, other = doubtful(client), doubtful(client)
    mixed = reverse("admin:imagen_generation_resolve", args=[one.generation_id, other.pk, name])
    assert client.post(mixed, SAID[name]).status_code == 404
    assert Job.objects.filter(status="unconfirmed", remote_id="").count() == 2


def test_who_may_not_look_at_requests_may_not_decide_about_them(sign_in):
    client = sign_in("ann", "view_all", "resolve_unconfirmed", "resubmit_unconfirmed")
    assert client.post(address(doubtful(client), "release"), SAID["release"]).status_code == 404


def test_there_are_three_remedies_and_no_other(sign_in):
    client = sign_in("ann", *SENDER)
    assert client.get(address(doubtful(client), "forget")).status_code == 404


def test_signed_out_there_is_only_the_door(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    client.logout()
    assert client.post(address(job, "release"), SAID["release"]).status_code == 302
    assert Job.objects.get().status == "unconfirmed"


# --- doing it


def test_an_adopted_id_is_asked_about_and_stands_in_the_history(sign_in):
    client = sign_in("ann", *JUDGE)
    job = doubtful(client)
    response = decide(client, job, "adopt", remote_id=" task-7 ")
    assert messages(response) == ["The id was noted. WaveSpeedAI is asked about it now."]
    assert response.redirect_chain[-1][0] == page_of(job)
    assert Job.objects.due().get().remote_id == "task-7"
    said = text(client, page_of(job))
    assert "An id was named for the call; WaveSpeedAI is asked about it · ann" in said
    assert "task-7" in said


def test_what_was_not_charged_can_be_tried_again(sign_in):
    client = sign_in("ann", *JUDGE)
    job = doubtful(client)
    response = decide(client, job, "release", note="not on the bill of November")
    assert messages(response) == ["Noted: the call failed, and WaveSpeedAI charged nothing for it."]
    said = text(client, page_of(job))
    for part in ("Said not to be charged by WaveSpeedAI · ann", "not on the bill of November", "Nothing was charged."):
        assert part in said
    shown = Page(client.get(page_of(job)).content.decode())
    assert shown.all("button", name="action", value="retry")


def test_sending_again_shows_its_price_and_wants_the_words(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    page = Page(client.get(address(job, "resend")).content.decode())
    assert "both are charged" in page.text
    assert "To confirm, type SEND AGAIN" in page.text
    assert "1 picture · WaveSpeedAI · 0.038 USD" in page.text


@pytest.mark.parametrize("words", ["", "send again", "SEND  AGAIN", "SEND AGAIN.", "SENDAGAIN", "yes"])
def test_other_words_send_nothing(sign_in, words):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    response = client.post(address(job, "resend"), {"words": words, "note": "kept"})
    assert response.status_code == 200
    page = Page(response.content.decode())
    assert page.all("ul", **{"class": "errorlist"})
    assert "kept" in page.text
    assert (Job.objects.count(), Job.objects.get().status) == (1, "unconfirmed")


def test_with_the_words_it_is_sent_again_and_what_is_unknown_stays_said(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    response = decide(client, job, "resend", note="support says so")
    assert messages(response) == ["It is on its way again. If WaveSpeedAI took the first call, both are charged."]
    new = Job.objects.get(replaces=job)
    assert (new.status, new.price) == ("queued", Decimal("0.0380"))
    said = text(client, page_of(job))
    assert "Asked to send again, at the risk of paying WaveSpeedAI twice · ann" in said
    assert "support says so" in said
    assert "Expected cost: 0.038 USD. An earlier call, never confirmed, may have been charged too." in said
    assert "Nothing was charged" not in said
    Job.objects.filter(pk=new.pk).update(due_at=timezone.now() - timedelta(minutes=1))
    said = text(client, page_of(job))
    assert "the background worker is not running" in said
    assert "Nothing was charged" not in said


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"status": "completed", "cost_actual": Decimal("0.038")}, "0.038 USD was spent. An earlier call"),
        ({"status": "failed"}, "No charge is known. An earlier call"),
    ],
)
@pytest.mark.by_hand("the engine is played")
def test_a_call_that_may_have_been_charged_is_never_called_free(sign_in, fields, said):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    decide(client, job, "resend")
    type(job.generation).objects.update(**fields)
    assert said in text(client, page_of(job))


def test_what_nobody_sells_any_more_cannot_be_sent_again(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    type(job.generation).objects.update(model="gone-1")
    page = Page(client.get(address(job, "resend")).content.decode())
    assert "gone-1" in page.text
    assert not page.all("input", type="submit", name="")
    response = client.post(address(job, "resend"), SAID["resend"])
    assert "gone-1" in Page(response.content.decode()).text
    assert Job.objects.get().status == "unconfirmed"


@pytest.mark.parametrize("name", REMEDIES)
def test_a_form_sent_twice_is_done_once(sign_in, name):
    client, mark = sign_in("ann", *SENDER), str(uuid.uuid4())
    job = doubtful(client)
    decide(client, job, name, mark=mark)
    response = decide(client, job, name, mark=mark)
    assert messages(response) == ["This was already done; nothing was done twice."]
    assert Event.objects.filter(what__in=("adopted", "not charged", "sent again")).count() == 1
    assert Job.objects.count() == (2 if name == "resend" else 1)


@pytest.mark.parametrize("mark", ["", "x", "\x00", "9" * 300])
def test_a_mark_that_is_none_of_ours_is_worth_nothing(sign_in, mark):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    for _ in range(2):
        decide(client, job, "resend", mark=mark)
    assert Job.objects.filter(replaces=job).count() <= 1
    assert Event.objects.filter(what="sent again").count() <= 1


@pytest.mark.parametrize("name", REMEDIES)
def test_what_was_resolved_meanwhile_is_left_and_said(sign_in, name):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    assert client.get(address(job, name)).status_code == 200
    job.move("processing", wait=60, changes={"remote_id": "task-1", "accepted_at": job.sent_at, "cost": job.price})
    for response in (decide(client, job, name), client.get(address(job, name), follow=True)):
        assert messages(response) == ["There is nothing to do: it is being made."]
        assert response.redirect_chain[-1][0] == page_of(job)
    assert (Job.objects.get().remote_id, Job.objects.get().status) == ("task-1", "processing")


@pytest.mark.parametrize("name", REMEDIES)
def test_looking_is_not_deciding(sign_in, name):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    for method in (client.get, client.head):
        assert method(address(job, name), SAID[name]).status_code == 200
    for method in (client.put, client.delete, client.patch):
        assert method(address(job, name), SAID[name]).status_code == 405
    assert (Job.objects.get().status, Job.objects.get().remote_id) == ("unconfirmed", "")


@pytest.mark.parametrize("name", REMEDIES)
def test_nothing_is_decided_without_the_mark_of_the_site(sign_in, name):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(me(client))
    assert strict.post(address(job, name), SAID[name]).status_code == 403
    assert (Job.objects.get().status, Job.objects.get().remote_id) == ("unconfirmed", "")


@pytest.mark.parametrize("remote_id", ["", "   ", "..", "../x", "a b", "a/../b", "x" * 256, "x\x00y", EVIL, "é", "1;2"])
def test_an_impossible_id_is_said_beside_its_field(sign_in, remote_id):
    client = sign_in("ann", *JUDGE)
    job = doubtful(client)
    before = Event.objects.count()
    response = client.post(address(job, "adopt"), {"remote_id": remote_id})
    assert response.status_code == 200
    assert list(response.context["form"].errors) == ["remote_id"]
    assert (Job.objects.get().remote_id, Event.objects.count()) == ("", before)


def test_the_id_of_another_call_is_left_to_it(sign_in):
    client = sign_in("ann", *JUDGE)
    generation(me(client), status="processing", provider="wavespeed", job={"remote_id": "task-7"})
    job = doubtful(client)
    before = Event.objects.count()
    response = decide(client, job, "adopt")
    assert messages(response) == ["There is nothing to do: it is the id of another call."]
    assert Event.objects.count() == before


def test_a_note_longer_than_the_history_keeps_is_said(sign_in):
    client = sign_in("ann", *JUDGE)
    job = doubtful(client)
    assert client.post(address(job, "release"), {"note": "x" * 501}).status_code == 200
    assert Job.objects.get().status == "unconfirmed"


def test_markup_in_notes_and_in_the_words_of_services_is_inert(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(
        client, error_note=EVIL, provider_model=EVIL, remote_id=EVIL, due_at=timezone.now(), provider=EVIL[:50]
    )
    type(job.generation).objects.update(prompt=EVIL)
    shown = [client.get(address(job, name)) for name in REMEDIES]
    shown.append(client.post(address(job, "adopt"), {"remote_id": EVIL}))
    shown.append(client.get(page_of(job)))
    shown.append(decide(client, job, "release", note=EVIL))
    for response in shown:
        page = Page(response.content.decode())
        assert response.status_code == 200
        assert not page.all("img", src="x")
        assert not [found for found in page.all("script") if not found.get("src")]
        assert "onerror=alert(1)" in page.text


# --- requests that are deleted


def test_for_a_deleted_request_nothing_is_bought(sign_in):
    client = sign_in("ann", *SENDER)
    job = doubtful(client)
    pipeline.erase(job.generation)
    assert "A call of a deleted request was never confirmed." in text(client, LIST)
    offered = {address(job, name) for name in REMEDIES} & links(client, LIST)
    assert offered == {address(job, "release"), address(job, "adopt")}
    assert client.post(address(job, "resend"), SAID["resend"]).status_code == 404
    response = decide(client, job, "release")
    assert response.redirect_chain[-1][0] == LIST
    assert Job.objects.get().status == "failed"
    assert "never confirmed" not in text(client, LIST)


def test_a_deleted_request_is_spoken_of_to_those_who_may_decide_about_it(sign_in):
    ann, bob = sign_in("ann", *EDITOR), sign_in("bob", *EDITOR, "resolve_unconfirmed")
    pipeline.erase(doubtful(ann).generation)
    for client in (ann, bob):
        assert "never confirmed" not in text(client, LIST)
    assert "never confirmed" in text(sign_in("cat", *JUDGE), LIST)


# --- the history has a sentence for every kind of line


def test_every_kind_of_line_is_a_plain_sentence():
    people = {kept.ASKED, resolution.ADOPTED, resolution.NOT_CHARGED, resolution.SENT_AGAIN, "moved", HEARD}
    reviews = {f"picture {Review.RELEASED}", f"picture {Review.REJECTED}", "picture deleted"}
    assert {*JobStatus.values, *people, *reviews, unsaved.ASKED, "asked", "cancel asked", "retry asked"} == set(
        HAPPENED
    )


# --- alarms


def index(client):
    return " ".join(Page(client.get(reverse("admin:index")).content.decode()).text.split())


def test_an_alarm_is_one_calm_line_above_the_list_and_an_entry_in_the_index(sign_in):
    client, looks = sign_in("ann", *EDITOR, "view_alarm"), sign_in("bob", *EDITOR)
    assert "Needs you" not in index(client)
    Alarm.objects.create(cause="provider_auth", about="wavespeed", since=timezone.now())
    assert "Needs you (1)" in index(client)
    assert "Needs you" not in index(looks)
    assert "refuses our key" in text(looks, LIST)
    now = timezone.localtime().strftime("%H:")
    for where in (LIST, reverse("admin:imagen_duty_changelist")):
        said = text(client, where)
        assert "WaveSpeedAI refuses our key. Check the api_key in its OPTIONS" in said
        assert now in said


def test_an_alarm_that_is_over_is_silent(sign_in):
    client = sign_in("ann", *EDITOR, "view_alarm")
    Alarm.objects.create(cause="provider_auth", about="wavespeed", over_at=timezone.now())
    assert "Needs you" not in index(client)
    for where in (LIST, reverse("admin:imagen_duty_changelist")):
        assert "refuses our key" not in text(client, where)


def test_the_alarm_about_doubtful_calls_leads_to_them(sign_in):
    client = sign_in("ann", *JUDGE)
    doubtful(client, due_at=None)
    Alarm.objects.create(cause="submit_unknown", about="wavespeed")
    where = f"{LIST}?status=unconfirmed"
    assert where in links(client, LIST)
    assert where in links(client, reverse("admin:imagen_duty_changelist"))
    assert client.get(where).context["cl"].result_count == 1


def test_alarms_are_for_those_who_may_act_and_written_by_nobody(sign_in):
    alarm = Alarm.objects.create(cause="provider_auth", about="wavespeed")
    nil, ann, root = (
        sign_in("nil", "view_worker"),
        sign_in("ann", "view_alarm"),
        sign_in("root", is_superuser=True),
    )
    assert "Needs you" not in index(nil)
    assert nil.get(reverse("admin:imagen_duty_changelist")).status_code == 403
    assert ann.get(reverse("admin:imagen_duty_changelist")).status_code == 200
    for name, arguments in (("add", []), ("delete", [alarm.pk])):
        assert root.post(reverse(f"admin:imagen_duty_{name}", args=arguments)).status_code == 403
    assert root.post(reverse("admin:imagen_duty_change", args=[alarm.pk]), {"cause": "x"}).status_code == 403


def test_an_alarm_about_a_service_that_was_taken_away_is_not_shown(sign_in):
    Alarm.objects.create(cause="provider_auth", about="long-gone")
    assert "long-gone" not in text(sign_in("ann", *EDITOR), LIST)


def test_an_alarm_about_something_unknown_is_still_shown_and_inert(sign_in):
    client = sign_in("ann", *EDITOR, "view_alarm")
    Alarm.objects.create(cause="submit_unknown", about=EVIL[:150])
    Alarm.objects.create(cause="made_up")
    for where in (LIST, reverse("admin:imagen_duty_changelist")):
        page = Page(client.get(where).content.decode())
        assert not page.all("img", src="x")
        assert "onerror=alert(1)" in page.text
        assert "Something went wrong on our side" in page.text
