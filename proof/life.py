"""Lives of a site: whatever people, providers, clocks and crashes do, in any order, every promise holds."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from time import process_time
from typing import Any

import hypothesis
from django.contrib.auth.models import User
from django.db import connection
from hypothesis import stateful
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from imagen import detours, failpoints, hooks, pipeline, resolution
from imagen.api.idempotency import Answer, Once
from imagen.engine import Engine
from imagen.exceptions import BadSignature, ImagenError, NotFound
from imagen.models import Event, Generation, Image, Job
from imagen.states import FINAL, JobStatus
from imagen.testing import invariants
from imagen.testing.gateway import Gateway
from imagen.testing.ledger import Job as Accepted
from imagen.testing.pictures import picture
from imagen.testing.site import Site
from proof.late import Late, numbers, pick
from proof.promises import Promises
from proof.vacuum import Air, Clock, mortal, run, vacuum
from proof.world import NEWS, VENDORS, Disk, site

WAITS = (2.0, 20.0, 61.0, 700.0, 3700.0, 90_000.0)
LITTLE = picture("little", (16, 16))
PHASES = (hypothesis.Phase.generate,)
TALLY: Counter[str] = Counter()
places = st.one_of(st.just(""), st.sampled_from(sorted(failpoints.POINTS)))
wishes = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(["", *VENDORS])), min_size=1, max_size=3)


class Life(Late):
    """A site with three gateways; after each step every promise holds."""

    def __init__(self) -> None:
        super().__init__()
        self.clock, self.promises, self.site = Clock(), Promises(), Site()
        self.gateway = Gateway(paint=lambda *_: LITTLE, latency=0.0)
        self.fatal = ""  # where the next who comes by dies
        self.keys: dict[str, uuid.UUID] = {}
        self.world = ExitStack()
        self.world.enter_context(site())
        self.world.enter_context(vacuum(Air(self.gateway, self.clock, self._early)))
        self.person = User.objects.create(username="ann")

    def teardown(self) -> None:
        """Everything comes to rest; nothing is lost, and nothing is set aside but for what nobody knows."""
        try:
            self._rest()
            TALLY["moves"] += Event.objects.filter(what__in=JobStatus.values).count()
            TALLY["runs"] += 1
        finally:
            self.world.close()

    # What people do

    @initialize(wishes=wishes)
    def begin(self, wishes: list[tuple[int, str]]) -> None:
        self.ask(wishes)

    @rule(wishes=wishes)
    def ask(self, wishes: list[tuple[int, str]]) -> None:
        for images, provider in wishes:
            with self._step("ask"):
                pipeline.request(user=self.person, **self._wish(images, provider))
            self.promises.take()

    @rule(key=st.sampled_from("abc"))
    def ask_with_a_key(self, key: str) -> None:
        """The first answer under a key is the only one of its day: the same request, however often it is asked."""
        key = f"{key} of day {self.clock.time() // 86_400}"
        body = {"prompt": f"under {key}", "num_images": 2}
        with self._step("ask with a key"):
            once = Once.read(key, user=self.person, method="POST", path="/", body=body)
            answer = once.answer(lambda: self._first(body))
            found = uuid.UUID(answer.body["id"])
            assert self.keys.setdefault(key, found) == found, f"the key {key} was answered twice"
        self.promises.take()

    @precondition(lambda self: self.promises.known)
    @rule(number=numbers)
    def cancel(self, number: int) -> None:
        with self._step("cancel"):
            pipeline.cancel(self._one(number), actor=self.person)

    @precondition(lambda self: self.promises.known)
    @rule(number=numbers)
    def retry(self, number: int) -> None:
        self._again(self._one(number), "retry")

    @precondition(lambda self: self.promises.known)
    @rule(number=numbers)
    def erase(self, number: int) -> None:
        with self._step("erase"):
            pipeline.erase(self._one(number))

    @precondition(lambda self: self.site.images)
    @rule(number=numbers)
    def discard(self, number: int) -> None:
        with self._step("discard"):
            pipeline.discard(pick(Image.objects.order_by("pk"), number), actor=self.person)

    # What a person decides about a doubt

    @precondition(lambda self: self._doubts())
    @rule(number=numbers, true=st.booleans())
    def adopt(self, number: int, true: bool) -> None:
        job = pick(self._doubts(), number)
        named = set(Job.objects.exclude(pk=job.pk).values_list("remote_id", flat=True))
        ours = [there.id for there in self._there(job) if there.id not in named]
        with self._step("adopt"):
            resolution.adopt(job, ours[0] if true and ours else str(uuid.UUID(int=number)), actor=self.person)

    @precondition(lambda self: self._doubts())
    @rule(number=numbers)
    def release(self, number: int) -> None:
        """An honest person looked at the bill first."""
        job = pick(self._doubts(), number)
        if not self._there(job):
            with self._step("release"):
                resolution.release(job, actor=self.person)

    @precondition(lambda self: self._doubts())
    @rule(number=numbers)
    def resend(self, number: int) -> None:
        job = pick(self._doubts(), number)
        before = job.generation.jobs.count()
        with self._step("resend"):
            resolution.resend(job, actor=self.person)
        if job.generation.jobs.count() > before:
            self.promises.known[job.generation_id].again(job.slots)

    # What workers, providers and time do

    @rule(seconds=st.sampled_from([0.0, 10.0, 60.0]), fatal=places)
    def doorbell(self, seconds: float, fatal: str) -> None:
        self.fatal = fatal or self.fatal
        with self._step("doorbell"):
            run(Engine(seconds=seconds).run, self.clock)

    @rule(seconds=st.sampled_from([0.0, 10.0]))
    def doorbell_twice_at_once(self, seconds: float) -> None:
        async def both() -> None:
            await asyncio.gather(*(Engine(seconds=seconds).run() for _ in range(2)))

        with self._step("two doorbells"):
            run(both, self.clock)

    @precondition(lambda self: self.promises.known)
    @rule(number=numbers, news=st.sampled_from(sorted(NEWS)))
    def news(self, number: int, news: str) -> None:
        promise = pick(self.promises.known.values(), number)
        with self._step("news"):
            self.gateway.script(promise.token, **NEWS[news])

    @rule(vendor=st.sampled_from(sorted(VENDORS)), how=st.sampled_from([401, 402, 503, None, None]))
    def door(self, vendor: str, how: int | None) -> None:
        """A gateway lets nobody in, or lets everybody in again."""
        with self._step("door"):
            self.gateway.market.apply({"closed": {vendor: how}})

    @precondition(lambda self: self.gateway.jobs)
    @rule(number=numbers, forged=st.booleans(), times=st.integers(1, 2))
    def webhook(self, number: int, forged: bool, times: int) -> None:
        with self._step("webhook"):
            for _ in range(times):
                self._ring(pick(self.gateway.jobs, number), forged=forged)

    @rule(full=st.booleans())
    def disk(self, full: bool) -> None:
        with self._step("disk"):
            Disk.full = full

    @rule(seconds=st.sampled_from(WAITS))
    def wait(self, seconds: float) -> None:
        with self._step("wait"):
            self.clock.jump(seconds)

    @rule()
    def sweep(self) -> None:
        with self._step("sweep"):
            pipeline.sweep()

    @rule(point=st.sampled_from(sorted(failpoints.POINTS)))
    def doom(self, point: str) -> None:
        """Whoever comes to this place next dies there."""
        with self._step("doom"):
            self.fatal = point

    @invariant()
    def everything_holds(self) -> None:
        self.site = Site.read(self.gateway.ledger)
        wrong = [*invariants.broken(self.site), *self.promises.broken(self.site, self.gateway.ledger)]
        if wrong:
            raise AssertionError("\n".join(wrong))

    # How

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        """One step; a refusal is an answer, and whoever is doomed dies where it was said."""
        TALLY[name] += 1
        with mortal(self.fatal) as passed, suppress(ImagenError):
            yield
        if "dead" in passed:
            TALLY["crashes"] += 1
            self.fatal = ""
            detours._stuck.clear()

    def _wish(self, images: int, provider: str = "") -> dict[str, Any]:
        token = f"a lighthouse, number {len(self.promises.known)} of {images}"
        return {"prompt": token, "num_images": images, "provider": provider}

    def _first(self, body: dict[str, Any]) -> Answer:
        made = pipeline.request(user=self.person, **body)
        return Answer(status=202, body={"id": str(made.pk)})

    def _one(self, number: int) -> Generation:
        return Generation.objects.get(pk=pick(list(self.promises.known), number))

    def _doubts(self) -> list[Job]:
        return [job for job in self.site.jobs.values() if job.status == JobStatus.UNCONFIRMED]

    def _there(self, job: Job) -> list[Accepted]:
        """The jobs at the gateway that may be this call's."""
        token = self.promises.known[job.generation_id].token
        return [there for there in self.gateway.jobs if (there.vendor, there.prompt) == (job.provider, token)]

    def _ring(self, job: Accepted, *, forged: bool = False) -> None:
        wire = self.gateway.wires[job.vendor]
        word = wire.last_word(job)
        body = json.dumps(wire.delivery(job, word)).encode()
        token = job.webhook.rstrip("/").rpartition("/")[2]
        with suppress(NotFound, BadSignature):
            hooks.overhear(job.vendor, token, headers=wire.sign(job, word, body, forged=forged), body=body)

    def _early(self, job: Accepted) -> None:
        """A webhook that is here before the answer to the call is."""
        if self.gateway.ledger.script(job.prompt).webhook == "early" and job.webhook:
            self._ring(job)

    def _rest(self) -> None:
        """The world is good again, and time passes."""
        self.fatal, Disk.full = "", False
        self.gateway.ledger.scripts.clear()
        self.gateway.market.reset()
        for seconds in (61.0, 700.0, 3700.0, 90_000.0, 90_000.0):
            if not Job.objects.filter(due_at__isnull=False).exists():
                break
            self.clock.jump(seconds)
            with self._step("rest"):
                run(Engine(seconds=120.0).run, self.clock)
        with self._step("rest"):
            pipeline.sweep()
        self.everything_holds()
        assert not Job.objects.filter(status=JobStatus.FAILED).exclude(due_at=None), "somebody is asked for ever"
        waiting = Job.objects.exclude(status__in=FINAL)
        assert not waiting.exclude(status=JobStatus.UNCONFIRMED), [f"{job} {job.status}" for job in waiting]


def live(*, runs: int, steps: int, seed: int | None = None) -> dict[str, Any]:
    """So many lives of so many steps in a database of memory; how often what was done, and how long it took."""
    logging.getLogger("imagen").setLevel(logging.CRITICAL + 1)
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    gc.freeze()  # what is there now stays: looking for the dead is quick
    begun = process_time()
    seeded = Life if seed is None else hypothesis.seed(seed)(Life)
    stateful.run_state_machine_as_test(seeded, settings=_settings(runs, steps))
    return {**TALLY, "processor seconds": round(process_time() - begun)}


def _settings(runs: int, steps: int) -> hypothesis.settings:
    return hypothesis.settings(
        max_examples=runs,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
        print_blob=True,
        phases=PHASES,
    )
