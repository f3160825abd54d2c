"""The story of Replicate in weather the page leaves out: a lost answer found again, a picture inside the answer."""

from __future__ import annotations

import base64
from typing import Any

import pytest
import test_replicate_story as story
from imagen_replicate import Replicate

from imagen import pipeline
from imagen.testing.bodies import reader
from imagen.testing.pictures import picture
from imagen.types import Failure, Reply, Snapshot, State

pytestmark = pytest.mark.django_db(transaction=True)
replicate = story.replicate


def test_a_lost_submit_is_found_in_the_list_of_predictions(replicate: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("imagen.verdicts.SEARCH_STEPS", (0.1,))
    generation = pipeline.request(prompt="A lost lighthouse", model="flux-schnell", seed=7)
    story.work(generation)
    assert (generation.status, len(replicate.calls)) == ("completed", 1)
    assert generation.jobs.get().remote_id == "p0"


def test_a_heavy_picture_inside_the_first_answer_is_taken(replicate: Any, monkeypatch: pytest.MonkeyPatch):
    def answer_at_once(self: Any) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        text = base64.b64encode(picture("p1", (64, 64), weight=1_000_000)).decode()
        self.say(201, {"id": "p1", "status": "succeeded", "output": f"data:image/png;base64,{text}"})

    monkeypatch.setattr(story.Loopback, "do_POST", answer_at_once)
    generation = pipeline.request(prompt="A lighthouse", model="imagen-4")
    story.work(generation)
    assert (generation.status, generation.error_code) == ("completed", "")


def test_a_gateway_may_say_by_an_error_status_that_a_job_failed(replicate: Any, monkeypatch: pytest.MonkeyPatch):
    def read_check(self: Replicate, reply: Reply) -> Snapshot:
        failure = Failure(code="provider_rejected", message=self.message(reply.document()))
        return Snapshot(state=State.FAILED, failure=failure) if reply.status == 422 else self.read(reply)

    monkeypatch.setattr(Replicate, "read_check", read_check)
    monkeypatch.setattr(story.Loopback, "do_GET", lambda self: self.say(422, {"detail": "no such ratio"}))
    generation = pipeline.request(prompt="A lighthouse", model="imagen-4")
    story.work(generation)
    assert (generation.status, generation.error_code) == ("failed", "provider_rejected")
    assert len(replicate.calls) == 1


@pytest.mark.parametrize(("method", "name"), [("GET", "read_check"), ("POST", "read")])
def test_a_recorded_answer_is_read_by_what_was_asked(method: str, name: str):
    found = Replicate(api_key="r8_test")
    assert reader(found, {"request": {"method": method}}) == getattr(found, name)
