"""Anomalies: noted once, counted, bounded, seen; and never the end of anything else."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone, translation

from imagen import anomalies
from imagen.models import Anomaly, Odd, Oddity
from imagen.models.anomaly import AnomalyQuerySet
from tests.factories import generation, person


@pytest.fixture(autouse=True)
def services(settings):
    backend = "imagen.providers.wavespeed.WaveSpeed"
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": {"BACKEND": backend, "OPTIONS": {"api_key": "test"}}}}


def rows():
    return set(Anomaly.objects.values_list("code", "provider", "job", "times"))


def test_the_same_of_one_call_is_counted_and_another_call_has_its_own(db):
    first, second = generation().jobs.get(), generation().jobs.get()
    for job in (first, first, second):
        anomalies.note(Oddity.NO_OUTPUTS, job=job)
    anomalies.note(Oddity.EXTRA_OUTPUTS, job=first, note="5 sent, 2 kept")
    assert rows() == {
        ("no_outputs", "sandbox", first.pk, 2),
        ("no_outputs", "sandbox", second.pk, 1),
        ("extra_outputs", "sandbox", first.pk, 1),
    }
    assert {each.generation for each in Anomaly.objects.all()} == {first.generation, second.generation}


def test_without_a_call_it_is_counted_by_service_and_day(db):
    for provider in ("wavespeed", "wavespeed", "apiframe"):
        anomalies.note(Oddity.RING_UNKNOWN, provider=provider)
    Anomaly.objects.update(day=timezone.now() - timedelta(days=1))
    anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed")
    assert rows() == {
        ("ring_unknown", "wavespeed", None, 2),
        ("ring_unknown", "wavespeed", None, 1),
        ("ring_unknown", "apiframe", None, 1),
    }


def test_the_first_note_and_time_stay_and_the_last_time_is_told(db):
    anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed", note="x" * 300)
    hour = timezone.now() - timedelta(hours=1)
    Anomaly.objects.update(at=hour, last_at=hour)
    anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed", note="another")
    found = Anomaly.objects.get()
    assert (found.at, found.note) == (hour, "x" * 200)
    assert found.last_at > hour


@pytest.mark.django_db(transaction=True)
def test_a_flood_at_once_is_one_row_and_none_is_lost():
    def flood(number):
        try:
            for _ in range(10):
                anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed", note=str(number))
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(flood, range(4)))
    assert rows() == {("ring_unknown", "wavespeed", None, 40)}


def test_what_was_seen_stays_seen_by_who_saw_it_first_however_often_it_comes(db):
    ann, bob = person("ann"), person("bob")
    anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed")
    assert [anomalies.see(Anomaly.objects.all(), who) for who in (ann, bob)] == [1, 0]
    anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed")
    found = Anomaly.objects.get()
    assert (found.seen_by, found.times, list(anomalies.waiting())) == (ann, 2, [])
    ann.delete()
    found.refresh_from_db()
    assert (found.seen_by, found.seen_at is None) == (None, False)


def test_what_cannot_be_written_leaves_the_transaction_around_it_whole(db, monkeypatch):
    def refused(*args):
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO imagen_anomaly (code) VALUES ('x')")  # PostgreSQL then takes nothing more

    monkeypatch.setattr(AnomalyQuerySet, "_count", refused)
    with transaction.atomic():
        Anomaly.objects.note(Odd(Oddity.RING_UNKNOWN), provider="wavespeed")
        made = generation()
    assert (rows(), made.jobs.count()) == (set(), 1)


def test_while_the_database_is_away_the_transaction_around_it_begins_again(db, monkeypatch):
    def away(*args):
        raise OperationalError("database is locked")

    monkeypatch.setattr(AnomalyQuerySet, "_count", away)
    with pytest.raises(OperationalError):
        anomalies.note(Oddity.RING_UNKNOWN, provider="wavespeed")


def test_every_oddity_says_what_it_means_and_what_to_do():
    assert set(anomalies.MEANINGS) == set(Oddity)
    for code in Oddity:
        assert anomalies.sentence(code, "wavespeed").startswith("WaveSpeedAI ")
        assert anomalies.step(code)


def test_one_nobody_describes_says_its_code_and_a_service_that_was_taken_away_its_alias():
    assert (anomalies.sentence("m%de up", "gone"), anomalies.step("m%de up")) == ("gone: m%de up.", "")
    assert anomalies.sentence(Oddity.SAME_ID, "gone").startswith("gone gave two calls")


@pytest.mark.parametrize("language", ["de", "fr"])
def test_it_is_said_in_every_language(language):
    english = [(anomalies.sentence(code, "wavespeed"), anomalies.step(code)) for code in Oddity]
    with translation.override(language):
        there = [(anomalies.sentence(code, "wavespeed"), anomalies.step(code)) for code in Oddity]
    assert not {text for pair in english for text in pair} & {text for pair in there for text in pair}
