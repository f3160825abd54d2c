"""The page that shows how to add a provider: what it shows is the example, and a stranger who follows it arrives."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from imagen_replicate import Replicate

import imagen
from imagen import exceptions, registry
from imagen.exceptions import BadSignature, ImagenError, ProviderError
from imagen.offers import Model, Offer
from imagen.providers.base import Provider
from imagen.sentences import SENTENCES
from imagen.testing.bodies import STATUSES
from imagen.types import Snapshot

HERE = Path(__file__).parent
ROOT = Path(imagen.__file__).parent.parent
PAGE = ROOT / "docs" / "howto" / "add-a-provider.md"
TEXT = PAGE.read_text()
BLOCKS: list[tuple[str, str]] = re.findall(r'^```\w+ title="([^"\n]+)"\n(.*?)^```$', TEXT, re.MULTILINE | re.DOTALL)
PROSE = re.sub(r"^```.*?^```$", "", TEXT, flags=re.MULTILINE | re.DOTALL)
FILES = ("imagen_replicate.py", "tests/test_replicate.py", "tests/test_replicate_story.py", "pytest.ini", "conftest.py")
SITE = """
from pathlib import Path
BASE_DIR = Path(__file__).parent
SECRET_KEY = "only for this test"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
STORAGES = {"default": {"BACKEND": "django.core.files.storage.FileSystemStorage"}}
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django_q", "rest_framework", "imagen"]
USE_TZ = True
Q_CLUSTER = {"name": "site", "orm": "default", "retry": 180, "timeout": 90}
"""


def block(title: str) -> str:
    """What the page says to put there, block after block."""
    return "\n".join(text for name, text in BLOCKS if name == title)


def rows(heading: str) -> list[list[str]]:
    """The cells of the table under this heading."""
    lines = TEXT[TEXT.index(f"| {heading} |") :].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]


def squeezed(code: str) -> list[str]:
    return [line for line in code.splitlines() if line.strip()]


def names(text: str) -> list[str]:
    """Everything written as code in a cell."""
    return re.findall(r"`([^`]+)`", text)


# The code on it


def test_the_page_shows_the_whole_provider():
    assert squeezed(block("imagen_replicate.py")) == squeezed((HERE / "imagen_replicate.py").read_text())


@pytest.mark.parametrize("name", ["test_replicate.py", "test_replicate_story.py"])
def test_the_page_shows_its_tests_whole(name: str):
    assert block(f"tests/{name}") == (HERE / name).read_text()


def test_the_recorded_answer_on_the_page_reads_like_ours():
    told, ours = (
        json.loads(text)
        for text in (
            block("tests/fixtures/create_starting.json"),
            (HERE / "fixtures" / "create_starting.json").read_text(),
        )
    )
    assert told["response"]["json"].items() <= ours["response"]["json"].items()
    assert told["response"]["status"] == ours["response"]["status"]


def test_the_settings_on_the_page_make_a_provider(settings: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("REPLICATE_API_TOKEN", "r8_test")
    there: dict[str, Any] = {}
    exec(block("settings.py"), there)
    settings.IMAGEN, settings.DEBUG = there["IMAGEN"], False
    assert [type(found) for found in registry.configured().values()] == [Replicate]
    assert registry.provider("replicate").per_minute == 600


def test_an_option_of_its_own_goes_beside_the_common_ones():
    there: dict[str, Any] = {"Replicate": Replicate, "Any": Any}
    exec(block("an option of your own"), there)
    found = there["Patient"](api_key="r8_test", seconds=5)
    assert (found.seconds, found.api_key) == (5, "r8_test")


def test_the_package_on_the_page_is_built_and_holds_the_module(tmp_path: Path):
    (tmp_path / "pyproject.toml").write_text(block("pyproject.toml"))
    (tmp_path / "imagen_replicate.py").write_text(block("imagen_replicate.py"))
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", cwd=tmp_path)
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    assert "imagen_replicate.py" in zipfile.ZipFile(wheel).namelist()
    assert tomllib.loads(block("pyproject.toml"))["project"]["dependencies"] == ["imagen"]


# What it says


def test_every_block_has_its_place():
    further = {"settings.py", "settings.py, for SQLite", "an option of your own", "pyproject.toml"}
    assert {title for title, _ in BLOCKS} == {*FILES, "tests/fixtures/create_starting.json", *further}
    assert TEXT.count("```") == 2 * len(BLOCKS)


def test_every_fact_and_method_of_a_provider_is_on_the_page():
    same_for_all = {"accept", "clean", "configured", "read_found", "read_balance", "read_catalogue", "read_price"}
    same_for_all |= {"account", "lists", "quote", "webhook_secrets"}
    hints = [name for kind in Provider.__mro__ for name in inspect.get_annotations(kind)]
    known = {name for name in (*dir(Provider), *hints) if not name.startswith("_")}
    options = set(inspect.signature(Provider.__init__).parameters) - {"self"}
    told = {name.partition("(")[0].removeprefix("self.") for name in names(PROSE)}
    shown = set(re.findall(r'"(\w+)":', block("settings.py")))
    assert (known | options) - same_for_all - told - shown == set()


@pytest.mark.parametrize(("heading", "kind"), [("field of an offer", Offer), ("field of a snapshot", Snapshot)])
def test_every_field_is_on_the_page(heading: str, kind: Any):
    assert [name for row in rows(heading) for name in names(row[0])] == [known.name for known in fields(kind)]


def test_every_field_of_a_model_is_on_the_page():
    assert {known.name for known in fields(Model)} <= set(names(PROSE))


def test_the_table_of_statuses_is_what_happens():
    told: dict[int, str] = {}
    for statuses, error, codes in rows("status"):
        for status in re.findall(r"\d{3}", statuses):
            told[int(status)] = f"{names(error)[0]} {names(codes)[0]}"
    assert told == STATUSES


def test_every_exception_of_a_provider_is_on_the_page():
    errors = {kind for kind in vars(exceptions).values() if inspect.isclass(kind) and issubclass(kind, ImagenError)}
    known = {kind.__name__ for kind in errors if issubclass(kind, ProviderError | BadSignature)}
    known -= {"ProviderError", "Expired"}  # nobody raises the one, and only our own tokens expire
    assert {names(row[0])[0] for row in rows("exception")} == known


def test_every_code_on_the_page_has_its_sentence():
    codes = {name for name in names(PROSE) if name.startswith(("provider_", "content_", "output_", "model_r"))}
    assert codes - {"output_format", "output_formats"} <= set(SENTENCES)


def test_every_file_it_points_to_is_there():
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^)]+)\)", TEXT) if "://" not in link]
    assert [link for link in links if not (PAGE.parent / link).exists()] == []
    assert "howto/add-a-provider.md" in (ROOT / "docs" / "index.md").read_text()


# Following it


@pytest.mark.slow
def test_who_follows_the_page_in_a_site_of_their_own_arrives(tmp_path: Path):
    (tmp_path / "tests" / "fixtures").mkdir(parents=True)
    (tmp_path / "mysite").mkdir()
    for title in FILES:
        (tmp_path / title).write_text(block(title))
    (tmp_path / "mysite" / "settings.py").write_text(
        SITE + block("settings.py") + block("settings.py, for SQLite") + 'ROOT_URLCONF = "imagen.urls"\n'
    )
    for recorded in (HERE / "fixtures").glob("*.json"):
        (tmp_path / "tests" / "fixtures" / recorded.name).write_bytes(recorded.read_bytes())
    told = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=tmp_path)
    passed = re.search(r"(\d+) passed", told)
    assert passed is not None
    assert int(passed[1]) > 90


def run(*command: str, cwd: Path) -> str:
    """What a command printed."""
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=cwd, env=environ, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
