"""Anomalies in the admin: who sees them, what they say and where, and how they are marked as seen."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from imagen import anomalies
from imagen.models import Anomaly, Oddity
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import generation

LIST, DUTIES = reverse("admin:imagen_anomaly_changelist"), reverse("admin:imagen_duty_changelist")
ASK_BACK = "Ask the service for the money back"


@pytest.fixture
def minder(sign_in):
    return sign_in("mia", "view_anomaly")


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def change(made):
    return reverse("admin:imagen_generation_change", args=[made.pk])


def read(client, where=LIST, **query):
    response = client.get(where, query)
    assert response.status_code == 200, response
    return " ".join(Page(response.content.decode()).text.split())


def listed(client, **query):
    response = client.get(LIST, query)
    assert response.status_code == 200, response
    return {(row.code, row.provider) for row in response.context["cl"].result_list}


def for_nothing(user=None, **fields):
    """A request of this person that was paid for and brought nothing, as noted."""
    made = generation(user, status="failed", error_code="no_outputs", provider="wavespeed", started_at=timezone.now())
    anomalies.note(Oddity.NO_OUTPUTS, job=made.jobs.get(), note="note", **fields)
    return made


def test_a_line_says_who_did_what_what_to_do_when_and_how_often(minder):
    anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed", note="some-id")
    anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed")
    said = read(minder)
    for part in ("WaveSpeedAI called back about another job", "If it goes on, ask the service", "some-id", "not yet"):
        assert part in said
    assert "2 just now" in said
    assert timezone.localtime().strftime("%H:") in said


def test_only_who_minds_sees_the_list_and_nobody_writes_there(sign_in, minder):
    for_nothing()
    row = Anomaly.objects.get()
    assert sign_in("eve", *EDITOR).get(LIST).status_code == 403
    root = sign_in("root", is_superuser=True)
    for client in (minder, root):
        assert client.get(LIST).status_code == 200
        for name, arguments in (("add", []), ("change", [row.pk]), ("delete", [row.pk])):
            where = reverse(f"admin:imagen_anomaly_{name}", args=arguments)
            assert client.post(where, {"note": "x", "post": "yes"}).status_code == 403
        client.post(LIST, {"action": "delete_selected", "_selected_action": [row.pk], "post": "yes"})
        assert "delete_selected" not in client.get(LIST).content.decode()
    row.refresh_from_db()
    assert (row.note, row.seen_at) == ("note", None)


def test_it_is_marked_as_seen_by_who_has_seen_it(sign_in, minder):
    for_nothing(), anomalies.note(Oddity.UNKNOWN_WORD, provider="wavespeed")
    chosen = {"action": "mark", "_selected_action": [Anomaly.objects.get(code="no_outputs").pk]}
    sign_in("eve", *EDITOR).post(LIST, chosen)
    assert not Anomaly.objects.exclude(seen_at=None).exists()
    assert "1 anomaly is marked as seen." in minder.post(LIST, chosen, follow=True).content.decode()
    assert "0 anomalies are marked as seen." in minder.post(LIST, chosen, follow=True).content.decode()
    seen = Anomaly.objects.exclude(seen_at=None).get()
    assert (seen.code, seen.seen_by) == ("no_outputs", me(minder))
    assert "mia · just now" in read(minder, seen="yes")


def test_the_list_is_filtered_by_service_kind_request_and_whether_it_was_seen(minder, settings):
    settings.IMAGEN["PROVIDERS"]["apiframe"] = {
        "BACKEND": "imagen.providers.apiframe.Apiframe",
        "OPTIONS": {"api_key": "x"},
    }
    made = for_nothing()
    anomalies.note(Oddity.RING_UNKNOWN, provider="apiframe")
    anomalies.see(Anomaly.objects.filter(code="ring_unknown"), me(minder))
    paid, ring = ("no_outputs", "wavespeed"), ("ring_unknown", "apiframe")
    assert listed(minder) == {paid, ring}
    assert listed(minder, provider="apiframe") == listed(minder, code="ring_unknown") == {ring}
    assert listed(minder, seen="yes") == {ring}
    assert listed(minder, seen="no") == listed(minder, request=str(made.pk)) == {paid}
    assert listed(minder, seen="x", code="x", provider="x", request="x") == {paid, ring}


def test_the_request_is_a_link_only_for_who_may_see_it(sign_in, minder):
    made, gone = for_nothing(), for_nothing()
    sees = sign_in("all", "view_anomaly", "view_all", "view_generation")
    gone.deleted_at = timezone.now()
    gone.save()
    hrefs = {each["href"] for each in Page(sees.get(LIST).content.decode()).all("a")}
    assert change(made) in hrefs
    assert change(gone) not in hrefs
    assert change(made) not in minder.get(LIST).content.decode()
    assert str(made.pk)[:8] in read(minder)


def test_what_nobody_has_seen_waits_for_who_minds_with_the_next_step(sign_in, minder):
    for_nothing(), for_nothing(), anomalies.note(Oddity.SAME_ID, provider="wavespeed")
    index = reverse("admin:index")
    assert "Needs you (2)" in read(minder, index)
    said = read(minder, DUTIES)
    assert "WaveSpeedAI said it was done and sent no picture, so money was spent for nothing." in said
    assert f"{ASK_BACK}; the request's page shows the id there. Then mark this as seen. (2 cases)" in said
    hrefs = [each["href"] for each in Page(minder.get(DUTIES).content.decode()).all("a")]
    (where,) = (href for href in hrefs if "code=no_outputs" in href)
    assert {row.code for row in minder.get(where).context["cl"].result_list} == {"no_outputs"}
    assert "Needs you" not in read(sign_in("eve", *EDITOR), index)
    anomalies.see(Anomaly.objects.all(), me(minder))
    assert "Needs you" not in read(minder, index)
    assert "Nothing waits for you." in read(minder, DUTIES)


def test_the_page_of_a_request_tells_its_history_to_everybody_and_what_to_do_to_who_minds(sign_in):
    eve, root = sign_in("eve", *EDITOR), sign_in("root", is_superuser=True)
    made = for_nothing(me(eve))
    for client in (eve, root):
        assert "Odd: WaveSpeedAI was done and sent no picture" in read(client, change(made))
    assert ASK_BACK not in read(eve, change(made))
    assert ASK_BACK in read(root, change(made))
    page = Page(root.get(change(made)).content.decode())
    (where,) = {each["href"] for each in page.all("a") if (each.get("href") or "").startswith(f"{LIST}?")}
    assert {row.generation for row in root.get(where).context["cl"].result_list} == {made}
    anomalies.see(Anomaly.objects.all(), me(root))
    assert ASK_BACK not in read(root, change(made))
    assert "Odd: WaveSpeedAI was done and sent no picture" in read(root, change(made))


def test_the_history_stays_in_the_order_of_time(sign_in):
    root = sign_in("root", is_superuser=True)
    made = for_nothing()
    made.events.filter(what="failed").update(at=timezone.now() + timezone.timedelta(hours=1))
    lines = [line.what for line in root.get(change(made)).context["lines"]]
    assert lines[-2:] == ["Odd: WaveSpeedAI was done and sent no picture", "Failed"]


def test_many_lines_cost_no_more_queries_than_one(sign_in):
    root = sign_in("root", is_superuser=True)

    def asked():
        with CaptureQueriesContext(connection) as queries:
            root.get(LIST)
        return len(queries)

    for_nothing(me(root))
    asked()
    few = asked()
    for _ in range(5):
        for_nothing(me(root))
    assert asked() == few


def test_what_a_service_said_stays_text(sign_in):
    root, evil = sign_in("root", is_superuser=True), "<img src=x onerror=alert(1)>%(provider)s"
    made = generation(provider=evil[:50], job={"provider": evil[:50]})
    anomalies.note(Oddity.NO_OUTPUTS, job=made.jobs.get(), note=evil)
    for where in (LIST, DUTIES, change(made)):
        page = Page(root.get(where).content.decode())
        assert not page.all("img", src="x")
        assert "onerror=alert(1)" in page.text
