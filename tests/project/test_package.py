"""The package on its own, in a project that knows nothing of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import imagen

ROOT = Path(imagen.__file__).parent.parent
SETTINGS = """
SECRET_KEY = "only for this test"
INSTALLED_APPS = [
    "django.contrib.auth", "django.contrib.contenttypes", {more}
    "django_q", "rest_framework", "imagen",
]
DATABASES = {{"default": {{"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3",
                           "OPTIONS": {{"transaction_mode": "IMMEDIATE"}}}}}}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [{{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True, "OPTIONS": {{
    "context_processors": [
        "django.template.context_processors.request",
        "django.contrib.auth.context_processors.auth",
        "django.contrib.messages.context_processors.messages",
    ]}}}}]
ROOT_URLCONF = "site_urls"
Q_CLUSTER = {{"name": "site", "orm": "default", "timeout": 90, "retry": 180}}
USE_TZ = True
"""
URLS = """
from django.urls import include, path
urlpatterns = [path("", include("imagen.urls"))]
"""
ADMIN = '"django.contrib.admin", "django.contrib.messages", "django.contrib.sessions",'


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


@pytest.mark.slow
@pytest.mark.parametrize("more", ["", ADMIN], ids=["without the admin", "with the admin"])
def test_a_bare_project_passes_its_checks(installed: Path, tmp_path: Path, more: str) -> None:
    (tmp_path / "site_settings.py").write_text(SETTINGS.format(more=more))
    (tmp_path / "site_urls.py").write_text(URLS)
    environ = {"DJANGO_SETTINGS_MODULE": "site_settings", "PYTHONPATH": f"{installed}:{tmp_path}"}
    script = "import imagen; print(imagen.__file__)"
    assert run(sys.executable, "-c", script, cwd=tmp_path, **environ).startswith(str(installed))
    run(sys.executable, "-m", "django", "check", cwd=tmp_path, **environ)
    run(sys.executable, "-m", "django", "makemigrations", "--check", "imagen", cwd=tmp_path, **environ)
