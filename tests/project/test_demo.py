"""``manage.py demo``: one command, one image, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
import uuid
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError

import imagen
from imagen import budgets, marks
from imagen.models import ApiKey, Budget
from project import demo

ROOT = Path(imagen.__file__).parent.parent
SECONDS = 60.0


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    """A site of this test's own, and a mark every process of it carries."""
    return {
        "PATH": os.environ["PATH"],
        "MARK": uuid.uuid4().hex,
        "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
        "MEDIA_ROOT": str(tmp_path / "media"),
    }


def marked(mark: str) -> list[int]:
    """The processes that carry this mark."""
    return [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/environ") if mark in _environment(path)]


def _environment(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def serving(environ: dict[str, str]) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A demo that serves, and all it printed up to its first image."""
    command = [sys.executable, "manage.py", "demo", "--port", str(free_port())]
    with subprocess.Popen(command, cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process, _printed(process)
        finally:
            process.terminate()


def _printed(process: subprocess.Popen[str]) -> str:
    assert process.stdout
    lines = []
    for line in process.stdout:
        lines.append(line)
        if "Ctrl-C" in line:
            break
    return "".join(lines)


def once(environ: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", "demo", "--once"]
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=SECONDS + 30, check=False
    )


@pytest.mark.story
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_demo_serves_until_it_is_asked_to_end(
    serving: tuple[subprocess.Popen[str], str], environ: dict[str, str], number: signal.Signals
) -> None:
    process, printed = serving
    assert "The first image is ready" in printed
    assert re.search(r"API key of editor\n  imagen_\w{47}\n", printed)
    for address in re.findall(r"http://127\.0\.0\.1:\d+\S*", printed):
        _get(address, printed)
    _is_a_magazine(re.findall(r"Site +(\S+)/\n", printed)[0])
    process.send_signal(number)
    assert process.wait(SECONDS) == 0
    assert marked(environ["MARK"]) == []


def _get(address: str, printed: str) -> None:
    key = re.findall(r"imagen_\w{47}", printed)[0]
    _read(urllib.request.Request(address, headers={"Authorization": f"Bearer {key}"}))


def _read(request: urllib.request.Request | str) -> bytes:
    with urllib.request.urlopen(request, timeout=20) as answer:
        assert answer.status == 200
        return bytes(answer.read())


def _is_a_magazine(site: str) -> None:
    """Six stories, each with a picture everybody may have that says how it was made."""
    pictures = re.findall(r'<img src="(/media/[^"]+)"', _read(f"{site}/").decode())
    assert len(pictures) == len(set(pictures)) == 6
    assert all(marks.marked(_read(site + path)) for path in pictures)


@pytest.mark.story
def test_once_prints_one_generation_and_leaves_nothing_running(environ: dict[str, str]) -> None:
    done = once(environ)
    assert done.returncode == 0, done.stderr
    _is_complete(json.loads(done.stdout))
    assert marked(environ["MARK"]) == []


def _is_complete(generation: dict[str, Any]) -> None:
    assert generation["status"] == "completed"
    assert generation["provider"] == "sandbox"
    assert len(generation["images"]) == 1
    assert generation["error"] is None


@pytest.mark.story
@pytest.mark.service
def test_once_works_with_postgresql_and_redis(environ: dict[str, str], postgres_url: str, redis_url: str) -> None:
    done = once({**environ, "DATABASE_URL": postgres_url, "REDIS_URL": redis_url})
    assert done.returncode == 0, done.stderr
    _is_complete(json.loads(done.stdout))


def test_a_failure_is_one_sentence_and_a_non_zero_exit(environ: dict[str, str]) -> None:
    done = once({**environ, "DEBUG": "0", "SECRET_KEY": "x" * 60})
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr == "CommandError: The demo has public passwords, so it runs only with DEBUG=1.\n"


@pytest.mark.parametrize(
    ("broken", "sentence"),
    [
        ({"DATABASE_URL": "sqlite:////dev/null/var/db.sqlite3"}, "folder /dev/null/var cannot be made"),
        ({"DATABASE_URL": "sqlite:////dev/null"}, "The database cannot be used: "),
        ({"DATABASE_URL": "mysql://somewhere/site"}, "DATABASE_URL must start with"),
        ({"MEDIA_ROOT": "/dev/null/media"}, "The storage does not take files"),
        ({"REDIS_URL": "redis://127.0.0.1:1"}, "The queue's broker does not answer"),
        ({"IMAGEN_SETTINGS": "{"}, "IMAGEN_SETTINGS is not JSON."),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_a_setup_that_cannot_work_is_one_sentence(
    environ: dict[str, str], broken: dict[str, str], sentence: str
) -> None:
    done = once({**environ, **broken})
    assert done.returncode == 1
    assert done.stdout == ""
    assert sentence in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_a_taken_port_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(demo.DemoError, match=f"Port {port} is taken"):
            demo.require_free(port)


@pytest.mark.parametrize("port", ["0", "65536", "http", "-1"])
def test_a_port_that_is_none_is_refused(port: str) -> None:
    with pytest.raises(CommandError, match="a port is a number"):
        call_command("demo", f"--port={port}", stdout=StringIO())


@pytest.mark.django_db
def test_the_editor_may_generate_and_look_but_not_manage() -> None:
    editor = User.objects.get(pk=demo.editor().pk)
    assert editor.has_perms(["imagen.generate", "imagen.view_generation", "imagen.change_image"])
    assert not editor.has_perm("imagen.view_all")
    assert not editor.is_superuser


@pytest.mark.django_db
def test_an_account_that_exists_keeps_its_password() -> None:
    User.objects.create_user("admin", password="mine")
    assert demo.account(demo.ADMIN).check_password("mine")


@pytest.mark.django_db
def test_each_demo_shows_a_key_of_its_own_and_the_last_one_goes() -> None:
    user = demo.editor()
    first, second = (demo.key(user) for _ in range(2))
    (kept,) = ApiKey.objects.of(user)
    assert first != second
    assert second.endswith(kept.last_four)


def test_a_server_that_never_answers_is_reported() -> None:
    with pytest.raises(demo.DemoError, match="did not answer within 0 seconds"):
        demo.wait_for(free_port(), check=lambda: None, seconds=0)


@pytest.mark.django_db
def test_each_person_has_a_monthly_limit_to_see_and_a_site_keeps_its_own() -> None:
    for _ in range(2):
        demo.allowance()
    least = budgets.tightest(demo.editor())
    assert least is not None
    assert (least.limit, Budget.objects.count()) == (5, 1)
    Budget.objects.update(scope="everybody")
    demo.allowance()
    assert Budget.objects.count() == 1
