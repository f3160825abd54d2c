"""The same key buys once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError
from django.utils import timezone

from imagen import pipeline
from imagen.api import waiting
from imagen.api.idempotency import Answer, Once
from imagen.models import Generation, IdempotencyKey
from tests.conftest import fresh_postgres

LIGHTHOUSE = {"prompt": "a lighthouse", "num_images": 2}
ROOT = Path(__file__).parents[2]
PRICED = {"OFFERS": {"sandbox": {"imagen-4": {"price": "0.04"}}}}


def ask(api, body=None, key="key-1", **headers):
    return api.post("generations/", body or LIGHTHOUSE, Idempotency_Key=key, **headers)


def test_the_same_key_and_body_give_the_same_answer_once_more(ann):
    first, again = ask(ann), ask(ann)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert "Idempotency-Replayed" not in first.headers
    assert Generation.objects.count() == 1


def test_the_order_of_the_fields_and_the_last_slash_make_no_difference(ann):
    ask(ann)
    again = ann.post("generations", b'{ "num_images":2, "prompt":"a lighthouse" }', Idempotency_Key="key-1")
    assert again.headers["Idempotency-Replayed"] == "true"


def test_the_answer_stays_what_it_was_when_the_generation_moves_on(ann):
    first = ask(ann)
    pipeline.cancel(Generation.objects.get())
    assert ask(ann).content == first.content


def test_another_body_under_the_key_is_refused(ann, problem):
    ask(ann)
    problem(ask(ann, {"prompt": "another"}), 422, "idempotency_conflict")
    assert Generation.objects.count() == 1


def test_keys_are_each_persons_own(ann, bob):
    first = ask(ann)
    assert ask(bob).json()["id"] != first.json()["id"]


def test_another_key_is_another_request(ann):
    assert ask(ann, key="a").json()["id"] != ask(ann, key="b").json()["id"]


@pytest.mark.parametrize("key", ["", "x" * 256, "caf\xe9", "a\tb", "a\x7f"])
def test_an_impossible_key_is_refused(ann, problem, key):
    found = problem(ask(ann, key=key), 400, "invalid_request")
    assert found["errors"][0]["field"] == "Idempotency-Key"
    assert not Generation.objects.exists()


@pytest.mark.parametrize("key", [" ", "~", "x" * 255, '"8e03978e-40d5-43dd-bc93-6894a57f9324"'])
def test_every_printable_key_is_taken(ann, key):
    assert ask(ann, key=key).status_code == 202
    assert ask(ann, key=key).headers["Idempotency-Replayed"] == "true"


def test_a_refusal_is_not_remembered(ann, problem):
    problem(ask(ann, {"prompt": ""}), 400)
    assert not IdempotencyKey.objects.exists()
    assert ask(ann).status_code == 202


def test_a_crash_is_not_remembered(ann, problem, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr("imagen.presentation.story", lambda generation: 1 / 0)
        problem(ask(ann), 500)
    assert not Generation.objects.exists()
    assert ask(ann).status_code == 202


def test_after_a_day_the_key_is_new(ann):
    first = ask(ann)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24, seconds=1))
    second = ask(ann, {"prompt": "another"})
    assert second.status_code == 202
    assert second.json()["id"] != first.json()["id"]
    assert IdempotencyKey.objects.count() == 1


def test_before_a_day_has_passed_it_is_not(ann):
    ask(ann)
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=23, minutes=59))
    assert ask(ann).headers["Idempotency-Replayed"] == "true"


@pytest.mark.by_hand("the engine is played")
def test_what_waiting_brought_is_the_answer_from_then_on(ann, monkeypatch):
    def finish(seconds):
        Generation.objects.get().save_changes(status="completed", completed_at=timezone.now())

    monkeypatch.setattr(waiting.time, "sleep", finish)
    first, again = ask(ann, Prefer="wait=30"), ask(ann, Prefer="wait=30")
    assert (first.status_code, again.status_code) == (200, 200)
    assert again.content == first.content
    assert "Preference-Applied" not in again.headers


def test_what_was_deleted_while_somebody_waited_is_not_remembered_again(ann):
    body = ask(ann).json()
    IdempotencyKey.objects.update(body={})
    Once(user=ann.user, key="key-1", fingerprint="").renew(Answer(status=200, body=body))
    assert IdempotencyKey.objects.get().body == {}


def test_without_a_key_every_request_is_new(ann):
    ids = {ann.post("generations/", LIGHTHOUSE).json()["id"] for _ in range(2)}
    assert len(ids) == 2
    assert not IdempotencyKey.objects.exists()


def test_two_at_once_without_locks_still_buy_once(ann, monkeypatch):
    first = ask(ann)
    known = Once._known
    answers = [None, None]
    monkeypatch.setattr(Once, "_known", lambda self: answers.pop() if answers else known(self))
    again = ask(ann)
    assert again.content == first.content
    assert Generation.objects.count() == 1


def test_an_error_that_is_not_about_the_key_is_not_swallowed(ann, problem, monkeypatch):
    def broken(**options):
        raise IntegrityError

    monkeypatch.setattr("imagen.pipeline.request", broken)
    problem(ask(ann), 500, "internal_error")


def race(url: str) -> dict:
    """Sixteen threads ask with one key at once; what the process found."""
    done = subprocess.run(
        [sys.executable, "manage.py", "shell", "-v0", "-c", "from tests.api.race import main; main()"],
        env={**os.environ, "DATABASE_URL": url, "REDIS_URL": "", "DEBUG": "1", "IMAGEN_SETTINGS": json.dumps(PRICED)},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found: dict = json.loads(done.stdout.splitlines()[-1])
    return found


@pytest.fixture(scope="module")
def raced_on_postgresql():
    """What sixteen threads found there, and what one found meanwhile."""
    with fresh_postgres() as url:
        yield race(url)


def check(found):
    assert found["generations"] == 1
    assert set(found["statuses"]) <= {202, 409}
    assert found["statuses"].count(202) >= 1
    assert found["bodies"] == 1
    assert found["retry_after"]
    assert (found["batches"], set(found["batch_statuses"]) <= {202, 409}) == (1, True)
    assert found["own_statuses"] == {"202": 5, "402": 11}
    assert (found["whole"], found["own_batches"], found["reserved"]) == (True, 5, [15])


@pytest.mark.slow
def test_many_at_once_buy_once_on_sqlite(tmp_path):
    found = race(f"sqlite:///{tmp_path}/race.sqlite3")
    check(found)
    assert found["statuses"] == [202] * 16


@pytest.mark.slow
@pytest.mark.service
def test_many_at_once_buy_once_on_postgresql(raced_on_postgresql):
    check(raced_on_postgresql)


@pytest.mark.slow
@pytest.mark.service
def test_the_second_is_told_to_wait_while_the_first_is_being_taken_on_postgresql(raced_on_postgresql):
    found = raced_on_postgresql
    assert found["while_held"] == [409, "idempotency_in_progress", "1"]
    assert found["while_told"][:2] == [202, None]  # taken long ago: another one asking the same is nobody's business


def test_an_api_without_a_person_keeps_no_keys(anonymous):
    assert ask(anonymous).status_code == 401
    assert not IdempotencyKey.objects.exists()
