"""One generation: its story, waiting for it, cancelling, trying again, deleting."""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections import Counter
from decimal import Decimal

import pytest
from django.db import transaction
from django.utils import timezone

from imagen import pipeline
from imagen.api import places, waiting
from imagen.models import Generation, IdempotencyKey, Image, Job, Tempo
from imagen.sentences import SENTENCES
from tests import factories
from tests.api.conftest import Api

WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}}
LIGHTHOUSE = {"prompt": "a lighthouse"}


def path(generation, verb=""):
    return f"generations/{generation.pk}/{verb}"


def finish(seconds):
    """As the engine would, while somebody waits."""
    Generation.objects.get().save_changes(status="completed", completed_at=timezone.now())


def test_a_finished_generation_shows_its_pictures_and_what_they_cost(ann):
    made = factories.completed(ann.user, images=2)
    response = ann.get(path(made))
    body = response.json()
    first = made.images.get(index=0)
    assert [image["index"] for image in body["images"]] == [0, 1]
    assert body["images"][0] == {
        "id": str(first.pk),
        "index": 0,
        "url": f"http://testserver/imagen/images/{first.pk}/",
        "thumbnail_url": f"http://testserver/imagen/images/{first.pk}/thumbnail/",
        "width": 64,
        "height": 36,
        "format": "png",
        "bytes": first.bytes,
        "sha256": first.sha256,
        "alt_text": "",
        "title": "",
        "flagged": None,
        "review": "none",
        "ai_generated": True,
        "provider_model": "google/imagen4",
        "created_at": body["images"][0]["created_at"],
    }
    assert body["cost"] == {"unit": "USD", "estimated": "0.0380", "actual": "0.0760"}
    assert body["error"] is None
    assert body["urls"]["cancel"] is body["urls"]["retry"] is None
    assert "Retry-After" not in response.headers


@pytest.mark.parametrize(
    ("fields", "code", "words", "actions"),
    [
        ({"status": "failed", "error_code": "content_filtered"}, "content_filtered", "Sandbox", ["edit_prompt"]),
        (
            {"status": "partial", "error_code": "partial_outputs", "num_images": 4},
            "partial_outputs",
            "0 of 4",
            ["retry"],
        ),
        ({"status": "failed", "error_code": "model_retired"}, "model_retired", "Nano Banana 2.1", ["choose_model"]),
        ({"status": "unconfirmed", "error_code": "submit_unknown"}, "submit_unknown", "Sandbox", ["ask_administrator"]),
        (
            {"job": {"error_code": "provider_rate_limited"}},
            "provider_rate_limited",
            "Sandbox",
            ["wait", "choose_provider"],
        ),
        (
            {"job": {"error_code": "provider_unavailable"}},
            "provider_unavailable",
            "Sandbox",
            ["wait", "choose_provider"],
        ),
        (
            {"status": "failed", "error_code": "provider_rate_limited"},
            "provider_rate_limited",
            "had no room for this one. We no longer try. Nothing was charged.",
            ["choose_provider", "retry"],
        ),
        (
            {"status": "failed", "error_code": "provider_unavailable"},
            "provider_unavailable",
            "Sandbox did not answer, and we no longer try. Nothing was charged.",
            ["choose_provider", "retry"],
        ),
        (
            {"status": "failed", "error_code": "storage_full"},
            "storage_full",
            "the site's storage is full. ",
            ["ask_administrator", "retry"],
        ),
        ({"status": "failed", "error_code": "internal_error"}, "internal_error", "on our side", ["retry"]),
    ],
)
def test_what_went_wrong_is_a_code_a_sentence_and_a_next_step(ann, fields, code, words, actions):
    error = ann.get(path(factories.generation(ann.user, **fields))).json()["error"]
    assert (error["code"], error["next_actions"]) == (code, actions)
    assert words in error["message"]


UNDER_WAY = re.compile("waits its turn|keep trying|sent by itself|still comes")


@pytest.mark.parametrize("code", [code for code, said in SENTENCES.items() if said.actions and not said.status])
def test_of_what_has_failed_nobody_says_that_it_goes_on(ann, code):
    error = ann.get(path(factories.generation(ann.user, status="failed", error_code=code))).json()["error"]
    assert "wait" not in error["next_actions"]
    assert bool(UNDER_WAY.search(error["message"])) is (code == "provider_timeout")  # a late picture is still shown


