"""Pictures our storage did not take: who may have them saved at once, and that nothing else changes by it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from imagen import pipeline, unsaved
from imagen.exceptions import Conflict
from imagen.models import Entry, Job
from tests import factories

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def stuck(code="storage_unavailable", **job):
    """A request whose picture waits for our storage."""
    known = {"status": "storing", "error_code": code, "tries": 2, "due_at": timezone.now() + HOUR}
    return factories.generation(status="processing", error_code=code, job={**known, **job})


@pytest.mark.parametrize("code", ["storage_unavailable", "storage_full"])
def test_what_waits_for_our_storage_is_due_at_once_and_the_history_says_who_asked(code):
    made, ann = stuck(code), factories.person("ann")
    entries = list(Entry.objects.values_list("pk", flat=True))
    pipeline.save_now(made, actor=ann)
    job = made.jobs.get()
    assert job.due_at <= timezone.now()
    assert (job.status, job.error_code, job.tries, job.holder) == ("storing", code, 2, "")
    assert list(made.events.filter(what=unsaved.ASKED).values_list("job", "actor")) == [(job.pk, ann.pk)]
    assert list(Entry.objects.values_list("pk", flat=True)) == entries


def test_asking_twice_changes_nothing_more():
    made = stuck()
    pipeline.save_now(made)
    due = made.jobs.get().due_at
    pipeline.save_now(made)
    assert made.jobs.get().due_at == due
    assert made.events.filter(what=unsaved.ASKED).count() == 1


def test_what_a_worker_holds_is_left_to_it():
    made = stuck(holder="host-1", fence=4)
    before = Job.objects.values("due_at", "fence", "holder").get()
    pipeline.save_now(made)
    assert Job.objects.values("due_at", "fence", "holder").get() == before
    assert not made.events.filter(what=unsaved.ASKED).exists()


@pytest.mark.parametrize(
    "job", [{"error_code": ""}, {"error_code": "output_expired"}, {"status": "processing"}, {"status": "queued"}]
)
@pytest.mark.by_hand("each of them lacks something")
def test_where_nothing_waits_for_our_storage_there_is_nothing_to_do(job):
    made = stuck(**job)
    due = made.jobs.get().due_at
    with pytest.raises(Conflict):
        pipeline.save_now(made)
    assert made.jobs.get().due_at == due


def test_a_worker_is_told(monkeypatch):
    rung = []
    monkeypatch.setattr("imagen.queue.ring", lambda: rung.append(1))
    pipeline.save_now(stuck())
    assert rung == [1]
