"""The Studio's right column: waiting, failing, choosing, placing, and the news on the next page."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.template import engines
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from imagen import alarms, pipeline, placing
from imagen.admin.studio import pace
from imagen.doors import Door, Pick
from imagen.engine import loop
from imagen.models import Alarm, Budget, Generation, Image, Job, Tempo, Worker
from imagen.origin import Origin
from tests.admin.conftest import EDITOR
from tests.admin.pages import Page
from tests.factories import add_job, completed, generation, kept

JSON = {"headers": {"Accept": "application/json"}}
HTML = {"headers": {"Accept": "text/html"}}
PLACE = "articles.article.hero"
EVIL = "\"'><img src=x onerror=alert(1)></script><script>alert(2)</script>{{ 7|add:7 }}%(count)s{0}"
APIFRAME = {"BACKEND": "imagen.providers.apiframe.Apiframe", "OPTIONS": {"api_key": "test"}}


@pytest.fixture(autouse=True)
def quiet(monkeypatch, settings):
    monkeypatch.setattr("imagen.queue.knock", lambda: None)
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0.04"}}}}


@pytest.fixture
def ann(sign_in):
    return sign_in("ann", *EDITOR)


def me(client):
    return User.objects.get(pk=client.session["_auth_user_id"])


def to(name, row):
    return reverse(f"admin:imagen_studio_{name}", args=[row.pk])


def door(client, **facts):
    known = {"place": PLACE, "place_id": "7", "ratio": "16:9", "crops": ("1:1",), "alt": True}
    return Door(**{**known, **facts}).sign(me(client))


def news(client, row, **query):
    return client.get(to("state", row), query, **JSON).json()


def text(html):
    return " ".join(Page(html).text.split())


def told(client, row, **query):
    return text(news(client, row, **query)["html"])


def ask(client, prompt="a red kite", **options):
    origin = Origin(place=PLACE, place_id="7", wording={"own": prompt, "parts": []}, unseen=True)
    return pipeline.request(user=me(client), prompt=prompt, origin=origin, aspect_ratio="16:9", **options)


def form_of(html, deed):
    """What the form of this deed sends."""
    page, found = Page(html), {}
    for tag, attributes in page.elements:
        if tag == "form":
            found = {}
        if tag == "input" and attributes.get("type") == "hidden":
            found[attributes["name"]] = attributes["value"]
            if attributes["name"] == "shown" and found["deed"] == deed:
                known = dict(found)
        if tag == "button" and found.get("deed") == deed:
            known = dict(found)
    return known


# --- waiting ---


def test_a_request_waits_behind_what_waits_at_its_service(ann, worker):
    pipeline.request(prompt="first", aspect_ratio="16:9")
    pipeline.request(prompt="elsewhere", provider="sandbox")
    mine = ask(ann)
    pipeline.request(prompt="after it", aspect_ratio="16:9")
    found = news(ann, mine)
    assert (found["place_in_queue"], found["finished"], found["said"]) == (2, False, "Queued, place 2")
    assert "Place 2 in the queue" in text(found["html"])
    assert found["run"] == str(mine.pk)


def test_how_long_it_takes_is_measured_on_our_own_last_requests(ann, worker):
    now = timezone.now()
    for seconds in (8, 9, 10, 11, 12, 13, 14, 15, 16, 60):
        row = completed(provider="wavespeed")
        Generation.objects.filter(pk=row.pk).update(started_at=now - timedelta(seconds=seconds), completed_at=now)
    for _number in range(9):
        completed(provider="sandbox", started_at=now - timedelta(seconds=1), completed_at=now)
        failed = {"status": "failed", "error_code": "provider_failed", "completed_at": now}
        generation(provider="wavespeed", started_at=now - timedelta(seconds=99), **failed)
    found = news(ann, ask(ann))
    assert "Place 1 in the queue, about 12 s (usually 9–20 s)" in text(found["html"])
    assert found["said"] == "Queued, place 1, about 12 seconds"


def test_with_few_requests_what_the_engine_learned_stands_in(db):
    row = generation(provider="wavespeed")
    assert pace.of(row) is None
    Tempo.objects.create(provider="wavespeed", provider_model="google/imagen4", mean=10.0, deviation=2.0)
    assert pace.of(row) == pace.Pace(low=8, middle=10, high=12)


@pytest.mark.by_hand("a call that stands for how it looks")
def test_what_takes_longer_than_usual_says_so_and_can_be_left(ann, worker):
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=10.0, deviation=2.0)
    row = generation(me(ann), status="processing")
    Job.objects.update(
        accepted_at=timezone.now() - timedelta(seconds=28), created_at=timezone.now() - timedelta(seconds=28)
    )
    found = news(ann, row)
    said = text(found["html"])
    assert re.search(r"Taking longer than usual \((28|29|3\d) s\)\.", said)
    assert "left" not in said
    assert all(way in said for way in ("Keep waiting", "Stop", "Tell me when ready"))
    assert found["said"] == "Generating. Taking longer than usual."
    Job.objects.update(created_at=timezone.now() - timedelta(seconds=7204))
    assert "Taking longer than usual (2 hours)." in told(ann, row)
    ann.post(to("state", row), **JSON)
    row.refresh_from_db()
    assert row.unseen


@pytest.mark.by_hand("a call that stands for how it looks")
def test_within_the_usual_time_nobody_is_asked_to_be_patient(ann, worker):
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=10.0, deviation=2.0)
    found = news(ann, generation(me(ann), status="processing"))
    assert re.search(r"About (10|[4-9]) s left \(usually 8–12 s\)", text(found["html"]))
    assert "longer than usual" not in text(found["html"])


def test_a_silent_worker_is_said_and_after_a_while_administrators_know(ann):
    row, now = ask(ann), timezone.now()
    Job.objects.update(due_at=now - timedelta(seconds=30))
    said = told(ann, row)
    assert "Your request is saved but the background worker is not running. Nothing was charged." in said
    assert "Administrators have been told." not in said
    Job.objects.update(due_at=now - timedelta(seconds=100))
    assert "Administrators have been told." in told(ann, row)
    assert [alarm.cause for alarm in alarms.current()] == ["worker_silent"]
    loop._beat("host-1", now, 0)
    assert not Alarm.objects.filter(over_at=None).exists()
    assert Worker.objects.exists()


def test_another_editor_at_the_same_field_is_named_by_what_they_do(ann, sign_in, worker):
    bob = sign_in("bob", *EDITOR)
    ask(bob, num_images=2)
    page = reverse("admin:imagen_studio_changelist")
    said = text(ann.get(page, {"door": door(ann)}).content.decode())
    assert "Another editor started 2 images for this field" in said
    assert "Watch" not in said
    assert "Another editor" not in text(bob.get(page, {"door": door(bob)}).content.decode())
    assert "Another editor" not in text(ann.get(page, {"door": door(ann, place_id="8")}).content.decode())
    me(ann).user_permissions.add(Permission.objects.get(codename="view_all", content_type__app_label="imagen"))
    assert "Watch" in text(ann.get(page, {"door": door(ann)}).content.decode())


def test_what_began_hours_ago_is_not_counted_in_seconds(ann, sign_in, worker):
    bob = sign_in("bob", *EDITOR)
    row = ask(bob, num_images=2)
    Generation.objects.filter(pk=row.pk).update(created_at=timezone.now() - timedelta(hours=30, minutes=7))
    said = text(ann.get(reverse("admin:imagen_studio_changelist"), {"door": door(ann)}).content.decode())
    assert "Another editor started 2 images for this field 30 hours ago." in said


def test_who_comes_back_to_a_field_sees_their_own_request_under_way_there(ann, sign_in):
    mine = generation(
        me(ann), status="processing", place=PLACE, place_id="7", wording={"own": "Tide pools", "parts": []}
    )
    generation(me(sign_in("bob", *EDITOR)), status="processing", place=PLACE, place_id="7")
    studio = reverse("admin:imagen_studio_changelist")
    page = Page(ann.get(studio, {"door": door(ann)}).content.decode())
    assert [found["data-run"] for _tag, found in page.elements if found.get("data-run")] == [str(mine.pk)]
    assert "What you generate appears here." not in page.text
    assert page.text.count("Tide pools") == 1  # over the pictures; the description begins with the form's words
    for other in ({"door": door(ann, place_id="8")}, {}, {"door": door(ann), "run": "nonsense"}):
        assert "What you generate appears here." in text(ann.get(studio, other).content.decode())


def test_stopping_ends_what_was_not_sent(ann, worker):
    row = ask(ann)
    found = ann.post(to("stop", row), **JSON).json()
    assert (found["finished"], found["said"]) == (True, "Cancelled")
    again = ann.post(to("stop", row), **JSON)
    assert again.status_code == 409
    assert "There is nothing to do" in again.json()["said"]


def test_nobody_reads_or_stops_what_is_not_theirs(ann, sign_in):
    row = ask(ann)
    bob = sign_in("bob", *EDITOR)
    for answer in (bob.get(to("state", row), **JSON), bob.post(to("stop", row), **JSON)):
        assert answer.status_code == 404
        assert answer.json()["said"] == "This request was deleted, or it is not yours."
    seer = sign_in("eve", *EDITOR[:2], "view_all")
    assert seer.post(to("stop", row), **JSON).json()["said"] == "Your account may not do this here."
    row.refresh_from_db()
    assert row.status == "queued"


def test_a_permission_that_went_meanwhile_is_said_in_a_sentence(ann):
    row = completed(me(ann))
    me(ann).user_permissions.clear()
    picture = row.images.get()
    for address in (to("state", row), to("place", picture)):
        answer = ann.get(address, **JSON)
        assert (answer.status_code, answer.json()["said"]) == (403, "Your account may not generate images here.")
        page = ann.get(address)
        assert page.status_code == 403
        assert "Your account may not generate images here." in page.content.decode()


def test_without_scripts_every_button_leads_back_to_the_page(ann, worker):
    row, field = ask(ann), door(ann)
    answer = ann.post(to("stop", row), {"door": field, "_popup": "1"})
    assert answer.status_code == 302
    for part in (f"run={row.pk}", "door=", "_popup=1"):
        assert part in answer.url
    row.refresh_from_db()
    assert row.status == "canceled"


# --- failing ---


@pytest.mark.parametrize(
    ("code", "sentence", "way"),
    [
        ("content_filtered", "The service declined this description. It does not say why", "Edit prompt"),
        ("provider_rejected", "The service declined this description. It does not say why", "Edit prompt"),
        ("provider_failed", "could not make this picture", "Try again · 0.04 USD"),
        ("output_expired", "The service deleted the file before we could fetch it.", "Make again · 0.04 USD"),
        ("model_retired", "WaveSpeedAI no longer has Imagen 4 (Google switched it off on ", "Use Nano Banana 2.1"),
        ("provider_unavailable", "WaveSpeedAI did not answer, and we no longer try.", "Try again · 0.04 USD"),
    ],
)
def test_a_failure_says_what_happened_what_it_cost_and_the_way_on(ann, code, sentence, way):
    row = generation(me(ann), status="failed", error_code=code, provider="wavespeed", aspect_ratio="16:9")
    said = told(ann, row)
    assert sentence in said
    assert way in said
    assert "charged" in said


def test_what_is_missing_is_made_at_the_price_shown_and_only_once(ann, worker):
    row = completed(
        me(ann), provider="wavespeed", aspect_ratio="16:9", status="partial", num_images=2, error_code="partial_outputs"
    )
    Job.objects.update(slots=[0, 1])
    found = news(ann, row)
    assert "Make 1 more · 0.04 USD" in text(found["html"])
    form = form_of(found["html"], "retry")
    first = ann.post(to("retry", row), form, **JSON)
    second = ann.post(to("retry", row), form, **JSON)
    assert (first.status_code, second.status_code) == (200, 200)
    assert row.jobs.count() == 2
    assert not first.json()["finished"]


def test_what_is_kept_by_its_service_is_fetched_for_free_and_never_bought_instead(ann):
    row = kept(me(ann))
    html = told(ann, row)
    assert html.count("Fetch it again · free") == 1
    assert "Try again" not in html
    fields = form_of(news(ann, row)["html"], "retry")
    ann.post(to("retry", row), fields)
    ann.post(to("retry", row), fields)
    (job,) = row.jobs.all()
    assert job.fetch_asked_at
    assert "Fetch it again" not in told(ann, row)
    Job.objects.filter(pk=job.pk).update(due_at=None, accepted_at=timezone.now() - timedelta(days=60))
    ann.post(to("retry", row), {**fields, "turn": "later"})
    assert row.jobs.count() == 1


def test_a_price_that_rose_is_shown_before_it_is_paid(ann, settings):
    row = generation(me(ann), status="failed", error_code="provider_failed", provider="wavespeed")
    form = form_of(news(ann, row)["html"], "retry")
    settings.IMAGEN = {**settings.IMAGEN, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0.09"}}}}
    answer = ann.post(to("retry", row), form, **JSON)
    assert answer.status_code == 409
    assert "The price is 0.09 USD now, not 0.04 USD." in answer.json()["said"]
    assert row.jobs.count() == 1


def test_what_no_budget_pays_for_leads_to_asking_for_more(ann):
    row = generation(me(ann), status="failed", error_code="provider_failed", provider="wavespeed")
    form = form_of(news(ann, row)["html"], "retry")
    Budget.objects.create(scope="each", limit=Decimal("0.01"))
    said = told(ann, row)
    assert "This needs 0.04 USD; 0.01 USD of 0.01 USD is left" in said
    assert "Ask for more" in said
    assert ann.post(to("retry", row), form, **JSON).status_code == 409
    assert row.jobs.count() == 1


def test_while_a_service_is_busy_another_can_take_it_and_nothing_is_asked_for_twice(ann, worker, settings):
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {**settings.IMAGEN["PROVIDERS"], "apiframe": APIFRAME}}
    row = ask(ann, provider="wavespeed")
    Job.objects.update(error_code="provider_rate_limited")
    found = news(ann, row)
    assert "Try Apiframe ·" in text(found["html"])
    assert "Try Sandbox" not in text(found["html"])
    form = form_of(found["html"], "instead")
    made = ann.post(to("retry", row), form, **JSON).json()
    row.refresh_from_db()
    other = Generation.objects.get(pk=made["run"])
    assert (row.status, other.provider, other.parent, other.place_id) == ("canceled", "apiframe", row, "7")
    assert ann.post(to("retry", row), form, **JSON).json()["run"] == made["run"]
    assert Generation.objects.count() == 2


def test_what_was_sent_a_moment_ago_is_not_asked_for_elsewhere(ann, worker, settings):
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {**settings.IMAGEN["PROVIDERS"], "apiframe": APIFRAME}}
    row = generation(me(ann), status="processing", provider="wavespeed", aspect_ratio="16:9")
    row.refresh_from_db()
    answer = ann.post(to("retry", row), {"deed": "instead", "provider": "apiframe"}, **JSON)
    assert answer.status_code == 409
    row.refresh_from_db()
    assert row.cancel_asked_at is None
    assert Generation.objects.count() == 1


def test_the_successor_says_what_it_cannot_do_of_what_was_asked(ann):
    row = generation(me(ann), status="failed", error_code="model_retired", provider="wavespeed", seed=7)
    assert "It cannot do: a seed." in told(ann, row)


def test_another_shape_than_asked_for_is_said_and_can_be_cropped_or_made_again(ann):
    row = completed(me(ann), provider="wavespeed", aspect_ratio="16:9", warnings=["wrong_size"])
    row.images.update(width=64, height=64)
    said = told(ann, row, door=door(ann))
    for part in ("The service returned 1:1 instead of 16:9.", "Crop to 16:9", "Use as is", "Make again · 0.04 USD"):
        assert part in said


def test_it_is_made_again_once_for_each_time_somebody_sees_the_price(ann):
    row = completed(me(ann), provider="wavespeed", aspect_ratio="16:9", warnings=["wrong_size"])
    runs = []
    for _ in range(2):
        form = form_of(news(ann, row)["html"], "again")
        runs += [ann.post(to("retry", row), form, **JSON).json()["run"] for _ in range(2)]
    assert (runs[0] == runs[1], runs[2] == runs[3], len(set(runs))) == (True, True, 2)


def test_a_held_picture_waits_for_a_reviewer_and_can_be_withdrawn(ann, sign_in):
    row = completed(me(ann))
    row.images.update(review="held")
    picture = row.images.get()
    said = told(ann, row)
    assert "The result may be sensitive and waits for a reviewer. You will be told." in said
    assert "Use this" not in said
    assert "Edit prompt" in said
    refused = ann.get(to("place", picture), **JSON)
    assert (refused.status_code, "waits for a reviewer" in refused.json()["said"]) == (409, True)
    reviewer = sign_in("rev", *EDITOR, "view_all", "review")
    tag = engines["django"].from_string("{% load imagen %}{% imagen_needs_you %}")
    request = RequestFactory().get("/")
    request.user = me(reviewer)
    assert "1 picture is held back" in tag.render({"request": request}, request)
    ann.post(to("discard", picture), **JSON)
    request = RequestFactory().get("/")
    request.user = me(reviewer)
    assert "held back" not in tag.render({"request": request}, request)


# --- choosing ---


def test_a_candidate_is_shown_cut_to_the_shapes_that_were_ticked_beside_those_of_its_field(ann):
    row = completed(me(ann), aspect_ratio="16:9", slots=["9:16", "16:9"])
    assert _cuts(ann, row) == ["9:16"] * row.images.count()
    inside = ["1:1", "9:16"] * row.images.count()
    assert _cuts(ann, row, door=door(ann)) == inside
    panel = ann.get(to("place", row.images.first()), {"door": door(ann)}, **JSON).json()["html"]
    assert re.findall(r"</span> ([\d:]+)</li>", panel) == ["1:1", "9:16"]


def _cuts(client, row, **query):
    return re.findall(r"</span> ([\d:]+)</li>", news(client, row, **query)["html"])


def test_a_candidate_is_shown_in_every_shape_it_will_be_cut_to(ann):
    row = completed(me(ann), images=2, aspect_ratio="16:9", place=PLACE, place_id="7")
    html = news(ann, row, door=door(ann))["html"]
    page = Page(html)
    assert len(page.all("input", type="radio")) == 2
    assert [found["data-focal"] for found in page.all("img") if "data-focal" in found] == ["50 50"] * 2
    assert not [found for _tag, found in page.elements if "style" in found]
    for part in ("Use this", "More like this", "Edit prompt", "Discard"):
        assert text(html).count(part) == 2


def test_a_discarded_picture_comes_back(ann):
    row = completed(me(ann))
    picture = row.images.get()
    assert "Undo" in text(ann.post(to("discard", picture), **JSON).json()["html"])
    assert Image.objects.get().discarded_at is not None
    assert "Use this" not in text(news(ann, row)["html"])
    ann.post(to("discard", picture), {"undo": "1"}, **JSON)
    assert Image.objects.get().discarded_at is None


def test_earlier_requests_for_the_same_field_can_be_leafed_through(ann):
    now, mine = timezone.now(), me(ann)
    facts = [("articles.article.hero", "7"), ("articles.article.hero", "8"), ("articles.article.hero", "7")]
    rows = [
        completed(mine, place=place, place_id=pk, created_at=now - timedelta(minutes=10 - number))
        for number, (place, pk) in enumerate(facts)
    ]
    last = news(ann, rows[2], door=door(ann))["html"]
    assert [link["data-leaf"].split("?")[0] for link in Page(last).all("a") if "data-leaf" in link] == [
        to("state", rows[0])
    ]
    first = news(ann, rows[0], door=door(ann))["html"]
    assert [link["data-leaf"].split("?")[0] for link in Page(first).all("a") if "data-leaf" in link] == [
        to("state", rows[2])
    ]


def test_the_form_on_the_left_is_filled_with_ones_own_words_only(ann):
    row = completed(me(ann), prompt="a kite. In our house style", wording={"own": "a kite", "parts": []}, seed=7)
    run = Page(news(ann, row)["html"]).all("div", **{"class": "imagen-run"})[0]
    assert '"prompt": "a kite"' in run["data-asked"]
    assert f'"parent": "{row.pk}"' in run["data-asked"]


def test_a_page_asks_the_database_at_most_fifteen_times(ann, worker, settings):
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {**settings.IMAGEN["PROVIDERS"], "apiframe": APIFRAME}}
    Budget.objects.create(scope="each", limit=Decimal(5))
    field = door(ann)
    waiting = ask(ann, provider="wavespeed")
    Job.objects.update(error_code="provider_rate_limited")
    ready = completed(me(ann), images=4, place=PLACE, place_id="7", unseen=True)
    failed = generation(me(ann), status="failed", error_code="provider_failed", provider="wavespeed", place=PLACE)
    for row in (waiting, ready, failed):
        news(ann, row, door=field)
        with CaptureQueriesContext(connection) as queries:
            news(ann, row, door=field)
        assert len(queries) <= 15, "\n".join(query["sql"][:160] for query in queries)
    with CaptureQueriesContext(connection) as queries:
        ann.get(to("place", ready.images.first()), {"door": field}, **JSON)
    assert len(queries) <= 15


# --- placing ---

WORDS = {"focal_x": "30", "focal_y": "70", "meaning": "informative", "alt_text": "A kite over dunes", "name": "kite"}


@pytest.fixture
def picture(ann):
    row = completed(me(ann), prompt="a red kite over the dunes at dusk, wide angle", place=PLACE, place_id="7")
    return row.images.get()


def put(client, picture, token=None, **changes):
    said = {**WORDS, "door": door(client) if token is None else token, **changes}
    return client.post(to("place", picture), said, **JSON)


def test_a_picture_that_answers_everything_is_handed_over_signed(ann, picture):
    found = put(ann, picture).json()
    pick = Pick.read(found["pick"], me(ann))
    assert (pick.image, pick.place, pick.meaning) == (str(picture.pk), PLACE, "informative")
    assert (pick.alt_text, pick.name, pick.focal, pick.crop) == ("A kite over dunes", "kite", (30, 70), "")
    assert found["place"] == PLACE
    assert (found["alt"], found["image"]) == (pick.alt_text, pick.image)
    assert found["thumbnail"].endswith("/thumbnail/")


def test_choosing_writes_nothing_yet(ann, picture):
    put(ann, picture)
    picture.refresh_from_db()
    assert (picture.alt_text, picture.focal_x) == ("", 50)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"meaning": ""}, "Say what the picture is for."),
        ({"alt_text": " "}, "Say what the picture shows."),
        ({"meaning": "functional", "alt_text": ""}, "Say where it leads."),
        ({"alt_text": "A red kite over the dunes at dusk, wide angle!"}, "This is what the picture was asked for."),
        ({"alt_text": "A red kite over dunes at dusk, wide angle"}, "This is what the picture was asked for."),
        ({"alt_text": "x" * 501}, "at most 500"),
        *(({"alt_text": sign}, "Say in words what the picture shows.") for sign in (".", "-", "x", "7 8", "…")),
        ({"focal_x": "101"}, "less than or equal to 100"),
        ({"meaning": "beautiful"}, "not one of the available choices"),
    ],
)
def test_what_is_missing_or_copied_is_said_and_everything_written_stays(ann, picture, changes, complaint):
    answer = put(ann, picture, **changes)
    assert answer.status_code == 422
    html = answer.json()["html"]
    assert complaint in text(html)
    assert 'value="kite"' in html


def test_a_prompt_too_long_for_an_alt_text_is_refused_in_part_too(ann):
    prompt = " ".join(f"a wave of the sea at {hour} o'clock" for hour in range(40))
    image = completed(me(ann), prompt=prompt, place=PLACE, place_id="7").images.get()
    answer = put(ann, image, alt_text=prompt[:500])
    assert "This is what the picture was asked for." in text(answer.json()["html"])


@pytest.mark.parametrize("words", ["猫", "Ox", "Café", "قطة"])
def test_a_short_word_is_a_word_in_every_script(ann, picture, words):
    assert put(ann, picture, alt_text=words).status_code == 200


def test_the_alt_text_starts_empty_with_the_prompt_beside_it(ann, picture):
    html = ann.get(to("place", picture), {"door": door(ann)}, **JSON).json()["html"]
    assert "What it was asked for, as a reminder: a red kite over the dunes at dusk, wide angle" in text(html)
    area = html[html.index("<textarea") : html.index("</textarea>")]
    assert area.rpartition(">")[2].strip() == ""
    assert 'value="a-red-kite-over-the-dunes"' in html


def test_a_picture_that_only_decorates_has_no_alt_text(ann, picture):
    pick = Pick.read(put(ann, picture, meaning="decorative").json()["pick"], me(ann))
    assert pick.alt_text == ""
    assert "pick" in put(ann, picture, meaning="decorative", alt_text=picture.generation.prompt).json()


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("../../etc/pass wd.JPG", "etc-pass-wd"),
        ("Schneeleopard_am Hang", "schneeleopard-am-hang"),
        ("///", "a-red-kite-over-the-dunes"),
        ("Dünen.JPG", "dunen"),
        ("Überfluß", "überfluß"),
        ("قطتان على الشاطئ", "قطتان-على-الشاطئ"),
        ("x" * 60, "x" * 60),
    ],
)
def test_a_file_name_is_made_fit_for_every_storage_and_the_file_gets_it(ann, picture, typed, name):
    found = put(ann, picture, name=typed).json()
    assert found["name"] == name
    assert placing.take(Pick.read(found["pick"], me(ann)), me(ann)).name == f"{name}.png"


def test_a_file_name_that_would_be_cut_cannot_be_written(ann, picture):
    answer = put(ann, picture, name="x" * 61)
    assert (answer.status_code, "at most 60" in text(answer.json()["html"])) == (422, True)
    assert 'maxlength="60"' in answer.json()["html"]


def test_a_picture_of_another_shape_is_cut_unless_it_is_left_as_it_is(ann, picture):
    square = door(ann, ratio="1:1")
    assert "Cut to 1:1" in text(ann.get(to("place", picture), {"door": square}, **JSON).json()["html"])
    assert Pick.read(put(ann, picture, square, crop="1:1").json()["pick"], me(ann)).crop == "1:1"
    assert Pick.read(put(ann, picture, square, crop="").json()["pick"], me(ann)).crop == ""
    assert put(ann, picture, square, crop="4:3").status_code == 422


def test_a_picture_deleted_meanwhile_is_said_and_nothing_is_handed_over(ann, picture):
    gone = Image(pk=picture.pk)
    pipeline.discard(picture)
    answer = put(ann, gone)
    assert answer.status_code == 410
    assert answer.json()["said"] == "This picture was deleted meanwhile. Your form is as it was."


def test_a_picture_deleted_at_the_moment_it_is_described_is_said_too(ann, picture, monkeypatch):
    monkeypatch.setattr(Generation, "save_changes", lambda generation, **changes: Image.objects.all().delete())
    answer = ann.post(to("place", picture), {"focal_x": "1", "focal_y": "1", "alt_text": "A kite"}, **JSON)
    assert answer.status_code == 410
    assert ann.post(reverse("admin:imagen_image_change", args=[picture.pk]), {"alt_text": "A kite"}).status_code == 404


def test_a_token_of_somebody_else_or_of_yesterday_hands_nothing_over(ann, picture, sign_in, monkeypatch):
    bob = sign_in("bob", *EDITOR)
    for token in (door(bob), "forged"):
        answer = put(ann, picture, token)
        assert answer.status_code == 409
        assert "Close it and open it again from the form." in answer.json()["said"]
    old = door(ann)
    monkeypatch.setattr("imagen.doors.LIFETIME", timedelta(seconds=-1))
    assert put(ann, picture, old).status_code == 409


def test_for_a_relation_the_words_stay_with_the_picture_and_djangos_own_page_answers(ann, picture):
    token = door(ann, target="object")
    answer = ann.post(to("place", picture), {**WORDS, "door": token, "_popup": "1"})
    assert f"{picture.pk}" in answer.content.decode()
    assert "data-popup-response" in answer.content.decode()
    picture.refresh_from_db()
    assert (picture.alt_text, picture.focal_x, picture.focal_y) == ("A kite over dunes", 30, 70)


def test_a_dialog_hands_the_picture_itself_to_a_relation_with_and_without_its_script(ann, picture):
    said = {**WORDS, "door": door(ann, target="object"), "_popup": "1"}
    handed = ann.post(to("place", picture), said, **JSON).json()
    assert (handed["pick"], handed["image"], handed["name"]) == (str(picture.pk), str(picture.pk), WORDS["alt_text"])
    assert (handed["place"], handed["said"]) == (PLACE, "Saved with the picture.")
    early = ann.post(to("place", picture), said, headers={"Sec-Fetch-Dest": "iframe"})
    (page,) = [found["data-picked"] for _tag, found in Page(early.content.decode()).elements if "data-picked" in found]
    assert json.loads(page)["image"] == str(picture.pk)


def test_for_a_relation_only_what_counts_there_is_asked(ann, picture):
    token = door(ann, target="object", ratio="1:1")
    Generation.objects.update(aspect_ratio="1:1")
    tiles = news(ann, picture.generation, door=token)["html"]
    assert ["instead of 1:1" in tiles, "Crop to" in tiles, "Use this" in tiles] == [True, False, True]
    html = ann.get(to("place", picture), {"door": token, "_popup": "1"}, **JSON).json()["html"]
    asked = {found["name"] for tag in ("input", "textarea") for found in Page(html).all(tag) if "name" in found}
    assert {name for name in asked if not name.startswith(("initial-", "csrf", "_popup", "door"))} == {
        "alt_text", "focal_x", "focal_y",
    }  # fmt: skip
    assert "goes with the picture to every page" in text(html)


def test_a_relation_never_takes_a_pictures_words_away(ann, picture):
    token, seen = door(ann, target="object"), {"initial-focal_x": "50", "initial-focal_y": "50"}
    old = {
        "focal_x": "50",
        "focal_y": "50",
        "alt_text": "",
        "meaning": "decorative",
        "door": token,
        "_popup": "1",
        **seen,
    }
    refused = ann.post(to("place", picture), old)
    assert (refused.status_code, b"Say what the picture shows." in refused.content) == (422, True)
    put(ann, picture, "", title="Kite")
    assert b"data-popup-response" in ann.post(to("place", picture), old).content
    emptied = ann.post(to("place", picture), {**old, "initial-alt_text": WORDS["alt_text"]})
    assert emptied.status_code == 422
    picture.refresh_from_db()
    assert (picture.alt_text, picture.focal_x) == (WORDS["alt_text"], 30)


def test_a_relation_takes_a_picture_of_others_whose_words_stay(ann, picture, sign_in):
    eve = sign_in("eve", "generate", "view_all")
    put(ann, picture, "")
    token = door(eve, target="object")
    said = {"focal_x": "30", "focal_y": "70", "alt_text": WORDS["alt_text"], "door": token, "_popup": "1"}
    same = {f"initial-{name}": said[name] for name in ("focal_x", "focal_y", "alt_text")}
    assert b"data-popup-response" in eve.post(to("place", picture), {**said, **same}).content


def test_a_window_that_was_opened_before_does_not_take_the_words_of_another_away(ann, picture):
    put(ann, picture, "", title="Kite")
    old = {"focal_x": "50", "focal_y": "50", "alt_text": "", "title": "Dunes"}
    seen = {"initial-focal_x": "50", "initial-focal_y": "50", "initial-alt_text": "", "initial-title": ""}
    assert ann.post(to("place", picture), {**old, **seen}, **JSON).json()["said"] == "Saved with the picture."
    picture.refresh_from_db()
    assert (picture.title, picture.alt_text, picture.focal_x) == ("Dunes", WORDS["alt_text"], 30)


def test_without_a_field_the_words_are_kept_with_the_picture(ann, picture):
    said = {"focal_x": "10", "focal_y": "20", "alt_text": "A kite over dunes", "title": "Kite"}
    found = ann.post(to("place", picture), said, **JSON).json()
    assert found["said"] == "Saved with the picture."
    picture.refresh_from_db()
    assert (picture.title, picture.alt_text, picture.focal_x, picture.focal_y) == ("Kite", "A kite over dunes", 10, 20)


def test_without_scripts_the_panel_is_a_page_and_nothing_is_lost(ann, picture):
    assert b"What is it for?" in ann.get(to("place", picture), {"door": door(ann)}).content
    wrong = ann.post(to("place", picture), {**WORDS, "door": door(ann), "meaning": ""})
    assert (wrong.status_code, b"Say what the picture is for." in wrong.content) == (422, True)
    right = ann.post(to("place", picture), {**WORDS, "door": door(ann)})
    assert (right.status_code, b"needs JavaScript" in right.content) == (200, True)
    assert b"A kite over dunes" in right.content


# --- the news ---


def index(client):
    return client.get(reverse("admin:index"), **HTML).content.decode()


@pytest.fixture
def ready(ann):
    words = "snow leopards return"
    return completed(me(ann), images=2, prompt=words, wording={"own": words, "parts": []}, unseen=True)


def test_what_is_ready_is_said_once_on_the_next_page_and_counted_until_it_is_seen(ann, ready):
    first, second = index(ann), index(ann)
    assert "2 images for snow leopards return are ready." in text(first)
    assert "messagelist" in first
    assert "messagelist" not in second
    assert "Studio (1)" in text(second)
    news(ann, ready)
    third = index(ann)
    assert "Studio (1)" not in text(third)
    assert "snow leopards" not in text(third)


def test_what_is_not_over_or_somebody_elses_is_no_news(ann, sign_in, worker):
    ask(ann)
    completed(me(sign_in("bob", *EDITOR)), unseen=True)
    page = index(ann)
    assert "ready" not in text(page)
    assert "Studio (" not in text(page)


def test_what_failed_is_news_too(ann):
    generation(me(ann), status="failed", error_code="provider_failed", unseen=True)
    assert "The images for a lighthouse are not there; see why." in text(index(ann))


def test_what_waits_for_a_reviewer_is_not_called_missing_or_ready(ann):
    row = completed(me(ann), unseen=True)
    row.images.update(review="held")
    assert "The images for a lighthouse wait for a reviewer. You will be told." in text(index(ann))
    assert news(ann, row)["said"] == "The result may be sensitive and waits for a reviewer. You will be told."


def test_without_the_middleware_the_lists_of_imagen_and_the_index_say_it(ann, ready, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if "News" not in name]
    assert "are ready" in text(index(ann))
    listed = ann.get(reverse("admin:imagen_image_changelist")).content.decode()
    assert "2 images for snow leopards return are ready." in text(listed)


def test_dialogs_scripts_and_forms_bring_no_news(ann, ready):
    where = reverse("admin:index")
    ann.get(where, headers={"Accept": "text/html", "Sec-Fetch-Dest": "iframe"})
    ann.get(where, {"_popup": "1"}, **HTML)
    ann.get(reverse("admin:jsi18n"), headers={"Accept": "*/*"})
    assert "messagelist" in index(ann)


def test_the_news_names_the_object_with_the_way_there(ann, ready, sign_in):
    other = sign_in("root", is_superuser=True)
    Generation.objects.update(place="auth.user.photo", place_id=str(me(other).pk))
    page = index(ann)
    assert "2 images for root are ready." in text(page)
    assert reverse("admin:auth_user_change", args=[me(other).pk]) in page


def test_news_of_an_object_that_is_gone_is_told_by_its_description(ann, ready):
    Generation.objects.update(place="gone.model.field", place_id="1")
    assert "2 images for snow leopards return are ready." in text(index(ann))


def test_a_review_is_news_for_who_asked(ann, sign_in):
    row = completed(me(ann))
    row.images.update(review="held")
    news(ann, row)
    pipeline.review(row.images.get(), "released", actor=me(sign_in("rev", "review")))
    assert "1 image for a lighthouse is ready." in text(index(ann))


def test_a_second_piece_of_news_about_a_request_is_told_as_well(ann, sign_in):
    row = completed(me(ann), images=2, unseen=True)
    row.images.filter(index=1).update(review="held")
    assert "1 image for" in text(index(ann))
    pipeline.review(row.images.get(index=1), "released", actor=me(sign_in("rev", "review")))
    assert "2 images for" in text(index(ann))


# --- markup ---


@pytest.mark.by_hand("hostile words stand everywhere")
def test_markup_in_a_prompt_stays_text_everywhere(ann):
    row = completed(me(ann), prompt=EVIL, wording={"own": EVIL, "parts": []}, unseen=True)
    row.images.update(alt_text=EVIL)
    add_job(row, status="failed", error_code="provider_failed", error_note=EVIL)
    field = door(ann)
    shown = [index(ann), news(ann, row, door=field)["html"]]
    shown.append(ann.get(to("place", row.images.get()), {"door": field}, **JSON).json()["html"])
    for html in shown:
        page = Page(html)
        assert not [found for _, found in page.elements if any(name.startswith("on") for name in found)]
        assert not [found for found in page.all("img") if found.get("src") == "x"]
        assert "onerror" in html
