"""G16: the state machine of ``proof.life``, in a process of its own with a database in memory."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping

from proof.goals import Finding, Goal

RUNS, STEPS = 400, 60
WANTED = 30_000
UNCOUNTED = ("runs", "crashes", "processor seconds")


def transitions(tally: Mapping[str, float]) -> int:
    """The steps that were made, and the moves of calls that followed from them."""
    return int(sum(count for name, count in tally.items() if name not in UNCOUNTED))


def lives(*, runs: int = RUNS, steps: int = STEPS, seed: int | None = None) -> tuple[str, bool]:
    """What was measured, and whether every promise held after each of enough transitions."""
    command = [sys.executable, "-m", "proof.machine", f"--runs={runs}", f"--steps={steps}"]
    command += [] if seed is None else [f"--seed={seed}"]
    quiet = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    env = {**quiet, "DATABASE_URL": "", "REDIS_URL": ""}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=env)
    if done.returncode:
        print(done.stderr, file=sys.stderr)
        return f"a promise was broken: {done.stderr.strip().splitlines()[-1][:200]}", False
    tally = json.loads(done.stdout.splitlines()[-1])
    count = transitions(tally)
    told = f"{count:,} transitions in {tally['runs']} lives with {tally.get('crashes', 0)} crashes, 0 promises broken"
    return f"{told}, {tally['processor seconds']} s of one core", count >= WANTED * runs * steps / (RUNS * STEPS)


def _prove(stack: str) -> Finding:
    measured, met = lives()
    return Finding(measured=measured, met=met)


GOALS = (
    Goal(
        id="G16",
        title="people, providers, clocks and crashes in any order",
        wanted=f"{WANTED:,} transitions, 0 promises broken",
        run=_prove,
        stacks=("sqlite",),
    ),
)


def main() -> None:
    """Live, and print the tally as JSON."""
    options = argparse.ArgumentParser(prog="python -m proof.machine", description=__doc__)
    options.add_argument("--runs", type=int, default=RUNS)
    options.add_argument("--steps", type=int, default=STEPS)
    options.add_argument("--seed", type=int, help="the same lives again")
    asked = options.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    import django  # noqa: PLC0415  # whoever only proves other things needs none of this

    django.setup()
    from proof import life  # noqa: PLC0415  # likewise

    print(json.dumps(life.live(runs=asked.runs, steps=asked.steps, seed=asked.seed)))


if __name__ == "__main__":
    main()
