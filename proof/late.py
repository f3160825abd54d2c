"""Lives of a site, after the end: what failed and is kept may still come, and nothing of it is bought again."""

from __future__ import annotations

from typing import Any

from hypothesis import stateful
from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from imagen import kept, pipeline
from imagen.engine import Engine
from imagen.models import Generation, Job
from imagen.testing.gateway import Gateway
from imagen.testing.site import Site
from proof.promises import Promises
from proof.vacuum import Clock, run
from proof.world import NEWS, Disk

numbers = st.integers(0, 10**6)


class Late(stateful.RuleBasedStateMachine):
    """The rules about calls that ended too early; a whole life brings the steps, the bell and the promises."""

    clock: Clock
    gateway: Gateway
    promises: Promises
    site: Site

    @precondition(lambda self: self.promises.known)
    @rule(number=numbers)
    def fetch_again(self, number: int) -> None:
        """A person asks for what failed and is kept: it may come, and it is not bought."""
        if found := self._kept():
            self._again(pick(found, number).generation, "fetch again")

    @precondition(lambda self: self.promises.known)
    @rule(number=numbers, forged=st.booleans(), ready=st.booleans())
    def late_ring(self, number: int, forged: bool, ready: bool) -> None:
        """A webhook about what we gave up, whether it is true or not."""
        found = self._kept()
        there = self.gateway.ledger.job(pick(found, number).remote_id) if found else None
        if there is None:
            return
        with self._step("late ring"):
            if ready:
                self.gateway.script(there.prompt)
            self._ring(there, forged=forged)

    @precondition(lambda self: self.promises.known)
    @rule(number=numbers, full=st.booleans())
    def patience_ends(self, number: int, full: bool) -> None:
        """A picture that takes for ever, or a disk that stays full, until nobody waits any more."""
        with self._step("patience ends"):
            self.gateway.script(pick(self.promises.known.values(), number).token, **NEWS["good" if full else "slow"])
            Disk.full = full
        for seconds in (0.0, 90_000.0):
            with self._step("doorbell"):
                self.clock.jump(seconds)
                run(Engine(seconds=10.0).run, self.clock)

    def _again(self, asked: Generation, name: str) -> None:
        """Try it again: what new calls are for is bought once more, and nothing else."""
        before = set(asked.jobs.values_list("pk", flat=True))
        with self._step(name):
            pipeline.retry(asked, actor=self.person)
        if new := [slot for job in asked.jobs.exclude(pk__in=before) for slot in job.slots]:
            self.promises.known[asked.pk].again(new)

    def _kept(self) -> list[Job]:
        return [job for job in self.site.jobs.values() if kept.open_ended(job)]


def pick(rows: Any, number: int) -> Any:
    """One of these, whatever the number is."""
    found = list(rows)
    return found[number % len(found)]
