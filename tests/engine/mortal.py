"""A small process that forks: each child works on the site of a test until it dies where it was told to.

It knows Django before it forks, so that a death costs no start. One line of JSON asks for one child, one answers.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
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

    def freeze(self, act: str, point: str, **settings: Any) -> int:
        """Do this until the place is reached, where a SIGSTOP holds it; the number of the process."""
        (pid,) = self._run(act, point, settings, frozen=True)
        return int(pid)

    def start(self, act: str, **settings: Any) -> int:
        """Do this beside the test; the number of the process."""
        (pid,) = self._run(act, "", settings, alone=True)
        return int(pid)

    def end(self, pid: int, number: int) -> list[str]:
        """Send this signal to such a process, wait for its end and tell what it was."""
        os.kill(pid, signal.SIGCONT)
        os.kill(pid, number)
        return self._say({"pid": pid})

    def _run(self, act: str, point: str, settings: dict[str, Any], **how: bool) -> list[str]:
        return self._say({"act": act, "point": point, "settings": settings, **how})

    def _say(self, asked: dict[str, Any]) -> list[str]:
        self._process.stdin.write(json.dumps(asked, default=str) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _ask() -> None:
    from imagen import engine, pipeline  # noqa: PLC0415  # apps are not loaded before

    pipeline.request(prompt="a lighthouse")
    engine.drive(seconds=10)


def _ask_many() -> None:
    from imagen import batches, engine  # noqa: PLC0415  # likewise

    batches.request_many([{"prompt": "a lighthouse"}, {"prompt": "a harbour"}])
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


def _serve() -> None:
    from imagen import engine  # noqa: PLC0415  # likewise

    engine.serve()


def _hostile() -> None:
    """Work, until a JPEG is decoded: the kernel then ends the process for its hunger, as it does without a word."""
    from imagen import files  # noqa: PLC0415  # likewise
    from imagen.engine import haul  # noqa: PLC0415  # likewise

    real, haul.SUSPECT_SECONDS = files.prepare, 0.01

    def prepare(data: bytes, **options: Any) -> files.Ready:
        if data.startswith(b"\xff\xd8"):
            os.kill(os.getpid(), signal.SIGKILL)
        return real(data, **options)

    files.prepare = prepare
    _work()


ACTS = {
    "ask": _ask,
    "ask_many": _ask_many,
    "work": _work,
    "serve": _serve,
    "hostile": _hostile,
    **{verb: _person(verb) for verb in ("cancel", "retry", "save_now", "erase")},
}


def _child(act: str, point: str, settings: dict[str, Any], told: int, *, frozen: bool = False) -> None:
    from django.test.utils import override_settings  # noqa: PLC0415  # Django is not set up before

    from imagen import failpoints  # noqa: PLC0415  # likewise
    from imagen.engine import loop, post  # noqa: PLC0415  # likewise

    passed: list[str] = []

    def hook(name: str) -> None:
        passed.append(name)
        if name == point and passed.count(name) == 1:
            signal.pthread_kill(threading.get_ident(), signal.SIGSTOP if frozen else signal.SIGKILL)

    override_settings(**settings).enable()
    failpoints.hook, loop.LINGER_SECONDS, loop.TICK_SECONDS, post.IDLE_SECONDS = hook, 0.0, 0.02, 0.02
    ACTS[act]()
    os.write(told, json.dumps(passed).encode())


_alone: set[int] = set()  # children whose end nobody has asked for yet


def _answer(asked: dict[str, Any]) -> list[str]:
    if "pid" in asked:
        _alone.remove(asked["pid"])
        return [_ended(asked["pid"], "")]
    return _fork(asked, alone=asked.pop("alone", False))


def _fork(asked: dict[str, Any], *, alone: bool) -> list[str]:
    """One child; what it passed, or that it was killed, or how else it ended. One that is left alone is only named."""
    ear, mouth = os.pipe()
    if not (pid := os.fork()):
        status = 1
        try:
            _child(**asked, told=mouth)
            status = 0
        finally:
            os._exit(status)
    os.close(mouth)
    if alone or asked.get("frozen"):
        os.close(ear)
        if not alone:
            os.waitpid(pid, os.WUNTRACED)
        _alone.add(pid)
        return [str(pid)]
    with os.fdopen(ear) as told:
        heard = told.read()
    end = _ended(pid, asked["point"])
    return json.loads(heard) if heard else [end]


def _ended(pid: int, point: str) -> str:
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        return f"killed at {point}" if os.WTERMSIG(status) == signal.SIGKILL else f"signal {status}"
    return f"ended with {os.waitstatus_to_exitcode(status)}"


def main() -> None:
    """Fork for every line that asks for it."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django  # noqa: PLC0415  # a test imports this module for the other end

    django.setup()
    from django.db import connections  # noqa: PLC0415  # likewise

    from imagen import batches, detours, engine, pipeline  # noqa: F401, PLC0415  # likewise; what a child needs is loaded once

    connections["default"].settings_dict.update(json.loads(sys.argv[1]))
    for line in sys.stdin:
        sys.stdout.write(json.dumps(_answer(json.loads(line))) + "\n")
        sys.stdout.flush()
    for pid in _alone:  # a test that failed did not get so far
        os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    main()
