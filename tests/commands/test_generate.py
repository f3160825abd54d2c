"""``imagen_generate``: asks, works itself when nobody else does, waits, says how it went."""

from __future__ import annotations

import hashlib
import io
import json
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError
from django.utils import timezone

from imagen.management import spare
from imagen.management.commands import imagen_generate
from imagen.models import Budget, Generation, Job, Worker
from imagen.types import ASPECT_RATIOS
from tests import factories

pytestmark = pytest.mark.django_db(transaction=True)
PROMPT = "a lighthouse [[slow:0.1]]"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def refused(run: Any, *arguments: str) -> CommandError:
    with pytest.raises(CommandError) as caught:
        run("imagen_generate", *arguments)
    return caught.value


def lines(text: str) -> list[str]:
    return text.strip().splitlines()


def test_a_picture_is_made_although_nobody_else_works(run):
    told = lines(run("imagen_generate", PROMPT))
    generation = Generation.objects.get()
    assert generation.status == "completed"
    assert told[0] == "imagen-4 by Sandbox, pictures: 1, price: free"
    assert [line for line in told if line in ("Waiting", "Being made", "Saved")] == ["Waiting", "Being made", "Saved"]
    assert told[-2:] == [generation.images.get().file.name, f"Request {generation.pk}"]


def test_every_field_of_a_request_can_be_given(run):
    fields = ["--model", "imagen-4-fast", "--provider", "sandbox", "--aspect-ratio", "16:9", "--resolution", "2k"]
    more = ["--num-images", "2", "--seed", "7", "--negative-prompt", "fog", "--no-wait"]
    run("imagen_generate", "a lighthouse", *fields, *more)
    found = Generation.objects.get().request
    assert (found.model, found.provider, found.aspect_ratio, found.resolution) == (
        "imagen-4-fast",
        "sandbox",
        "16:9",
        "2k",
    )
    assert (found.num_images, found.seed, found.negative_prompt) == (2, 7, "fog")


def test_warnings_are_told_in_sentences_and_once(run):
    told = run("imagen_generate", PROMPT)
    assert told.count("Its successor is") == 1


def test_a_request_belongs_to_the_person_it_is_made_for(run):
    ann = factories.person("ann")
    run("imagen_generate", "a lighthouse", "--user", "ann", "--no-wait")
    assert Generation.objects.get().user == ann


def test_nobody_known_by_that_name_is_a_bad_argument(run):
    error = refused(run, "a lighthouse", "--user", "bob")
    assert (error.returncode, str(error)) == (2, "There is nobody called bob.")
    assert not Generation.objects.exists()


def test_not_waiting_returns_while_it_is_queued(run):
    told = lines(run("imagen_generate", "a lighthouse", "--no-wait"))
    generation = Generation.objects.get()
    assert (generation.status, Job.objects.get().fence) == ("queued", 0)
    assert told[-1] == f"Request {generation.pk}"


def test_pictures_are_copied_under_their_ids(run, tmp_path: Path):
    told = lines(run("imagen_generate", PROMPT, "--num-images", "2", "--output", str(tmp_path / "new" / "folder")))
    images = list(Generation.objects.get().images.order_by("index"))
    paths = [tmp_path / "new" / "folder" / f"{image.pk}.{image.format}" for image in images]
    assert told[-3:-1] == [str(path) for path in paths]
    assert sorted(paths[0].parent.iterdir()) == sorted(paths)
    assert [hashlib.sha256(path.read_bytes()).hexdigest() for path in paths] == [image.sha256 for image in images]


