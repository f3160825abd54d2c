"""``imagen_prune``: what is kept too long goes, and neither files nor rows are left over."""

from __future__ import annotations

import io
import os
import uuid
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage, InMemoryStorage
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connections
from django.utils import timezone

from imagen import anomalies, files, pipeline
from imagen.models import (
    Anomaly,
    ApiKey,
    Batch,
    Erasure,
    Event,
    Generation,
    IdempotencyKey,
    Image,
    Job,
    Oddity,
    Plea,
    Purse,
    Style,
    Template,
    Worker,
)
from imagen.models.image import storage
from imagen.models.job import JobQuerySet
from tests.factories import api_key, completed, editor, generation, image, leave

Prune = Callable[..., str]
pytestmark = pytest.mark.django_db(transaction=True)
NOW = ("--grace", "0")
BY_HAND = pytest.mark.by_hand("files are lost, forgotten or dated back")


@pytest.fixture
def fails() -> Callable[..., CommandError]:
    """Run the command, which does not find everything in place, and return its last words."""

    def run(*arguments: str, stdout: Any = None) -> CommandError:
        with pytest.raises(CommandError) as caught:
            call_command("imagen_prune", *arguments, stdout=stdout or io.StringIO())
        return caught.value

    return run


def stored(media: Path) -> set[str]:
    return {path.relative_to(media).as_posix() for path in media.rglob("*") if path.is_file()}


def stray(name: str = "", *, age: float = 7200) -> str:
    """A file that no row names, last written so many seconds ago."""
    saved = storage().save(name or f"imagen/{uuid.uuid4()}/0123456789abcdef.png", ContentFile(b"x"))
    grow_old(saved, age=age)
    return saved


def grow_old(name: str, *, age: float = 7200) -> None:
    then = timezone.now().timestamp() - age
    os.utime(storage().path(name), (then, then))


def finished_ago(days: int, **fields: Any) -> Generation:
    return completed(completed_at=timezone.now() - timedelta(days=days), **fields)


# --- what was kept long enough


def test_requests_finished_long_ago_are_erased_and_younger_ones_are_not(run, media):
    old, young = finished_ago(31), finished_ago(29)
    assert "Requests erased: 1" in run("imagen_prune", "--days", "30")
    old.refresh_from_db()
    assert (old.prompt, old.images.count(), old.deleted_at is None) == ("", 0, False)
    assert stored(media) == {name for each in young.images.all() for name in each.files}


def test_what_was_paid_stays_on_record(run):
    old = finished_ago(31)
    run("imagen_prune", "--days", "30")
    old.refresh_from_db()
    assert (old.cost_actual, old.jobs.count(), old.status) == (old.cost_estimated, 1, "completed")


def test_the_setting_says_how_long_where_no_option_does(run, settings):
    settings.IMAGEN = {**settings.IMAGEN, "KEEP_DAYS": 10}
    finished_ago(11)
    finished_ago(9)
    assert "Requests erased: 1" in run("imagen_prune")
    assert "Requests erased: 1" in run("imagen_prune", "--days", "8")


def test_without_a_number_of_days_nothing_is_too_old(run):
    finished_ago(4000)
    assert "Requests" not in run("imagen_prune")
    assert Generation.objects.standing().count() == 1


@pytest.mark.parametrize("status", ["queued", "processing", "unconfirmed"])
@BY_HAND
def test_what_is_not_finished_is_never_too_old(run, status):
    long_ago = timezone.now() - timedelta(days=400)
    generation(status=status, created_at=long_ago, completed_at=long_ago)
    assert "Requests erased: 0" in run("imagen_prune", "--days", "1")


@BY_HAND
def test_what_is_asked_for_again_at_that_moment_is_kept(run, monkeypatch):
    old = finished_ago(31, status="failed")
    real = pipeline.locked

    def asked_again_meanwhile(found: Generation) -> Generation:
        Generation.objects.filter(pk=found.pk).update(status="queued", completed_at=None)
        return real(found)

    monkeypatch.setattr(pipeline, "locked", asked_again_meanwhile)
    assert "Requests erased: 0" in run("imagen_prune", "--days", "30")
    assert Generation.objects.get().prompt == old.prompt


