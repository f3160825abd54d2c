"""Workers that are killed or frozen, F5 to F16: the next one finishes, and nothing is paid, stored or told twice."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from imagen import files, hauls
from imagen.engine import Engine
from imagen.models import Generation, Image, Job
from imagen.signals import image_stored
from imagen.testing.pictures import picture
from tests.faults.outcome import STAKES, VENDORS, End, check, fetches, money, posts, row, until
from tests.workshop import facts

pytestmark = pytest.mark.usefixtures("transactional_db")
DONE = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1)
DOUBT = End(status="unconfirmed", code="submit_unknown", jobs=("unconfirmed",))
TAKEN = replace(DOUBT, paid=1)
UNKEYED = ("wavespeed", "apiin")


@pytest.fixture
def wanted(site, ask) -> Callable[..., Generation]:
    """A site with one vendor, and a request that waits there."""

    def ask_one(vendor: str, prompt: str = "a lighthouse", **changes: Any) -> Generation:
        site(vendors=(vendor,), SWEEP_SECONDS=1, **changes)
        return ask(prompt, provider=vendor)

    return ask_one


def heal(work: Callable[..., None]) -> None:
    """The leases of the dead run out, and a healthy worker does what is due."""
    Job.objects.filter(due_at__isnull=False).update(due_at=timezone.now())
    work()


PLACES = [
    row("F5", "apiframe", "departing", DONE, 1, name="before a byte"),
    row("F5", "apiframe", "answering", DONE, 2, name="after it was taken"),
    *(row("F6", vendor, "departing", DOUBT, 0, name=f"{vendor} before a byte") for vendor in UNKEYED),
    *(row("F6", vendor, "answering", TAKEN, 1, name=f"{vendor} after it was taken") for vendor in UNKEYED),
    *(row("F8", vendor, "processing committed", DONE, 1, name=vendor) for vendor in VENDORS),
    *(row("F10", vendor, "downloaded", DONE, 1, name=f"{vendor} with a picture in memory") for vendor in VENDORS),
    *(row("F11", vendor, "picture kept", DONE, 1, name=f"{vendor} with a file and no row") for vendor in VENDORS),
    *(row("F11", vendor, "completed written", DONE, 1, name=f"{vendor} in the commit") for vendor in VENDORS),
    *(row("F12", vendor, "completed committed", DONE, 1, name=vendor) for vendor in VENDORS),
]


LEFT = {  # how it stands, and what its call is doing, until the next worker comes
    "departing": ("queued", "sending", "set aside"),
    "answering": ("queued", "sending", "set aside"),
    "processing committed": ("processing", "processing", "spent"),
    "downloaded": ("processing", "storing", "spent"),
    "picture kept": ("processing", "storing", "spent"),
    "completed written": ("processing", "storing", "spent"),
    "completed committed": ("completed", "completed", "spent"),
}


def left(generation: Generation) -> tuple[str, str, str]:
    """How a request stands, its one call, and where its money is."""
    generation = Generation.objects.get(pk=generation.pk)
    found, stake = money(generation), STAKES[generation.provider]
    places = {(stake, 0): "set aside", (0, stake): "spent"}
    return generation.status, generation.jobs.get().status, places[found["reserved"], found["spent"]]


@pytest.mark.parametrize(("vendor", "point", "end", "sends"), PLACES)
def test_the_next_worker_finishes_what_the_dead_one_began(
    wanted, mortal, settings, work, imagen_gateway, vendor, point, end, sends
):
    """Preview, row and history are one commit (F12): who dies after it leaves nothing to be done."""
    generation = wanted(vendor)
    mortal.die("work", point, **facts(settings))
    assert left(generation) == LEFT[point]
    heal(work)
    check([generation], imagen_gateway, end)
    assert posts(imagen_gateway, vendor) == sends
    assert all(image.thumbnail for image in generation.images.all())
    assert not list(files.workspace().iterdir())


@pytest.mark.fault("F5")
@pytest.mark.parametrize(("hours", "end", "sends"), [(22.9, DONE, 2), (23.1, TAKEN, 1)])
def test_a_key_is_sent_again_for_twenty_three_hours(wanted, mortal, settings, work, imagen_gateway, hours, end, sends):
    generation = wanted("apiframe")
    mortal.die("work", "answering", **facts(settings))
    Job.objects.update(created_at=timezone.now() - timedelta(hours=hours))
    heal(work)
    check([generation], imagen_gateway, end)
    assert posts(imagen_gateway, "apiframe") == sends


@pytest.mark.fault("F9")
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_worker_that_is_killed_while_it_asks_leaves_the_asking_to_the_next(
    wanted, mortal, settings, work, imagen_gateway, vendor
):
    imagen_gateway.script(poll="hang", first=1)
    generation = wanted(vendor)
    pid = mortal.start("serve", **facts(settings))
    until(lambda: any(job.polls for job in imagen_gateway.jobs))
    assert mortal.end(pid, signal.SIGKILL) == ["killed at "]
    left = End(status="processing", jobs=("processing",), cost=1, paid=1)
    check([generation], imagen_gateway, left)
    heal(work)
    check([generation], imagen_gateway, DONE)


@pytest.mark.fault("F10")
@pytest.mark.parametrize("vendor", VENDORS)
def test_a_worker_that_is_killed_in_a_download_leaves_no_file_and_the_next_fetches_it_whole(
    wanted, mortal, settings, work, imagen_gateway, vendor
):
    imagen_gateway.script(file="drip", first=1)
    generation = wanted(vendor)
    pid = mortal.start("serve", **facts(settings))
    until(lambda: fetches(imagen_gateway, vendor))
    assert mortal.end(pid, signal.SIGKILL) == ["killed at "]
    left = End(status="processing", jobs=("storing",), cost=1, paid=1)
    check([generation], imagen_gateway, left)
    heal(work)
    check([generation], imagen_gateway, DONE)
    assert fetches(imagen_gateway, vendor) == 2


@pytest.mark.fault("F10")
def test_no_number_of_deaths_in_downloads_ends_a_paid_request(wanted, mortal, settings, work, imagen_gateway):
    """More than eight: what was paid is fetched for as long as its vendor keeps it."""
    generation = wanted("wavespeed")
    for _ in range(9):
        mortal.die("work", "downloaded", **facts(settings))
        Job.objects.update(due_at=timezone.now())
    heal(work)
    check([generation], imagen_gateway, DONE)


# Frozen for longer than a lease


ZOMBIES = [
    row("F15", "wavespeed", "claim committed", DONE, DONE, name="before it sends"),
    row("F15", "apiframe", "departing", DONE, DONE, name="between the marker and the first byte, with a key"),
    *(row("F15", vendor, "processing committed", DONE, DONE, name=f"{vendor} once taken") for vendor in VENDORS),
    *(row("F15", vendor, "picture kept", DONE, DONE, name=f"{vendor} before it commits") for vendor in VENDORS),
]


@pytest.mark.parametrize(("vendor", "point", "meanwhile", "after"), ZOMBIES)
def test_a_worker_that_was_frozen_wakes_up_and_writes_nothing(
    wanted, mortal, settings, work, imagen_gateway, vendor, point, meanwhile, after
):
    """The fence is checked by the commit of the marker, the last thing before the first byte."""
    generation = wanted(vendor)
    pid = mortal.freeze("work", point, **facts(settings))
    heal(work)
    check([generation], imagen_gateway, meanwhile)
    rows = standing(generation)
    assert mortal.end(pid, signal.SIGCONT) == ["ended with 0"]
    check([generation], imagen_gateway, after)
    assert standing(generation) == rows


DOUBTED = [
    row("F15", "answering", TAKEN, name="with the answer in its hands"),
    row("F15", "departing", DOUBT, name="between the marker and the first byte"),
]


@pytest.mark.parametrize(("point", "meanwhile"), DOUBTED)
def test_the_word_of_a_frozen_worker_that_its_send_was_taken_ends_the_doubt(
    wanted, mortal, settings, work, imagen_gateway, point, meanwhile
):
    """Nobody has sent another meanwhile, and nothing proves more than the answer to the send."""
    generation = wanted("wavespeed")
    pid = mortal.freeze("work", point, **facts(settings))
    heal(work)
    check([generation], imagen_gateway, meanwhile)
    assert mortal.end(pid, signal.SIGCONT) == ["ended with 0"]
    check([generation], imagen_gateway, DONE)


@pytest.mark.parametrize(("point", "meanwhile"), DOUBTED)
def test_once_another_has_looked_for_its_send_a_frozen_worker_writes_nothing(
    wanted, mortal, settings, work, imagen_gateway, point, meanwhile
):
    generation = wanted("wavespeed")
    pid = mortal.freeze("work", point, **facts(settings))
    heal(work)
    heal(work)  # a minute later it is looked for
    check([generation], imagen_gateway, meanwhile)
    rows = standing(generation)
    assert mortal.end(pid, signal.SIGCONT) == ["ended with 0"]
    check([generation], imagen_gateway, TAKEN)
    assert standing(generation) == rows


@pytest.mark.fault("F15")
@pytest.mark.parametrize("vendor", VENDORS)
def test_who_wakes_up_in_the_middle_of_a_file_leaves_no_second_one(
    wanted, mortal, settings, work, imagen_gateway, vendor
):
    generation = wanted(vendor)
    pid = mortal.freeze("work", "file written", **facts(settings))
    heal(work)
    rows = standing(generation)
    assert mortal.end(pid, signal.SIGCONT) == ["ended with 0"]
    check([generation], imagen_gateway, DONE)
    assert standing(generation) == rows


def standing(generation: Generation) -> tuple[Any, ...]:
    """Everything a worker might have written about a request."""
    job = Job.objects.filter(generation=generation).values("status", "remote_id", "fence", "holder", "tries", "cost")
    tables = (job, generation.events.values(), generation.entries.values(), Image.objects.values())
    return tuple(map(list, tables))


# Killed by what it decodes


def an_hour_later() -> None:
    """What the dead had not finished writing is swept away."""
    for path in files.workspace().iterdir():
        os.utime(path, (time.time() - 7200,) * 2)
    files.clear()


def deaths(mortal: Any, settings: Any) -> int:
    """How many workers die one after the other until one ends in peace."""
    for count in range(10):
        if mortal.live("hostile", **facts(settings)) != ["killed at "]:
            return count
        Job.objects.filter(due_at__isnull=False).update(due_at=timezone.now())  # its lease runs out
    return 10


@pytest.mark.fault("F16")
def test_a_picture_that_kills_the_worker_is_given_up_and_the_others_are_kept(
    wanted, ask, mortal, settings, work, imagen_gateway
):
    """Its first death may have any cause; after three more, each counted before the decoder began, it is left alone."""
    imagen_gateway.script("hostile", file="jpeg")
    hostile, fine = wanted("wavespeed", "a hostile one"), ask("a fine one", provider="wavespeed")
    assert deaths(mortal, settings) == 1 + hauls.DECODE_TRIES == 4
    check([fine], imagen_gateway, DONE)
    check([hostile], imagen_gateway, End(status="failed", code="output_invalid", cost=1, paid=1))


@pytest.mark.fault("F16")
def test_of_several_pictures_only_the_one_that_kills_is_given_up(
    site, ask, mortal, settings, monkeypatch, imagen_gateway
):
    site(SWEEP_SECONDS=1)
    generation = ask("four of them", num_images=4)
    monkeypatch.setattr(imagen_gateway.darkroom, "paint", lambda job, name, size: picture(name, size, form=form(name)))
    assert deaths(mortal, settings) == 1 + hauls.DECODE_TRIES
    an_hour_later()
    end = End(status="partial", code="partial_outputs", jobs=("completed",), cost=4, paid=1, images=3)
    check([generation], imagen_gateway, end)
    assert set(generation.images.values_list("index", flat=True)) == {0, 1, 3}


def form(name: str) -> str:
    return "JPEG" if name.endswith("-2.png") else "PNG"


@pytest.mark.fault("F16")
def test_a_picture_that_may_have_killed_a_worker_comes_after_the_others(wanted, ask, imagen_gateway):
    """Workers killed by something else, again and again, meet the same pictures first; these are not to blame."""
    imagen_gateway.script("slow", latency=1.0)
    suspect, slow = wanted("wavespeed", "a suspect"), ask("a slow one", provider="wavespeed")
    Job.objects.filter(generation=suspect).update(decodes="00")
    stored = []

    async def until_one_is_stored():
        loop, stopping = asyncio.get_running_loop(), asyncio.Event()

        def note(image, **kwargs):
            stored.append(image.generation_id)
            loop.call_soon_threadsafe(stopping.set)

        image_stored.connect(note)
        try:
            await Engine().run(stopping)
        finally:
            image_stored.disconnect(note)

    asyncio.run(until_one_is_stored())
    assert stored == [slow.pk, suspect.pk]


@pytest.mark.fault("F16")
def test_a_picture_that_was_only_there_when_a_worker_died_leaves_no_mark(wanted, mortal, settings, work):
    generation = wanted("wavespeed")
    mortal.die("work", "downloaded", **facts(settings))
    heal(work)
    assert generation.jobs.get().decodes == ""
