"""A file of one's own on an article."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from imagen import marks, placing
from imagen.models import Placement
from project.articles.models import Article
from tests import factories
from tests.project.conftest import (
    ALT,
    SignIn,
    article,
    change,
    chosen,
    me,
    picture,
    save,
    upload,
)

pytestmark = pytest.mark.django_db


def test_a_file_of_ones_own_is_not_called_generated(sign_in: SignIn) -> None:
    client = sign_in()
    assert save(client, hero=upload(factories.picture_bytes()), hero_alt=ALT) == {}
    row = Article.objects.get()
    assert placing.current(row, "hero") is None
    assert row.hero_small


def test_a_file_that_says_it_was_made_by_ai_is_called_generated(sign_in: SignIn, media: Path) -> None:
    client = sign_in()
    data = marks.mark(factories.picture_bytes(), system="elsewhere")
    assert save(client, hero=upload(data), hero_alt=ALT) == {}
    row = Article.objects.get()
    placed = placing.current(row, "hero")
    assert placed
    assert (placed.image, placed.alt_text) == (None, ALT)
    assert marks.marked((media / row.hero_small.name).read_bytes())


@pytest.mark.parametrize(
    "file",
    [
        upload(factories.picture_bytes(format="GIF")),
        upload(factories.picture_bytes(size=(400, 400))[:-60]),
        upload(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>", "pool.svg"),
        upload(factories.picture_bytes(), "pool.html"),
        upload(factories.picture_bytes(format="GIF"), "pool.gif"),
    ],
    ids=["another format", "cut off", "svg", "another ending", "gif"],
)
def test_a_file_that_is_no_picture_for_a_page_is_refused(sign_in: SignIn, file: SimpleUploadedFile) -> None:
    file.seek(0)
    assert list(save(sign_in(), hero=file, hero_alt=ALT)) == ["hero"]


def test_a_picture_with_too_many_pixels_is_refused(sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("project.articles.plates.MOST_PIXELS", 64 * 36 - 1)
    errors = save(sign_in(), hero=upload(factories.picture_bytes()), hero_alt=ALT)
    assert "too many pixels" in errors["hero"][0]


def test_one_picture_at_a_time(sign_in: SignIn) -> None:
    client = sign_in()
    token = chosen(picture(me(client)), me(client))
    errors = save(client, hero=upload(factories.picture_bytes()), hero_alt=ALT, **token)
    assert errors["hero"][0].startswith("A file and a generated picture were chosen. Choose one")


def test_a_picture_can_be_taken_off_again(sign_in: SignIn) -> None:
    client = sign_in()
    row = article(picture(me(client)))
    assert save(client, change(row), **{"hero-clear": "on", "hero_alt": row.hero_alt}) == {}
    row.refresh_from_db()
    assert (row.hero.name, row.hero_small.name, row.hero_width) == ("", "", None)
    assert not Placement.objects.filter(ended_at=None)