@pytest.mark.parametrize("days", ["0", "-1", "1.5", "soon", "36501"])
def test_days_that_make_no_sense_are_refused(run, days):
    with pytest.raises(CommandError, match="days are a whole number from 1 to 36500"):
        run("imagen_prune", f"--days={days}")


# --- one person


def test_everything_of_one_person_goes_and_nothing_of_others(run, media):
    ann, bob = editor("ann"), editor("bob")
    hers, his = completed(ann, images=3, prompt="canary"), completed(bob)
    for person in (ann, bob):
        api_key(person)
        IdempotencyKey.objects.create(user=person, key="k", fingerprint="f", body={"prompt": "canary"})
        style = Style.objects.create(owner=person, name="canary", words="canary")
        Template.objects.create(owner=person, name="canary", text="canary", style=style)
    Template.objects.create(name="everybody's", text="a kite")
    out = run("imagen_prune", "--user", "ann")
    assert "Requests erased: 1" in out
    assert "Styles and templates of this person deleted: 2" in out
    assert [each.owner for rows in (Style, Template) for each in rows.objects.order_by("pk")] == [bob, bob, None]
    assert "Idempotency keys of this person deleted: 1" in out
    assert "API keys of this person deleted: 1" in out
    assert [key.user for key in ApiKey.objects.all()] == [bob]
    hers.refresh_from_db()
    assert (hers.user_id, hers.prompt, hers.images.count()) == (ann.pk, "", 0)
    assert stored(media) == {name for each in his.images.all() for name in each.files}
    assert [key.user for key in IdempotencyKey.objects.all()] == [bob]


def test_a_person_s_request_that_waits_is_cancelled(run):
    pipeline.request(prompt="a lighthouse", user=editor("ann"))
    run("imagen_prune", "--user", "ann")
    asked = Generation.objects.get()
    assert (asked.status, asked.prompt, Job.objects.get().status) == ("canceled", "", "canceled")


def test_a_person_s_picture_that_comes_later_is_not_kept(run, media):
    made = pipeline.request(prompt="a lighthouse [[slow:0]]", user=editor("ann"))
    run("imagen_sweep")
    made.images.all().delete()
    leave(made, "processing")
    run("imagen_prune", "--user", "ann")
    Job.objects.update(due_at=timezone.now())
    run("imagen_sweep")
    assert Job.objects.get().status == "completed"
    run("imagen_prune", *NOW)
    assert (Image.objects.count(), Erasure.objects.count(), stored(media)) == (0, 0, set())


@BY_HAND
def test_words_that_came_after_the_erasure_go_with_the_next_run(run):
    gone = completed(editor("ann"), deleted_at=timezone.now(), prompt="", error_note="canary")
    Event.objects.create(generation=gone, what="failed", note="canary")
    Event.objects.create(generation=gone, what="not charged", note="they refunded it")
    gone.jobs.update(error_note="canary")
    run("imagen_prune")
    assert Generation.objects.get().error_note == Job.objects.get().error_note == ""
    assert [event.note for event in Event.objects.all() if event.note] == ["they refunded it"]


def test_why_a_person_wanted_more_money_goes_and_how_much_stays(run):
    purse = Purse.objects.create(key="each", currency="USD", period="month", starts_on=timezone.now().date())
    for name in ("ann", "bob"):
        Plea.objects.create(user=editor(name), purse=purse, wanted=5, reason="canary", note="for the canary")
    run("imagen_prune", "--user", "ann")
    hers, his = Plea.objects.order_by("user__username")
    assert (hers.reason, hers.note, hers.wanted) == ("", "", 5)
    assert (his.reason, his.note) == ("canary", "for the canary")


@BY_HAND
def test_quiet_means_that_only_what_is_wrong_is_said(run, fails):
    made = completed()
    assert run("imagen_prune", "--verbosity", "0") == ""
    storage().delete(made.images.get().file.name)
    assert "1 picture has no file" in str(fails("--verbosity", "0"))


def test_somebody_nobody_knows_is_refused(run):
    with pytest.raises(CommandError, match="There is nobody called eve") as refused:
        run("imagen_prune", "--user", "eve")
    assert refused.value.returncode == 2


