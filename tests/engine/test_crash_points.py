"""A process dies at every place where that matters, once each; a healthy one finishes, and nothing is paid twice."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone

from imagen import failpoints, files, outbox, pipeline
from imagen.exceptions import StorageError
from imagen.models import Batch, Delivery, Erasure, Generation, Job
from tests.factories import leave
from tests.workshop import facts

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("transactional_db")]

VENDORS = ("apiframe", "wavespeed")  # one that remembers keys, one that does not
DOUBTFUL = ("sending committed", "departing", "answering", "answered", "processing written")
LEFT = {"failing": "queued"}  # what is not its own name of how a call was left
SENT = DOUBTFUL[2:]  # of these, where the gateway has the request


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What is there, what is done until somebody dies, and per place how it ends: status, and jobs at the gateway."""

    before: str = ""
    act: str
    ends: dict[str, tuple[str, int]]


STORIES = (
    Story(
        act="ask",
        ends={
            "request written": ("", 0),
            **dict.fromkeys(
                [
                    *("request committed", "bell", "claim written", "claim committed", "sending written", *DOUBTFUL),
                    *("processing committed", "storing written", "storing committed", "downloaded", "file written"),
                    *("picture kept", "thumbnail kept", "completed written", "announcing", "completed committed"),
                ],
                ("completed", 1),
            ),
        },
    ),
    Story(act="ask_many", ends={"batch written": ("", 0), "batch committed": ("completed", 2)}),
    Story(
        before="queued",
        act="cancel",
        ends={
            "canceled written": ("completed", 1),
            "canceled committed": ("completed", 1),
            "cancel written": ("completed", 1),
            "cancel committed": ("canceled", 0),
        },
    ),
    Story(before="failing", act="work", ends=dict.fromkeys(("failed written", "failed committed"), ("failed", 1))),
    Story(before="kept", act="retry", ends={"retry written": ("failed", 1), "retry committed": ("completed", 1)}),
    Story(
        before="fetching",
        act="work",
        ends=dict.fromkeys(
            [
                *("claim written", "claim committed", "storing written", "storing committed", "downloaded"),
                *("file written", "picture kept", "thumbnail kept", "completed written", "announcing"),
                "completed committed",
            ],
            ("completed", 1),
        ),
    ),
    Story(before="gone", act="work", ends=dict.fromkeys(("look written", "look committed"), ("failed", 1))),
    Story(before="failed", act="retry", ends={"retry written": ("failed", 1), "retry committed": ("completed", 2)}),
    Story(
        before="unsaved",
        act="save_now",
        ends=dict.fromkeys(("saving written", "saving committed"), ("completed", 1)),
    ),
    Story(
        before="completed",
        act="erase",
        ends={
            "erase written": ("completed", 1),
            "erase committed": ("erased", 1),
            "file erased": ("erased", 1),
        },
    ),
    Story(
        before="submitting",
        act="work",
        ends=dict.fromkeys(("queued written", "queued committed"), ("completed", 1)),
    ),
    Story(
        before="told",
        act="work",
        ends=dict.fromkeys(
            [
                *("message claim written", "message claimed", "message departing", "message answered"),
                *("message written", "message committed"),
            ],
            ("completed", 1),
        ),
    ),
    Story(
        before="sending",
        act="work",
        ends=dict.fromkeys(("unconfirmed written", "unconfirmed committed"), ("unconfirmed", 0)),
    ),
)
CASES = [
    pytest.param(story, point, vendor, id=f"{vendor}-{story.before or 'new'}-{point}")
    for story in STORIES
    for point in story.ends
    for vendor in VENDORS
    if not (vendor == "apiframe" and story.before == "sending")  # it is sent again under its key
    if not (vendor == "apiframe" and story.before == "told")  # which service made it does not matter
]


