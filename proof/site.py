"""A whole site on loopback: web server, real cluster, real storage, a gateway over real sockets."""

from __future__ import annotations

import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.processes import Child
from imagen.testing.gateway import KEYS, SECRET, Gateway

ROOT = Path(__file__).resolve().parents[1]
VENDORS = ("wavespeed", "apiframe", "apiin")
GUNICORN = ("-m", "gunicorn", "project.wsgi", "-k", "gthread", "--threads", "8", "--keep-alive", "75", "-b")
RUNSERVER = ("manage.py", "runserver", "--noreload")  # serves the static files too
PEOPLE = """
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
user = User.objects.create_superuser("ann", "ann@example.com", "secret")
print(Token.objects.create(user=user).key)
"""

_first: list[tuple[bytes, str]] = []  # the first SQLite site of this process as it was empty, and its person's token


@dataclass
class Answer:
    """What the site said."""

    status: int
    headers: Any
    body: bytes

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Place:
    """One running site; everything it starts it ends."""

    env: dict[str, str]
    port: int
    token: str = ""
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)
    insider: Child | None = None

    def manage(self, *arguments: str, code: int | None = 0) -> str:
        """Run one command of the site to its end, which has to be this one; ``None`` is any."""
        done = subprocess.run(
            [sys.executable, "manage.py", *arguments],
            cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=300, check=False,
        )  # fmt: skip
        assert code in (None, done.returncode), done.stderr
        return done.stdout.strip()

    def inside(self, do: str, **facts: Any) -> Any:
        """What ``proof.inside`` answers from within the site; one process does all of it."""
        if self.insider is None:
            self.insider = Child("-m", "proof.inside", env=self.env)
        return self.insider.ask({"do": do, **facts})

    def rotate(self, key: str, fallback: str = "") -> None:
        """Have what is started from now on sign with this key, and trust the fallback too."""
        self.env |= {"SECRET_KEY": key, "SECRET_KEY_FALLBACKS": fallback}
        self._leave()

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process in a session of its own."""
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "stdin": subprocess.DEVNULL}
        process = subprocess.Popen([sys.executable, *command], cwd=ROOT, env=self.env, start_new_session=True, **quiet)
        self.running.append(process)
        return process

    def cluster(self) -> subprocess.Popen[bytes]:
        """Start a django-q2 cluster."""
        return self.start("manage.py", "qcluster")

    def serve(self, *web: str) -> subprocess.Popen[bytes]:
        """Start a web server and wait until it listens."""
        process = self.start(*(web or GUNICORN), f"127.0.0.1:{self.port}")
        _await(self.port)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """Kill a process and everything in its session, without a word of warning."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        self.running.remove(process)

    def stop(self) -> None:
        """End everything: politely first."""
        self._leave()
        for process in self.running:
            process.terminate()
        for process in list(self.running):
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
            self.kill(process)

    def _leave(self) -> None:
        if self.insider is not None:
            self.insider.__exit__()
            self.insider = None

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One HTTP request with the token."""
        url = path if path.startswith("http") else f"http://127.0.0.1:{self.port}{path}"
        data = None if body is None else json.dumps(body).encode()
        known = {"Authorization": f"Token {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, data, {**known, **headers}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=70) as reply:
                return Answer(reply.status, reply.headers, reply.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def ask(self, prompt: str, **options: Any) -> Any:
        """A generation as the REST door returns it."""
        answer = self.call("POST", "/api/imagen/v1/generations/", {"prompt": prompt, **options})
        assert answer.status == 202, answer.body
        return answer.json

    def look(self, generation: Any) -> Any:
        """The generation as it is now."""
        return self.call("GET", f"/api/imagen/v1/generations/{generation['id']}/").json

    def settled(self, asked: list[Any], *, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> list[Any]:
        """All of them once nothing is under way, or as they are after so many seconds."""
        until, found = time.monotonic() + seconds, asked
        while time.monotonic() < until and any(each["status"] in ("queued", "processing") for each in found):
            meanwhile()
            time.sleep(0.5)
            found = [each if each["completed_at"] else self.look(each) for each in found]
        return found


def free_port() -> int:
    """A port nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def build(
    folder: Path,
    gateway: Gateway,
    *,
    database: str,
    redis: str = "",
    vendors: tuple[str, ...] = ("wavespeed",),
    rings: bool = False,
    web: tuple[str, ...] = GUNICORN,
    neighbours: tuple[int, ...] = (),
    **changes: Any,
) -> Place:
    """Set a site up and start its ``web`` server, if any; where it ``rings``, the gateway knows where to.

    ``neighbours`` are the ports of receivers that it may send to.
    """
    port = free_port()
    quick = {"POLL_SECONDS": 0.2, "LEASE_SECONDS": 3, "THROTTLES": {}}  # crowds come as one person
    ours = {
        "ALLOWED_PRIVATE_HOSTS": [f"127.0.0.1:{known}" for known in (gateway.port, *neighbours)],
        **quick,
        **changes,
    }
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("DJANGO", "COV_"))},
        "DATABASE_URL": database,
        "REDIS_URL": redis,
        "MEDIA_ROOT": str(folder / "media"),
        **{f"{vendor.upper()}_API_KEY": KEYS[vendor] for vendor in vendors},
        **{f"{vendor.upper()}_BASE_URL": gateway.url for vendor in vendors},
        **({"IMAGEN_PUBLIC_URL": f"http://127.0.0.1:{port}", "WAVESPEED_WEBHOOK_SECRET": SECRET} if rings else {}),
        "IMAGEN_SETTINGS": json.dumps(ours),
        "SECRET_KEY": "of-a-site-on-loopback-that-signs-nothing-of-value-0123456789",
        "LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }
    place = Place(env=env, port=port)
    place.token = _settle(place, database)
    if web:
        place.serve(*web)
    return place


def _settle(place: Place, database: str) -> str:
    """Give the site its tables and one person, whose token this is; in SQLite all but the first are copies."""
    if not database.startswith("sqlite"):
        return _migrate(place)
    path = database.removeprefix("sqlite:///")
    if not _first:
        token = _migrate(place)
        with closing(sqlite3.connect(path)) as made:
            _first.append((made.serialize(), token))
    content, token = _first[0]
    Path(path).write_bytes(content)
    return token


def _migrate(place: Place) -> str:
    place.manage("migrate", "--verbosity", "0")
    return place.manage("shell", "--no-imports", "-c", PEOPLE).splitlines()[-1]


def _await(port: int) -> None:
    for _ in range(600):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise AssertionError("the web server did not come up")
