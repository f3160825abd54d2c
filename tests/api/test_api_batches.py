"""Many requests at once: all of them are taken, or none."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from imagen import batches, failpoints, pipeline
from imagen.api import batches as doors
from imagen.api import counters, parsers
from imagen.exceptions import BudgetExceeded, FieldError, InvalidRequest, Refused
from imagen.models import Batch, Budget, Entry, Generation, IdempotencyKey, Job, Purse, Tempo
from tests import factories
from tests.api.conftest import Api

ASKED = {"prompt": "a lighthouse", "provider": "wavespeed"}


@pytest.fixture(autouse=True)
def quiet(monkeypatch):
    monkeypatch.setattr("imagen.queue.knock", lambda: None)


def many(number, **fields):
    return {"requests": [{**ASKED, "prompt": f"picture {place}", **fields} for place in range(number)]}


def ask(api, body=None, **headers):
    return api.post("batches/", many(3) if body is None else body, **headers)


def made(api, number=3, **fields):
    """A batch of this person as the door makes it, and its generations in order."""
    batch = Batch.objects.get(pk=ask(api, many(number, **fields)).json()["id"])
    return batch, list(batch.generations.order_by("created_at"))


def look(api, batch):
    return api.get(f"batches/{batch.pk}/")


def errors(found):
    return [(error["field"], error["code"]) for error in found["errors"]]


def limit(amount):
    return Budget.objects.create(limit=Decimal(amount), scope="everybody", period="month")


# --- asking ---


def test_many_requests_are_taken_at_once(ann):
    response = ask(ann, {**many(3, num_images=2), "metadata": {"campaign": "autumn"}})
    body = response.json()
    root = f"http://testserver/api/imagen/v1/batches/{body['id']}/"
    assert response.status_code == 202
    assert response.headers["Location"] == root
    assert int(response.headers["Retry-After"]) > 0
    assert body == {
        "id": body["id"],
        "status": "queued",
        "progress": {
            "total": 3,
            "queued": 3,
            "processing": 0,
            "completed": 0,
            "partial": 0,
            "failed": 0,
            "canceled": 0,
            "unconfirmed": 0,
            "deleted": 0,
        },
        "metadata": {"campaign": "autumn"},
        "cost": {"unit": "USD", "estimated": "0.2280", "actual": None},
        "eta_seconds": None,
        "created_at": body["created_at"],
        "completed_at": None,
        "urls": {
            "self": root,
            "generations": f"http://testserver/api/imagen/v1/generations/?batch={body['id']}",
            "cancel": f"{root}cancel/",
        },
    }
    assert look(ann, Batch.objects.get()).json() == body


def test_each_of_them_is_a_generation_like_any_other(ann):
    batch, rows = made(ann, 3, num_images=2)
    assert [row.prompt for row in rows] == ["picture 0", "picture 1", "picture 2"]
    assert {(row.user_id, row.batch_id) for row in rows} == {(ann.user.pk, batch.pk)}
    assert [list(row.events.values_list("what", flat=True)) for row in rows] == [["asked"]] * 3
    assert [row.jobs.get().slots for row in rows] == [[0, 1]] * 3
    assert ann.get(f"generations/{rows[0].pk}/").json()["status"] == "queued"


def test_the_list_of_generations_narrows_to_one_batch_the_last_request_first(ann, bob):
    batch, _ = made(ann)
    made(ann)
    listed = ann.get(f"generations/?batch={batch.pk}").json()["results"]
    assert [each["prompt"] for each in listed] == ["picture 2", "picture 1", "picture 0"]
    for foreign in (batch.pk, uuid.uuid4()):
        assert bob.get(f"generations/?batch={foreign}").json()["results"] == []


def test_a_batch_nobody_could_have_is_refused(ann, problem):
    assert errors(problem(ann.get("generations/?batch=x"), 400)) == [("batch", "not_a_uuid")]


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({}, [("requests", "required")]),
        ({"requests": []}, [("requests", "wrong_number")]),
        (many(101), [("requests", "wrong_number")]),
        ({"requests": {"prompt": "x"}}, [("requests", "not_a_list")]),
        ({"requests": None}, [("requests", "not_a_list")]),
        ({**many(1), "metadata": []}, [("metadata", "not_an_object")]),
        ({**many(1), "metadata": None}, [("metadata", "not_an_object")]),
        ({**many(1), "metadata": {"x": "y" * 5000}}, [("metadata", "too_large")]),
        ({**many(1), "user": 1, "status": "completed"}, [("status", "unknown_field"), ("user", "unknown_field")]),
        ({"requests": [ASKED, "x"]}, [("requests[1]", "not_an_object")]),
        ({"requests": [ASKED, {"prompt": ""}]}, [("requests[1].prompt", "blank")]),
        ({"requests": [{}, {**ASKED, "num_images": "4"}]}, [
            ("requests[0].prompt", "required"), ("requests[1].num_images", "not_an_integer"),
        ]),
        ({"requests": [{**ASKED, "cost": 0, "seed": -9}]}, [
            ("requests[0].cost", "unknown_field"), ("requests[0].seed", "out_of_range"),
        ]),
        ({"requests": [ASKED, {**ASKED, "metadata": None}]}, [("requests[1].metadata", "not_an_object")]),
        ({"requests": [ASKED, {**ASKED, "metadata": 1}]}, [("requests[1].metadata", "not_an_object")]),
        ({"requests": [ASKED, {**ASKED, "model": "no-such"}]}, [("requests[1].model", "model_unknown")]),
        ({"requests": [ASKED, {**ASKED, "provider": "nobody"}]}, [("requests[1].provider", "provider_not_configured")]),
        ({"requests": [ASKED, {**ASKED, "prompt": "a\x00b"}]}, [("requests[1].prompt", "unstorable_text")]),
        ({"requests": [ASKED, "a\x00b"]}, [("requests[1]", "unstorable_text")]),
    ],
)  # fmt: skip
def test_what_is_wrong_with_any_of_them_is_named_and_none_is_taken(ann, problem, body, wrong):
    assert errors(problem(ask(ann, body), 400, "invalid_request")) == wrong
    assert not Generation.objects.exists()
    assert not Batch.objects.exists()


def test_a_rule_of_the_site_is_named_where_it_is_broken(ann, problem, settings):
    settings.IMAGEN = {**settings.IMAGEN, "PROMPT_RULES": {"people policy": ["celebrity"]}}
    body = {"requests": [ASKED, {**ASKED, "prompt": "a celebrity"}]}
    found = problem(ask(ann, body), 400, "invalid_request")
    assert errors(found) == [("requests[1].prompt", "prompt_blocked")]
    assert "celebrity" in found["errors"][0]["message"]


def test_what_one_of_them_may_not_do_forbids_all(monkeypatch):
    def read(number):
        raise Refused(code="permission_denied", errors=(FieldError(field="webhook_url", code="invalid"),))

    with pytest.raises(Refused) as caught:
        batches.each([{}], read)
    assert (caught.value.code, caught.value.errors[0].field) == ("permission_denied", "requests[0].webhook_url")


def test_no_more_is_complained_about_than_anybody_reads(ann, problem):
    body = {"requests": [dict.fromkeys(map(str, range(50)), 1) for _ in range(100)]}
    assert len(problem(ask(ann, body), 400)["errors"]) == 100


def test_a_hundred_long_requests_fit_into_a_body_and_a_larger_one_is_refused(ann, problem):
    body = many(100, negative_prompt="é" * 5000)
    assert parsers.MAX_BYTES < len(json.dumps(body, ensure_ascii=False).encode()) < parsers.MAX_MANY_BYTES
    response = ann.send("post", "batches/", json.dumps(body, ensure_ascii=False).encode())
    assert response.status_code == 202
    for path in ("batches/", "batches"):
        problem(ann.post(path, b"[" * (parsers.MAX_MANY_BYTES + 1)), 413, "payload_too_large")
    problem(ann.post("generations/", b"[" * (parsers.MAX_BYTES + 1)), 413, "payload_too_large")


def test_asking_for_many_takes_few_statements(ann, django_assert_max_num_queries):
    with django_assert_max_num_queries(30):
        assert ask(ann, many(100, provider="")).status_code == 202


# --- money ---


def test_a_budget_for_half_of_them_takes_none(ann, problem):
    limit("1.90")  # 50 pictures
    found = problem(ask(ann, many(100)), 402, "budget_exceeded")
    assert "3.80 USD" in found["detail"]
    assert found["budget"]["remaining"] == "1.9000"
    assert not Generation.objects.exists()
    assert not Entry.objects.exists()
    assert not Purse.objects.filter(reserved__gt=0).exists()
    assert ask(ann, many(50)).status_code == 202
    assert Purse.objects.get().reserved == Decimal("1.9")


@pytest.mark.parametrize("limits", [("4", "1.90"), ("1.90", "4")])
def test_what_is_left_is_told_as_if_nobody_had_asked(ann, problem, limits):
    for period, amount in zip(("month", "day"), limits, strict=True):
        Budget.objects.create(limit=Decimal(amount), scope="everybody", period=period)
    found = problem(ask(ann, many(100)), 402, "budget_exceeded")
    assert (found["budget"]["remaining"], found["budget"]["limit"]) == ("1.9000", "1.9000")


def test_the_same_verb_serves_python(ann, problem):
    batch = batches.request_many([{"prompt": "x"}, {"prompt": "y"}], user=ann.user, metadata={"a": 1})
    assert (batch.total, batch.metadata, batch.generations.count()) == (2, {"a": 1}, 2)
    with pytest.raises(InvalidRequest) as caught:
        batches.request_many([{"prompt": "x"}, {"prompt": "y", "size": 1}])
    assert [error.field for error in caught.value.errors] == ["requests[1].size"]
    limit("0.01")
    with pytest.raises(BudgetExceeded):
        batches.request_many([{"prompt": "x"}])


# --- once ---


def test_the_same_key_and_body_ask_once(ann):
    first, again = (ask(ann, Idempotency_Key="k") for _ in range(2))
    assert (again.status_code, again.content) == (202, first.content)
    assert again.headers["Idempotency-Replayed"] == "true"
    assert again.headers["Location"] == first.headers["Location"]
    assert (Batch.objects.count(), Generation.objects.count()) == (1, 3)


def test_the_answer_of_a_batch_of_which_nothing_is_left_is_not_given_again(ann, problem):
    ask(ann, Idempotency_Key="k")
    for row in Generation.objects.all():
        pipeline.erase(row)
    problem(ask(ann, Idempotency_Key="k"), 404, "not_found")
    assert Batch.objects.count() == 1


def test_another_body_under_the_key_is_refused(ann, problem):
    ask(ann, Idempotency_Key="k")
    problem(ask(ann, many(2), Idempotency_Key="k"), 422, "idempotency_conflict")
    problem(ann.post("generations/", ASKED, Idempotency_Key="k"), 422, "idempotency_conflict")


def test_a_crash_halfway_leaves_nothing(ann, problem, monkeypatch):
    monkeypatch.setattr(failpoints, "hook", lambda name: 1 / (name != "batch written"))
    problem(ask(ann, Idempotency_Key="k"), 500)
    assert not any(model.objects.exists() for model in (Batch, Generation, Job, Entry, IdempotencyKey))


# --- how often ---


def test_a_batch_counts_as_many_as_it_has_requests(ann, problem, limit, noon):
    limit(generate="5/min")
    assert ask(ann, many(3)).headers["RateLimit-Remaining"] == "2"
    refused = ask(ann, many(3))
    problem(refused, 429, "throttled")
    assert refused.headers["Retry-After"] == refused.headers["RateLimit-Reset"]
    assert Batch.objects.count() == 1


def test_many_are_counted_at_once_also_as_the_first_of_a_window(db):
    assert [counters.count("many", seconds=60, many=many) for many in (3, 2)] == [3, 5]


# --- looking ---


def test_how_far_it_is_follows_from_its_requests(ann):
    batch, rows = made(ann, 4)
    pipeline.cancel(rows[0])
    body = look(ann, batch).json()
    assert (body["status"], body["progress"]["canceled"], body["progress"]["queued"]) == ("processing", 1, 3)
    for row in rows[1:]:
        pipeline.cancel(row)
    body = look(ann, batch).json()
    assert (body["status"], body["progress"]["canceled"]) == ("canceled", 4)
    assert body["completed_at"] is not None
    assert body["urls"]["cancel"] is None
    assert "Retry-After" not in look(ann, batch).headers


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ({"queued": 2}, "queued"),
        ({"queued": 1, "completed": 1}, "processing"),
        ({"processing": 1, "unconfirmed": 1}, "processing"),
        ({"unconfirmed": 1, "failed": 1}, "unconfirmed"),
        ({"completed": 2}, "completed"),
        ({"completed": 2, "deleted": 1}, "completed"),
        ({"completed": 1, "failed": 1}, "partial"),
        ({"partial": 1}, "partial"),
        ({"failed": 1, "canceled": 1}, "failed"),
        ({"canceled": 2}, "canceled"),
    ],
)
def test_one_status_stands_for_all(states, status):
    assert doors.progress.overall(states) == status


def test_costs_add_up_and_stay_when_a_request_is_deleted(ann):
    batch = Batch.objects.create(user=ann.user, total=3)
    first = factories.completed(ann.user, batch=batch)
    factories.completed(ann.user, images=2, batch=batch)
    factories.generation(ann.user, status="failed", error_code="provider_failed", batch=batch)
    pipeline.erase(first)
    sent = factories.generation(ann.user, status="processing", batch=Batch.objects.create(user=ann.user, total=1))
    pipeline.erase(sent)
    assert not doors.progress.of([sent.batch])[sent.batch_id].cancelable
    body = look(ann, batch).json()
    assert body["cost"] == {"unit": "USD", "estimated": "0.1140", "actual": "0.1140"}
    assert (body["status"], body["progress"]["deleted"], body["progress"]["total"]) == ("partial", 1, 3)


def test_costs_that_cannot_be_added_are_not(ann):
    batch = Batch.objects.create(user=ann.user, total=2)
    factories.generation(ann.user, batch=batch)
    factories.generation(ann.user, batch=batch, cost_unit="credits", job={"cost_unit": "credits", "rate": None})
    assert look(ann, batch).json()["cost"] == {"unit": None, "estimated": None, "actual": None}


def test_an_unknown_price_makes_an_unknown_sum(ann):
    batch = Batch.objects.create(user=ann.user, total=2)
    factories.generation(ann.user, batch=batch)
    factories.generation(ann.user, batch=batch, cost_estimated=None)
    assert look(ann, batch).json()["cost"] == {"unit": "USD", "estimated": None, "actual": None}


def test_it_says_when_the_last_is_probably_ready(ann):
    batch = Batch.objects.create(user=ann.user, total=2)
    begun = timezone.now() - timedelta(seconds=20)
    factories.generation(ann.user, batch=batch, status="processing", started_at=begun)
    factories.generation(ann.user, batch=batch)
    Tempo.objects.create(provider="sandbox", provider_model="google/imagen4", mean=30, deviation=2)
    response = look(ann, batch)
    assert 28 <= response.json()["eta_seconds"] <= 32
    assert response.headers["Retry-After"] == "10"
    factories.generation(ann.user, batch=batch, provider="elsewhere")
    assert look(ann, batch).json()["eta_seconds"] is None


def test_an_unchanged_batch_is_not_sent_again(ann):
    batch, rows = made(ann)
    tag = look(ann, batch).headers["ETag"]
    again = ann.get(f"batches/{batch.pk}/", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", tag)
    pipeline.cancel(rows[0])
    assert ann.get(f"batches/{batch.pk}/", headers={"If-None-Match": tag}).status_code == 200


def test_batches_are_listed_newest_first_in_a_constant_number_of_queries(ann, django_assert_max_num_queries):
    found = [made(ann, number)[0] for number in (1, 2, 3)]
    page = ann.get("batches/?page_size=2").json()
    assert [each["id"] for each in page["results"]] == [str(found[2].pk), str(found[1].pk)]
    assert [each["progress"]["total"] for each in ann.get(page["next"]).json()["results"]] == [1]
    with django_assert_max_num_queries(9):
        ann.get("batches/")


def test_a_batch_of_which_nothing_is_left_is_gone(ann, problem):
    batch, rows = made(ann, 1)
    pipeline.erase(rows[0])
    problem(look(ann, batch), 404, "not_found")
    assert ann.get("batches/").json()["results"] == []


# --- cancelling ---


def test_cancelling_stops_whatever_can_be_stopped(ann):
    batch = Batch.objects.create(user=ann.user, total=3)
    waits, sent = factories.generation(ann.user, batch=batch), factories.generation(
        ann.user, batch=batch, status="processing"
    )  # fmt: skip
    factories.completed(ann.user, batch=batch)
    response = ann.post(f"batches/{batch.pk}/cancel/")
    assert response.status_code == 200
    body = response.json()
    assert (body["status"], body["progress"]["canceled"], body["progress"]["processing"]) == ("processing", 1, 1)
    for row in (waits, sent):
        row.refresh_from_db()
    assert (waits.status, sent.warnings) == ("canceled", ["already_submitted"])
    assert body["urls"]["cancel"] is None


def test_there_is_nothing_to_cancel_twice(ann, problem):
    batch, _ = made(ann)
    assert ann.post(f"batches/{batch.pk}/cancel/").status_code == 200
    found = problem(ann.post(f"batches/{batch.pk}/cancel/"), 409, "conflict")
    assert found["detail"] == "There is nothing to do: it is Cancelled."


def test_what_ends_meanwhile_does_not_keep_the_rest_from_being_cancelled(ann, monkeypatch):
    batch, rows = made(ann)
    real = batches._under_way
    monkeypatch.setattr(batches, "_under_way", lambda batch: [*real(batch), pipeline.cancel(rows[1])])
    assert ann.post(f"batches/{batch.pk}/cancel").json()["progress"]["canceled"] == 3


def test_cancelling_takes_no_fields(ann, problem):
    batch, _ = made(ann)
    problem(ann.post(f"batches/{batch.pk}/cancel/", {"force": True}), 400, "invalid_request")


# --- people ---

CALLS = [("get", ""), ("post", "cancel/")]


@pytest.mark.parametrize(("method", "verb"), CALLS)
def test_somebody_elses_is_as_unknown_as_a_made_up_id(ann, bob, problem, method, verb):
    batch, rows = made(ann)
    foreign = problem(bob.send(method, f"batches/{batch.pk}/{verb}", None), 404, "not_found")
    made_up = problem(bob.send(method, f"batches/{uuid.uuid4()}/{verb}", None), 404, "not_found")
    assert {**foreign, "request_id": ""} == {**made_up, "request_id": ""}
    assert bob.get("batches/").json()["results"] == []
    rows[0].refresh_from_db()
    assert rows[0].status == "queued"


@pytest.mark.parametrize(("method", "verb"), [*CALLS, ("get", "../"), ("post", "../")])
def test_the_anonymous_are_asked_who_they_are(anonymous, problem, method, verb):
    path = "batches/" if verb == "../" else f"batches/{uuid.uuid4()}/{verb}"
    problem(anonymous.send(method, path, None), 401, "not_authenticated")


def test_asking_needs_the_permission_to_generate(db, problem):
    reader = Api(factories.person("reader"))
    problem(ask(reader), 403, "permission_denied")
    assert reader.get("batches/").status_code == 200


def test_those_who_see_all_look_but_do_not_touch(ann, problem):
    auditor = Api(factories.person("auditor", "view_all"))
    batch, _ = made(ann)
    assert look(auditor, batch).status_code == 200
    problem(auditor.post(f"batches/{batch.pk}/cancel/"), 403, "permission_denied")
    manager = Api(factories.person("manager", "view_all", "change_generation"))
    assert manager.post(f"batches/{batch.pk}/cancel/").status_code == 200


def test_nothing_but_what_is_described_is_possible_there(ann, problem):
    batch, _ = made(ann)
    for method in ("delete", "patch", "put"):
        problem(ann.send(method, f"batches/{batch.pk}/", {}), 405, "method_not_allowed")
        problem(ann.send(method, "batches/", {}), 405, "method_not_allowed")
