"""What is kept of a request that failed: which calls, until when, and who may have them asked for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from imagen import claims, kept, pipeline
from imagen.exceptions import TransitionError
from imagen.models import Entry, Job
from tests import factories

pytestmark = pytest.mark.django_db
WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "test"}}
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def wavespeed(settings):
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}


def call(code="storage_unavailable", **job):
    return factories.kept(code=code, job=job).jobs.get()


@pytest.mark.parametrize(
    ("code", "days"),
    [
        ("storage_unavailable", 7),
        ("storage_full", 7),
        ("provider_timeout", 8),  # it may have been made as late as the end of the watch
        ("provider_job_lost", 8),
        ("provider_protocol_error", 8),
        ("provider_auth", 8),
        ("internal_error", 8),
        ("provider_failed", None),
        ("content_filtered", None),
        ("no_outputs", None),
        ("output_expired", None),
        ("output_invalid", None),
        ("egress_blocked", None),
    ],
)
def test_a_call_is_kept_as_long_as_its_gateway_keeps_what_nobody_said_will_not_come(code, days):
    job = call(code)
    assert kept.until(job) == (job.accepted_at + days * DAY if days else None)


@pytest.mark.parametrize(
    "facts", [{"remote_id": ""}, {"status": "canceled"}, {"provider": "gone"}, {"accepted_at": None}], ids=str
)
@pytest.mark.by_hand("each of them lacks something")
def test_of_a_call_that_was_not_taken_or_cannot_be_asked_after_nothing_is_kept(facts):
    job = call()
    Job.objects.update(**facts)
    job.refresh_from_db()
    assert kept.until(job) is None


def test_what_nobody_saw_is_asked_for_once_and_what_was_there_as_long_as_it_is_kept():
    for code, free in (("provider_timeout", 0), ("storage_full", 1)):
        made = factories.kept(code=code, job={"fetch_asked_at": timezone.now()})
        assert len(kept.of(made).free) == free


def test_a_kept_call_is_asked_after_at_once_and_nothing_is_bought():
    made = factories.kept()
    before = list(Entry.objects.values_list("pk", flat=True))
    again = pipeline.retry(made)
    job = made.jobs.get()
    assert (again.status, again.error_code, again.cost_actual) == ("failed", "storage_unavailable", Decimal("0.038"))
    assert job.due_at <= timezone.now()
    assert list(Entry.objects.values_list("pk", flat=True)) == before


def test_of_a_mixed_request_only_what_is_not_kept_is_bought():
    made = factories.kept(num_images=3, job={"slots": [0, 1]})
    lost = factories.add_job(made, slots=[2], error_code="provider_failed", cost=None, price=Decimal("0.038"))
    made.cost_actual = Decimal("0.038")
    pipeline.retry(made)
    new = made.jobs.get(status="queued")
    assert (new.replaces, new.slots) == (lost, [2])
    assert [job.slots for job in made.jobs.filter(status="failed", due_at__isnull=False)] == [[0, 1]]


def test_what_the_gateway_no_longer_keeps_is_bought_anew():
    made = factories.kept()
    Job.objects.update(accepted_at=timezone.now() - 8 * DAY)
    assert pipeline.retry(made).status == "queued"
    assert made.jobs.count() == 2


def test_a_cancelling_that_came_before_does_not_count_for_what_is_fetched():
    made = factories.kept(cancel_asked_at=timezone.now())
    assert pipeline.retry(made).cancel_asked_at is None


def test_a_deleted_request_is_not_asked_after_and_a_look_under_way_writes_nothing():
    made = factories.kept()
    pipeline.retry(made)
    lane = {"wavespeed": claims.Lane(alias="wavespeed")}
    (held,) = claims.claim(lane, holder="a worker", limit=9, lease=60)
    pipeline.erase(made)
    assert made.jobs.get().due_at is None
    with pytest.raises(TransitionError):
        held.move("storing", wait=60)
    with pytest.raises(TransitionError):
        kept.rest(held)
    assert not kept.hint(made.jobs.get(), held.remote_id)


def test_who_lost_the_lease_of_a_look_writes_nothing_more():
    pipeline.retry(factories.kept())
    lane = {"wavespeed": claims.Lane(alias="wavespeed")}
    (first,) = claims.claim(lane, holder="a worker", limit=9, lease=-1)
    (second,) = claims.claim(lane, holder="another", limit=9, lease=60)
    with pytest.raises(TransitionError):
        kept.rest(first, gone="output_expired")
    assert Job.objects.get().holder == second.holder == "another"
    kept.rest(second)
    assert (Job.objects.get().holder, Job.objects.get().error_code) == ("", "storage_unavailable")


def test_a_ring_about_what_was_bought_anew_changes_nothing():
    made = factories.kept()
    old = made.jobs.get()
    Job.objects.update(accepted_at=timezone.now() - 8 * DAY)
    pipeline.retry(made)
    assert not kept.hint(Job.objects.get(pk=old.pk), old.remote_id)


def test_a_ring_under_another_id_is_about_another_job():
    job = call("provider_timeout")
    assert not kept.hint(job, "another")
    assert kept.hint(job, job.remote_id)
    job.refresh_from_db()
    assert not kept.hint(job, job.remote_id)  # it is being asked after


def test_a_person_who_asks_while_a_ring_is_followed_up_has_asked():
    made = factories.kept(code="provider_timeout")
    job = made.jobs.get()
    kept.hint(job, job.remote_id)
    pipeline.retry(made)
    assert (made.jobs.get().fetch_asked_at is not None, made.jobs.count()) == (True, 1)


def test_what_nobody_here_can_ask_after_stays_as_it_was():
    made = factories.kept()
    pipeline.retry(made)
    claims.claim({"sandbox": claims.Lane(alias="sandbox")}, holder="a worker", limit=9, lease=60)
    job = made.jobs.get()
    assert (job.status, job.error_code, job.due_at) == ("failed", "storage_unavailable", None)


@pytest.mark.parametrize(
    ("code", "gone", "said", "cost"),
    [
        ("provider_timeout", "content_filtered", None, "0"),  # what is refused costs nothing
        ("provider_timeout", "provider_failed", None, "0.038"),
        ("provider_timeout", "provider_failed", "0.01", "0.01"),  # its own word counts
        ("storage_full", "content_filtered", None, "0.038"),  # the picture was there
    ],
)
def test_what_a_gateway_says_at_last_counts_for_the_money_of_what_nobody_saw(code, gone, said, cost):
    made = factories.kept(code=code, job={"fetch_asked_at": timezone.now(), "due_at": timezone.now()})
    (held,) = claims.claim({"wavespeed": claims.Lane(alias="wavespeed")}, holder="a worker", limit=9, lease=60)
    kept.rest(held, gone=gone, cost=said and Decimal(said))
    made.refresh_from_db()
    assert (made.error_code, made.cost_actual) == (gone, Decimal(cost))
    assert sum(entry.spent for entry in Entry.objects.all()) == Decimal(cost)


def test_a_ring_during_the_last_look_is_followed_by_another():
    job = call("provider_timeout")
    kept.hint(job, job.remote_id)
    (held,) = claims.claim({"wavespeed": claims.Lane(alias="wavespeed")}, holder="a worker", limit=9, lease=60)
    assert not kept.hint(Job.objects.get(), job.remote_id)
    kept.rest(held)
    assert Job.objects.get().due_at <= timezone.now()
    (held,) = claims.claim({"wavespeed": claims.Lane(alias="wavespeed")}, holder="a worker", limit=9, lease=60)
    kept.rest(held)
    assert Job.objects.get().due_at is None