def test_once_a_late_picture_is_there_nobody_says_that_it_may_still_come(ann):
    told = {}
    for status in ("processing", "completed"):
        made = factories.generation(ann.user, status=status, warnings=["provider_timeout"])
        ((_code, told[status]),) = (each.values() for each in ann.get(path(made)).json()["warnings"])
    assert "If the picture still comes, we show it." in told["processing"]
    assert told["completed"].startswith("No answer from Sandbox within the time we wait; the picture came later.")


def test_a_finished_generation_does_not_complain_about_how_it_came(ann):
    made = factories.generation(ann.user, status="completed", job={"error_code": "provider_rate_limited"})
    assert ann.get(path(made)).json()["error"] is None


def test_a_retired_model_is_warned_about_with_date_and_successor(ann):
    made = factories.completed(ann.user, warnings=["model_retired_upstream", "late"])
    warnings = ann.get(path(made)).json()["warnings"]
    assert [warning["code"] for warning in warnings] == ["model_retired_upstream", "late"]
    assert "Aug. 17, 2026" in warnings[0]["message"]
    assert "Nano Banana 2.1" in warnings[0]["message"]


def test_how_long_it_takes_is_told_from_what_was_learned(ann):
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=30, deviation=2)
    response = ann.get(path(factories.generation(ann.user)))
    assert 28 <= response.json()["eta_seconds"] <= 32
    assert response.headers["Retry-After"] == "10"


def test_nobody_guesses_how_long_a_person_takes(ann):
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=30, deviation=2)
    response = ann.get(path(factories.generation(ann.user, status="unconfirmed")))
    assert response.json()["eta_seconds"] is None
    assert response.headers["Retry-After"] == "60"


def test_an_unchanged_generation_is_not_sent_again(ann):
    made = factories.generation(ann.user)
    first = ann.get(path(made))
    assert first.headers["ETag"] == f'W/"{made.pk}-{made.version}-en"'
    for tag in (first.headers["ETag"], first.headers["ETag"].removeprefix("W/"), "*", f'"x", {first.headers["ETag"]}'):
        again = ann.get(path(made), headers={"If-None-Match": tag})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["ETag"] == first.headers["ETag"]
        assert again.headers["Cache-Control"] == "private, no-cache"


def test_a_changed_generation_is_sent_again(ann):
    made = factories.completed(ann.user)
    tag = ann.get(path(made)).headers["ETag"]
    ann.patch(f"images/{made.images.get().pk}/", {"title": "Dusk"})
    again = ann.get(path(made), headers={"If-None-Match": tag})
    assert (again.status_code, again.json()["images"][0]["title"]) == (200, "Dusk")


@pytest.mark.by_hand("the engine is played")
def test_the_address_can_wait_until_it_is_finished(ann, monkeypatch):
    made = factories.generation(ann.user)
    monkeypatch.setattr(waiting.time, "sleep", finish)
    response = ann.get(path(made) + "?wait=60")
    assert response.json()["status"] == "completed"


def test_waiting_ends_when_the_time_is_over(ann):
    started = time.monotonic()
    response = ann.get(path(factories.generation(ann.user)) + "?wait=1")
    assert (response.status_code, response.json()["status"]) == (200, "queued")
    assert 0.9 < time.monotonic() - started < 3


def test_what_is_deleted_while_somebody_waits_is_gone(ann, problem, monkeypatch):
    made = factories.generation(ann.user)
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: pipeline.erase(made))
    problem(ann.get(path(made) + "?wait=60"), 404, "not_found")


@pytest.mark.parametrize("value", ["61", "-1", "x", "", "1.5", "9999999999999999999999", "00000000199"])
def test_an_impossible_wait_is_refused(ann, problem, value):
    found = problem(ann.get(path(factories.generation(ann.user)) + f"?wait={value}"), 400)
    assert found["errors"][0]["field"] == "wait"


@pytest.mark.by_hand("the engine is played")
def test_a_request_can_wait_for_its_pictures(ann, monkeypatch):
    monkeypatch.setattr(waiting.time, "sleep", finish)
    response = ann.post("generations/", LIGHTHOUSE, Prefer="respond-async, wait=90")
    assert (response.status_code, response.json()["status"]) == (200, "completed")
    assert response.headers["Preference-Applied"] == "wait=60"
    assert "Retry-After" not in response.headers


