"""A whole site under measure: a gateway of its own, an empty database, and the processes that work on it."""

from __future__ import annotations

import itertools
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.processes import ROOT, Child
from bench.stacks import stack
from imagen.testing.gateway import SECRET

WEIGHT = 1_000_000
_FOREIGN = re.compile("DJANGO|IMAGEN|.*_PROXY$", re.IGNORECASE)
_PEOPLE = """
from django.contrib.auth.models import User
from rest_framework.authtoken.models import Token
print(Token.objects.create(user=User.objects.create_superuser("bench")).key)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where a measured site lives: its environment, its gateway, and who ends its processes."""

    env: dict[str, str]
    gateway: str
    port: int
    open: ExitStack

    def start(self, *command: str, **env: str) -> Child:
        """Start a process of the site that ends with it."""
        return self.open.enter_context(Child(*command, env={**self.env, **env}))

    def manage(self, *arguments: str) -> str:
        """What a command of the site prints."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(command, cwd=ROOT, env=self.env, stdout=subprocess.PIPE, text=True, check=True)
        return done.stdout.strip()

    def token(self) -> str:
        """The token of a new person who may do everything."""
        return self.manage("shell", "--no-imports", "-c", _PEOPLE).splitlines()[-1]

    def serve(self) -> int:
        """Start a web server as the reference recommends it; its port."""
        options = {"-k": "gthread", "--threads": "8", "--bind": f"127.0.0.1:{self.port}", "--log-level": "warning"}
        self.start("-m", "gunicorn", "project.wsgi", "--no-control-socket", *itertools.chain(*options.items()))
        _await(self.port)
        return self.port

    def heard(self) -> list[dict[str, Any]]:
        """The jobs the gateway took, oldest first."""
        with urllib.request.urlopen(f"{self.gateway}/__ctl/jobs", timeout=30) as reply:
            found: list[dict[str, Any]] = json.load(reply)
        return found


@contextmanager
def site(name: str, *, latency: float = 2.0, spread: float = 0.0, rings: bool = False) -> Iterator[Site]:
    """A site on a fresh stack of this name, its gateway serving pictures of one megabyte.

    Real pictures take about eight seconds; where they take less, we ask as much more often. Where it ``rings``, the
    gateway sends webhooks to the web server.
    """
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="imagen-bench-")))
        place = opened.enter_context(stack(name, folder))
        options = {"--port": 0, "--latency": latency, "--spread": spread, "--weight": WEIGHT}
        command = [str(part) for pair in options.items() for part in pair]
        gateway = opened.enter_context(Child("-m", "imagen.testing.gateway", *command)).line()
        port = _free_port()
        env = _environment(place, gateway, folder, POLL_SECONDS=min(latency / 8, 1.0))
        bell = {"IMAGEN_PUBLIC_URL": f"http://127.0.0.1:{port}", "WAVESPEED_WEBHOOK_SECRET": SECRET}
        found = Site(env=env | bell if rings else env, gateway=gateway, port=port, open=opened)
        found.manage("migrate", "--verbosity", "0")
        yield found


def _environment(place: Any, gateway: str, folder: Path, **changes: Any) -> dict[str, str]:
    limits = {"wavespeed": {"OPTIONS": {"max_in_flight": 0, "per_minute": 0}}}
    ours = {"ALLOWED_PRIVATE_HOSTS": [gateway.removeprefix("http://")], "PROVIDERS": limits, "THROTTLES": {}, **changes}
    return {
        **{name: value for name, value in os.environ.items() if not _FOREIGN.match(name)},
        "DJANGO_SETTINGS_MODULE": "bench.settings",
        "DATABASE_URL": place.database,
        "REDIS_URL": place.redis,
        "MEDIA_ROOT": str(folder / "media"),
        "WAVESPEED_API_KEY": "wsk_test",
        "WAVESPEED_BASE_URL": gateway,
        "IMAGEN_SETTINGS": json.dumps(ours),
        "SECRET_KEY": "measures-only-on-loopback-0123456789-abcdefghijklmnopqrstuvwxyz",
        "DEBUG": "0",
        "SSL_REDIRECT": "0",
        "LOG_LEVEL": "ERROR",
        "PYTHONWARNINGS": "ignore",
    }


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _await(port: int) -> None:
    for _ in range(200):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.1)
    raise RuntimeError("the web server did not come up")
