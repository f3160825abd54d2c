"""What the Studio says of every failure, word by word: sentence, buttons, money."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone, translation

from imagen import alarms, hauls
from imagen.admin.studio import spans
from imagen.engine import loop
from imagen.exceptions import StorageError
from imagen.models import Alarm, Generation, Job
from imagen.types import Snapshot, State
from tests.admin.conftest import EDITOR, WAVESPEED
from tests.admin.pages import Page
from tests.admin.test_studio_pick import APIFRAME, JSON, ask, door, me, news, quiet, text, to, told
from tests.factories import add_job, completed, generation, image, kept

__all__ = ["quiet"]
STUDIO = reverse("admin:imagen_studio_changelist")
TELL = reverse("admin:imagen_studio_tell")
DECLINED = (
    "The service declined this description. It does not say why; wording about real people, children, violence or "
    "brands is a common cause."
)
FREE = "Nothing was charged."


@pytest.fixture
def ann(sign_in):
    return sign_in("ann", *EDITOR)


def failed(user, code, **fields):
    known = {"status": "failed", "error_code": code, "provider": "wavespeed", "aspect_ratio": "16:9"}
    return generation(user, **{**known, "job": {"error_code": code}, **fields})


def waits(client, code, seconds=0.0, **options):
    """A request that its service does not take just now."""
    row = ask(client, provider="wavespeed", **options)
    Job.objects.filter(generation=row).update(error_code=code, due_at=timezone.now() + timedelta(seconds=seconds))
    return row


def made(user, age=60, *, warnings=("provider_timeout",), **job):
    """A request that its service took so many seconds ago and does not answer about."""
    at = timezone.now() - timedelta(seconds=age)
    paid = {"provider": "wavespeed", "started_at": at, "cost_actual": Decimal("0.038"), "created_at": at}
    known = {"accepted_at": at, "created_at": at, "due_at": timezone.now() + timedelta(hours=1), **job}
    return generation(user, status="processing", warnings=list(warnings), job=known, **paid)


def buttons(client, row, **query):
    """Every button of the column by its label."""
    html = news(client, row, **query)["html"]
    return [each.get("data-key") for name, each in Page(html).elements if name in ("button", "a") if "data-key" in each]


# --- one table: the code, its sentence, its buttons, its line about money


@pytest.mark.parametrize(
    ("code", "sentence", "ways", "money"),
    [
        ("content_filtered", DECLINED, ["Edit prompt", "Report wrong refusal"], FREE),
        ("provider_rejected", DECLINED, ["Edit prompt", "Report wrong refusal"], FREE),
        (
            "provider_unavailable",
            "WaveSpeedAI did not answer, and we no longer try.",
            ["Try Apiframe · 7 credits", "Try again · 0.04 USD"],
            FREE,
        ),
        ("output_expired", "The service deleted the file before we could fetch it.", ["Make again · 0.04 USD"], ""),
        (
            "model_retired",
            "WaveSpeedAI no longer has Imagen 4 (Google switched it off on Aug. 17, 2026).",
            ["Use Nano Banana 2.1"],
            FREE,
        ),
        ("provider_timeout", "No answer from WaveSpeedAI within the time we wait.", ["Try again · 0.04 USD"], FREE),
        (
            "provider_rate_limited",
            "WaveSpeedAI takes only so many requests at a time and had no room for this one. We no longer try.",
            ["Try Apiframe · 7 credits", "Try again · 0.04 USD"],
            FREE,
        ),
    ],
)
def test_a_failure_is_said_word_by_word_with_its_ways_on_and_its_money(ann, settings, code, sentence, ways, money):
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {**settings.IMAGEN["PROVIDERS"], "apiframe": APIFRAME}}
    row = failed(me(ann), code)
    found = news(ann, row)
    assert sentence in text(found["html"])
    assert money in text(found["html"])
    assert set(ways) <= set(buttons(ann, row))
    assert found["said"].startswith(f"Failed. {sentence}")


# --- what a service declines


def test_where_a_service_says_why_it_is_not_called_silent(ann):
    row = failed(me(ann), "provider_rejected", error_note="bad ratio")
    said = told(ann, row)
    assert "The service declined this request; its own words are below." in said
    assert "It does not say why" not in said
    assert "The service's words: bad ratio" in said


# --- what passes


def test_a_busy_service_is_tried_again_in_so_many_seconds(ann, worker):
    row = waits(ann, "provider_rate_limited", 12)
    found = news(ann, row)
    assert any(
        f"Too many requests just now. We will try again in {seconds} s." in text(found["html"])
        for seconds in (12, 11, 10)
    )
    assert "Stop" in text(found["html"])
    assert "Nothing was charged so far." in text(found["html"])
    Job.objects.filter(generation=row).update(due_at=timezone.now())
    assert "Too many requests just now. We are about to try again." in told(ann, row)


def test_nobody_is_told_how_long_it_takes_while_its_service_does_not_take_it(ann, worker):
    for _number in range(6):
        at = timezone.now() - timedelta(seconds=9)
        row = completed(provider="wavespeed", started_at=at, completed_at=timezone.now())
        Generation.objects.filter(pk=row.pk).update(started_at=at)
    row = ask(ann, provider="wavespeed")
    assert "Place 1 in the queue, about 9 s (usually 9 s)" in told(ann, row)
    Job.objects.filter(generation=row).update(error_code="provider_unavailable")
    held = news(ann, row)
    assert "Place 1 in the queue" in text(held["html"])
    assert "usually" not in text(held["html"])
    assert held["said"] == "Queued, place 1"


def test_a_service_that_is_away_is_left_or_waited_for(ann, worker, settings):
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {**settings.IMAGEN["PROVIDERS"], "apiframe": APIFRAME}}
    row = waits(ann, "provider_unavailable", 12)
    assert [each for each in buttons(ann, row) if each != "stop"] == ["Try Apiframe · 7 credits", "Wait"]
    page = Page(news(ann, row)["html"])
    assert page.all("button", **{"data-dismiss": "wait"})
    assert page.all("p", **{"data-after": "wait"})
    assert "Wait" not in text(ann.get(STUDIO, {"run": row.pk}).content.decode()).split()


def test_what_ended_while_its_service_was_away_can_be_tried_again(ann):
    found = buttons(ann, failed(me(ann), "provider_unavailable"))
    assert "Try again · 0.04 USD" in found
    assert "Wait" not in found


@pytest.mark.by_hand("a call that stands for how it looks")
def test_after_the_deadline_it_is_said_when_and_how_long_we_look(ann, worker, settings):
    row = made(me(ann), 1801)
    said = told(ann, row)
    text = "No answer after 30 minutes. We look again every hour for a day and will show it if it arrives."
    assert text in said
    assert "0.038 USD was spent. The service’s own record decides." in said
    assert "stop" in buttons(ann, row)
    settings.IMAGEN = {**settings.IMAGEN, "DEADLINE_SECONDS": 90, "WATCH_SECONDS": 1200}
    text = "No answer after 90 seconds. We look again every 20 minutes for 20 minutes and will show it if it arrives."
    assert text in told(ann, row)


@pytest.mark.by_hand("a call that stands for how it looks")
def test_what_a_service_lost_before_the_deadline_is_not_called_late(ann, worker):
    row = made(me(ann), 100, error_code="provider_job_lost")
    said = told(ann, row)
    assert "WaveSpeedAI no longer knows about this request." in said
    assert "We look again every hour for a day and will show it if it arrives." in said
    assert "No answer after" not in said


def test_once_it_came_nobody_is_told_that_it_is_looked_for(ann):
    row = completed(me(ann), warnings=["provider_timeout", "late"])
    said = told(ann, row)
    assert "We look again" not in said
    assert "The picture came after the time we usually wait." in said


# --- our storage


def stuck(user, code="storage_unavailable", **job):
    at = timezone.now()
    known = {"status": "storing", "error_code": code, "tries": 1, "due_at": at + timedelta(seconds=60), **job}
    paid = {"provider": "sandbox", "started_at": at, "cost_actual": Decimal("0.038")}
    return generation(user, status="processing", error_code=code, **paid, job=known)


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("storage_unavailable", "The image exists but could not be saved."),
        ("storage_full", "The image exists but the site’s storage is full."),
    ],
)
def test_what_could_not_be_saved_says_which_try_comes_next_and_of_how_many(ann, worker, code, sentence):
    row = stuck(me(ann), code)
    said = told(ann, row)
    assert f"{sentence} Retrying (2 of 5)." in said
    assert "It is tried again at" in said
    assert "The picture is paid for (0.038 USD) and kept for retry; saving it costs nothing more." in said
    assert "Retry now" in buttons(ann, row)
    assert "Retrying" not in told(ann, kept(me(ann), code=code))


@pytest.mark.parametrize("retention", [3600.0, 86400.0, 7 * 86400.0])
def test_so_often_is_it_really_tried(retention):
    now = timezone.now()
    job = Job(generation=Generation(), status="storing", slots=[0], accepted_at=now, created_at=now, due_at=now)
    haul, tries, foreseen = hauls.Haul(errors=(StorageError(code="storage_full"),), came=1), 0, set()
    while job.status == "storing":
        foreseen.add(hauls.rounds(job, retention=retention, now=now))
        step = hauls.collected(job, haul, snapshot=Snapshot(state=State.DONE), retention=retention, now=now)
        tries, job.status, job.error_code = tries + 1, str(step.to), step.code
        job.tries = step.changes.get("tries", job.tries)
        now += timedelta(seconds=step.wait or 0)
        job.due_at = now
    assert foreseen == {tries}


# --- the pictures


def short(user, code, *, asked=4, came=3):
    """So many came of those that were asked for, in one call that ended with this code."""
    row = completed(user, images=came, status="partial", error_code="partial_outputs", provider="wavespeed")
    Generation.objects.filter(pk=row.pk).update(num_images=asked)
    Job.objects.filter(generation=row).update(slots=list(range(asked)), error_code=code)
    return row


@pytest.mark.parametrize(
    ("code", "asked", "sentence"),
    [
        ("partial_outputs", 4, "3 of 4 are ready; one was withheld by the service."),
        ("output_invalid", 4, "3 of 4 are ready; one did not come."),
        ("", 4, "3 of 4 are ready; one did not come."),
    ],
)
def test_that_the_service_withheld_some_is_said_only_when_it_did(ann, code, asked, sentence):
    row = short(me(ann), code, asked=asked)
    assert sentence in told(ann, row)
    found = buttons(ann, row)
    assert "these" in found
    assert "Make 1 more · 0.04 USD" in found
    assert "0.11 USD was spent for what came" in told(ann, row).replace("0.114", "0.11")


def test_of_calls_that_ended_in_different_ways_none_is_called_withheld(ann):
    row = short(me(ann), "", asked=4, came=1)
    Job.objects.update(slots=[0])
    for slots, code in (([1, 2], "content_filtered"), ([3], "provider_failed")):
        add_job(row, slots=slots, status="failed", error_code=code, cost=Decimal(0))
    assert "1 of 4 is ready; 3 did not come." in told(ann, row)
    Job.objects.filter(error_code="provider_failed").update(error_code="provider_rejected")
    assert "1 of 4 is ready; 3 were withheld by the service." in told(ann, row)


def test_another_shape_is_named_once_and_on_the_picture(ann):
    row = completed(me(ann), provider="wavespeed", aspect_ratio="16:9", warnings=["wrong_size"])
    row.images.update(width=400, height=300)
    said = told(ann, row, door=door(ann))
    assert said.count("The service returned 4:3 instead of 16:9.") == 1
    assert "4:3 instead of 16:9 " in said
    assert {"Make again · 0.04 USD", "crop 1", "use 1"} <= set(buttons(ann, row, door=door(ann)))
    assert "Crop to 16:9 Use as is" in said
    image(row, width=300, height=300)
    assert "The service returned 1:1, 4:3 instead of 16:9." in told(ann, row)
    row.images.update(width=1600, height=900)
    assert "The picture has another shape than you asked for." in told(ann, row)


def test_while_a_fresh_file_is_asked_for_nobody_calls_it_deleted(ann, worker):
    row = made(me(ann), 30, warnings=(), status="storing", error_code="output_expired")
    said = told(ann, row)
    assert "The service’s file was not there. We ask for it again." in said
    assert "deleted" not in said


# --- a model that went


def test_a_model_that_its_maker_still_has_is_gone_at_the_service_alone(ann):
    row = failed(me(ann), "model_retired")
    for terms in ({}, {"retired_upstream_on": "2099-01-01"}):
        Job.objects.update(terms=terms)
        said = told(ann, row)
        assert "WaveSpeedAI no longer has Imagen 4." in said
        assert "Google" not in said


def test_what_the_successor_does_otherwise_is_folded_below(ann, settings):
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"wavespeed": {"nano-banana-2.1": {"price": "0.07"}}}}
    row = failed(me(ann), "model_retired", seed=7)
    html = news(ann, row)["html"]
    assert Page(html).all("details")
    for part in (
        "It cannot do: a seed.",
        "Differences",
        "It also makes 3:2, 2:3, 4:5, 5:4, 21:9",
        "A picture costs 0.07 USD instead of 0.038 USD.",
    ):
        assert part in text(html)


# --- nobody to make it, and nobody who may


@pytest.fixture
def bare(settings):
    """A site without any service."""
    settings.IMAGEN = {"PROVIDERS": {}}
    settings.DEBUG = False
    settings.ADMINS = [("Ada", "ada@example.com")]


def test_who_may_not_set_services_up_has_administrators_told_once(ann, bare, sign_in):
    page = Page(ann.get(STUDIO).content.decode())
    assert "No image service is set up. Ask administrator" in " ".join(page.text.split())
    assert page.all("button", form="imagen-tell")
    assert page.all("form", id="imagen-tell", action=TELL)
    assert ann.post(TELL, **JSON).json() == {"said": "Administrators have been told."}
    (alarm,) = alarms.current()
    assert alarms.sentence(alarm).startswith("Somebody wants to make pictures, and no image service is set up.")
    said = text(ann.get(STUDIO).content.decode())
    assert "No image service is set up. Administrators have been told." in said
    root = sign_in("root", *EDITOR, "view_alarm")
    assert "Somebody wants to make pictures" in root.get(reverse("admin:imagen_duty_changelist")).content.decode()
    assert "No image service is set up. Open settings" in text(root.get(STUDIO).content.decode())


def test_administrators_get_one_mail(ann, bare, django_capture_on_commit_callbacks, monkeypatch):
    monkeypatch.setattr("imagen.letters._start", lambda send, *words: send(*words))
    with django_capture_on_commit_callbacks(execute=True):
        for _twice in range(2):
            ann.post(TELL, **JSON)
    (sent,) = mail.outbox
    assert "no image service is set up" in sent.body


def test_where_a_service_came_meanwhile_nobody_is_told_and_that_is_said(ann):
    assert ann.post(TELL, **JSON).json() == {"said": "An image service is set up now."}
    assert not Alarm.objects.exists()


def test_without_scripts_it_is_told_too_and_leads_back_to_the_same_window(ann, bare):
    answer = ann.post(TELL, {"door": door(ann), "_popup": "1"})
    assert answer.status_code == 302
    assert "_popup=1" in answer.url
    assert "door=" in answer.url
    assert "Administrators have been told." in text(ann.get(answer.url).content.decode())
    assert Alarm.objects.get().cause == "service_wanted"


def test_where_there_is_a_service_nobody_is_alarmed_and_the_first_sign_of_life_ends_it(ann, bare, settings, sign_in):
    assert ann.get(TELL).status_code == 405
    assert sign_in("eve", "view_generation").post(TELL, **JSON).status_code == 403
    assert not Alarm.objects.exists()
    ann.post(TELL, **JSON)
    loop._beat("host-1", timezone.now(), 0)
    assert alarms.current()
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
    loop._beat("host-1", timezone.now(), 0)
    assert not alarms.current()
    ann.post(TELL, **JSON)
    assert not alarms.current()


def test_a_request_whose_service_was_taken_away_says_so_and_its_ways_on(ann, worker, settings, sign_in):
    row = waits(ann, "provider_not_configured", 30)
    settings.IMAGEN = {"PROVIDERS": {"apiframe": APIFRAME}}
    assert "WaveSpeedAI is no longer set up here." in told(ann, row).replace("wavespeed", "WaveSpeedAI")
    assert "Try Apiframe · 7 credits" in buttons(ann, row)
    settings.IMAGEN, settings.DEBUG = {"PROVIDERS": {}}, False
    assert "No image service is set up." in told(ann, row)
    assert "Ask administrator" in buttons(ann, row)
    found = ann.post(to("want", row), **JSON).json()
    assert found["said"] == "Administrators have been told."
    assert "Ask administrator" not in buttons(ann, row)
    root = sign_in("root", *EDITOR, "view_alarm", "view_all")
    assert "Open settings" in buttons(root, row)


def test_who_may_not_generate_reads_it_wherever_they_come(sign_in):
    eve = sign_in("eve", "view_generation")
    sentence = "Your account may not generate images here."
    for answer in (eve.get(STUDIO), eve.post(STUDIO), eve.get(STUDIO, {"_popup": "1"}), eve.post(TELL)):
        assert answer.status_code == 403
        assert sentence in text(answer.content.decode())
    for name in ("quote", "changelist"):
        assert sentence in eve.post(reverse(f"admin:imagen_studio_{name}"), **JSON).content.decode()


@pytest.mark.parametrize("code", ["provider_auth", "provider_insufficient_credits"])
def test_where_only_an_administrator_can_mend_it_another_service_makes_it(ann, worker, settings, code):
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {**settings.IMAGEN["PROVIDERS"], "apiframe": APIFRAME}}
    assert buttons(ann, failed(me(ann), code)) == ["Try Apiframe · 7 credits", "Try again · 0.04 USD"]
    assert buttons(ann, waits(ann, code, 60)) == ["stop", "Try Apiframe · 7 credits"]


# --- times in words, and the languages


@pytest.mark.parametrize(
    ("seconds", "span", "every"),
    [
        (1800, "30 minutes", "every 30 minutes"),
        (3600.0, "an hour", "every hour"),
        (86400, "a day", "every day"),
        (172800, "2 days", "every 2 days"),
        (90, "90 seconds", "every 90 seconds"),
        (0.2, "a second", "every second"),
    ],
)
def test_a_time_is_said_in_the_largest_unit_that_measures_it(seconds, span, every):
    assert (spans.span(seconds), spans.every(seconds)) == (span, every)


@pytest.mark.by_hand("calls that stand for how they look")
@pytest.mark.parametrize(
    ("language", "late", "unsaved", "withheld"),
    [
        (
            "de",
            "Keine Antwort nach 30 Minuten. Wir sehen innerhalb von einem Tag jede Stunde wieder nach",
            "Neuer Versuch (2 von 5).",
            "3 von 4 sind fertig; eines hat der Dienst zurückgehalten.",
        ),
        (
            "fr",
            "Aucune réponse après 30 minutes. Nous regardons de nouveau toutes les heures pendant un jour",
            "Nouvel essai (2 sur 5).",
            "3 sur 4 sont prêtes ; une a été retenue par le service.",
        ),
        ("ar", "بعد 30 دقيقة", "(2 من 5)", "حجبت الخدمة واحدة"),
    ],
)
def test_the_sentences_are_said_in_every_language(ann, worker, client, language, late, unsaved, withheld):
    rows = made(me(ann), 1801), stuck(me(ann)), short(me(ann), "partial_outputs")
    with translation.override(language):
        for row, said in zip(rows, (late, unsaved, withheld), strict=True):
            answer = ann.get(to("state", row), headers={"Accept": "application/json", "Accept-Language": language})
            assert said in " ".join(text(answer.json()["html"]).split())


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0, "0 s"), (119.9, "119 s"), (120, "2 minutes"), (7199, "119 minutes"), (7200, "2 hours"), (108_000, "30 hours")],
)
def test_how_long_it_has_gone_on_is_said_in_a_unit_one_can_grasp(seconds, said):
    assert spans.about(seconds) == said