def test_a_person_and_a_number_of_days_do_not_go_together(run):
    with pytest.raises(CommandError, match="not allowed with"):
        run("imagen_prune", "--user", "ann", "--days", "3")


def test_who_erases_a_person_erases_nothing_else_that_is_old(run, settings):
    settings.IMAGEN = {**settings.IMAGEN, "KEEP_DAYS": 1}
    editor("ann")
    finished_ago(30)
    assert "Requests erased: 0" in run("imagen_prune", "--user", "ann")


# --- files without a row


def test_a_file_no_row_names_goes_with_its_folder(run, media):
    kept = completed()
    folder = media / Path(stray()).parent
    assert "Files without a picture deleted: 1" in run("imagen_prune")
    assert stored(media) == {name for each in kept.images.all() for name in each.files}
    assert not folder.exists()


@BY_HAND
def test_one_that_lies_beside_a_picture_goes_and_the_picture_stays(run, media):
    mine = completed().images.get()
    beside = stray(f"imagen/{mine.pk}/another.png")
    named = stray(f"imagen/{mine.pk}/mine.png")
    Image.objects.filter(pk=mine.pk).update(file=named, thumbnail="")
    run("imagen_prune")
    assert named in stored(media)
    assert beside not in stored(media)


def test_a_file_younger_than_the_grace_is_kept(run, media):
    young = stray(age=3000)
    assert "Files without a picture deleted: 0" in run("imagen_prune")
    assert stored(media) == {young}
    assert "Files without a picture deleted: 1" in run("imagen_prune", "--grace", "2000")


@BY_HAND
def test_age_counts_by_the_clock_of_the_storage(run, media, monkeypatch):
    young = stray(age=60)
    real = FileSystemStorage.get_modified_time
    behind = timedelta(hours=5)
    monkeypatch.setattr(FileSystemStorage, "get_modified_time", lambda self, name: real(self, name) - behind)
    run("imagen_prune")
    assert stored(media) == {young}


@pytest.mark.parametrize("status", ["processing", "storing"])
def test_a_file_whose_row_may_still_come_is_kept_however_old(run, media, status):
    asked = generation(status="processing")
    leave(asked, status)
    stored_first = stray(f"imagen/{files.identity(asked.jobs.get().pk, 0)}/0123.png")
    assert "Files without a picture to delete: 0" in run("imagen_prune", "--dry-run", *NOW)
    run("imagen_prune", *NOW)
    assert stored(media) == {stored_first}


def test_a_picture_stored_a_moment_before_its_row_is_kept(run, media, monkeypatch):
    real = files.keep

    def keep(*args: Any, **options: Any) -> files.Kept:
        kept = real(*args, **options)
        try:
            assert "Files without a picture deleted: 0" in run("imagen_prune", *NOW)
        finally:
            connections.close_all()  # this is a thread of the engine's
        return kept

    monkeypatch.setattr(files, "keep", keep)
    pipeline.request(prompt="a lighthouse [[slow:0]]")
    run("imagen_sweep")
    made = Image.objects.get()
    assert set(made.files) == stored(media)


@pytest.mark.parametrize("status", ["completed", "failed", "canceled"])
def test_a_file_whose_call_is_over_is_a_stray(run, media, status):
    over = generation(status=status)
    stray(f"imagen/{files.identity(over.jobs.get().pk, 0)}/0123.png")
    run("imagen_prune", *NOW)
    assert stored(media) == set()


@BY_HAND
def test_a_row_that_is_committed_while_files_are_looked_at_keeps_its_file(run, media, monkeypatch):
    asked = generation(status="processing")
    leave(asked, "storing")
    place = files.identity(asked.jobs.get().pk, 0)
    name = stray(f"imagen/{place}/0123.png")
    real = JobQuerySet.exclude

    def commit(self: Any, **lookup: Any) -> Any:  # between the first look at the rows and the look at the calls
        if "status__in" in lookup:
            Job.objects.update(status="completed", due_at=None)
            image(asked, id=place, file=name, thumbnail="")
        return real(self, **lookup)

    monkeypatch.setattr(JobQuerySet, "exclude", commit)
    run("imagen_prune", *NOW)
    assert name in stored(media)


