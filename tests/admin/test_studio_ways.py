"""The Studio's ways on: saving at once, fetching for free, other words, reporting a refusal, examples to begin with."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from imagen.doors import Door
from imagen.models import Anomaly, Event, Generation, Job
from tests.admin.conftest import EDITOR, WAVESPEED
from tests.admin.pages import Page
from tests.admin.test_studio_pick import HTML, JSON, PLACE, door, form_of, me, news, quiet, text, to, told
from tests.factories import add_job, completed, generation, kept

__all__ = ["quiet"]
STUDIO = reverse("admin:imagen_studio_changelist")
SETUP = reverse("admin:imagen_studio_setup")
HOUR = timedelta(hours=1)


@pytest.fixture
def ann(sign_in):
    return sign_in("ann", *EDITOR)


def stuck(user, code="storage_unavailable", **job):
    """A request of this person whose picture waits for our storage."""
    known = {"status": "storing", "error_code": code, "tries": 2, "due_at": timezone.now() + HOUR}
    paid = {"provider": "wavespeed", "started_at": timezone.now(), "cost_actual": Decimal("0.038")}
    return generation(user, status="processing", error_code=code, **paid, job={**known, **job})


def actions(html):
    return [form["action"].split("?")[0] for form in Page(html).all("form")]


# --- what our storage did not take ---


@pytest.mark.parametrize("code", ["storage_unavailable", "storage_full"])
def test_what_could_not_be_saved_says_when_it_is_tried_again_and_is_tried_at_a_press(ann, worker, code):
    row = stuck(me(ann), code)
    html = news(ann, row)["html"]
    at = timezone.localtime(row.jobs.get().due_at)
    said = text(html)
    assert (
        "The image exists but could not be saved." in said or "The image exists but the site’s storage is full." in said
    )
    assert "The picture is paid for" in said
    assert "It is tried again at" in said
    assert f"{at:%H:%M}." in said
    assert to("save", row) in actions(html)
    answer = ann.post(to("save", row), **JSON)
    assert answer.status_code == 200
    assert row.jobs.get().due_at <= timezone.now()
    after = answer.json()["html"]
    assert "It is being tried again now." in text(after)
    assert to("save", row) not in actions(after)
    assert ann.post(to("save", row), **JSON).status_code == 200
    assert Event.objects.filter(what="save asked", actor=me(ann)).count() == 1


def test_when_nothing_waits_any_more_a_late_press_ends_in_a_sentence(ann, worker):
    row = completed(me(ann))
    answer = ann.post(to("save", row), **JSON)
    assert answer.status_code == 409
    assert "There is nothing to do: it is Ready." in answer.json()["said"]


def test_only_who_may_act_on_it_has_it_saved(ann, sign_in, worker):
    row = stuck(me(ann))
    due = row.jobs.get().due_at
    eve = sign_in("eve", *EDITOR[:2], "view_all")
    html = news(eve, row)["html"]
    assert "It is tried again at" in text(html)
    assert to("save", row) not in actions(html)
    assert eve.post(to("save", row), **JSON).status_code == 409
    assert sign_in("bob", *EDITOR).post(to("save", row), **JSON).status_code == 404
    assert row.jobs.get().due_at == due


def test_without_scripts_it_is_tried_too(ann, worker):
    row = stuck(me(ann))
    page = ann.get(STUDIO, {"run": row.pk}).content.decode()
    assert to("save", row) in actions(page)
    assert ann.post(to("save", row), **HTML).status_code == 302
    assert row.jobs.get().due_at <= timezone.now()


def test_its_page_in_the_admin_has_the_button_too_and_the_history_says_who_pressed_it(ann, worker):
    row = stuck(me(ann))
    address = reverse("admin:imagen_generation_change", args=[row.pk])
    assert Page(ann.get(address).content.decode()).all("button", value="save_now")
    said = {"action": "save_now", "_selected_action": [row.pk], "back": "detail"}
    answer = ann.post(reverse("admin:imagen_generation_changelist"), said)
    assert answer.url == address
    page = Page(ann.get(address).content.decode())
    assert "It is tried again now." in page.text
    assert "Asked to save it at once · ann" in page.text
    assert not page.all("button", value="save_now")
    assert row.jobs.get().due_at <= timezone.now()


def test_several_are_saved_from_the_list_and_the_others_say_why_not(ann, worker):
    rows = [stuck(me(ann)), stuck(me(ann)), completed(me(ann))]
    said = {"action": "save_now", "_selected_action": [row.pk for row in rows]}
    page = ann.post(reverse("admin:imagen_generation_changelist"), said, follow=True).content.decode()
    assert "2 requests are tried again now." in page
    assert "1 was left as it is. There is nothing to do: it is Ready." in page


def test_after_the_end_it_is_fetched_from_its_service_for_free(ann):
    row = kept(me(ann))
    html = news(ann, row)["html"]
    assert "Fetch it again: free." in text(html)
    assert text(html).count("Fetch it again · free") == 1
    form = form_of(html, "retry")
    answer = ann.post(to("retry", row), form, **JSON)
    assert answer.status_code == 200
    assert row.jobs.count() == 1
    found = answer.json()
    assert not found["finished"]
    assert "is being asked for the picture once more; that is free." in text(found["html"])
    assert "Fetch it again ·" not in text(found["html"])
    assert ann.post(to("retry", row), form, **JSON).status_code == 200
    assert row.events.filter(what="fetch asked").count() == 1


def test_what_was_free_when_it_was_shown_is_not_bought_when_it_is_gone_meanwhile(ann):
    row = kept(me(ann))
    form = form_of(news(ann, row)["html"], "retry")
    Job.objects.update(accepted_at=timezone.now() - timedelta(days=8))
    answer = ann.post(to("retry", row), form, **JSON)
    assert answer.status_code == 409
    assert "The price is 0.04 USD now, not free." in answer.json()["said"]
    assert row.jobs.count() == 1


def test_a_service_that_gave_no_answer_is_asked_once_more_before_anything_is_bought(ann):
    row = kept(me(ann), code="provider_timeout")
    assert "Fetch it again · free" in told(ann, row)
    assert "Try again ·" not in told(ann, row)
    Job.objects.update(accepted_at=timezone.now() - timedelta(days=9))
    assert "Try again · 0.04 USD" in told(ann, row)


def test_of_what_came_in_part_only_what_no_service_keeps_has_a_price(ann):
    row = kept(me(ann), num_images=3, job={"slots": [0]})
    add_job(row, slots=[1, 2], error_code="provider_failed", cost=None, price=Decimal("0.076"))
    assert "Make 2 more · 0.08 USD" in told(ann, row)


# --- what a service declined ---

REFUSALS = pytest.mark.parametrize("code", ["content_filtered", "provider_rejected"])


def declined(user, prompt="a bloody sword on a table", code="content_filtered", **fields):
    known = {"status": "failed", "error_code": code, "provider": "wavespeed", "job": {"error_code": code}}
    return generation(user, **{**known, "prompt": prompt, **fields})


@REFUSALS
def test_other_words_are_offered_shown_and_not_sent(ann, code):
    row = declined(me(ann), code=code, wording={"own": "a bloody sword", "parts": []})
    html = news(ann, row)["html"]
    assert "“bloody” → “dramatic”" in text(html)
    link = next(link for link in Page(html).all("a") if link.get("data-key") == "Try another wording")
    assert json.loads(link["data-fill"])["prompt"] == "a dramatic sword"
    assert "sword" not in link["href"]
    form = ann.get(link["href"]).context["form"]
    assert (form["prompt"].value(), form["parent"].value()) == ("a dramatic sword", str(row.pk))
    assert Job.objects.count() == 1


def test_where_the_table_knows_nothing_milder_the_button_is_not_there(ann, settings):
    row = declined(me(ann), prompt="a lighthouse")
    assert "Try another wording" not in told(ann, row)
    assert "Edit prompt" in told(ann, row)
    settings.IMAGEN = {**settings.IMAGEN, "REWORDING": "tests.test_rewording.shout"}
    assert "Try another wording" in told(ann, row)


def test_markup_in_a_description_stays_text_in_other_words(ann):
    html = news(ann, declined(me(ann), prompt='bloody<img src=x onerror="alert(1)">'))["html"]
    assert not [found for found in Page(html).all("img") if found.get("src") == "x"]


@REFUSALS
def test_a_wrong_refusal_is_reported_once_and_administrators_find_it_without_the_words(ann, sign_in, code):
    row = declined(me(ann), code=code)
    assert "Report wrong refusal" in told(ann, row)
    for _twice in range(2):
        answer = ann.post(to("report", row), **JSON)
        assert answer.json()["said"] == "Thank you, an administrator will look at it."
    said = text(answer.json()["html"])
    assert "Thank you, an administrator will look at it." in said
    assert "Report wrong refusal" not in said
    noted = Anomaly.objects.get()
    assert (noted.code, noted.generation, noted.provider, noted.times) == ("wrong_refusal", row, "wavespeed", 1)
    assert "sword" not in noted.note
    admin = sign_in("root", "view_anomaly", "view_generation", "view_all")
    page = Page(admin.get(reverse("admin:imagen_anomaly_changelist")).content.decode())
    assert "WaveSpeedAI declined what somebody calls harmless" in " ".join(page.text.split())
    assert str(row.pk)[:8] in page.text
    assert "sword" not in page.text


def test_only_who_may_act_on_it_reports_and_only_what_was_declined(ann, sign_in):
    row, fine = declined(me(ann)), completed(me(ann))
    eve = sign_in("eve", *EDITOR[:2], "view_all")
    assert "Report wrong refusal" not in told(eve, row)
    assert eve.post(to("report", row), **JSON).status_code == 409
    assert ann.post(to("report", fine), **JSON).status_code == 409
    assert ann.get(to("report", row), **JSON).status_code == 405
    assert not Anomaly.objects.exists()


def test_without_scripts_thanks_are_said_on_the_page(ann):
    row = declined(me(ann))
    page = ann.post(to("report", row), follow=True, **HTML).content.decode()
    assert "Thank you, an administrator will look at it." in page


def test_a_page_of_what_was_declined_or_not_saved_asks_the_database_at_most_fifteen_times(ann, worker):
    field = door(ann)
    for row in (declined(me(ann), place=PLACE, place_id="7"), stuck(me(ann)), kept(me(ann))):
        news(ann, row, door=field)
        with CaptureQueriesContext(connection) as queries:
            news(ann, row, door=field)
        assert len(queries) <= 15, "\n".join(query["sql"][:160] for query in queries)
        with CaptureQueriesContext(connection) as queries:
            ann.get(STUDIO, {"run": row.pk, "door": field})
        assert len(queries) <= 15, "\n".join(query["sql"][:160] for query in queries)


# --- waiting ---


def test_who_asks_to_be_told_reads_that_they_will_be(ann, worker):
    row = generation(me(ann), status="processing")
    found = ann.post(to("state", row), **JSON).json()
    assert found["said"] == "You will be told on the next page you open."
    page = ann.post(to("state", row), follow=True, **HTML).content.decode()
    assert Page(page).text.count("You will be told on the next page you open.") >= 1
    row.refresh_from_db()
    assert row.unseen


# --- nothing asked for yet ---


def examples(page):
    """The buttons that begin the form, in order."""
    return page.all("button", name="example", form="imagen-form")


def pressed(client, number, **said):
    """The form after an example was pressed before any script ran, with this written in it."""
    answer = client.post(STUDIO, {"example": str(number), **said})
    assert answer.status_code == 200
    assert not Generation.objects.exists()
    return answer.context["form"]


def test_an_empty_column_has_three_examples_that_begin_the_form(ann):
    page = Page(ann.get(STUDIO).content.decode())
    assert [each["value"] for each in examples(page)] == ["1", "2", "3"]
    assert "A lighthouse on a rocky coast at dawn" in page.text
    first, second = (pressed(ann, number)["prompt"].value() for number in (1, 2))
    assert first.startswith("A lighthouse on a rocky coast at dawn")
    assert pressed(ann, 2, prompt=first)["prompt"].value() == second != first
    assert pressed(ann, 9)["prompt"].value() == ""


def test_an_example_replaces_no_words_and_no_choice_of_ones_own(ann):
    form = pressed(ann, 1, prompt="my own kite", num_images="4", aspect_ratio="16:9")
    said = {name: form[name].value() for name in ("prompt", "num_images", "aspect_ratio")}
    assert said == {"prompt": "my own kite", "num_images": "4", "aspect_ratio": "16:9"}


def test_an_example_keeps_the_field_somebody_came_from(ann):
    page = Page(ann.post(f"{STUDIO}?{urlencode({'door': door(ann), '_popup': 1})}", {"example": "1"}).content.decode())
    (form,) = page.all("form", id="imagen-form")
    assert "door=" in form["action"]
    assert "_popup=1" in form["action"]
    assert len(examples(page)) == 3


def test_where_something_was_asked_for_there_are_no_examples(ann):
    row = completed(me(ann))
    assert not examples(Page(ann.get(STUDIO, {"run": row.pk}).content.decode()))


@pytest.mark.parametrize(("permission", "said"), [("view_alarm", "Open settings"), ("", "Ask administrator")])
def test_without_any_service_each_reads_what_they_can_do(sign_in, settings, permission, said):
    settings.IMAGEN = {"PROVIDERS": {}}
    settings.DEBUG = False
    client = sign_in("ann", *EDITOR, permission)
    page = Page(client.get(STUDIO).content.decode())
    assert f"No image service is set up. {said}" in text(client.get(STUDIO).content.decode())
    assert bool(page.all("a", href=SETUP)) is bool(permission)
    assert "This field is required" not in page.text
    assert client.get(SETUP).status_code == (200 if permission else 403)


@pytest.mark.parametrize(
    ("services", "said"),
    [
        ({}, "There is none yet."),
        ({"mine": {**WAVESPEED, "OPTIONS": {}}}, "WaveSpeedAImineNo key: put its api_key there."),
        ({"mine": {**WAVESPEED, "OPTIONS": {"api_key": "secret-key"}}}, "WaveSpeedAIminePresent"),
    ],
    ids=["none", "no key", "ready"],
)
def test_who_looks_after_the_site_reads_what_each_service_lacks_and_no_key(sign_in, settings, services, said):
    settings.IMAGEN = {"PROVIDERS": services}
    settings.DEBUG = False
    page = text(sign_in("ann", *EDITOR, "view_alarm").get(SETUP).content.decode())
    assert said in page
    assert "manage.py imagen_doctor tries each of them" in page
    assert "secret-key" not in page


# --- earlier pictures, and placing ---


def leaves(html):
    return [link["data-leaf"].split("?")[0] for link in Page(html).all("a") if "data-leaf" in link]


def test_pictures_made_elsewhere_can_be_leafed_through_when_none_was_made_for_this_field(ann, sign_in):
    now = timezone.now()
    rows = [completed(me(ann), created_at=now - timedelta(minutes=9 - number)) for number in range(3)]
    generation(me(ann), status="failed", created_at=now - timedelta(minutes=8))  # of which there is no picture
    completed(me(sign_in("bob", *EDITOR)), created_at=now - timedelta(minutes=8))
    field = door(ann)
    assert leaves(news(ann, rows[2], door=field)["html"]) == [to("state", rows[1])]
    assert leaves(news(ann, rows[1], door=field)["html"]) == [to("state", rows[0]), to("state", rows[2])]


def button(client, picture, **facts):
    token = Door(**{"place": PLACE, "place_id": "7", "ratio": "16:9", **facts}).sign(me(client))
    html = client.get(to("place", picture), {"door": token}, **JSON).json()["html"]
    return text(html), Page(html).all("button", type="submit")[0]


def test_the_button_names_what_the_picture_goes_into(ann):
    picture = completed(me(ann)).images.get()
    said, found = button(ann, picture)
    assert "Put into the article" in said
    assert "imagen-missing" in found["aria-describedby"].split()
    assert "Put into the style" in button(ann, picture, place="imagen.style.example")[0]
    assert "Put into the form" in button(ann, picture, place="gone.model.field")[0]
