"""A send whose outcome is unknown is neither repeated nor forgotten, whatever changes meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from imagen import alarms, resolution, verdicts
from imagen.engine import drive
from imagen.models import Job
from imagen.testing.gateway import Gateway
from tests import factories
from tests.workshop import BACKENDS

NEW_KEY = "afk_another_account"


@pytest.fixture
def shown(imagen_gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway's list shows what was asked."""
    for wire in imagen_gateway.wires.values():
        monkeypatch.setattr(wire, "show_inputs", True)


@pytest.fixture
def lost(ask: Any, reach: Any, imagen_gateway: Gateway) -> Any:
    """A call that was taken, and nobody here knows."""

    def lose(status: str) -> Job:
        imagen_gateway.script(submit="reset-after", first=1)
        job = reach(ask(), status)
        imagen_gateway.script()
        assert len(imagen_gateway.jobs) == 1
        return job

    return lose


def now_due() -> None:
    """Whatever has a time, its time has come."""
    Job.objects.exclude(due_at=None).update(due_at=timezone.now())


def listed(gateway: Gateway) -> bool:
    """Whether WaveSpeed's list of jobs was asked for."""
    return any(call.path.endswith("/predictions") for call in gateway.calls)


@pytest.fixture
def other_account() -> Iterator[Gateway]:
    """The same vendor, where our old key was never heard of."""
    with Gateway(keys={"apiframe": NEW_KEY}) as gateway:
        yield gateway


def test_a_key_one_account_knows_is_not_sent_to_another(site, lost, imagen_gateway, other_account, settings):
    site(vendors=("apiframe",), RETRY_SECONDS=[30])
    lost("sending")
    options = {"api_key": NEW_KEY, "base_url": other_account.url}
    hosts = [f"127.0.0.1:{other_account.port}"]
    providers = {"apiframe": {"BACKEND": BACKENDS["apiframe"], "OPTIONS": options}}
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": providers, "ALLOWED_PRIVATE_HOSTS": hosts}
    now_due()
    drive(seconds=0.5)
    assert Job.objects.get().status == "unconfirmed"
    assert other_account.jobs == []


@pytest.mark.usefixtures("shown")
def test_a_send_is_still_looked_up_after_a_worker_lacked_its_key(site, lost, work):
    lost("unconfirmed")
    site(vendors=("apiframe",))
    now_due()
    drive(seconds=0.2)
    site()
    now_due()
    work(3)
    assert Job.objects.get().status == "completed"


def test_an_id_a_person_named_is_still_looked_up_after_a_worker_lacked_its_key(site, lost, work, imagen_gateway):
    resolution.adopt(lost("unconfirmed"), imagen_gateway.jobs[0].id, actor=None)
    site(vendors=("apiframe",))
    drive(seconds=0.2)
    site()
    now_due()
    work(3)
    assert Job.objects.get().status == "completed"


def test_a_worker_that_lacks_a_key_says_so_of_what_waits_and_not_of_what_may_have_been_paid(site, ask, lost):
    lost("unconfirmed")
    waits = ask("another one").jobs.get()
    site(vendors=("apiframe",))
    now_due()
    drive(seconds=0.2)
    codes = dict(Job.objects.values_list("status", "error_code"))
    assert codes == {"unconfirmed": "submit_unknown", "queued": "provider_not_configured"}
    assert Job.objects.get(pk=waits.pk).due_at > timezone.now()


def test_a_send_lost_over_a_weekend_is_looked_for_once_and_then_told(ask, work, imagen_gateway):
    then = timezone.now() - timedelta(hours=49)
    factories.leave(ask(), "sending", sent_at=then, due_at=then)
    work(2)
    job = Job.objects.get()
    assert (job.status, job.due_at, listed(imagen_gateway)) == ("unconfirmed", None, True)
    assert [(alarm.cause, alarm.about) for alarm in alarms.current()] == [("submit_unknown", "wavespeed")]


@pytest.mark.usefixtures("shown")
def test_a_send_lost_over_a_weekend_is_adopted_where_the_list_still_has_it(lost, work, imagen_gateway):
    job, then = lost("unconfirmed"), timezone.now() - timedelta(hours=49)
    imagen_gateway.jobs[0].time = then.timestamp()
    factories.leave(job.generation, "sending", sent_at=then, due_at=then)
    work(2)
    assert Job.objects.get().status == "completed"


@pytest.mark.parametrize("minutes", [0, 20])
@pytest.mark.usefixtures("shown")
def test_a_job_made_by_the_first_of_many_sends_is_found(site, lost, reach, work, imagen_gateway, minutes):
    site(vendors=("apiframe",), RETRY_SECONDS=[30])
    job, first = lost("sending"), timezone.now() - timedelta(minutes=minutes)
    imagen_gateway.jobs[0].time = first.timestamp()
    last = verdicts.RESENDS - 1
    factories.leave(job.generation, "sending", created_at=first, sent_at=first, tries=last, account=job.account)
    imagen_gateway.script(submit="status", status=429)
    reach(job.generation, "unconfirmed")
    now_due()
    work(3)
    assert Job.objects.get().status == "completed"


def test_a_job_that_failed_before_it_had_an_id_was_not_bought(site, made, imagen_gateway):
    site(vendors=("apiin",))
    imagen_gateway.script(submit="failed-without-id", message="out of memory")
    generation = made(seconds=2)
    job = generation.jobs.get()
    assert (generation.status, generation.error_code, job.error_note) == ("failed", "provider_failed", "out of memory")
    assert (generation.cost_actual, imagen_gateway.jobs, list(alarms.current())) == (None, [], [])


def test_a_prompt_refused_before_there_was_an_id_says_so(site, made, imagen_gateway):
    site(vendors=("apiin",))
    imagen_gateway.script(submit="failed-without-id", message="blocked by the safety filter")
    assert made(seconds=2).error_code == "content_filtered"
