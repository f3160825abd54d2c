"""The commands as real processes: signals, exit codes, two of them on one database."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from project.settings import BASE_DIR

Start = Callable[..., "subprocess.Popen[str]"]
Manage = Callable[..., "subprocess.CompletedProcess[str]"]
COMMAND = (sys.executable, "-W", "error", "manage.py")


@pytest.fixture(scope="module")
def environ(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """A site of its own: a migrated database in a file, the sandbox, no key."""
    folder = tmp_path_factory.mktemp("site")
    kept = {name: value for name, value in os.environ.items() if not name.endswith(("_API_KEY", "_URL", "_SETTINGS"))}
    own = {"DATABASE_URL": f"sqlite:///{folder}/db.sqlite3", "MEDIA_ROOT": str(folder / "media"), "LOG_LEVEL": "ERROR"}
    found = {**kept, **own, "DEBUG": "1", "PYTHONUNBUFFERED": "1"}
    subprocess.run([*COMMAND, "migrate", "-v0"], cwd=BASE_DIR, env=found, check=True, timeout=60)
    return found


@pytest.fixture
def ctrl_c() -> Iterator[None]:
    """What is started here hears Ctrl-C, even where a shell started the tests in the background, deaf to it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def start(environ: dict[str, str], ctrl_c: None) -> Iterator[Start]:
    """Start a command; what still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def command(*arguments: str) -> subprocess.Popen[str]:
        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([*COMMAND, *arguments], cwd=BASE_DIR, env=environ, text=True, **pipes)
        started.append(process)
        return process

    yield command
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def manage(start: Start) -> Manage:
    """Run a command to its end."""

    def command(*arguments: str) -> subprocess.CompletedProcess[str]:
        process = start(*arguments)
        out, err = process.communicate(timeout=60)
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    return command


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_worker_does_what_is_asked_elsewhere_and_ends_in_good_order(
    start: Start, manage: Manage, number: signal.Signals
) -> None:
    worker = start("imagen_worker")
    assert worker.stdout is not None
    assert worker.stdout.readline() == "The worker is ready.\n"
    done = manage("imagen_generate", "a lighthouse [[slow:0]]", "--json")
    assert (done.returncode, json.loads(done.stdout)["status"]) == (0, "completed"), done.stderr
    worker.send_signal(number)
    out, err = worker.communicate(timeout=60)
    assert (worker.returncode, out, err) == (0, "The worker has stopped; nothing is lost.\n", "")


@pytest.mark.slow
def test_ctrl_c_in_the_middle_gives_the_request_to_the_next_worker(start: Start, manage: Manage) -> None:
    waiting = start("imagen_generate", "a lighthouse [[slow:4]]")
    assert waiting.stdout is not None
    while "Being made" not in (line := waiting.stdout.readline()):
        assert line, waiting.communicate()
    waiting.send_signal(signal.SIGINT)
    _, err = waiting.communicate(timeout=60)
    assert waiting.returncode == 130
    found = re.search(r"request (\S+) stays queued", err)
    assert found, err
    manage("imagen_sweep")
    script = f"from imagen.models import Generation; print(Generation.objects.get(pk='{found[1]}').status)"
    assert manage("shell", "-v0", "-c", script).stdout.strip() == "completed"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["imagen_generate"], 2),
        (["imagen_generate", "a lighthouse", "--seed", "many"], 2),
        (["imagen_generate", "a lighthouse", "--aspect-ratio", "7:1"], 2),
        (["imagen_generate", "a lighthouse [[fail:provider_rejected]]"], 1),
        (["imagen_doctor"], 0),
    ],
    ids=["no prompt", "no number", "no such ratio", "declined", "the doctor is content"],
)
def test_the_exit_code_says_how_it_went(manage: Manage, arguments: list[str], code: int) -> None:
    done = manage(*arguments)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
