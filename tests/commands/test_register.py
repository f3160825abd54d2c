"""``imagen_register``: every use of a picture, what was decided of it, and nothing a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from imagen import pipeline, placing
from imagen.doors import Pick
from imagen.models import Image, Placement
from imagen.presentation import moment
from project.articles.models import Article
from tests import factories
from tests.project.conftest import HERO, article

pytestmark = [pytest.mark.django_db, pytest.mark.by_hand("placed without a form")]
Run = Callable[..., str]


@pytest.fixture
def ann() -> User:
    return factories.person("ann")


def picture(user: User | None = None, **fields: Any) -> Image:
    known = {"status": "completed", "pictures": True, "provider": "wavespeed"}
    return factories.image(factories.generation(user, **{**known, **fields}))


def use(row: Article, image: Image | None, user: User | None, alt: str = "Two crabs", **said: Any) -> Placement:
    pick = image and Pick(image=str(image.pk), place=HERO, meaning="informative", **said)
    return placing.record(row, "hero", image=image, user=user, pick=pick, alt=alt)


def sheet(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_a_use_is_a_row_with_everything_that_was_decided(run: Run, ann: User) -> None:
    row, image = article(), picture(ann)
    placed = use(row, image, ann, disclosure="no", reason="A collage", question=1)
    known = {
        "object_type": "articles.article",
        "object_id": str(row.pk),
        "field": "hero",
        "picture": str(image.pk),
        "model": "imagen-4",
        "provider": "wavespeed",
        "user": "ann",
        "placed_at": moment(placed.placed_at),
        "replaced_at": None,
        "purpose": "informative",
        "alt_text": "Two crabs",
        "disclosure": "no",
        "reason": "A collage",
        "question": 1,
    }
    assert json.loads(run("imagen_register", "--json")) == [known]
    written = {name: "" if value is None else str(value) for name, value in known.items()}
    assert sheet(run("imagen_register")) == [written]
    assert run("imagen_register").splitlines()[0] == ",".join(known)


def test_what_was_replaced_or_deleted_since_stays_on_record(run: Run, ann: User) -> None:
    row, first, second = article(), picture(ann), picture(ann)
    before = use(row, first, ann, disclosure="illustration", question=1)
    use(row, second, ann)
    pipeline.discard(first)
    ann.delete()
    rows = json.loads(run("imagen_register", "--json"))
    before.refresh_from_db()
    assert [each["replaced_at"] for each in rows] == [moment(before.ended_at), None]
    assert [(each["picture"], each["user"]) for each in rows] == [(None, None), (str(second.pk), None)]
    assert [(each["disclosure"], each["question"]) for each in rows] == [("illustration", 1), ("", 0)]


def test_the_service_is_the_one_that_made_it(run: Run, ann: User) -> None:
    image = picture(ann, provider="apiframe")
    image.job.provider = "wavespeed"
    image.job.save()
    use(article(), image, ann)
    assert [each["provider"] for each in sheet(run("imagen_register"))] == ["wavespeed"]


@pytest.mark.parametrize("sign", ["=", "+", "-", "@", "\t", "\r"])
def test_a_spreadsheet_runs_nothing_of_it(run: Run, sign: str) -> None:
    evil = f'{sign}HYPERLINK("https://example.com","x")'
    use(article(), picture(), factories.person("@ann"), alt=evil, disclosure="no", reason=evil, question=1)
    (row,) = list(csv.DictReader(io.StringIO(run("imagen_register"), newline="")))
    assert (row["alt_text"], row["reason"], row["user"]) == (f"'{evil}", f"'{evil}", "'@ann")
    (kept,) = json.loads(run("imagen_register", "--json"))
    assert (kept["alt_text"], kept["reason"]) == (evil, evil)


def test_since_a_day_means_from_its_first_moment_here(run: Run, settings: Any) -> None:
    settings.TIME_ZONE = "Asia/Tokyo"
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    for number in range(2):
        placed = use(article(slug=f"story-{number}"), picture(), None, alt=str(number))
        Placement.objects.filter(pk=placed.pk).update(placed_at=midnight - timedelta(seconds=1 - number))
    assert [row["alt_text"] for row in sheet(run("imagen_register", f"--since={midnight:%Y-%m-%d}"))] == ["1"]
    assert len(sheet(run("imagen_register"))) == 2


def test_a_day_that_is_none_is_refused(run: Run) -> None:
    with pytest.raises(CommandError, match="a day is written like 2026-11-29"):
        run("imagen_register", "--since=yesterday")


def test_nothing_placed_is_a_heading_or_an_empty_list(run: Run) -> None:
    assert sheet(run("imagen_register")) == []
    assert run("imagen_register").startswith("object_type,")
    assert json.loads(run("imagen_register", "--json")) == []


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_many_uses_are_written_as_they_are_read_in_one_query(monkeypatch: pytest.MonkeyPatch, form: list[str]) -> None:
    monkeypatch.setattr("imagen.management.commands.imagen_register.CHUNK", 2)
    row, image = article(), picture()
    for _number in range(7):
        use(row, image, None)
    out = io.StringIO()
    with CaptureQueriesContext(connection) as queries:
        call_command("imagen_register", *form, stdout=out)
    assert len(queries) == 1
    assert out.getvalue().count("articles.article") == 7
