"""A deployment ends a cluster in the middle of a long backlog: nothing new is sent, and the next one makes the rest."""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import replace
from subprocess import Popen
from typing import Any

import pytest

from proof.processes import family
from proof.site import Place
from tests.faults.services.conftest import PRICE, Site, is_whole, wait

pytestmark = [pytest.mark.story, pytest.mark.timeout(180)]
MANY = 24
SLOW = {"submit": "slow", "seconds": 1.0}
AT_ONCE = 1.5  # a fifth of a second, and what a busy machine adds
FORKSERVER = """
import multiprocessing
multiprocessing.set_start_method("forkserver")
from django.core.management import execute_from_command_line
execute_from_command_line(["manage.py", "qcluster"])
"""
CLUSTER = ("manage.py", "qcluster")
STOCK = pytest.param("weather", CLUSTER, marks=pytest.mark.service, id="PostgreSQL and Redis")
LITE = pytest.param("site", CLUSTER, id="SQLite")
NEWER = pytest.param("site", ("-c", FORKSERVER), id="the start method of Python 3.14")


@pytest.fixture
def where(request: pytest.FixtureRequest) -> Site:
    """The site this is tried on."""
    found: Site = request.getfixturevalue(request.param)
    return found


@pytest.fixture
def narrow(where: Site) -> Place:
    """The same site, whose workers have four calls at a time in their hands: the rest is a backlog."""
    ours = {**json.loads(where.place.env["IMAGEN_SETTINGS"]), "CALL_SLOTS": 4, "MAX_IN_FLIGHT": 4}
    return replace(where.place, env={**where.place.env, "IMAGEN_SETTINGS": json.dumps(ours)})


def backlog(site: Site, name: str, *, many: int = MANY) -> list[Any]:
    """Many pictures that wait, at a gateway that takes its time to answer."""
    site.gateway.script(name, **SLOW)
    return [site.ask(f"{name} {number}") for number in range(many)]


def accepted(site: Site, name: str) -> list[float]:
    """When the gateway took what."""
    return [job.time for job in site.gateway.jobs if job.prompt.startswith(f"{name} ")]


def at_work(site: Site, cluster: Popen[bytes]) -> set[int]:
    """The workers of this cluster that have calls in their hands."""
    return set(site.dry.inside("engines")) & family(cluster)


def all_made(site: Site, name: str, asked: list[Any]) -> None:
    """Every one is there, and was bought once."""
    site.gateway.script(name)
    for made in site.place.settled(asked, seconds=90):
        is_whole(made)
    assert sorted(job.prompt for job in site.gateway.jobs if job.prompt.startswith(f"{name} ")) == sorted(
        made["prompt"] for made in asked
    )


@pytest.mark.fault("F14")
@pytest.mark.parametrize(("where", "command"), [STOCK, LITE, NEWER], indirect=["where"])
def test_f14_a_cluster_asked_to_end_sends_nothing_more_and_the_next_one_makes_the_rest(
    where: Site, narrow: Place, command: tuple[str, ...]
) -> None:
    name = f"deploy {' '.join(command)[:16]}"
    asked = backlog(where, name)
    cluster = narrow.start(*command)
    wait(lambda: len(accepted(where, name)) >= 4)
    told = time.time()
    cluster.terminate()
    assert cluster.wait(60) == 0
    took, taken = time.time() - told, accepted(where, name)
    assert [moment - told for moment in taken if moment > told + AT_ONCE] == []
    assert len(taken) < MANY  # there was more to send
    assert took < 10
    assert where.dry.inside("held") == 0
    statuses = {where.job(made)["status"] for made in asked}
    assert statuses.isdisjoint({"sending", "unconfirmed", "failed"})  # no send is in doubt
    where.place.cluster()
    all_made(where, name, asked)


@pytest.mark.fault("F14")
@pytest.mark.parametrize("where", ["site"], indirect=True)
def test_f14_of_two_clusters_only_the_one_that_was_asked_stops(where: Site, narrow: Place) -> None:
    asked = backlog(where, "two", many=2 * MANY)
    leaves, stays = narrow.cluster(), narrow.cluster()
    where.dry.inside("knock", times=12)  # more than one cluster fetches at once
    wait(lambda: at_work(where, leaves) and at_work(where, stays))
    told = time.time()
    leaves.terminate()
    assert leaves.wait(60) == 0
    wait(lambda: any(moment > told + AT_ONCE for moment in accepted(where, "two")))
    assert stays.poll() is None
    all_made(where, "two", asked)


@pytest.mark.fault("F14")
@pytest.mark.parametrize("where", ["site"], indirect=True)
def test_f14_workers_whose_first_process_was_killed_were_not_asked_to_stop_and_go_on(
    where: Site, narrow: Place
) -> None:
    asked = backlog(where, "orphans")
    cluster = narrow.cluster()
    wait(lambda: accepted(where, "orphans"))
    os.kill(cluster.pid, signal.SIGKILL)
    all_made(where, "orphans", asked)


@pytest.mark.fault("F14")
@pytest.mark.service
@pytest.mark.parametrize("command", ["imagen_worker", "qcluster"])
@pytest.mark.parametrize("where", ["weather"], indirect=True)
def test_f14_a_worker_asked_to_end_finishes_its_call_and_holds_nothing(where: Site, command: str) -> None:
    prompt = f"f14 {command}"
    where.gateway.script(prompt, submit="slow", seconds=1.5, latency=3.0)
    process = where.place.start("manage.py", command)
    made = where.ask(prompt)
    wait(lambda: where.bought(prompt))
    process.terminate()
    assert process.wait(60) == 0
    job = where.job(made)
    assert (job["status"], job["holder"], str(job["cost"])) == ("processing", "", PRICE)
    assert where.history(made)[:3] == ["submitting", "sending", "processing"]
    where.worker()
    is_whole(where.end(made))
    assert where.bought(prompt) == 1