def test_a_request_that_takes_longer_than_one_waits_is_still_202(ann):
    response = ann.post("generations/", LIGHTHOUSE, Prefer='wait="1"')
    assert (response.status_code, response.headers["Preference-Applied"]) == (202, "wait=1")


@pytest.mark.parametrize("preference", ["wait=x", "waiting=5", "wait", "return=minimal", "wait=0"])
def test_a_preference_nobody_knows_is_ignored(ann, preference):
    response = ann.post("generations/", LIGHTHOUSE, Prefer=preference)
    assert response.status_code == 202
    assert "Preference-Applied" not in response.headers


def test_too_many_waiting_are_answered_at_once(ann, settings):
    settings.IMAGEN = {**settings.IMAGEN, "API": {"waiters": 0}}
    started = time.monotonic()
    response = ann.post("generations/", LIGHTHOUSE, Prefer="wait=30")
    assert response.status_code == 202
    assert "Preference-Applied" not in response.headers
    assert ann.get(path(Generation.objects.get()) + "?wait=30").status_code == 200
    assert time.monotonic() - started < 5


def test_unless_told_otherwise_those_who_wait_leave_threads_for_everybody_else(monkeypatch):
    recommended = 8  # gunicorn's --threads, as the README says
    monkeypatch.setattr(places.here, "taken", Counter({"": recommended // 2}))
    assert not waiting.wait(None, 5)


def test_no_more_than_the_allowed_number_wait_and_each_frees_its_place(settings, monkeypatch):
    settings.IMAGEN = {**settings.IMAGEN, "API": {"waiters": 2}}
    leave, results = threading.Event(), []
    monkeypatch.setattr(pipeline, "wait", lambda generation, **options: leave.wait(10))
    threads = [threading.Thread(target=lambda: results.append(waiting.wait(None, 5))) for _ in range(5)]
    for thread in threads:
        thread.start()
    while len(results) < 3:
        time.sleep(0.01)
    leave.set()
    for thread in threads:
        thread.join()
    assert sorted(results) == [False, False, False, True, True]
    assert waiting.wait(None, 5)


@pytest.mark.django_db(transaction=True)
def test_who_waits_holds_no_connection_meanwhile(monkeypatch, ann):
    made, held = factories.generation(ann.user), []

    def pause(seconds):
        held.append((transaction.get_connection().connection, seconds <= 1))
        pipeline.cancel(made)

    monkeypatch.setattr(waiting.time, "sleep", pause)
    assert ann.get(path(made) + "?wait=60").json()["status"] == "canceled"
    assert held == [(None, True)]


@pytest.mark.django_db(transaction=True)
def test_nobody_waits_inside_a_transaction(monkeypatch, settings):
    seen = []
    settings.DATABASES["default"]["ATOMIC_REQUESTS"] = True
    monkeypatch.setattr(
        pipeline, "wait", lambda *args, **kwargs: seen.append(transaction.get_connection().in_atomic_block)
    )
    try:
        ann = Api(factories.editor())
        made = ann.post("generations/", LIGHTHOUSE, Prefer="wait=5", Idempotency_Key="k").json()
        ann.get(f"generations/{made['id']}/?wait=5")
    finally:
        settings.DATABASES["default"]["ATOMIC_REQUESTS"] = False
    assert seen == [False, False]


def test_cancelling_what_was_not_sent_ends_it(ann):
    made = factories.generation(ann.user)
    response = ann.post(path(made, "cancel/"))
    assert (response.status_code, response.json()["status"]) == (200, "canceled")
    assert Job.objects.get().status == "canceled"


def test_cancelling_what_was_sent_keeps_it_and_says_so(ann):
    made = factories.generation(ann.user, status="processing")
    body = ann.post(path(made, "cancel/")).json()
    assert (body["status"], [warning["code"] for warning in body["warnings"]]) == ("processing", ["already_submitted"])
    assert body["urls"]["cancel"] is None


@pytest.mark.parametrize("status", ["completed", "failed", "canceled", "unconfirmed"])
def test_there_is_nothing_to_cancel_any_more(ann, problem, status):
    found = problem(ann.post(path(factories.generation(ann.user, status=status), "cancel/")), 409, "conflict")
    assert found["detail"].startswith("There is nothing to do: it is ")


@pytest.mark.parametrize("status", ["failed", "partial"])
def test_what_failed_can_be_tried_again(ann, status):
    made = factories.generation(ann.user, status=status, error_code="provider_failed", num_images=2)
    assert ann.get(path(made)).json()["urls"]["retry"].endswith("/retry/")
    response = ann.post(path(made, "retry"))
    assert (response.status_code, response.json()["status"]) == (202, "queued")
    assert int(response.headers["Retry-After"]) > 0
    assert made.jobs.count() == 2


def test_what_is_kept_is_fetched_for_free_however_often_it_is_asked_for(ann, settings):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
    made = factories.kept(ann.user)
    shown = ann.get(path(made)).json()
    assert shown["error"]["message"].startswith("The picture exists but could not be saved. 0.038 USD was spent.")
    assert "still kept by WaveSpeedAI until" in shown["error"]["message"]
    assert shown["urls"]["retry"].endswith("/retry/")
    first, second = (ann.post(path(made, "retry")) for _ in range(2))
    for response in (first, second, ann.get(path(made))):
        assert (response.json()["status"], response.headers["Retry-After"]) == ("failed", "2")
        assert "is being asked for the picture once more; that is free" in response.json()["error"]["message"]
    assert (first.status_code, second.status_code) == (202, 202)
    assert (made.jobs.count(), made.events.filter(what="fetch asked").count(), made.entries.count()) == (1, 1, 1)


def test_a_kept_picture_can_be_fetched_by_who_has_no_money_left(ann, settings):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}, "BUDGET": {"default_monthly": "0"}}
    assert ann.post(path(factories.kept(ann.user), "retry")).status_code == 202


@pytest.mark.parametrize("status", ["queued", "processing", "completed", "canceled", "unconfirmed"])
def test_there_is_nothing_to_try_again(ann, problem, status):
    problem(ann.post(path(factories.generation(ann.user, status=status), "retry/")), 409, "conflict")


def test_a_verb_takes_no_fields(ann, problem):
    made = factories.generation(ann.user)
    problem(ann.post(path(made, "cancel/"), {"force": True}), 400, "invalid_request")
    response = ann.client.generic("POST", ann.url(path(made, "cancel/")), b"x", content_type="text/plain")
    problem(response, 415)
    made.refresh_from_db()
    assert made.status == "queued"


def test_an_empty_object_and_an_empty_form_are_nothing(ann):
    assert ann.post(path(factories.generation(ann.user), "cancel/"), {}).status_code == 200
    assert ann.client.post(ann.url(path(factories.generation(ann.user), "cancel/"))).status_code == 200


def test_deleting_removes_pictures_and_words_and_keeps_what_was_paid(ann, problem, django_capture_on_commit_callbacks):
    made = factories.completed(ann.user, job={"cost": Decimal("0.038")})
    image = made.images.get()
    with django_capture_on_commit_callbacks(execute=True):
        response = ann.delete(path(made))
    assert (response.status_code, response.content) == (204, b"")
    problem(ann.get(path(made)), 404, "not_found")
    problem(ann.delete(path(made)), 404)
    made.refresh_from_db()
    assert (made.prompt, made.jobs.get().cost) == ("", Decimal("0.038"))
    assert not Image.objects.exists()
    assert not image.file.storage.exists(image.file.name)


def test_deleting_forgets_the_answer_under_its_key_but_not_the_key(ann, problem):
    made = ann.post("generations/", {"prompt": "a secret"}, Idempotency_Key="k").json()
    ann.delete(f"generations/{made['id']}/")
    assert IdempotencyKey.objects.get().body == {}
    problem(ann.post("generations/", {"prompt": "a secret"}, Idempotency_Key="k"), 404, "not_found")
    assert Generation.objects.count() == 1


def test_an_id_nobody_has_is_not_found(ann, problem):
    for verb in ("", "cancel/", "retry/"):
        problem(ann.client.generic("POST" if verb else "GET", ann.url(f"generations/{uuid.uuid4()}/{verb}")), 404)
    problem(ann.get("generations/no-uuid/"), 404, "not_found")
