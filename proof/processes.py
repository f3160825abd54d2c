"""The processes of a running cluster, by their ids: whose child is whose, which of them are workers."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from subprocess import Popen
from typing import Any

PARENT, STARTED = 1, 19  # among the fields of /proc/<pid>/stat behind the name (proc(5))
WORKERS = 2  # of Q_CLUSTER


def wait(there: Callable[[], Any], *, seconds: float, what: str) -> float:
    """Seconds until it is so; ``RuntimeError`` when it never was."""
    begun = time.monotonic()
    while not there():
        if time.monotonic() > begun + seconds:
            raise RuntimeError(f"{what}: not within {seconds:.0f} seconds")
        time.sleep(0.1)
    return time.monotonic() - begun


def children(parent: int) -> list[int]:
    """The living children of a process, the oldest first."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            fields = path.read_text().rpartition(")")[2].split()
            if int(fields[PARENT]) == parent and fields[0] != "Z":
                found.append((int(fields[STARTED]), int(path.parent.name)))
    return [pid for _, pid in sorted(found)]


def workers(cluster: Popen[bytes]) -> list[int]:
    """The workers of a cluster that has just started: its sentinel starts them before all else."""
    for sentinel in children(cluster.pid):
        if len(found := children(sentinel)) >= WORKERS + 2:  # and a monitor and a pusher
            return found[:WORKERS]
    return []


def family(cluster: Popen[bytes]) -> set[int]:
    """Every process of a cluster but the first."""
    return {pid for sentinel in children(cluster.pid) for pid in (sentinel, *children(sentinel))}


def signal_all(cluster: Popen[bytes], number: signal.Signals) -> None:
    """Send a signal to the cluster's whole group."""
    os.killpg(cluster.pid, number)
