"""Webhooks that come twice, late, early, out of order, to the wrong place or with lies: F28 to F33."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

import pytest

from imagen import hooks, pipeline
from imagen.engine import rhythm
from imagen.models import Event, Job
from imagen.testing.gateway import SECRET
from tests.faults.outcome import LABELS, VENDORS, End, check, polls, row, seen, until

DONE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1)
LONG, SHORT = 8.0, 1.0  # seconds until the site asks by itself: too many to be taken for a ring, and few
STEPS = ["submitting", "sending", "processing", "storing", "completed"]


@pytest.fixture
def listening(play, live_server, monkeypatch):
    """A site every vendor can ring at, to which a story is played."""

    def story(script: dict[str, Any], *, patience: float = LONG, **more: Any) -> list[Any]:
        monkeypatch.setattr(rhythm, "LEAST_PATIENCE", patience)
        pace = {"POLL_SECONDS": patience, "POLL_MAX_SECONDS": patience, "SWEEP_SECONDS": patience + 1}
        here = {"PUBLIC_URL": live_server.url, "options": {"webhook_secret": SECRET}}
        return play(script, **pace, **here, **more)

    return story


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
    listening, imagen_gateway, manner, rings
):
    asked = listening({"webhook": manner, "latency": 0.5})
    check(asked, imagen_gateway, DONE)
    until(lambda: len(imagen_gateway.rings) == rings)
    assert answers(imagen_gateway) == {204}
    assert [(steps(generation), heard(generation)) for generation in asked] == [(STEPS, 1)] * 3
    assert [polls(imagen_gateway, vendor) for vendor in VENDORS] == [1, 1, 1]


@pytest.mark.fault("F30")
@pytest.mark.parametrize("fault", ["reset-after", "null-data"])
def test_a_ring_names_the_job_of_a_send_in_doubt(listening, work, imagen_gateway, fault):
    asked = listening({"submit": fault, "first": 1, "latency": 0.5})
    work(6)  # where nothing is looked up the engine may have left, and the ring starts it again
    check(asked, imagen_gateway, DONE)
    assert len(imagen_gateway.jobs) == 3


def again(generation: Any, gateway: Any, client: Any, *, path: str = "") -> int:
    """Ring once more as its vendor did, here or at another address, and return what the site says."""
    ring = next(ring for ring in gateway.rings if ring.vendor == generation.provider)
    where = path or urlsplit(ring.url).path
    return client.post(where, ring.body, "application/json", headers=dict(ring.headers)).status_code


@pytest.mark.parametrize(
    ("script", "status"),
    [
        row("F31", {}, "completed", name="after it was completed"),
        row("F31", {"failure": "no"}, "failed", name="after it failed"),
    ],
)
def test_a_ring_after_the_end_is_taken_and_changes_nothing(listening, imagen_gateway, client, script, status):
    """Of a webhook nothing but the id is believed (ADR 5), so none can say that it ended otherwise."""
    for generation in listening({**script, "latency": 0.3}):
        before = (seen(generation, imagen_gateway), generation.version, generation.events.count())
        assert generation.status == status
        assert again(generation, imagen_gateway, client) == 204
        generation.refresh_from_db()
        assert (seen(generation, imagen_gateway), generation.version, generation.events.count()) == before
        assert generation.jobs.get().due_at is None


@pytest.mark.fault("F31")
def test_a_ring_about_what_was_cancelled_is_taken_and_changes_nothing(listening, ask, imagen_gateway, client):
    for done in listening({"latency": 0.3}):
        canceled = ask("another", provider=done.provider)
        pipeline.cancel(canceled)
        path = f"/imagen/hooks/{done.provider}/{hooks.token(canceled.jobs.get())}/"
        assert again(done, imagen_gateway, client, path=path) == 204
        check([canceled], imagen_gateway, End(status="canceled", jobs=("canceled",)))
        assert heard(canceled) == 0


@pytest.mark.parametrize(
    "manner",
    [row("F32", "unknown", name="about a job nobody knows"), row("F32", "other-job", name="about another's job")],
)
def test_a_ring_about_another_job_is_taken_and_ignored(listening, ask, work, imagen_gateway, manner):
    """Nothing of it is stored: it has proven nothing but that its vendor rings."""
    listening({}, patience=SHORT)
    imagen_gateway.script("stray", webhook=manner, latency=0.5)
    strays = [ask(f"a stray at {LABELS[vendor]}", provider=vendor) for vendor in VENDORS]
    work()
    check(strays, imagen_gateway, DONE)
    assert answers(imagen_gateway) == {204}
    assert [heard(generation) for generation in strays] == [0, 0, 0]


@pytest.mark.parametrize(
    ("manner", "status"),
    [
        row("F32", "forged", 401, name="a wrong signature"),
        row("F32", "huge", 413, name="three hundred kilobytes"),
    ],
)
def test_a_ring_without_proof_is_refused_and_asking_goes_on(listening, imagen_gateway, manner, status):
    signed = VENDORS if manner == "huge" else ("wavespeed", "apiframe")  # API in One signs nothing
    check(listening({"webhook": manner}, only=signed, patience=SHORT), imagen_gateway, DONE)
    assert answers(imagen_gateway) == {status}
    assert not Event.objects.filter(what="webhook").exists()
    assert not Job.objects.filter(heard=True).exists()