def test_a_folder_that_cannot_be_written_to_is_refused_before_anything_is_paid(run, tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    assert refused(run, "a lighthouse", "--output", str(tmp_path / "file" / "below")).returncode == 2
    assert not Generation.objects.exists()


def test_a_copy_that_fails_leaves_the_picture_in_storage(run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(imagen_generate.shutil, "copyfileobj", lambda *files: 1 / 0)
    error = refused(run, PROMPT, "--output", str(tmp_path))
    assert error.returncode == 1
    assert f"{Generation.objects.get().images.get().pk} is in the site's storage" in str(error)


def test_json_is_all_that_is_printed(run):
    document = json.loads(run("imagen_generate", PROMPT, "--json"))
    generation = Generation.objects.get()
    assert (document["id"], document["status"]) == (str(generation.pk), "completed")
    assert document["images"][0]["url"].endswith(f"/{generation.images.get().pk}/")


def test_a_failure_is_told_in_a_sentence_and_by_the_exit_code(run):
    error = refused(run, "a lighthouse [[fail:content_filtered]]")
    assert error.returncode == 1
    assert "declined this description" in str(error)


def test_a_failure_is_json_too_when_asked_for(run):
    out = io.StringIO()
    with pytest.raises(CommandError):
        run("imagen_generate", "a lighthouse [[fail:provider_rejected]]", "--json", stdout=out)
    assert json.loads(out.getvalue())["error"]["code"] == "provider_rejected"


def test_part_of_the_pictures_is_a_success(run):
    told = run("imagen_generate", "a lighthouse [[slow:0.1]] [[partial:1of2]]", "--num-images", "2")
    assert Generation.objects.get().status == "partial"
    assert "1 of 2 pictures are ready" in told


def test_what_nobody_can_confirm_has_an_exit_code_of_its_own(run):
    error = refused(run, "a lighthouse [[fail:submit_unknown]]")
    assert error.returncode == 3
    assert "so it was not sent again" in str(error)


def test_a_request_that_cannot_be_taken_names_its_fields(run):
    error = refused(run, " ", "--aspect-ratio", "7:1", "--num-images", "5")
    assert error.returncode == 2
    assert lines(str(error))[1:] == [
        "  prompt: Please describe the picture.",
        "  aspect_ratio: Choose one of: " + ", ".join(ASPECT_RATIOS) + ".",
        "  num_images: This has to be between 1 and 4.",
    ]
    assert not Generation.objects.exists()


def test_a_database_that_does_not_answer_is_told_in_a_sentence(run, monkeypatch: pytest.MonkeyPatch):
    def fail(**options: Any) -> None:
        raise OperationalError("gone")

    monkeypatch.setattr("imagen.pipeline.request", fail)
    error = refused(run, "a lighthouse")
    assert (error.returncode, "imagen_doctor" in str(error)) == (1, True)


def test_a_database_that_is_away_for_a_moment_is_waited_for(run, monkeypatch: pytest.MonkeyPatch):
    answers = iter([OperationalError("gone"), OperationalError("still gone")])
    plain = spare.deserted

    def deserted(generation: Generation) -> bool:
        for error in answers:
            raise error
        return plain(generation)

    monkeypatch.setattr(spare, "deserted", deserted)
    run("imagen_generate", PROMPT)
    assert Generation.objects.get().status == "completed"


def test_a_held_picture_is_neither_copied_nor_named(run, tmp_path: Path):
    prompt, folder = "a lighthouse [[slow:0.1]] [[nsfw:1]]", tmp_path / "out"
    told = run("imagen_generate", prompt, "--num-images", "2", "--output", str(folder))
    shown = Generation.objects.get().images.get(review="none")
    assert "1 picture is held for review." in told
    assert [path.stem for path in folder.iterdir()] == [str(shown.pk)]


def test_a_held_picture_alone_leaves_nothing_to_name(run):
    told = lines(run("imagen_generate", "a lighthouse [[slow:0.1]] [[nsfw:1]]"))
    assert told[-3:-1] == ["Saved", "1 picture is held for review."]


def test_a_reviewer_gets_held_pictures_too(run, tmp_path: Path):
    factories.person("rita", "review")
    prompt, folder = "a lighthouse [[slow:0.1]] [[nsfw:1]]", tmp_path / "out"
    told = run("imagen_generate", prompt, "--user", "rita", "--output", str(folder))
    assert "for review" not in told
    assert len(list(folder.iterdir())) == 1


def test_ctrl_c_leaves_the_request_queued_and_says_which(run, monkeypatch: pytest.MonkeyPatch):
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(spare, "deserted", lambda generation: False)
    monkeypatch.setattr(imagen_generate.time, "sleep", interrupt)
    error = refused(run, "a lighthouse")
    generation = Generation.objects.get()
    assert (error.returncode, generation.status) == (130, "queued")
    assert f"request {generation.pk} stays queued" in str(error)


def test_a_terminal_shows_a_bar_that_is_gone_at_the_end(run):
    out = Terminal()
    run("imagen_generate", "a lighthouse [[slow:0.5]]", stdout=out)
    *_, saved = out.getvalue().split("Saved\n")
    assert "[#" in out.getvalue()
    assert "[#" not in saved


def test_elsewhere_no_bar_is_drawn(run):
    assert "[#" not in run("imagen_generate", PROMPT)


def test_why_it_waits_is_told(run, monkeypatch: pytest.MonkeyPatch):
    looks = iter(range(3))

    def deserted(generation: Generation) -> bool:
        if next(looks, None) is None:
            return True
        generation.jobs.update(error_code="provider_rate_limited")
        return False

    monkeypatch.setattr(spare, "deserted", deserted)
    assert run("imagen_generate", PROMPT).count("Yours waits its turn") == 1


def test_our_own_worker_is_forgotten_when_it_is_gone(run):
    run("imagen_generate", PROMPT)
    assert not Worker.objects.exists()


@pytest.mark.parametrize(
    ("beat", "overdue", "expected"),
    [
        (None, 0, True),
        (timedelta(minutes=5), 1, False),
        (timedelta(minutes=5), 3, True),
        (timedelta(seconds=3), 3, False),
        (timedelta(seconds=3), 6, True),
    ],
    ids=[
        "never a worker",
        "a quiet one, given a moment",
        "a quiet one, late",
        "a living one, in time",
        "one that hangs",
    ],
)
def test_we_work_ourselves_only_when_nobody_else_does(
    monkeypatch: pytest.MonkeyPatch, beat: timedelta | None, overdue: float, expected: bool
):
    patience = {"never": timedelta(0), "quiet": timedelta(seconds=2), "alive": timedelta(seconds=5)}
    monkeypatch.setattr(spare, "PATIENCE", patience)
    now = timezone.now()
    if beat is not None:
        Worker.objects.create(name="other", started_at=now, beat_at=now - beat)
    generation = factories.generation(job={"due_at": now - timedelta(seconds=overdue)})
    assert spare.deserted(generation) is expected


@pytest.mark.by_hand("a worker is invented")
def test_a_call_that_a_worker_holds_is_left_to_it():
    generation = factories.generation(job={"due_at": timezone.now() + timedelta(seconds=50), "holder": "other"})
    assert not spare.deserted(generation)


@pytest.mark.parametrize(("verbosity", "told"), [(1, False), (2, True)])
def test_the_logs_small_talk_stays_off_the_terminal_unless_asked_for(run, caplog, verbosity, told):
    with caplog.at_level("INFO"):
        run("imagen_generate", "a kite", "--no-wait", "--verbosity", str(verbosity))
    assert ("a request was taken" in caplog.text) is told


def limited(amount, **facts):
    return Budget.objects.create(limit=Decimal(amount), **facts)


@pytest.fixture
def priced(settings):
    """A gateway that costs something, and that nobody calls here."""
    wavespeed = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "k"}}
    offers = {"wavespeed": {"imagen-4": {"price": "0.038"}}}
    settings.IMAGEN = {**settings.IMAGEN, "PROVIDERS": {"wavespeed": wavespeed}, "OFFERS": offers}


