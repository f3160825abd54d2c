"""A small process that forks: each child works on the site of a test until it dies where it was told to.

It knows Django before it forks, so that a death costs no start. One line of JSON asks for one child, one answers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

ROOT = Path(__file__).resolve().parents[2]
QUIET = ("PYTEST_", "COV_")


class Mortal:
    """The tests' end of it: ``die`` runs an act up to a place, ``live`` runs it to its end and tells what it passed."""

    def __init__(self, database: dict[str, Any]) -> None:
        env = {name: value for name, value in os.environ.items() if not name.startswith(QUIET)}
        command = [sys.executable, "-m", "tests.engine.mortal", json.dumps(database, default=str)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self._process = subprocess.Popen(command, cwd=ROOT, env=env, **pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()

    def die(self, act: str, point: str, **settings: Any) -> None:
        """Do this until the place is reached for the first time; a SIGKILL ends it there."""
        assert self._run(act, point, settings) == [f"killed at {point}"]

    def live(self, act: str, **settings: Any) -> list[str]:
        """Do this to its end; the places it passed, in order."""
        return self._run(act, "", settings)

    def _run(self, act: str, point: str, settings: dict[str, Any]) -> list[str]:
        asked = {"act": act, "point": point, "settings": settings}
        self._process.stdin.write(json.dumps(asked, default=str) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _ask() -> None:
    from imagen import engine, pipeline  # noqa: PLC0415  # apps are not loaded before

    pipeline.request(prompt="a lighthouse")
    engine.drive(seconds=10)


def _work() -> None:
    from imagen import engine  # noqa: PLC0415  # likewise

    engine.drive(seconds=10)


def _person(verb: str) -> Callable[[], None]:
    def act() -> None:
        from imagen import pipeline  # noqa: PLC0415  # likewise
        from imagen.models import Generation  # noqa: PLC0415  # likewise

        getattr(pipeline, verb)(Generation.objects.get())

    return act


ACTS = {"ask": _ask, "work": _work, **{verb: _person(verb) for verb in ("cancel", "retry", "erase")}}


def _child(act: str, point: str, settings: dict[str, Any], told: int) -> None:
    from django.test.utils import override_settings  # noqa: PLC0415  # Django is not set up before

    from imagen import failpoints  # noqa: PLC0415  # likewise
    from imagen.engine import loop  # noqa: PLC0415  # likewise

    passed: list[str] = []

    def hook(name: str) -> None:
        passed.append(name)
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    override_settings(**settings).enable()
    failpoints.hook, loop.LINGER_SECONDS, loop.TICK_SECONDS = hook, 0.0, 0.02
    ACTS[act]()
    os.write(told, json.dumps(passed).encode())


def _fork(asked: dict[str, Any]) -> list[str]:
    """One child; what it passed, or that it was killed, or how else it ended."""
    ear, mouth = os.pipe()
    if not (pid := os.fork()):
        status = 1
        try:
            _child(**asked, told=mouth)
            status = 0
        finally:
            os._exit(status)
    os.close(mouth)
    with os.fdopen(ear) as told:
        heard = told.read()
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return [f"killed at {asked['point']}" if os.WTERMSIG(status) == signal.SIGKILL else f"signal {status}"]
    return json.loads(heard) if heard else [f"ended with {status}"]


def main() -> None:
    """Fork for every line that asks for it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django  # noqa: PLC0415  # a test imports this module for the other end

    django.setup()
    from django.db import connections  # noqa: PLC0415  # likewise

    from imagen import detours, engine, pipeline  # noqa: F401, PLC0415  # likewise; what a child needs is loaded once

    connections["default"].settings_dict.update(json.loads(sys.argv[1]))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_fork(json.loads(line))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