@pytest.fixture
def stage(
    site: Any,
    ask: Any,
    made: Any,
    troubled: Any,
    imagen_gateway: Any,
    monkeypatch: Any,
    request: pytest.FixtureRequest,
) -> Callable[[str, str], None]:
    """Have this vendor, and a request that stands so."""

    def prepare(vendor: str, before: str) -> None:
        site(vendors=(vendor,), SWEEP_SECONDS=1)  # who waits for longer than that does not wait here
        if before in ("failing", "failed"):
            imagen_gateway.script(failure="no")
        if before in ("failed", "completed"):
            made()
            imagen_gateway.script()
        elif before in ("kept", "fetching", "gone"):
            _give_up(site, made, imagen_gateway, vendor, before)
        elif before == "told":
            _tell(made(user=request.getfixturevalue("owner")), request.getfixturevalue("listen"))
        elif before == "unsaved":
            _find_it_full(troubled, monkeypatch)
        elif before:
            leave(ask(), LEFT.get(before, before))

    return prepare


def _give_up(site: Any, made: Any, gateway: Any, vendor: str, before: str) -> None:
    """Stop waiting for a picture that takes too long; have it asked for once more unless it is only kept."""
    site(vendors=(vendor,), SWEEP_SECONDS=1, DEADLINE_SECONDS=0.1, WATCH_SECONDS=0.3)
    gateway.script(words=("processing",))
    assert made().error_code == "provider_timeout"
    if before != "kept":
        pipeline.retry(Generation.objects.get())
    gateway.script(**({"poll": "status", "status": 404} if before == "gone" else {}))


def _tell(generation: Generation, listen: Any) -> None:
    """Have somebody listen to what happened to it, and the message wait."""
    listen()
    outbox.announce(generation)


def _find_it_full(troubled: Any, monkeypatch: Any) -> None:
    """Have a picture made while our storage takes nothing."""

    def keep(*args: Any, **kwargs: Any) -> None:
        raise StorageError(code="storage_full")

    with monkeypatch.context() as patch:
        patch.setattr(files, "keep", keep)
        troubled("storage_full")


def heal(work: Callable[..., None]) -> None:
    """Time passes, and a healthy worker does what is due and what has to go."""
    for _ in range(3):
        Job.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        Delivery.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
        work()
    pipeline.sweep()


def standing() -> str:
    found = Generation.objects.first()
    if found is None:
        return ""
    return "erased" if found.deleted_at else found.status


def expected(story: Story, point: str, vendor: str) -> tuple[str, int]:
    """As the table says; where no key makes a repeat harmless, what may have been sent stays unconfirmed."""
    if vendor == "wavespeed" and point in DOUBTFUL:
        return "unconfirmed", int(point in SENT)
    return story.ends[point]


@pytest.mark.parametrize(("story", "point", "vendor"), CASES)
def test_whoever_dies_anywhere_loses_nothing_and_pays_once(
    mortal, stage, settings, work, media, imagen_gateway, story, point, vendor
):
    stage(vendor, story.before)
    mortal.die(story.act, point, **facts(settings))
    heal(work)
    assert (standing(), len(imagen_gateway.jobs)) == expected(story, point, vendor)
    assert Batch.objects.count() == (point == "batch committed")
    assert not Erasure.objects.exists()
    assert not Delivery.objects.exclude(status="delivered").exists()
    assert_tidy(media)


def assert_tidy(media: Path) -> None:
    """At most the one unfinished file of the dead is left; it goes once it is old."""
    unfinished = list(files.workspace().iterdir())
    assert len(unfinished) <= 1
    for path in unfinished:
        os.utime(path, (time.time() - 7200,) * 2)
    files.clear()
    assert not list(files.workspace().iterdir())


def test_every_named_place_is_somewhere_somebody_dies():
    assert {point for story in STORIES for point in story.ends} == set(failpoints.POINTS)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_request_that_goes_well_passes_its_places_in_this_order(mortal, settings, stage, vendor):
    stage(vendor, "")
    passed = mortal.live("ask", **facts(settings))
    assert [*dict.fromkeys(passed)] == [*dict.fromkeys(STORIES[0].ends)]
