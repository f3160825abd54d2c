"""Proves the goals and prints the table: ``python -m proof [GOAL …] [--stack sqlite|postgresql|postgresql+redis]``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import traceback
from datetime import UTC, datetime

from proof.goals import Finding, Goal
from proof.registry import GOALS
from proof.stacks import STACKS, runs_here


def options(arguments: list[str]) -> argparse.Namespace:
    """What to prove, and where."""
    names = [goal.id for goal in GOALS]
    parser = argparse.ArgumentParser(prog="python -m proof", description="Proves what imagen promises.")
    told = f"of {', '.join(names)}; G1 is every one that begins so; all without one"
    parser.add_argument("goals", nargs="*", metavar="GOAL", help=told)
    parser.add_argument("--stack", choices=STACKS, action="append", help="all that run here without one")
    found = parser.parse_args(arguments)
    if unknown := set(found.goals) - {part for name in names for part in (name, name.split()[0])}:
        parser.error(f"there is no goal {', '.join(sorted(unknown))}")
    return found


def prove(goal: Goal, stack: str) -> Finding:
    """What the proof found; one that breaks is one that is missed."""
    begun = time.monotonic()
    try:
        found = goal.run(stack)
    except Exception as error:
        traceback.print_exc()
        found = Finding(measured=f"{type(error).__name__}: {error}", met=False)
    print(f"{goal.id} {stack}: {found.measured} ({time.monotonic() - begun:.0f} s)", file=sys.stderr, flush=True)
    return found


def line(*cells: str) -> str:
    """One row of the table."""
    return f"| {' | '.join(cells)} |"


def main(arguments: list[str]) -> int:
    """Print the table; 1 when a goal is missed."""
    asked = options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started is ended
    chosen = [goal for goal in GOALS if not asked.goals or {goal.id, goal.id.split()[0]} & set(asked.goals)]
    stacks = [stack for stack in asked.stack or STACKS if runs_here(stack)]
    found = [(goal, stack, prove(goal, stack)) for goal in chosen for stack in stacks if stack in goal.stacks]
    print(f"\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}\n")
    print(line("goal", "what", "stack", "wanted", "measured", "met?"))
    print(line(*["---"] * 6))
    for goal, stack, said in found:
        print(line(goal.id, goal.title, stack, goal.wanted, said.measured, "✓" if said.met else "✗"))
    return 0 if found and all(said.met for *_, said in found) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