@BY_HAND
def test_a_failed_call_that_is_taken_up_at_that_moment_keeps_its_file(run, media, monkeypatch):
    over = generation(status="failed")
    name = stray(f"imagen/{files.identity(over.jobs.get().pk, 0)}/0123.png")
    real = FileSystemStorage.get_modified_time

    def taken_up(self: Any, asked: str) -> Any:  # after the look at the calls
        Job.objects.update(status="storing" if asked == name else "failed")
        return real(self, asked)

    monkeypatch.setattr(FileSystemStorage, "get_modified_time", taken_up)
    run("imagen_prune", *NOW)
    assert stored(media) == {name}


@BY_HAND
def test_a_failed_call_that_was_taken_up_and_failed_again_keeps_what_it_named(run, media, monkeypatch):
    over = generation(status="failed")
    place = files.identity(over.jobs.get().pk, 0)
    name = stray(f"imagen/{place}/0123.png")
    real = FileSystemStorage.get_modified_time

    def named(self: Any, asked: str) -> Any:
        if asked == name:
            image(over, id=place, file=name, thumbnail="")
        return real(self, asked)

    monkeypatch.setattr(FileSystemStorage, "get_modified_time", named)
    run("imagen_prune", *NOW)
    assert name in stored(media)


def test_files_outside_our_folder_are_nobody_s_business_here(run, media):
    theirs = stray("articles/cover.png")
    run("imagen_prune", *NOW)
    assert stored(media) == {theirs}


def test_unfinished_files_older_than_the_grace_go(run, media):
    for name, age in (("old", 7200), ("new", 60)):
        (files.workspace() / name).write_bytes(b"x")
        grow_old(f"imagen/unfinished/{name}", age=age)
    assert "Unfinished files deleted: 1" in run("imagen_prune")
    assert stored(media) == {"imagen/unfinished/new"}


def test_empty_folders_older_than_the_grace_go(run, media):
    for name, age in (("old", 7200), ("new", 60)):
        (media / "imagen" / name).mkdir(parents=True)
        grow_old(f"imagen/{name}", age=age)
    assert "Empty folders deleted: 1" in run("imagen_prune")
    assert {path.name for path in (media / "imagen").iterdir()} == {"new", "unfinished"}


@pytest.mark.parametrize("seconds", ["-1", "soon", "nan", "1e9"])
def test_a_grace_that_makes_no_sense_is_refused(run, seconds):
    with pytest.raises(CommandError, match="seconds are a number from 0 to 31622400"):
        run("imagen_prune", f"--grace={seconds}")


def test_a_storage_without_folders_of_its_own_is_tidied_too(run, settings):
    settings.STORAGES = {**settings.STORAGES, "imagen": {"BACKEND": "django.core.files.storage.InMemoryStorage"}}
    kept, gone = completed().images.get(), storage().save("imagen/x/gone.png", ContentFile(b"x"))
    assert "Files without a picture deleted: 1" in run("imagen_prune", *NOW)
    assert isinstance(storage()._wrapped, InMemoryStorage)  # type: ignore[attr-defined]  # what the alias names
    assert (storage().exists(gone), *map(storage().exists, kept.files)) == (False, True, True)


def test_a_site_that_never_kept_a_picture_is_in_order(run, media):
    (media / "imagen").mkdir(parents=True)
    assert "Empty folders to delete: 0" in run("imagen_prune", "--dry-run", *NOW)
    assert "Files without a picture deleted: 0" in run("imagen_prune")


# --- rows without a file


@pytest.mark.parametrize("which", ["file", "thumbnail"])
@BY_HAND
def test_pictures_without_a_file_are_named_and_kept(fails, media, which):
    kept, lost = completed().images.get(), completed(images=2).images.first()
    storage().delete(getattr(lost, which).name)
    out = io.StringIO()
    error = fails(stdout=out)
    assert error.returncode == 1
    assert "1 picture has no file or no preview in storage" in str(error)
    assert "Restore the file from a backup, or delete the picture" in str(error)
    assert "Pictures without a file: 1" in out.getvalue()
    assert str(lost.pk) in out.getvalue()
    assert str(kept.pk) not in out.getvalue()
    assert Image.objects.count() == 3


# --- what is left over, and what goes wrong


