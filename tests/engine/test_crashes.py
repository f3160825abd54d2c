"""What a lost worker leaves behind: nothing is lost, nothing is sent twice, nobody's zombie writes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from imagen import claims
from imagen.models import Event, Job, Move
from imagen.states import JobStatus
from tests.factories import leave as left

LANE = {"wavespeed": claims.Lane(alias="wavespeed")}
FAITHFUL = {"wavespeed": claims.Lane(alias="wavespeed", idempotent=True)}


def claim(lanes=LANE, limit=10) -> list[Job]:
    return claims.claim(lanes, holder="me", limit=limit, lease=60)


def test_a_job_claimed_but_not_sent_is_sent_once(ask, work, imagen_gateway):
    generation = ask()
    left(generation, "submitting")
    work()
    generation.refresh_from_db()
    assert generation.status == "completed"
    assert len(imagen_gateway.jobs) == 1


def test_a_provider_that_remembers_keys_is_sent_the_same_key_again(ask, work, imagen_gateway, monkeypatch):
    monkeypatch.setattr("imagen.providers.wavespeed.WaveSpeed.idempotent", True)
    generation = ask()
    left(generation, "sending", sent_at=timezone.now(), tries=1)
    work()
    generation.refresh_from_db()
    assert generation.status == "completed"
    assert len(imagen_gateway.jobs) == 1


def test_an_unclear_submit_to_a_provider_that_remembers_keys_is_repeated(made, imagen_gateway, monkeypatch):
    monkeypatch.setattr("imagen.providers.wavespeed.WaveSpeed.idempotent", True)
    imagen_gateway.script(submit="reset-before", first=2)
    assert made().status == "completed"


def test_a_job_being_made_is_asked_about_again(ask, work, made, imagen_gateway):
    generation = made()
    remote = Job.objects.get().remote_id
    generation.images.all().delete()
    left(generation, "processing", remote_id=remote, accepted_at=timezone.now())
    work()
    generation.refresh_from_db()
    assert generation.status == "completed"
    assert len(imagen_gateway.jobs) == 1


def test_a_job_being_saved_keeps_what_is_there_and_fetches_the_rest(ask, work, made, imagen_gateway, media):
    generation = made(num_images=2)
    kept = generation.images.get(index=0)
    generation.images.get(index=1).delete()
    left(generation, "storing", accepted_at=timezone.now())
    work()
    assert generation.images.get(index=0) == kept
    assert generation.images.count() == 2
    files = [path for path in media.rglob("*.png") if path.is_file()]
    assert len(files) == 2  # the second was saved under the name it already had


def test_a_stale_worker_writes_nothing(ask):
    ask()
    zombie = claim()[0]
    Job.objects.update(due_at=timezone.now())
    assert claim() == []  # it is put back first
    fresh = claim()[0]
    assert not Job.objects.move([Move(job=zombie, to=JobStatus.SENDING, wait=60)])
    assert Job.objects.move([Move(job=fresh, to=JobStatus.SENDING, wait=60)])


def test_a_step_that_would_lose_a_job_cannot_be_made():
    with pytest.raises(ValueError, match="or it is lost"):
        Move(job=Job(), to=JobStatus.PROCESSING)


def test_two_workers_never_hold_the_same_job(ask):
    ask()
    assert len(claim()) == 1
    assert claim() == []


def test_a_lease_is_kept_only_by_who_holds_it(ask):
    ask()
    job = claim()[0]
    Job.objects.hold({job.pk: job.fence - 1}, seconds=3600)
    assert Job.objects.get().due_at < timezone.now() + timedelta(seconds=61)
    Job.objects.hold({job.pk: job.fence}, seconds=3600)
    assert Job.objects.get().due_at > timezone.now() + timedelta(seconds=3000)


def test_a_job_given_back_is_free_for_anybody_at_its_time(ask):
    left(ask(), "processing")
    (job,) = claim()
    Job.objects.release({job.pk: (job.fence, 0.0)})
    assert claim()[0].pk == job.pk


def test_the_same_id_for_two_jobs_is_doubted_and_not_mixed_up(ask, work, made, imagen_gateway, monkeypatch):
    first = made()
    remote = first.jobs.get().remote_id
    monkeypatch.setattr("imagen.testing.ledger.uuid.uuid4", lambda: type("fixed", (), {"hex": remote}))
    second = ask()
    work(3)
    second.refresh_from_db()
    assert second.status == "unconfirmed"
    assert first.images.count() == 1


def test_a_provider_taken_from_the_settings_keeps_its_jobs_waiting(ask, work, site):
    generation = ask()
    site(PROVIDERS={})
    work(0.3)
    generation.refresh_from_db()
    assert (generation.status, Job.objects.get().error_code) == ("queued", "provider_not_configured")


@pytest.mark.parametrize("lane", [LANE, FAITHFUL])
def test_every_state_a_crash_can_leave_is_picked_up(ask, lane):
    for status in ("queued", "submitting", "processing", "storing"):
        left(ask(status), status)
    claim(lane)
    assert len(claim(lane)) + Job.objects.filter(holder="me").count() >= 4


def test_the_history_says_what_happened_to_a_lost_send(ask):
    left(ask(), "sending")
    claim()
    assert Event.objects.filter(what="unconfirmed", code="submit_unknown").count() == 1
