"""The three books of a site side by side: its rows, the gateway's jobs, the files in storage."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from imagen.testing.gateway import Gateway
from proof.goals import Finding
from proof.site import Place

PROVIDERS = ["wavespeed", "apiframe"]  # without and with idempotency


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What of all that was asked is where; ``doubts`` are the calls that ever were unconfirmed."""

    asked: int
    completed: int
    unconfirmed: int
    lost: int  # neither, or in doubt although a key protects it, or although the gateway shows the job
    twice: int  # accepted by the gateway more than once
    doubts: int
    false_alarms: int  # doubts about calls that the gateway never saw
    orphans: int
    unfinished: int
    missing: int
    wrong: tuple[str, ...]  # what the checker of the test suite finds

    @property
    def kept(self) -> bool:
        """Nothing lost, nothing bought twice, nothing left over, nothing wrong."""
        bad = (self.lost, self.twice, self.orphans, self.unfinished, self.missing, len(self.wrong))
        return not any(bad) and self.completed + self.unconfirmed == self.asked

    def __str__(self) -> str:
        text = (
            f"{self.completed} of {self.asked} completed, {self.unconfirmed} unconfirmed "
            f"({self.doubts} were), {self.lost} lost, "
            f"{self.twice} twice, {self.orphans} orphans, {self.unfinished} unfinished, {self.missing} without file"
        )
        return text if not self.wrong else f"{text}; {len(self.wrong)} wrong: {self.wrong[0]}"

    def finding(self, more: str = "", *, met: bool = True) -> Finding:
        """The same as a finding, with what else was measured."""
        return Finding(measured=f"{self}; {more}" if more else str(self), met=self.kept and met)


def settle(place: Place, *, seconds: float) -> None:
    """Ring until nothing is under way; then let the time of the look-ups pass, and ring until they are done.

    ``seconds`` in which no call makes a step are too long, however busy the machine.
    """
    _until_nothing_is_left(place, seconds)
    if place.inside("hurry"):
        _until_nothing_is_left(place, seconds)


def _until_nothing_is_left(place: Place, seconds: float) -> None:
    told, until = 0, time.monotonic() + seconds
    while place.inside("left") and time.monotonic() < until:
        place.inside("knock")
        if (now := place.inside("told")) != told:
            told, until = now, time.monotonic() + seconds
        time.sleep(1)


def close(place: Place, gateway: Gateway) -> Books:
    """Compare the books after one run of ``imagen_prune``."""
    place.manage("imagen_prune", "--grace", "0", code=None)  # what it cannot mend is found below
    calls, stored = place.inside("calls"), place.inside("stored")
    bought = Counter(job.prompt for job in gateway.jobs)
    generations = {call["prompt"]: call["generation"] for call in calls}
    doubtful = {call["prompt"] for call in calls if call["status"] == "unconfirmed"}
    excused = {call["prompt"] for call in calls if call["provider"] == "wavespeed" and call["prompt"] not in bought}
    doubts = {call["prompt"] for call in calls if call["doubted"]}
    done = {prompt for prompt, status in generations.items() if status == "completed"}
    return Books(
        asked=len({call["of"] for call in calls}),
        completed=len(done),
        unconfirmed=len(doubtful & excused),
        lost=len(generations.keys() - done - (doubtful & excused)),
        twice=sum(count > 1 for count in bought.values()),
        doubts=len(doubts),
        false_alarms=len(doubts - bought.keys()),
        orphans=len(stored["orphans"]),
        unfinished=len(stored["unfinished"]),
        missing=len(stored["missing"]),
        wrong=tuple(place.inside("wrong")),
    )