def test_old_keys_and_workers_are_forgotten(run):
    old, person = timezone.now() - timedelta(days=2), editor()
    IdempotencyKey.objects.create(user=person, key="old", fingerprint="f", created_at=old)
    IdempotencyKey.objects.create(user=person, key="new", fingerprint="f")
    Worker.objects.create(name="gone", started_at=old, beat_at=old)
    assert "Old keys, workers, anomalies and deliveries forgotten: 2" in run("imagen_prune")
    assert (IdempotencyKey.objects.get().key, Worker.objects.count()) == ("new", 0)


def test_a_batch_goes_with_the_last_of_its_requests(run):
    gone, kept = (Batch.objects.create(total=2) for _ in range(2))
    for batch in (gone, gone, kept):
        generation(batch=batch)
    rows = list(gone.generations.all())
    pipeline.erase(rows[0])
    assert "Batches of which nothing is left deleted: 0" in run("imagen_prune")
    pipeline.erase(rows[1])
    pipeline.erase(kept.generations.get())
    generation(batch=kept)
    assert "Batches of which nothing is left deleted: 1" in run("imagen_prune")
    assert (list(Batch.objects.all()), Generation.objects.filter(batch=None).count()) == ([kept], 2)


def test_anomalies_go_after_a_week_unless_a_request_keeps_them(run):
    kept = completed()
    for days in (6, 8):
        anomalies.note(Oddity.RING_UNKNOWN, provider=f"{days} days ago", note="id")
    anomalies.note(Oddity.NO_OUTPUTS, job=kept.jobs.get())
    Anomaly.objects.exclude(provider="6 days ago").update(at=timezone.now() - timedelta(days=8))
    run("imagen_prune")
    assert set(Anomaly.objects.values_list("provider", "code")) == {
        ("6 days ago", "ring_unknown"),
        ("sandbox", "no_outputs"),
    }


def test_the_anomalies_of_a_request_go_with_it_and_a_fresh_one_keeps_nothing_of_it_but_that_it_was(run):
    old, young = finished_ago(31), finished_ago(31)
    for each in (old, young):
        anomalies.note(Oddity.EXTRA_OUTPUTS, job=each.jobs.get(), note="5 sent, 2 kept")
    old.anomalies.update(at=timezone.now() - timedelta(days=31))
    assert "Old keys, workers, anomalies and deliveries forgotten: 1" in run("imagen_prune", "--days", "30")
    assert (old.anomalies.count(), young.anomalies.get().note, young.anomalies.get().seen_at) == (0, "", None)


def test_who_deletes_a_request_takes_the_note_along_and_hides_no_money():
    made = completed(editor("ann"))
    anomalies.note(Oddity.NO_OUTPUTS, job=made.jobs.get(), note="an id")
    pipeline.erase(made)
    assert list(Anomaly.objects.unseen().values_list("code", "note")) == [("no_outputs", "")]


def test_a_sweep_forgets_anomalies_too():
    anomalies.note(Oddity.UNKNOWN_WORD, provider="wavespeed")
    Anomaly.objects.update(at=timezone.now() - timedelta(days=8))
    pipeline.sweep()
    assert not Anomaly.objects.exists()


@BY_HAND
def test_an_anomaly_that_was_noted_after_the_erasure_loses_its_note(run):
    gone = completed(editor("ann"), deleted_at=timezone.now(), prompt="")
    anomalies.note(Oddity.RING_DIFFERS, job=gone.jobs.get(), note="says failed, is completed")
    run("imagen_prune")
    assert gone.anomalies.get().note == ""


def test_files_of_erased_pictures_are_tried_until_they_are_gone(run, media):
    names = [stray(age=0) for _ in range(3)]
    Erasure.objects.bulk_create([Erasure(name=name, tries=5) for name in names])
    assert "Files of erased pictures that are still there: 0" in run("imagen_prune")
    assert (Erasure.objects.count(), stored(media)) == (0, set())


def test_a_file_that_cannot_be_deleted_is_not_forgotten(run, fails, media, monkeypatch):
    old, real = finished_ago(31), FileSystemStorage.delete
    stuck = old.images.get().file.name

    def delete(self: Any, name: str) -> None:
        if name == stuck:
            raise PermissionError("not yours")
        real(self, name)

    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", delete)
        error = fails("--days", "30", *NOW)
    assert error.returncode == 1
    assert "1 file of an erased picture could not be deleted. Every sweep tries again" in str(error)
    assert (stored(media), Generation.objects.get().prompt) == ({stuck}, "")
    run("imagen_prune")
    assert (Erasure.objects.count(), stored(media)) == (0, set())


