"""The two state machines, row by row."""

from __future__ import annotations

import pytest

from imagen.states import FINAL, NEXT, WORKING, JobStatus, Status, outcome, sources

J = JobStatus


def test_every_state_has_its_row_and_every_end_is_a_state():
    assert set(NEXT) == set(JobStatus)
    assert all(set(ends) <= set(JobStatus) for ends in NEXT.values())


def test_a_picture_or_a_cancelled_job_is_final_and_a_failed_one_may_only_come_late():
    assert NEXT[J.COMPLETED] == NEXT[J.CANCELED] == frozenset()
    assert NEXT[J.FAILED] == {J.STORING}


def test_once_sent_nothing_is_cancelled():
    assert sources(J.CANCELED) == {J.QUEUED, J.SUBMITTING}


def test_an_unconfirmed_send_never_goes_back_to_the_queue():
    assert NEXT[J.UNCONFIRMED] == {J.UNCONFIRMED, J.PROCESSING, J.FAILED}


def test_every_state_is_working_final_or_waits_for_a_person():
    assert WORKING | FINAL | {J.UNCONFIRMED} == set(JobStatus)
    assert not WORKING & FINAL


@pytest.mark.parametrize(
    ("jobs", "images", "status"),
    [
        ([J.QUEUED], 0, Status.QUEUED),
        ([J.SUBMITTING, J.SENDING], 0, Status.QUEUED),
        ([J.QUEUED, J.FAILED], 0, Status.QUEUED),
        ([J.QUEUED, J.PROCESSING], 0, Status.PROCESSING),
        ([J.QUEUED, J.COMPLETED], 1, Status.PROCESSING),
        ([J.STORING], 0, Status.PROCESSING),
        ([J.PROCESSING, J.UNCONFIRMED], 0, Status.PROCESSING),
        ([J.UNCONFIRMED, J.COMPLETED], 1, Status.UNCONFIRMED),
        ([J.UNCONFIRMED], 0, Status.UNCONFIRMED),
        ([J.COMPLETED, J.COMPLETED], 2, Status.COMPLETED),
        ([J.COMPLETED], 1, Status.PARTIAL),
        ([J.COMPLETED, J.FAILED], 1, Status.PARTIAL),
        ([J.FAILED, J.CANCELED], 0, Status.FAILED),
        ([J.CANCELED, J.CANCELED], 0, Status.CANCELED),
    ],
)
def test_a_generation_stands_as_its_jobs_stand(jobs, images, status):
    assert outcome(jobs, images=images, asked=2) is status
