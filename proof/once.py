"""G5: one key buys one picture, however many ask with it at the same moment."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from typing import Any

from imagen.testing.gateway import Gateway
from proof.books import close, settle
from proof.goals import Finding, Goal
from proof.site import GUNICORN, ROOT, Place
from proof.stacks import fresh

PATH = "/api/imagen/v1/generations/"
PROCESSES, POSTS, ROUNDS = 8, 200, 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """What so many posts with one key, and one with the same key and another body, were answered."""

    generations: int
    submits: int
    statuses: dict[int, int]
    bodies: int
    patient: bool  # every 409 says when to come again
    other: tuple[int, str]

    @property
    def met(self) -> bool:
        """One picture, one answer, and everybody else was told to come again."""
        once = (self.generations, self.submits, self.bodies) == (1, 1, 1) and self.statuses.get(202, 0) > 0
        return once and self.statuses.keys() <= {202, 409} and self.patient and self.other == CONFLICT


CONFLICT = (422, "idempotency_conflict")


def rush(place: Place, gateway: Gateway, *, name: str, posts: int = POSTS, processes: int = PROCESSES) -> Round:
    """All of them at once, then the work, then the same key with another body."""
    body = {"prompt": name, "provider": "wavespeed"}
    answers = _crowd(place, name, body, threads=posts // processes, processes=processes)
    taken = [answer for answer in answers if answer["status"] == 202]
    refused = [answer for answer in answers if answer["status"] == 409]
    settle(place, seconds=60)
    other = place.call("POST", PATH, {**body, "prompt": "another"}, **{"Idempotency-Key": name})
    return Round(
        generations=sum(call["prompt"] == name for call in place.inside("calls")),
        submits=sum(job.prompt == name for job in gateway.jobs),
        statuses=dict(Counter(answer["status"] for answer in answers)),
        bodies=len({answer["digest"] for answer in taken}),
        patient=all(answer["again"] and answer["code"] == "idempotency_in_progress" for answer in refused),
        other=(other.status, other.json["code"]),
    )


def _crowd(place: Place, key: str, body: dict[str, Any], *, threads: int, processes: int) -> list[dict[str, Any]]:
    headers = {"Authorization": f"Token {place.token}", "Content-Type": "application/json", "Idempotency-Key": key}
    asked = {"port": place.port, "path": PATH, "body": body, "headers": headers, "threads": threads}
    command = [sys.executable, "-m", "proof.crowd"]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "cwd": ROOT}
    crowd = [subprocess.Popen(command, **pipes) for _ in range(processes)]
    for line in (json.dumps(asked), "go"):
        for each in crowd:
            each.stdin.write(f"{line}\n")  # type: ignore[union-attr]  # they have pipes
            each.stdin.flush()  # type: ignore[union-attr]
        if line != "go":
            assert [each.stdout.readline().strip() for each in crowd] == ["ready"] * processes  # type: ignore[union-attr]
    return [answer for each in crowd for answer in json.loads(each.communicate()[0])]


def web(processes: int) -> tuple[str, ...]:
    """A web server of so many processes."""
    return (*GUNICORN[:-1], "--workers", str(processes), GUNICORN[-1])


def _once(stack: str) -> Finding:
    with fresh(stack, web=web(PROCESSES), latency=0.5) as (place, gateway):
        place.start("manage.py", "imagen_worker")
        found = [rush(place, gateway, name=f"round {number}") for number in range(ROUNDS)]
        statuses = sum((Counter(each.statuses) for each in found), Counter[int]())
        told = ", ".join(f"{count} × {status}" for status, count in sorted(statuses.items()))
        counts = {(each.generations, each.submits, each.bodies) for each in found}
        more = f"generations, submits, bodies {sorted(counts)} in {ROUNDS} rounds; {told}; then {found[0].other[0]}"
        return close(place, gateway).finding(more, met=all(each.met for each in found))


GOALS = (
    Goal(
        id="G5",
        title=f"{POSTS} posts with one key at once, {PROCESSES} processes on either side",
        wanted="1 generation, 1 submit, one body on every 2xx, the rest 409 with Retry-After; another body 422",
        run=_once,
    ),
)
