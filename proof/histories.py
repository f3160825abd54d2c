"""G5: any history of requests under few keys is answered as the reference in ``proof.keys`` says."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from proof.goals import Finding, Goal
from proof.site import ROOT
from proof.stacks import addresses

RUNS = 10_000
KINDS = {"202", "202 replayed", "400", "404", "422", "500"}
SITE = {"DEBUG": "0", "SSL_REDIRECT": "0", "SECRET_KEY": "k" * 50, "WAVESPEED_API_KEY": "nobody's", "REDIS_URL": ""}
OVERLAPPING = {"409"}  # SQLite has one writer: whoever asks meanwhile waits


def histories(*databases: str, runs: int = RUNS) -> tuple[str, bool]:
    """What was measured on these empty databases side by side, and whether every answer was the one that was due."""
    players = [_player(database, runs=-(-runs // len(databases))) for database in databases]
    said = [(*player.communicate(), player.returncode) for player in players]
    if failed := [errors for _, errors, code in said if code]:
        print(*failed, sep="\n", file=sys.stderr)
        return f"a deviation: {_reason(failed[0])}", False
    tally = sum((Counter(json.loads(told.splitlines()[-1])) for told, *_ in said), Counter[str]())
    count = tally.pop("histories")
    kinds = ", ".join(f"{number:,} × {kind}" for kind, number in sorted(tally.items()))
    wanted = KINDS if databases[0].startswith("sqlite") else KINDS | OVERLAPPING
    measured = f"{count:,} histories, {tally.total():,} requests, 0 deviations ({kinds})"
    return measured, count >= runs and tally.keys() == wanted


def _reason(errors: str) -> str:
    return next((line for line in reversed(errors.splitlines()) if "Error" in line), "it died")[:200]


def _player(database: str, *, runs: int) -> subprocess.Popen[str]:
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_", "DJANGO"))}
    command = [sys.executable, "-m", "proof.histories", f"--runs={runs}"]
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True, "cwd": ROOT}
    return subprocess.Popen(command, env={**quiet, **SITE, "DATABASE_URL": database}, **pipes)


def _prove(stack: str) -> Finding:
    with ExitStack() as opened:
        found = []
        for _ in range(os.cpu_count() or 1):
            folder = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="imagen-proof-")))
            found.append(opened.enter_context(addresses(stack, folder))["database"])
        measured, met = histories(*found)
        return Finding(measured=measured, met=met)


GOALS = (
    Goal(
        id="G5 histories",
        title="any requests under few keys, in any order, against a reference",
        wanted=f"{RUNS:,} histories, 0 deviations",
        run=_prove,
        stacks=("sqlite", "postgresql"),  # the broker has no part in it
    ),
)


def main() -> None:
    """Play, and print the tally as JSON."""
    options = argparse.ArgumentParser(prog="python -m proof.histories", description=__doc__)
    options.add_argument("--runs", type=int, default=RUNS)
    options.add_argument("--seed", type=int, help="the same histories again")
    asked = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    os.environ.setdefault("IMAGEN_SETTINGS", '{"THROTTLES": {}}')  # thousands of requests come as a few people
    import django  # noqa: PLC0415  # whoever only proves other things needs none of this

    django.setup()
    from proof import play  # noqa: PLC0415  # likewise

    print(json.dumps(play.play(runs=asked.runs, seed=asked.seed)))


if __name__ == "__main__":
    main()
