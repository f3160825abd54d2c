"""Measures, and prints the table: ``python -m bench [ROW …] [--stack sqlite|postgresql] [--burst N] [--repeat N]``."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from dataclasses import replace
from datetime import UTC, datetime

from bench.measures import MEASURES, Sitting
from bench.stacks import there
from bench.table import ELSEWHERE, GOALS, OTHERWISE, Figure, head, line

STACKS = ("sqlite", "postgresql")


def options(arguments: list[str]) -> argparse.Namespace:
    """What to measure, and how much of it."""
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measures what imagen promises.")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(MEASURES)}; all without one")
    parser.add_argument("--stack", choices=STACKS, action="append", help="all that run here without one")
    parser.add_argument("--burst", type=int, default=1000, help="pictures asked for at once")
    parser.add_argument("--naive", type=int, default=48, help="pictures the naive tasks make; their pace is steady")
    parser.add_argument("--rows-listed", type=int, default=1_000_000, help="rows in the long list")
    parser.add_argument("--repeat", type=int, default=1, help="runs of each burst; medians count")
    parser.add_argument("--samples", type=int, default=30, help="requests of an idle cluster")
    found = parser.parse_args(arguments)
    if unknown := set(found.rows) - MEASURES.keys():
        parser.error(f"nothing measures {', '.join(sorted(unknown))}")
    return found


def measure(stack: str, asked: argparse.Namespace) -> dict[str, Figure]:
    """Every figure of one stack."""
    sitting = Sitting(
        stack=stack,
        burst=asked.burst,
        naive=asked.naive,
        rows=asked.rows_listed,
        repeat=asked.repeat,
        samples=asked.samples,
        say=lambda text: print(text, file=sys.stderr, flush=True),
    )
    found: dict[str, Figure] = {}
    for measures in dict.fromkeys(MEASURES[row] for row in asked.rows or MEASURES):
        try:
            found |= {figure.row: figure for figure in measures(sitting)}
        except RuntimeError as error:  # one row that cannot be measured does not cost the others
            sitting.say(f"{stack}: {measures.__name__}: {error}")
        sitting.say(f"{stack}: {', '.join(f'{figure.row} {figure.text}' for figure in found.values())}")
    return found


def judged(stack: str, row: str, found: dict[str, Figure]) -> str:
    """The figure of a row, and whether it keeps the promise."""
    if row not in found:
        return ELSEWHERE.get(row, "")
    goal = replace(GOALS[row], **(OTHERWISE.get(row, {}) if stack == "postgresql" else {}))
    if goal.least is None and goal.most is None:
        return found[row].text
    return f"{found[row].text} {'✓' if goal.met(found[row].value) else '✗'}"


def main(arguments: list[str]) -> int:
    """Print the table."""
    asked = options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that every process we started is ended
    stacks = [name for name in STACKS if name in (asked.stack or STACKS) and there(name)]
    found = {name: measure(name, asked) for name in stacks}
    print(f"\n{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f}\n")
    print(head(stacks))
    for row in GOALS:
        if asked.rows and not any(row in figures for figures in found.values()):
            continue
        print(line(row, (judged(name, row, found[name]) for name in stacks)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
