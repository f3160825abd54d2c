"""What a person decides about a send nobody confirmed: its id, that it was free, or to send it again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connection
from django.utils import timezone

from imagen import pipeline, resolution
from imagen.exceptions import Conflict, InvalidRequest, ModelUnknown, ProviderNotConfigured, TransitionError
from imagen.models import Alarm, Event, Generation, Job, Move
from imagen.states import JobStatus
from imagen.testing import invariants
from tests.factories import add_job, generation, leave, person

pytestmark = pytest.mark.django_db
WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "k"}}
SANDBOX = {"BACKEND": "imagen.providers.sandbox.Sandbox"}
PROVIDERS = {"wavespeed": WAVESPEED, "sandbox": SANDBOX}
VERBS = {
    "adopt": lambda job, actor: resolution.adopt(job, "task-7", actor=actor),
    "release": lambda job, actor: resolution.release(job, actor=actor),
    "resend": lambda job, actor: resolution.resend(job, actor=actor),
}


@pytest.fixture(autouse=True)
def site(settings, monkeypatch):
    settings.IMAGEN = {"PROVIDERS": PROVIDERS}
    monkeypatch.setattr("imagen.queue.knock", lambda: None)


@pytest.fixture
def ann():
    return person("ann")


def doubtful(**options) -> Job:
    """The only call of a request, sent a minute ago and never confirmed."""
    made = pipeline.request(**{"prompt": "a lighthouse", "num_images": 2, **options})
    (job,) = leave(made, "sending", error_code="submit_unknown")
    job.move(JobStatus.UNCONFIRMED, code="submit_unknown")
    return Job.objects.get(pk=job.pk)


def story(job: Job) -> list[tuple[str, str]]:
    """What people did about this call, and who."""
    kinds = (resolution.ADOPTED, resolution.NOT_CHARGED, resolution.SENT_AGAIN)
    events = Event.objects.filter(job=job, what__in=kinds).select_related("actor")
    return [(event.what, str(event.actor)) for event in events]


def test_an_adopted_id_is_looked_up_at_once_and_believed_by_nobody_yet(ann):
    job = doubtful()
    resolution.adopt(job, "task-7", actor=ann)
    now = Job.objects.due().get()
    assert (now.pk, now.remote_id, now.status, now.cost) == (job.pk, "task-7", "unconfirmed", None)
    assert story(job) == [("adopted", "ann")]
    assert Event.objects.get(what="adopted").note == "task-7"
    invariants.check()


def test_a_better_id_takes_the_place_of_the_first(ann):
    job = doubtful()
    resolution.adopt(job, "task-7", actor=ann)
    resolution.adopt(job, "task-8", actor=ann)
    assert Job.objects.get().remote_id == "task-8"


def test_whoever_looked_something_else_up_meanwhile_is_not_listened_to(ann):
    job = doubtful()
    Job.objects.update(holder="a worker", fence=7)
    before = Job.objects.get()
    resolution.adopt(job, "task-7", actor=ann)
    changes = {"remote_id": "another"}
    assert not Job.objects.move([Move(job=before, to=JobStatus.PROCESSING, wait=60, changes=changes)])
    assert (Job.objects.get().remote_id, Job.objects.get().holder) == ("task-7", "")


@pytest.mark.parametrize(
    "remote_id",
    ["", " ", "..", ".hidden", "a b", "a/b", "a?b", "a\x00b", "a\n", "x" * 256, "é", "<b>", "%2e%2e", "a#b"],
)
def test_an_impossible_id_is_refused_before_anything_happens(ann, remote_id):
    job = doubtful()
    with pytest.raises(InvalidRequest) as refused:
        resolution.adopt(job, remote_id, actor=ann)
    assert [(error.field, error.code) for error in refused.value.errors] == [("remote_id", "not_an_id")]
    assert (Job.objects.get().remote_id, story(job)) == ("", [])


def test_the_id_of_another_call_is_a_conflict_in_plain_words(ann):
    other = generation(status="processing", provider="wavespeed", job={"remote_id": "task-7"})
    job = doubtful()
    with pytest.raises(Conflict) as conflict:
        resolution.adopt(job, "task-7", actor=ann)
    assert conflict.value.params["state"] == "the id of another call"
    assert (other.jobs.get().remote_id, story(job)) == ("task-7", [])


def test_the_same_id_at_another_service_is_another_call(ann):
    generation(status="processing", provider="sandbox", job={"remote_id": "task-7"})
    resolution.adopt(doubtful(), "task-7", actor=ann)
    assert Job.objects.filter(remote_id="task-7").count() == 2


def test_nothing_is_adopted_from_a_service_nobody_can_ask(ann, settings):
    job = doubtful()
    settings.IMAGEN = {"PROVIDERS": {"sandbox": SANDBOX}}
    with pytest.raises(ProviderNotConfigured):
        resolution.adopt(job, "task-7", actor=ann)
    assert story(job) == []


def test_what_was_not_charged_failed_for_free_and_can_be_tried_again(ann):
    job = doubtful()
    told = resolution.release(job, actor=ann, note="not on the bill")
    assert (told.status, told.error_code, told.cost_actual) == ("failed", "provider_job_lost", Decimal(0))
    after = Job.objects.get()
    assert (after.status, after.cost, after.due_at) == ("failed", Decimal(0), None)
    assert story(job) == [("not charged", "ann")]
    assert Event.objects.get(what="not charged").note == "not on the bill"
    assert Event.objects.get(what="failed").actor == ann
    assert pipeline.retry(told).status == "queued"
    invariants.check()


def test_an_id_that_was_only_named_is_free_again(ann):
    first, second = doubtful(), doubtful()
    resolution.adopt(first, "task-7", actor=ann)
    Job.objects.filter(pk=first.pk).update(tries=resolution.UNANSWERED)
    resolution.release(first, actor=ann)
    resolution.adopt(second, "task-7", actor=ann)
    assert Job.objects.get(remote_id="task-7").pk == second.pk


def test_sending_again_is_a_new_call_for_the_same_places_and_the_old_cost_stays_unknown(ann):
    job = doubtful()
    told = resolution.resend(job, actor=ann)
    old, new = Job.objects.order_by("created_at")
    assert (old.status, old.error_code, old.cost) == ("failed", "provider_job_lost", None)
    assert (new.status, new.replaces, new.slots, new.provider) == ("queued", old, [0, 1], "wavespeed")
    assert new.pk != old.pk
    assert (told.status, told.cost_actual, told.completed_at) == ("queued", None, None)
    assert story(job) == [("sent again", "ann")]
    invariants.check()


def test_sending_again_costs_what_the_offer_costs_today(ann, settings):
    job = doubtful()
    settings.IMAGEN = {"PROVIDERS": PROVIDERS, "OFFERS": {"wavespeed": {"imagen-4": {"price": "0.05"}}}}
    resolution.resend(job, actor=ann)
    assert (job.price, Job.objects.get(replaces=job).price) == (Decimal("0.0760"), Decimal("0.1000"))


def test_only_the_unconfirmed_call_of_a_request_is_sent_again(ann):
    made = generation(status="completed", provider="wavespeed", num_images=2, job={"slots": [0]})
    job = add_job(made, status="unconfirmed", slots=[1], sent_at=timezone.now())
    resolution.resend(job, actor=ann)
    assert Job.objects.get(status="queued").slots == [1]
    assert made.jobs.count() == 3


def test_who_cancelled_and_then_sends_again_means_it(ann):
    job = doubtful()
    Generation.objects.update(cancel_asked_at=timezone.now())
    resolution.resend(job, actor=ann)
    assert Generation.objects.get().cancel_asked_at is None


def test_what_nobody_sells_any_more_is_not_sent_again(ann, settings):
    job = doubtful()
    settings.IMAGEN = {"PROVIDERS": {"sandbox": SANDBOX}}
    Generation.objects.update(model="gone-1")
    with pytest.raises(ModelUnknown):
        resolution.resend(job, actor=ann)
    assert (Job.objects.get().status, story(job)) == ("unconfirmed", [])


@pytest.mark.parametrize("verb", ["release", "resend"])
def test_no_look_under_way_brings_a_decided_call_back(ann, verb):
    job = doubtful()
    Job.objects.update(holder="a worker", fence=7, due_at=timezone.now() + timedelta(minutes=1))
    before = Job.objects.get()
    VERBS[verb](job, ann)
    with pytest.raises(TransitionError):
        before.move(JobStatus.PROCESSING, wait=60)
    late = Job.objects.get(pk=job.pk)
    late.fence = before.fence
    assert not Job.objects.move([Move(job=late, to=JobStatus.STORING, wait=60)])


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("status", sorted(set(JobStatus) - {JobStatus.UNCONFIRMED}))
def test_what_is_not_in_doubt_any_more_is_a_conflict(ann, verb, status):
    job = doubtful()
    leave(job.generation, status)
    with pytest.raises(Conflict) as conflict:
        VERBS[verb](job, ann)
    assert conflict.value.params["state"] == JobStatus(status).label
    assert (story(job), Job.objects.count()) == ([], 1)


@pytest.mark.parametrize("first", ["release", "resend"])
@pytest.mark.parametrize("second", VERBS)
def test_the_second_decision_is_a_conflict(ann, first, second):
    job = doubtful()
    VERBS[first](job, ann)
    with pytest.raises(Conflict):
        VERBS[second](job, ann)
    assert len(story(job)) == 1


@pytest.mark.parametrize("second", ["release", "resend"])
def test_nothing_else_is_decided_while_a_named_id_is_asked_after_unless_nobody_answers(ann, second):
    job = doubtful()
    VERBS["adopt"](job, ann)
    with pytest.raises(Conflict) as conflict:
        VERBS[second](job, ann)
    assert conflict.value.params["state"] == "being looked up"
    Job.objects.filter(pk=job.pk).update(tries=resolution.UNANSWERED)
    VERBS[second](job, ann)
    assert len(story(job)) == 2


def test_for_a_deleted_request_nothing_is_bought(ann):
    job = doubtful()
    pipeline.erase(job.generation)
    with pytest.raises(Conflict) as conflict:
        VERBS["resend"](job, ann)
    assert conflict.value.params["state"] == "deleted"
    assert (Job.objects.get().status, story(job)) == ("unconfirmed", [])


def test_a_deleted_request_can_still_be_said_to_have_been_charged(ann):
    job = doubtful()
    pipeline.erase(job.generation)
    VERBS["adopt"](job, ann)
    assert Job.objects.get().remote_id != ""


def test_a_retry_at_another_price_is_expected_to_cost_that(ann):
    job = doubtful()
    Job.objects.update(price=Decimal(9), cost_unit="credits")
    generation = resolution.resend(job, actor=ann)
    new = generation.jobs.get(replaces=job)
    assert (generation.cost_estimated, generation.cost_unit) == (new.price, new.cost_unit)


def test_of_a_deleted_request_it_can_still_be_said_that_it_was_free(ann):
    job = doubtful()
    pipeline.erase(job.generation)
    assert resolution.release(job, actor=ann).cost_actual == Decimal(0)


@pytest.mark.parametrize("verb", VERBS)
def test_a_decision_ends_the_alarm_about_the_last_doubt(ann, verb):
    jobs = [doubtful(), doubtful()]
    Job.objects.update(due_at=None)
    Alarm.objects.create(cause="submit_unknown", about="wavespeed")
    resolution.release(jobs[0], actor=ann)
    assert Alarm.objects.get().over_at is None
    VERBS[verb](jobs[1], ann)
    assert Alarm.objects.get().over_at is not None


@pytest.mark.parametrize("verb", ["adopt", "resend"])
def test_a_decision_wakes_a_worker_and_a_refused_one_does_not(
    ann, verb, monkeypatch, django_capture_on_commit_callbacks
):
    rung = []
    job = doubtful()
    monkeypatch.setattr("imagen.queue._ring", lambda: rung.append(1))
    with django_capture_on_commit_callbacks(execute=True):
        VERBS[verb](job, ann)
    assert rung == [1]
    leave(job.generation, "failed")
    with django_capture_on_commit_callbacks(execute=True) as bells, pytest.raises(Conflict):
        VERBS[verb](job, ann)
    assert bells == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("verb", ["release", "resend"])
def test_two_people_deciding_at_the_same_moment_decide_once(verb):
    people, job = [person("ann"), person("bob")], doubtful()
    together = Barrier(2)

    def decide(actor) -> bool:
        together.wait()
        try:
            VERBS[verb](job, actor)
        except Conflict:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(decide, people)) == [False, True]
    assert len(story(job)) == 1
    assert Job.objects.count() == (2 if verb == "resend" else 1)
    invariants.check()
