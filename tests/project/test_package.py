"""The package on its own, in a project that knows nothing of ours."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

import imagen

ROOT = Path(imagen.__file__).parent.parent
BARE = """
SECRET_KEY = "only for this test"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3", "OPTIONS": {
    "transaction_mode": "IMMEDIATE", "timeout": 20,
    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL"}}}
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {
    "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]}}]
ROOT_URLCONF = "site_urls"
USE_TZ = True
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes", "django.contrib.staticfiles"]
"""
ADMIN = """
INSTALLED_APPS += ["django.contrib.admin", "django.contrib.messages", "django.contrib.sessions"]
"""
LEAST = """
INSTALLED_APPS += ["django_q", "rest_framework", "imagen"]
"""
URLS = """
from django.urls import include, path
urlpatterns = [path("", include("imagen.urls"))]
"""


def run(*command: str, cwd: Path, **environ: str) -> str:
    """What a command printed; its error stream is the failure's message."""
    path = {"PATH": os.environ["PATH"], **environ}
    done = subprocess.run(command, cwd=cwd, env=path, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built package."""
    folder = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder), cwd=ROOT)
    (found,) = folder.glob("*.whl")
    return found


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder the package is installed into; what it depends on comes from this environment."""
    folder = tmp_path_factory.mktemp("site")
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check")
    run(*pip, "--target", str(folder), str(wheel), cwd=folder)
    return folder


@pytest.mark.slow
def test_the_package_holds_the_app_and_nothing_of_the_demo(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {"imagen", f"imagen-{imagen.__version__}.dist-info"}
    assert "imagen/py.typed" in names
    assert [name for name in names if name.startswith("imagen/migrations/0001")]


@pytest.mark.slow
def test_templates_and_static_files_travel_with_the_package(wheel: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    files = [path for kind in ("templates", "static", "locale") for path in (ROOT / "imagen").glob(f"{kind}/**/*.*")]
    assert {str(path.relative_to(ROOT)) for path in files} <= packed


@pytest.fixture
def django(installed: Path, tmp_path: Path) -> Callable[..., str]:
    """Runs a command of a project with these settings, in a folder of its own."""

    def django(settings: str, *command: str) -> str:
        (tmp_path / "site_settings.py").write_text(settings)
        (tmp_path / "site_urls.py").write_text(URLS)
        environ = {"DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": f"{installed}:{tmp_path}"}
        return run(sys.executable, "-m", "django", *command, cwd=tmp_path, **environ)

    return django


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", ADMIN], ids=["without the admin", "with the admin"])
def test_three_lines_in_installed_apps_pass_the_checks(django: Callable[..., str], more: str) -> None:
    django(BARE + more + LEAST, "check")
    django(BARE + more + LEAST, "makemigrations", "--check", "imagen")


@pytest.mark.slow
def test_a_new_project_that_follows_the_readme_generates_and_has_one_warning(installed: Path, tmp_path: Path) -> None:
    settings, urls = _readme("INSTALLED_APPS"), _readme("from django.contrib import admin")
    run(sys.executable, "-m", "django", "startproject", "fresh", ".", cwd=tmp_path)
    with (tmp_path / "fresh/settings.py").open("a") as file:
        file.write(f'{settings}\nSILENCED_SYSTEM_CHECKS = ["imagen.W021"]\n')
    (tmp_path / "fresh/urls.py").write_text(urls)

    def manage(*command: str) -> str:
        return run(sys.executable, "manage.py", *command, cwd=tmp_path, PYTHONPATH=str(installed))

    manage("migrate")
    manage("check", "--database", "default", "--fail-level", "WARNING")
    generation = json.loads(manage("imagen_generate", "A lighthouse above a calm sea at dusk", "--json"))
    assert generation["status"] == "completed"
    assert list((tmp_path / "pictures").glob("imagen/*/*.png"))


def _readme(start: str) -> str:
    """The one Python block of the README that starts so."""
    (found,) = re.findall(rf"```python\n({re.escape(start)}.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    return str(found)


@pytest.mark.slow
def test_it_is_the_installed_package_that_is_checked(django: Callable[..., str], installed: Path) -> None:
    found = django(BARE + LEAST, "shell", "-c", "import imagen; print(imagen.__file__)")
    assert found.strip().splitlines()[-1].startswith(str(installed))


def test_no_module_is_longer_than_three_hundred_lines() -> None:
    modules = (path for folder in ("imagen", "project") for path in (ROOT / folder).rglob("*.py"))
    assert {str(path): lines for path in modules if (lines := len(path.read_text().splitlines())) > 300} == {}