def test_price_and_what_is_left_are_told_before_anything_is_spent(run, priced):
    limited("5")
    told = lines(run("imagen_generate", "a lighthouse", "--num-images", "2", "--no-wait"))
    assert told[0] == "imagen-4 by WaveSpeedAI, pictures: 2, price: 0.076 USD"
    assert told[1].startswith("Left: 5.00 USD of 5.00 USD until")


def test_beyond_the_budget_it_is_refused_with_the_sentence(run, priced):
    limited("0.05")
    out = io.StringIO()
    with pytest.raises(CommandError) as caught:
        run("imagen_generate", "a lighthouse", "--num-images", "2", stdout=out)
    assert caught.value.returncode == 2
    assert str(caught.value).startswith("This needs 0.076 USD; 0.05 USD of 0.05 USD is left until")
    assert "price: 0.076 USD" in out.getvalue()
    assert not Generation.objects.exists()


def test_the_budget_is_that_of_the_person_it_is_made_for(run, priced):
    ann = factories.person("ann")
    limited("0.01", scope="person", user=ann)
    assert refused(run, "a lighthouse", "--user", "ann", "--no-wait").returncode == 2
    run("imagen_generate", "a lighthouse", "--no-wait")
    assert Generation.objects.get().user is None


def test_json_says_nothing_of_it_and_a_refusal_goes_elsewhere(run, priced):
    limited("0.05")
    json.loads(run("imagen_generate", "a lighthouse", "--json", "--no-wait"))
    out = io.StringIO()
    with pytest.raises(CommandError, match="This needs"):
        run("imagen_generate", "a lighthouse", "--json", "--no-wait", stdout=out)
    assert out.getvalue() == ""
