"""The demo's child processes: started together, watched, ended together."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import FrameType, TracebackType
from typing import Any

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
STOP_SECONDS = 25.0
QUIET = {"LOG_LEVEL": "WARNING", "DJANGO_RUNSERVER_HIDE_WARNING": "true"}


class Stopped(Exception):
    """Somebody asked us to end."""


class Gone(Exception):
    """A child that should have stayed has ended."""


class Processes:
    """Runs ``manage.py`` commands beside this one; leaving the ``with`` block ends every one of them.

    A signal only sets a flag that ``check`` reads, so no child is lost between its start and our note of it.
    """

    def __init__(self, manage: Path) -> None:
        self.manage = manage
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.stopping = False
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Processes:
        self._before = {each: signal.signal(each, self._remember) for each in STOPPING}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()
        for each, handler in self._before.items():
            signal.signal(each, handler)

    def start(self, name: str, arguments: Sequence[str]) -> None:
        """Start one command in a session of its own, its errors on our error stream.

        A cluster whose whole process group gets a SIGTERM does not end, so ours must not reach its group.
        """
        self.running[name] = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            [sys.executable, str(self.manage), *arguments],
            cwd=self.manage.parent,
            env={**QUIET, **os.environ},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def check(self) -> None:
        """Raise ``Stopped`` when we are to end, ``Gone`` when a child has."""
        if self.stopping:
            raise Stopped
        for name, process in self.running.items():
            if process.poll() is not None:
                raise Gone(f"The {name} ended by itself with exit code {process.returncode}.")

    def _remember(self, number: int, frame: FrameType | None) -> None:
        self.stopping = True

    def _end(self) -> None:
        """Ask every main process to end, wait, and clear away whatever its session left."""
        for process in self.running.values():
            process.terminate()
        deadline = time.monotonic() + STOP_SECONDS
        for process in self.running.values():
            with suppress(subprocess.TimeoutExpired):
                process.wait(max(0.1, deadline - time.monotonic()))
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.running.clear()