def test_storage_that_fails_halfway_loses_nothing_and_is_taken_up_again(run, fails, media, monkeypatch):
    kept, real = completed(), FileSystemStorage.delete
    for _ in range(3):
        stray()
    names, deleted = stored(media), []

    def delete(self: Any, name: str) -> None:
        if "unfinished" not in name:
            deleted.append(name)
        if len(deleted) == 2:
            raise OSError("the disk is away")
        real(self, name)

    out = io.StringIO()
    with monkeypatch.context() as patch:
        patch.setattr(FileSystemStorage, "delete", delete)
        error = fails(stdout=out)
    assert error.returncode == 1
    assert "The storage failed (OSError). What was done stays done, and nothing is lost." in str(error)
    assert "Files without a picture deleted: 1" in out.getvalue()
    assert len(names - stored(media)) == 1
    assert "Files without a picture deleted: 2" in run("imagen_prune")
    assert stored(media) == {name for each in kept.images.all() for name in each.files}


def test_storage_that_does_not_answer_at_all_is_said_and_words_go_all_the_same(fails, monkeypatch):
    finished_ago(31)

    def refuse(self: Any, *args: Any) -> None:
        raise ConnectionError("refused")

    for name in ("save", "delete", "exists"):
        monkeypatch.setattr(FileSystemStorage, name, refuse)
    error = fails("--days", "30")
    assert "The storage failed (ConnectionError)" in str(error)
    assert (Generation.objects.get().prompt, Erasure.objects.count()) == ("", 2)


def test_a_storage_that_fails_again_and_again_is_left_alone(monkeypatch):
    Erasure.objects.bulk_create([Erasure(name=f"imagen/{number}") for number in range(30)])
    asked: list[str] = []

    def delete(self: Any, name: str) -> None:
        asked.append(name)
        raise ConnectionError("refused")

    monkeypatch.setattr(FileSystemStorage, "delete", delete)
    pipeline.sweep()
    assert len(asked) == 10
    pipeline.sweep()
    assert len(set(asked)) == 20  # those that were tried less often come first


# --- a dry run


@BY_HAND
def test_a_dry_run_says_what_would_go_and_changes_nothing(run, media):
    ann = editor("ann")
    batch, shared = (Batch.objects.create(user=ann, total=total) for total in (1, 2))
    mine = completed(ann, batch=batch)
    generation(editor("bob"), batch=shared)
    IdempotencyKey.objects.create(user=ann, key="k", fingerprint="f", created_at=timezone.now() - timedelta(days=2))
    Erasure.objects.create(name=stray())
    lone = stray()
    (media / "imagen" / "empty").mkdir()
    files.workspace().joinpath("half").write_bytes(b"x")
    before = {path: path.stat().st_mtime_ns for path in media.rglob("*")}
    out = run("imagen_prune", "--user", "ann", "--dry-run", "--verbosity", "2", *NOW)
    assert {path: path.stat().st_mtime_ns for path in media.rglob("*")} == before
    mine.refresh_from_db()
    assert (mine.prompt, mine.images.count(), IdempotencyKey.objects.count()) == ("a lighthouse", 1, 1)
    assert out.splitlines() == [
        "This is a dry run: nothing is changed.",
        "Requests to erase: 1",
        "Idempotency keys of this person to delete: 1",
        "API keys of this person to delete: 0",
        "Styles and templates of this person to delete: 0",
        "Webhook endpoints of this person to delete: 0",
        "Batches of which nothing is left to delete: 1",
        "Old keys, workers, anomalies and deliveries to forget: 1",
        "Files of erased pictures that are still there: 1",
        "Unfinished files to delete: 1",
        *sorted((f"    {lone}", "    imagen/empty/"), key=out.index),
        "Files without a picture to delete: 1",
        "Empty folders to delete: 1",
        "Small copies of replaced pictures to delete: 0",
        "Pictures without a file: 0",
    ]
