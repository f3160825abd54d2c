"""What people do at a bad moment, what a gateway may say, and a request nobody can work on: F62 to F66."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.utils.html import escape

from imagen import housekeeping, pipeline
from imagen.models import Erasure, Generation, Image, Job
from tests.engine.test_cut_off import cut_off
from tests.factories import person
from tests.faults.outcome import VENDORS, End, check, files, money, row, seen


@pytest.fixture
def stranded(site, ask, imagen_gateway):
    """A request of each vendor that was sent and is being made: its engine was stopped there."""
    site(vendors=VENDORS, SWEEP_SECONDS=0.5)
    imagen_gateway.script(words=("processing",))
    asked = [ask(f"a lighthouse for {vendor}", provider=vendor) for vendor in VENDORS]
    cut_off(after=lambda: len(imagen_gateway.jobs) == len(VENDORS))
    assert set(Job.objects.values_list("status", flat=True)) == {"processing"}
    imagen_gateway.script()
    return asked


@pytest.mark.fault("F62")
def test_what_is_cancelled_before_it_was_sent_costs_nothing_and_is_never_sent(site, ask, work, imagen_gateway):
    site(vendors=VENDORS, SWEEP_SECONDS=0.5)
    asked = [ask(f"a lighthouse for {vendor}", provider=vendor) for vendor in VENDORS]
    for generation in asked:
        pipeline.cancel(generation)
    work()
    check(asked, imagen_gateway, End(status="canceled", jobs=("canceled",)))
    assert imagen_gateway.calls == []


@pytest.mark.fault("F63")
def test_what_is_cancelled_after_it_was_sent_is_paid_and_kept_and_says_so(stranded, work, imagen_gateway, admin_client):
    for generation in stranded:
        pipeline.cancel(generation)
    waiting = End(status="processing", jobs=("processing",), cost=1, paid=1, warnings=("already_submitted",))
    check(stranded, imagen_gateway, waiting)
    work()
    end = End(status="completed", jobs=("completed",), cost=1, paid=1, images=1, warnings=("already_submitted",))
    check(stranded, imagen_gateway, end)
    assert all(generation.events.filter(what="cancel asked").count() == 1 for generation in stranded)
    for generation in stranded:
        page = admin_client.get(f"/admin/imagen/generation/{generation.pk}/change/").content.decode()
        assert "It had already been sent when you cancelled." in page


def ledger(asked: list[Generation]) -> list[dict[str, Any]]:
    """What is on record of each."""
    return [money(Generation.objects.get(pk=generation.pk)) for generation in asked]


@pytest.mark.fault("F64")
def test_what_is_deleted_while_it_is_made_keeps_its_ledger_and_no_file(stranded, work, imagen_gateway):
    before = ledger(stranded)
    Job.objects.update(answer="HTTP 200 a lighthouse", error_note="a lighthouse")
    for generation in stranded:
        pipeline.erase(generation)
    work()
    pipeline.sweep()
    assert ledger(stranded) == before
    assert all(each["spent"] > 0 for each in before)
    assert set(Job.objects.values_list("status", "answer", "error_note")) == {("completed", "", "")}
    assert (files("imagen"), Erasure.objects.count()) == (0, 0)
    assert "lighthouse" not in str([list(model.objects.values()) for model in (Generation, Job)])


@pytest.mark.fault("F64")
def test_words_that_come_after_the_request_was_deleted_go_with_the_next_prune(stranded):
    for generation in stranded:
        pipeline.erase(generation)
    Job.objects.update(answer="HTTP 200 a lighthouse", error_note="a lighthouse")
    housekeeping.hush()
    assert set(Job.objects.values_list("answer", "error_note")) == {("", "")}


@pytest.mark.fault("F64")
def test_what_a_deleted_person_has_made_just_then_keeps_its_ledger_and_no_file(stranded, ask, work, imagen_gateway):
    ann = person("ann", "generate")
    Generation.objects.update(user=ann)
    before, waiting = ledger(stranded), ask("a lighthouse for later", provider=VENDORS[0], user=ann)
    ann.delete()
    work()
    pipeline.sweep()
    assert ledger(stranded) == before
    assert all(each["spent"] > 0 for each in before)
    assert set(Generation.objects.values_list("user", "prompt")) == {(None, "")}
    assert (files("imagen"), Image.objects.count(), Erasure.objects.count()) == (0, 0, 0)
    assert (waiting.jobs.get().status, money(waiting)["reserved"], len(imagen_gateway.jobs)) == ("canceled", 0, 3)


@pytest.mark.fault("F64")
def test_what_was_finished_before_its_person_was_deleted_loses_the_name_alone(site, ask, work, imagen_gateway):
    """Pictures a site has paid for are its own; whoever wants them gone erases the person first."""
    site(vendors=VENDORS, SWEEP_SECONDS=0.5)
    ann = person("ann", "generate")
    asked = [ask(f"a lighthouse for {vendor}", provider=vendor, user=ann) for vendor in VENDORS]
    work()
    ann.delete()
    check(asked, imagen_gateway, End(status="completed", jobs=("completed",), cost=1, paid=1, images=1))
    assert set(Generation.objects.values_list("user", flat=True)) == {None}


HOSTILE = "a\x00b \ud800 \x1b[31mred\x1b[0m \x9b <script>alert(1)</script> " + "x" * 1_000_000
PLACES = [
    row("F65", {"submit": "status", "status": 400, "message": HOSTILE}, 0, name="in a refusal"),
    row("F65", {"failure": HOSTILE}, 1, name="in a failed job"),
]


@pytest.mark.parametrize(("script", "paid"), PLACES)
def test_a_gateways_words_are_cleaned_before_they_are_kept_and_escaped_where_they_are_shown(
    play, admin_client, script, paid, imagen_gateway
):
    for generation in play(script, MAX_BYTES=5_000_000):
        assert generation.status == "failed"
        assert seen(generation, imagen_gateway)["paid"] == paid
        for kept in (generation.error_note, generation.jobs.get().error_note, generation.events.last().note):
            assert kept.startswith("ab  red  <script>alert(1)</script> xxx")
            assert len(kept) == 500
            assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", kept)
        page = admin_client.get(f"/admin/imagen/generation/{generation.pk}/change/").content.decode()
        assert "<script>alert(1)" not in page
        assert escape("<script>alert(1)</script>") in page


@pytest.mark.fault("F66")
def test_a_request_that_breaks_the_worker_is_given_up_and_the_others_go_on(
    site, ask, work, imagen_gateway, admin_client, monkeypatch, caplog
):
    site(vendors=VENDORS, SWEEP_SECONDS=0.5)
    poison, fine = ([ask(f"{how} for {vendor}", provider=vendor) for vendor in VENDORS] for how in ("poison", "fine"))
    honest = Job.request.fget
    tried: list[Any] = []

    def request(job: Job) -> Any:
        if job.generation.prompt.startswith("poison"):
            tried.append(job.pk)
            raise ZeroDivisionError
        return honest(job)

    monkeypatch.setattr(Job, "request", property(request))
    work()
    check(poison, imagen_gateway, End(status="failed", code="internal_error"))
    check(fine, imagen_gateway, End(status="completed", jobs=("completed",), cost=1, paid=1, images=1))
    for generation in poison:
        page = admin_client.get(f"/admin/imagen/generation/{generation.pk}/change/").content.decode()
        assert f"An administrator can look it up by this id: {generation.pk}." in page
        assert names_it(caplog, generation)
        found = admin_client.get("/admin/imagen/generation/", {"q": str(generation.pk)}).context["cl"].result_list
        assert [each.pk for each in found] == [generation.pk]
    assert [tried.count(generation.jobs.get().pk) for generation in poison] == [5, 5, 5]


def names_it(caplog: Any, generation: Generation) -> bool:
    """Whether the log says what broke on it, under its id."""
    broken = [
        each for each in caplog.records if getattr(each, "generation", "") == str(generation.pk) and each.exc_info
    ]
    return {each.exc_info[0] for each in broken} == {ZeroDivisionError}
