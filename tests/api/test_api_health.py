"""The page that load balancers and people on call look at."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils import timezone

from imagen import anomalies, health
from imagen.models import Alarm, Anomaly, Job, Oddity, Worker
from tests import factories


def beat(seconds):
    now = timezone.now()
    Worker.objects.create(name="w", started_at=now, beat_at=now - timedelta(seconds=seconds))


def overdue(seconds):
    factories.generation()
    Job.objects.update(due_at=timezone.now() - timedelta(seconds=seconds))


def look(client):
    response = client.get("/healthz")
    return response.status_code, response.json()


def test_an_idle_site_is_well(client, db):
    answers = {"status": "ok", "database": "ok", "broker": "ok"}
    quiet = {"last_heartbeat": None, "oldest_waiting_seconds": None, "alarms": 0, "anomalies": 0}
    assert look(client) == (200, {**answers, **quiet})


def test_what_needs_an_administrator_is_counted_and_not_named(client, db):
    Alarm.objects.create(cause="provider_auth", about="wavespeed")
    Alarm.objects.create(cause="submit_unknown", about="wavespeed", over_at=timezone.now())
    assert look(client)[1]["alarms"] == 1


def test_what_was_odd_and_nobody_has_seen_is_counted_and_does_not_make_the_site_unwell(client, db, django_user_model):
    anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed")
    anomalies.note(Oddity.UNKNOWN_WORD, provider="wavespeed")
    status, body = look(client)
    assert (status, body["status"], body["anomalies"]) == (200, "ok", 2)
    anomalies.see(Anomaly.objects.all(), django_user_model.objects.create(username="ann"))
    assert look(client)[1]["anomalies"] == 0


def test_anybody_may_look_and_nothing_keeps_the_answer(client, db):
    response = client.get("/healthz/")
    assert response.status_code == 200
    assert "no-store" in response.headers["Cache-Control"]
    assert client.head("/healthz").status_code == 200
    assert client.post("/healthz").status_code == 405


def test_work_that_waits_a_moment_is_normal(client, db):
    overdue(30)
    status, body = look(client)
    assert status == 200
    assert 29 < body["oldest_waiting_seconds"] < 40


def test_work_that_waits_without_a_worker_is_not(client, db):
    overdue(200)
    beat(300)
    status, body = look(client)
    assert (status, body["status"]) == (503, "unavailable")
    assert body["last_heartbeat"].endswith("Z")


def test_a_worker_that_is_there_will_get_to_it(client, db):
    overdue(200)
    beat(5)
    assert look(client)[0] == 200


def test_what_waits_for_its_time_is_not_overdue(client, db):
    overdue(-600)
    assert look(client)[1]["oldest_waiting_seconds"] is None


@pytest.mark.parametrize("debug", [False, True])
def test_a_database_that_is_down_is_503_and_not_500(client, monkeypatch, settings, debug):
    def down():
        raise OperationalError("no route")

    settings.DEBUG = debug
    monkeypatch.setattr(health, "database_now", down)
    status, body = look(client)
    assert status == 503
    assert (body["status"], body["database"]) == ("unavailable", "down")


def test_a_broker_that_is_down_is_said_and_survived(client, db, monkeypatch):
    class Down:
        def ping(self):
            raise ConnectionError

    monkeypatch.setattr("imagen.queue._broker", Down)
    status, body = look(client)
    assert (status, body["broker"]) == (200, "down")
