"""Small copies of what was placed: made beside the file, offered by the tag, gone when nobody shows them any more."""

from __future__ import annotations

import io
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.core.management import call_command
from django.template import Context, Template
from django.utils import timezone
from PIL import Image as Pillow

from imagen import marks, placing
from imagen.models import Placement
from project.articles.models import Article
from tests import factories
from tests.admin.pages import Page
from tests.project.conftest import article

pytestmark = pytest.mark.django_db
Committed = Callable[..., AbstractContextManager[Any]]


@pytest.fixture
def committed(django_capture_on_commit_callbacks: Any) -> Committed:
    """What follows a commit happens at the end of the block."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def placed(size: tuple[int, int] = (1000, 500), row: Article | None = None) -> Article:
    """An article with a hero of this size."""
    row = row or article()
    row.hero, row.hero_alt = ContentFile(factories.picture_bytes(size=size), name="sea.png"), "A sea"
    row.save()
    placing.record(row, "hero", image=None, user=None, pick=None, alt=row.hero_alt)
    return row


def drawn(row: Article) -> dict[str, str | None]:
    source = "{% load imagen %}{% generated_image row.hero alt='A sea' sizes='50vw' %}"
    (shown,) = Page(Template(source).render(Context({"row": row}))).all("img")
    return shown


def stored(media: Path) -> set[str]:
    return {path.name for path in (media / "articles").rglob("*.*")}


def test_a_page_offers_the_browser_narrower_copies_that_say_too_that_ai_made_them(
    committed: Committed, media: Path
) -> None:
    with committed():
        row = placed()
    shown, at = drawn(row), row.hero.url.removesuffix(".png")
    assert shown["srcset"] == f"{at}-480w.webp 480w, {at}-960w.webp 960w, {at}.png 1000w"
    assert (shown["src"], shown["sizes"], shown["width"]) == (row.hero.url, "50vw", "1000")
    data = (media / row.hero.name).with_name("sea-480w.webp").read_bytes()
    assert Pillow.open(io.BytesIO(data)).size == (480, 240)
    assert marks.marked(data)


def test_a_picture_that_is_small_already_comes_in_one_size(committed: Committed, media: Path) -> None:
    with committed():
        row = placed((480, 240))
    assert "srcset" not in drawn(row)
    assert stored(media) == {"sea.png"}


def test_a_file_that_a_script_put_there_has_no_copies_of_another_one(committed: Committed) -> None:
    with committed():
        row = placed()
    row.hero = ContentFile(factories.picture_bytes(size=(900, 450)), name="own.png")
    row.save()
    assert "srcset" not in drawn(Article.objects.get())


def full(*args: Any) -> str:
    raise OSError("disk full")


def test_where_the_storage_takes_no_copies_the_picture_is_placed_all_the_same(
    committed: Committed, monkeypatch: pytest.MonkeyPatch
) -> None:
    row = article()
    with committed():
        placed(row=row)
        monkeypatch.setattr(FileSystemStorage, "_save", full)
    assert drawn(row)["src"] == row.hero.url
    assert "srcset" not in drawn(row)


@pytest.mark.parametrize(("days", "gone"), [(29, False), (31, True)])
def test_copies_of_what_was_replaced_go_when_no_cached_page_shows_them_any_more(
    committed: Committed, media: Path, days: int, gone: bool
) -> None:
    with committed():
        row = placed()
    with committed():
        placed((600, 300), row=row)
    Placement.objects.exclude(ended_at=None).update(ended_at=timezone.now() - timedelta(days=days))
    before, out = stored(media), io.StringIO()
    call_command("imagen_prune", "--dry-run", stdout=out)
    assert f"Small copies of replaced pictures to delete: {2 * gone}" in out.getvalue()
    assert stored(media) == before
    call_command("imagen_prune", stdout=io.StringIO())
    assert before - stored(media) == ({"sea-480w.webp", "sea-960w.webp"} if gone else set())
    assert drawn(row)["srcset"]
    out = io.StringIO()
    call_command("imagen_prune", stdout=out)
    assert "Small copies of replaced pictures deleted: 0" in out.getvalue()
