"""The demo's child processes: none is lost, none is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from project import processes
from project.processes import Gone, Processes, Stopped

CHILD = """
import os, signal, subprocess, sys, time
if "stubborn" in sys.argv:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if "parent" in sys.argv:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    open("grandchild", "w").write(str(child.pid))
open("ready", "w").write(str(os.getpid()))
time.sleep(0 if "brief" in sys.argv else 60)
"""


@pytest.fixture
def manage(tmp_path: Path) -> Path:
    """A stand-in for ``manage.py`` that stays until it is ended."""
    script = tmp_path / "manage.py"
    script.write_text(CHILD)
    return script


def until(condition: Callable[[], bool], *, seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


def alive(pid: int) -> bool:
    """Whether a process runs; one that waits only to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def started(folder: Path, name: str = "ready") -> int:
    until(lambda: (folder / name).exists() and bool((folder / name).read_text()))
    return int((folder / name).read_text())


def test_a_child_has_a_session_of_its_own(manage: Path) -> None:
    with Processes(manage) as running:
        running.start("web server", [])
        pid = started(manage.parent)
        assert os.getsid(pid) == pid != os.getsid(0)


def test_leaving_ends_every_child(manage: Path) -> None:
    with Processes(manage) as running:
        running.start("web server", [])
        pid = started(manage.parent)
        assert alive(pid)
    assert not alive(pid)


def test_what_a_child_leaves_behind_is_cleared_away(manage: Path) -> None:
    with Processes(manage) as running:
        running.start("queue cluster", ["parent"])
        started(manage.parent)
        grandchild = started(manage.parent, "grandchild")
    until(lambda: not alive(grandchild))


def test_a_child_that_will_not_end_is_killed(manage: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.2)
    with Processes(manage) as running:
        running.start("queue cluster", ["stubborn"])
        pid = started(manage.parent)
    assert not alive(pid)


def test_a_child_that_ends_by_itself_is_noticed(manage: Path) -> None:
    with Processes(manage) as running:
        running.start("web server", ["brief"])
        running.running["web server"].wait(10)
        with pytest.raises(Gone, match="The web server ended by itself with exit code 0"):
            running.check()


@pytest.mark.parametrize("number", processes.STOPPING)
def test_a_signal_is_noticed_at_the_next_look(manage: Path, number: signal.Signals) -> None:
    with Processes(manage) as running:
        running.check()
        os.kill(os.getpid(), number)
        with pytest.raises(Stopped):
            running.check()


def test_signals_mean_afterwards_what_they_meant_before(manage: Path) -> None:
    before = signal.getsignal(signal.SIGINT)
    with Processes(manage):
        assert signal.getsignal(signal.SIGINT) is not before
    assert signal.getsignal(signal.SIGINT) is before
