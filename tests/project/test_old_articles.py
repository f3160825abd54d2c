"""A magazine from before imagen kept the record of what was placed where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import connections
from django.db.migrations.executor import MigrationExecutor

from tests.factories import picture_bytes

OLD = [("articles", "0001_initial"), ("imagen", "0008_studio"), ("contenttypes", "0002_remove_content_type_name")]
NEW = [("articles", "0002_figures_and_placements")]
WORDS = {"summary": "What the sea leaves.", "body": "First."}


@pytest.fixture
def database(tmp_path: Path, django_db_blocker: Any) -> Iterator[str]:
    """The alias of an empty SQLite database of this test's own."""
    plain = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(tmp_path / "old.sqlite3"), "OPTIONS": {}}
    connections.settings["old"] = {**connections.settings["default"], **plain}
    with django_db_blocker.unblock():
        yield "old"
        connections["old"].close()
    del connections["old"], connections.settings["old"]


def migrated(alias: str, *targets: tuple[str, str]) -> Any:
    """The models as they are after these migrations."""
    executor = MigrationExecutor(connections[alias])
    executor.migrate(list(targets))
    return executor.loader.project_state(list(targets)).apps


def test_what_an_old_article_knew_of_its_picture_becomes_a_placement_and_nothing_else_is_touched(database: str) -> None:
    Article = migrated(database, *OLD).get_model("articles", "Article")
    made, other = (
        Article(title=name, slug=name, hero_alt=f"A {name}", hero_generated=name == "pool", **WORDS)
        for name in ("pool", "shell")
    )
    for each in (made, other):
        each.hero.save(f"{each.slug}.png", ContentFile(picture_bytes()), save=False)
        each.save(using=database)
    now = migrated(database, *NEW)
    (placed,) = now.get_model("imagen", "Placement").objects.using(database)
    assert (placed.object_id, placed.field, placed.file_name) == (str(made.pk), "hero", made.hero.name)
    assert (placed.alt_text, placed.meaning, placed.image, placed.ended_at) == ("A pool", "informative", None, None)
    assert (placed.content_type.app_label, placed.content_type.model) == ("articles", "article")
    assert placed.placed_at == made.published_at
    articles = now.get_model("articles", "Article").objects.using(database).order_by("slug")
    assert [(each.hero, each.hero_alt) for each in articles] == [(each.hero, each.hero_alt) for each in (made, other)]
