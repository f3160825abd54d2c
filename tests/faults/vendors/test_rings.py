"""Webhooks that come twice, late, early, out of order, to the wrong place or with lies: F28 to F33."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from imagen import hooks, pipeline
from imagen.models import Anomaly, Event, Job
from imagen.testing.darkroom import Stage
from imagen.testing.webhooks import STRANGER
from tests.faults.outcome import LABELS, VENDORS, End, again, check, fetches, odd, polls, row, seen, until

DONE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1)
SHORT = 1.0  # seconds until the site asks by itself
SIGNED = ("wavespeed", "apiframe")  # API in One signs nothing, so nothing it says is noted
STEPS = ["submitting", "sending", "processing", "storing", "completed"]


def steps(generation: Any) -> list[str]:
    """What happened to its call, rings aside."""
    return list(generation.events.exclude(job=None).exclude(what="webhook").values_list("what", flat=True))


def heard(generation: Any) -> int:
    return generation.events.filter(what="webhook").count()


def answers(gateway: Any) -> set[int]:
    """What the site answered to the rings."""
    return {ring.status for ring in gateway.rings}


MANNERS = [
    row("F28", "ten", 30, name="ten times at once"),
    row("F29", "reversed", 6, name="finished and then running"),
    row("F30", "early", 3, name="before the submit is answered"),
    row("F33", "says-failed", 3, name="that it failed"),
    row("F33", "hostile", 3, name="with addresses inside the network"),
]


@pytest.mark.parametrize(("manner", "rings"), MANNERS)
def test_however_it_rings_there_is_one_line_one_transition_and_what_we_ask_decides(
    listening, imagen_gateway, connected, manner, rings
):
    """Nothing of a ring but its id is believed or kept (ADR 5): ten of them, or a late one, leave one line."""
    asked = listening({"webhook": manner, "latency": 0.5})
    check(asked, imagen_gateway, DONE)
    until(lambda: len(imagen_gateway.rings) == rings)
    assert answers(imagen_gateway) == {204}
    assert [(steps(generation), heard(generation)) for generation in asked] == [(STEPS, 1)] * 3
    assert [polls(imagen_gateway, vendor) for vendor in VENDORS] == [1, 1, 1]
    assert [fetches(imagen_gateway, vendor) for vendor in VENDORS] == [1, 1, 1]
    places = {imagen_gateway.port, *(urlsplit(ring.url).port for ring in imagen_gateway.rings)}
    assert {address[1] for address in connected if isinstance(address, tuple)} <= places


@pytest.mark.fault("F30")
@pytest.mark.parametrize("fault", ["reset-after", "null-data"])
def test_a_ring_names_the_job_of_a_send_in_doubt(listening, work, imagen_gateway, fault):
    asked = listening({"submit": fault, "first": 1, "latency": 0.5})
    work(6)  # where nothing is looked up the engine may have left, and the ring starts it again
    check(asked, imagen_gateway, DONE)
    assert len(imagen_gateway.jobs) == 3


@pytest.mark.parametrize(
    ("script", "status"),
    [
        row("F31", {}, "completed", name="after it was completed"),
        row("F31", {"failure": "no"}, "failed", name="after it failed"),
    ],
)
def test_a_ring_after_the_end_is_taken_and_changes_nothing(listening, imagen_gateway, client, script, status):
    """Of a webhook nothing but the id is believed (ADR 5); this one says what we know, so nothing is odd."""
    for generation in listening({**script, "latency": 0.3}):
        before = (seen(generation, imagen_gateway), generation.version, generation.events.count())
        assert generation.status == status
        assert again(generation, imagen_gateway, client) == 204
        generation.refresh_from_db()
        assert (seen(generation, imagen_gateway), generation.version, generation.events.count()) == before
        assert generation.jobs.get().due_at is None
    assert odd() == []


def claim(generation: Any, gateway: Any, client: Any, stage: Stage, *, about: str = "", path: str = "") -> int:
    """Ring as its vendor would for this end, signed where it signs, and return what the site says."""
    wire = gateway.wires[generation.provider]
    job = next(job for job in gateway.jobs if job.vendor == generation.provider)
    job = replace(job, id=about or job.id)
    body = json.dumps(wire.delivery(job, wire.words[stage])).encode()
    where = path or f"/imagen/hooks/{generation.provider}/{hooks.token(generation.jobs.get())}/"
    headers = wire.sign(job, wire.words[stage], body)
    return client.post(where, body, "application/json", headers=headers).status_code


@pytest.mark.parametrize(
    ("script", "stage", "note"),
    [
        row("F31", {}, Stage.FAILED, "says failed, is completed", name="failed, after it was completed"),
        row("F31", {"failure": "no"}, Stage.DONE, "says done, is failed", name="completed, after it failed"),
    ],
)
def test_a_ring_that_claims_another_end_changes_nothing_and_is_shown_to_a_person(
    listening, imagen_gateway, client, caplog, script, stage, note
):
    asked = listening({**script, "latency": 0.3})
    for generation in asked:
        before = (seen(generation, imagen_gateway), generation.version, generation.events.count())
        assert [claim(generation, imagen_gateway, client, stage) for _ in range(3)] == [204] * 3
        generation.refresh_from_db()
        assert (seen(generation, imagen_gateway), generation.version, generation.events.count()) == before
        assert generation.jobs.get().due_at is None
    assert odd() == [(vendor, "ring_differs", 3) for vendor in sorted(SIGNED)]
    for anomaly in Anomaly.objects.all():
        assert (anomaly.generation, anomaly.job.generation) == (anomaly.job.generation, anomaly.generation)
        assert (anomaly.generation.provider, anomaly.note) == (anomaly.provider, note)
    told = [record.provider for record in caplog.records if "claims another end" in record.getMessage()]
    assert sorted(set(told)) == sorted(SIGNED)


@pytest.mark.fault("F31")
def test_a_ring_says_nothing_new_of_what_was_made_and_could_not_be_used(listening, imagen_gateway, client):
    for generation in listening({"file": "html", "latency": 0.3}):
        assert generation.error_code == "output_invalid"
        assert claim(generation, imagen_gateway, client, Stage.DONE) == 204
    assert odd() == []


@pytest.mark.fault("F31")
def test_a_ring_that_something_was_made_of_what_was_cancelled_is_shown_to_a_person(
    listening, ask, imagen_gateway, client
):
    for done in listening({"latency": 0.3}):
        canceled = ask("another", provider=done.provider)
        pipeline.cancel(canceled)
        assert claim(canceled, imagen_gateway, client, Stage.DONE, about=STRANGER) == 204
        check([canceled], imagen_gateway, End(status="canceled", jobs=("canceled",)))
        assert canceled.jobs.get().remote_id == ""
    assert odd() == [(vendor, "ring_differs", 1) for vendor in sorted(SIGNED)]


@pytest.mark.fault("F31")
def test_a_ring_about_what_was_cancelled_is_taken_and_changes_nothing(listening, ask, imagen_gateway, client):
    for done in listening({"latency": 0.3}):
        canceled = ask("another", provider=done.provider)
        pipeline.cancel(canceled)
        path = f"/imagen/hooks/{done.provider}/{hooks.token(canceled.jobs.get())}/"
        assert again(done, imagen_gateway, client, path=path) == 204
        check([canceled], imagen_gateway, End(status="canceled", jobs=("canceled",)))
        assert heard(canceled) == 0
    assert odd() == [(vendor, "ring_unknown", 1) for vendor in sorted(SIGNED)]


@pytest.mark.parametrize(
    "manner",
    [row("F32", "unknown", name="about a job nobody knows"), row("F32", "other-job", name="about another's job")],
)
def test_a_ring_about_another_job_is_taken_and_ignored(listening, ask, work, imagen_gateway, manner):
    """It has proven nothing but that its vendor rings; where it is signed, a person sees that, and of no request."""
    listening({}, patience=SHORT)
    imagen_gateway.script("stray", webhook=manner, latency=0.5)
    strays = [ask(f"a stray at {LABELS[vendor]}", provider=vendor) for vendor in VENDORS]
    work()
    check(strays, imagen_gateway, DONE)
    assert answers(imagen_gateway) == {204}
    assert [heard(generation) for generation in strays] == [0, 0, 0]
    assert odd() == [(vendor, "ring_unknown", 1) for vendor in sorted(SIGNED)]
    ids = {job.id for job in imagen_gateway.jobs} | {STRANGER}
    for anomaly in Anomaly.objects.all():
        assert (anomaly.generation, anomaly.job, anomaly.note in ids) == (None, None, True)


@pytest.mark.fault("F32")
def test_a_flood_of_rings_about_strangers_is_one_row_a_service_and_day(listening, imagen_gateway, client):
    for generation in listening({"latency": 0.3}):
        gone = f"/imagen/hooks/{generation.provider}/{hooks.token(Job(provider=generation.provider))}/"
        for number in range(15):
            for path in ("", gone):  # the address of a call, and one of a call that is no more
                about = f"{number}{STRANGER[1:]}"
                assert claim(generation, imagen_gateway, client, Stage.DONE, about=about, path=path) == 204
    assert odd() == [(vendor, "ring_unknown", 30) for vendor in sorted(SIGNED)]


@pytest.mark.fault("F32")
def test_before_the_signature_is_verified_the_database_is_not_asked(
    listening, imagen_gateway, client, django_assert_num_queries
):
    for generation in listening({"latency": 0.3}, only=SIGNED):
        path, wire = f"/imagen/hooks/{generation.provider}/{hooks.token(generation.jobs.get())}/", imagen_gateway.wires
        job = next(job for job in imagen_gateway.jobs if job.vendor == generation.provider)
        body = json.dumps(wire[generation.provider].delivery(job, "completed")).encode()
        headers = wire[generation.provider].sign(job, "completed", body, forged=True)
        with django_assert_num_queries(0):
            assert client.post(path, body, "application/json", headers=headers).status_code == 401
    assert odd() == []


@pytest.mark.parametrize(
    ("manner", "status"),
    [
        row("F32", "forged", 401, name="a wrong signature"),
        row("F32", "huge", 413, name="three hundred kilobytes"),
    ],
)
def test_a_ring_without_proof_is_refused_and_asking_goes_on(listening, imagen_gateway, manner, status):
    only = VENDORS if manner == "huge" else SIGNED
    check(listening({"webhook": manner}, only=only, patience=SHORT), imagen_gateway, DONE)
    assert answers(imagen_gateway) == {status}
    assert not Event.objects.filter(what="webhook").exists()
    assert not Job.objects.filter(heard=True).exists()
    assert odd() == []
