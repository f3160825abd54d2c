"""Child processes under measure: each in a session of its own, asked by line, weighed through /proc, ended by id."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[1]
_TICKS = os.sysconf("SC_CLK_TCK")


class Child:
    """One process and whatever it starts; leaving the ``with`` block ends all of them."""

    def __init__(self, *command: str, env: Mapping[str, str] | None = None) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.terminate()
        with suppress(subprocess.TimeoutExpired):
            self.process.communicate(timeout=20)
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def line(self) -> str:
        """The next line it prints."""
        assert self.process.stdout is not None
        if not (line := self.process.stdout.readline()):
            raise RuntimeError(f"{self.process.args!r} ended without an answer")
        return line.strip()

    def ask(self, question: Any = None) -> Any:
        """Its answer, in JSON, to one line."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(question) + "\n")
        self.process.stdin.flush()
        return json.loads(self.line())

    def count(self) -> int:
        """The database transactions a ``bench.worker`` has made so far."""
        self.process.send_signal(signal.SIGUSR1)
        return int(self.line())

    def cpu(self) -> float:
        """Processor seconds its session has used so far."""
        return sum(sum(map(int, fields[11:15])) for fields in self._session()) / _TICKS

    def peak(self) -> float:
        """The most megabytes its main process ever held."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1024

    def _session(self) -> Iterator[list[str]]:
        """The fields of /proc/<pid>/stat behind the name, of every process of the session (proc(5))."""
        for path in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = path.read_text().rpartition(")")[2].split()
                if int(fields[3]) == self.process.pid:
                    yield fields


def answer(work: Any) -> None:
    """The other end of ``ask``: answer every line of standard input with what ``work`` makes of it."""
    for line in sys.stdin:
        print(json.dumps(work(json.loads(line))), flush=True)
