"""One job in the hands of one engine: sent, asked after, its pictures fetched."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from imagen import alarms, detours, failpoints, hauls, hooks, kept, verdicts
from imagen.conf import settings
from imagen.engine import clock
from imagen.engine.desk import Desk
from imagen.engine.haul import fetch_outputs
from imagen.engine.inquiry import inquire
from imagen.engine.proof import ask_again
from imagen.engine.rhythm import Rhythm
from imagen.exceptions import (
    Busy,
    Declined,
    EgressBlocked,
    ImagenError,
    NotFound,
    ProviderError,
    TransitionError,
    Unclear,
    Unreadable,
)
from imagen.models import Job, Move
from imagen.models.gateway import CLOSED, DOWN
from imagen.outages import passing
from imagen.states import FINAL, JobStatus
from imagen.types import Snapshot, State

logger = logging.getLogger("imagen")
HOLD_SECONDS = 30.0
_TO_SEND = (JobStatus.SUBMITTING, JobStatus.SENDING)
_TO_ASK = (JobStatus.PROCESSING, JobStatus.STORING)
_FAILING = frozenset({DOWN, "submit_unknown"})


class Visit:
    """Takes one claimed job as far as it goes before the engine stops or a long wait begins."""

    def __init__(self, desk: Desk, job: Job) -> None:
        self.desk = desk
        self.job = job
        self.provider = desk.providers[job.provider]
        self.resumed = job.status == JobStatus.STORING
        self.rhythm = Rhythm(desk, job, hooks.address(job, self.provider))
        self.again = job.status == JobStatus.SENDING  # an earlier send under this key may have been taken
        self.sent = self.adopted = False
        self.looks = 0
        self.waited = 0.0
        self.empty = 0
        self.errors = 0
        self.trouble = self.answer = ""
        self.doubted = False

    async def run(self) -> None:
        """Work on the job; whatever goes wrong is written to its row, never raised."""
        try:
            if self.job.status in _TO_SEND:
                await self._submit()
            elif self.job.status == JobStatus.UNCONFIRMED:
                await self._inquire()
            elif self.job.status == JobStatus.FAILED:
                await self._ask_again()
            while self.job.holder and self.job.status in _TO_ASK and await self._wait():
                await self._look()
        except TransitionError:
            pass  # somebody else got there first, and that is fine
        except Exception as error:  # one poison job must not take the engine with it
            await self._stumbled(error)

    async def _stumbled(self, error: Exception) -> None:
        if passing(error):  # not the job's fault
            logger.warning("the database was away; the end of its lease brings the job back", extra=self._facts())
            return
        logger.error("a job could not be worked on", exc_info=error, extra=self._facts("internal_error"))
        await self._put_aside()

    async def _put_aside(self) -> None:
        try:
            if self.job.status == JobStatus.FAILED:
                await self.desk.writer.run(kept.rest, self.job)
            else:
                await self.desk.writer.move(verdicts.poisoned(self.job, now=clock.now()))
        except Exception:
            logger.exception("a job could not be put aside; the end of its lease brings it back", extra=self._facts())

    def _facts(self, code: str = "") -> dict[str, Any]:
        job = self.job
        ids = {"generation": str(job.generation_id), "job": str(job.pk)}
        return {**ids, "provider": job.provider, "status": job.status, "code": code}

    async def _make(self, move: Move) -> None:
        if not await self.desk.writer.move(move):
            raise TransitionError
        if move.to in FINAL:
            logger.info("a job is over", extra=self._facts(move.code))

    async def _inquire(self) -> None:
        self.adopted = True
        await self._make(await inquire(self.desk, self.job, self.provider))
        await self.desk.guarded(alarms.unconfirmed, self.job.provider)

    async def _ask_again(self) -> None:
        """What failed without its provider's word is taken up again when the outputs are there, and not before."""
        snapshot = await ask_again(self.desk, self.job, self.provider)
        if snapshot is not None:
            await self._make(verdicts.taken_up(self.job))
            self.resumed = True  # some of its places may have their picture
            await self._collect(snapshot)

    # --- sending

    async def _submit(self) -> None:
        try:
            snapshot = await self._send()
        except (ProviderError, EgressBlocked) as error:
            await self._declined(error)
        else:
            await self._accepted(snapshot)

    async def _send(self) -> Snapshot:
        job = self.job
        call = self.provider.submit(
            job.request, offer=self.desk.offer(job), key=str(job.pk), callback=self.rhythm.address
        )
        reply = await self.desk.transport.send(call, limit=self.desk.limit(job), before_first_byte=self._mark)
        failpoints.reach("answered")
        try:
            return self._taken(self.provider.read(reply))
        except Unclear:
            self.answer = self.provider.quote(reply, self.rhythm.address)
            raise

    def _taken(self, snapshot: Snapshot) -> Snapshot:
        if snapshot.remote_id:
            return snapshot
        if snapshot.failure:  # its own word that there is no job
            raise Declined(snapshot.failure.message, code=snapshot.failure.code)
        raise Unreadable(f"{self.provider.label} sent no id")

    async def _mark(self) -> None:
        """Commit, before the first byte, that from here on money may be spent."""
        if self.desk.stopping.is_set():
            raise Busy("stopping")
        changes = {"tries": self.job.tries + 1, "account": self.provider.account}
        facts: dict[str, Any] = {"changes": changes, "stamps": ("sent_at",)}
        await self._make(Move(job=self.job, to=JobStatus.SENDING, wait=settings.LEASE_SECONDS, **facts))
        self.sent = True

    async def _declined(self, error: ImagenError) -> None:
        if self.desk.stopping.is_set() and not self.sent:
            self.desk.give_back(self.job, 0.0)
            return
        logger.info("a call was not taken", extra=self._facts(error.code))
        await self._rest(error)
        if error.code in CLOSED and not self.again and await self.desk.guarded(detours.possible, self.job):
            await self._make(verdicts.put_back(self.job, error))
            return
        account, now = self.provider.account if self.provider.idempotent else "", clock.now()
        move = verdicts.declined(self.job, error, account=account, now=now, again=self.again)
        if move.to == JobStatus.UNCONFIRMED and not self.provider.lists:
            wait = self.rhythm.patience if self.rhythm.listens else 0.0  # for a ring, or for a person at once
            move = replace(move, wait=wait)
        changes = {**move.changes, "answer": self.answer} if self.answer else move.changes
        await self._make(replace(move, note=self.provider.clean(move.note), changes=changes))

    async def _rest(self, error: ImagenError) -> None:
        """A provider that is full, closed or failing is left alone for a while."""
        if error.code in CLOSED or (isinstance(error, Unclear) and error.code in _FAILING):
            await self.desk.rest(self.job.provider, error.code if error.code in CLOSED else DOWN, None)
        elif isinstance(error, Busy):
            await self.desk.rest(self.job.provider, error.code, error.retry_after)

    async def _accepted(self, snapshot: Snapshot) -> None:
        move = verdicts.accepted(self.job, snapshot, now=clock.now())
        if snapshot.state is State.PENDING and self.rhythm.listens:
            move = replace(move, wait=self.rhythm.patience, release=True)
        try:
            await self._make(move)
        except Exception:
            logger.critical("submit_accepted_unsaved %s", snapshot.remote_id, extra=self._facts())
            raise
        await self.desk.welcome(self.job.provider)
        self.doubted = snapshot.state is State.FAILED
        if self.job.status == JobStatus.STORING:
            await self._collect(snapshot)

    # --- asking

    async def _wait(self) -> bool:
        """Wait for the next look; ``False`` after giving the job back because the wait is long or we stop."""
        if self.looks and (late := self._overdue()) is not None:
            await self._make(late)
            return False
        self.waited = self._pause()
        if self._holds() and await self.desk.sleep(self.waited):
            return True
        self.desk.give_back(self.job, self.waited)
        return False

    def _holds(self) -> bool:
        """Whether to keep the job meanwhile: not for long, and not where a ring should reach whoever is free."""
        silent = not self.looks and not self.doubted and self.rhythm.listens
        return self.waited <= (0 if silent else HOLD_SECONDS)

    def _pause(self) -> float:
        """Seconds until the next look."""
        if self.doubted:
            return verdicts.CONFIRM_SECONDS
        if self.empty:
            return verdicts.EMPTY_SECONDS
        if not self.looks and (self.resumed or self.job.heard):
            return 0.0
        if not self.looks and self.rhythm.listens:
            return max(self.rhythm.patience - self.rhythm.age, 0.0)
        return self.rhythm.step(self.looks, errors=self.errors)

    async def _look(self) -> None:
        self.looks += 1
        try:
            call = self.provider.check(self.job.remote_id)
            reply = await self.desk.transport.send(call, limit=self.desk.limit(self.job))
            snapshot = self.provider.read_check(reply)
        except (ProviderError, EgressBlocked) as error:
            await self._unanswered(error)
        else:
            self.errors, self.trouble = 0, ""
            await self._settle(snapshot)

    async def _unanswered(self, error: ImagenError) -> None:
        """A look that failed changes nothing; a job the provider forgot is watched after a minute."""
        self.errors += 1
        self.trouble = "provider_job_lost" if isinstance(error, NotFound) else error.code
        logger.info("a look brought no answer", extra=self._facts(error.code))
        if isinstance(error, NotFound) and self.rhythm.age > verdicts.LOST_SECONDS:
            await self._make(self._overdue() or verdicts.lost(self.job))

    def _overdue(self) -> Move | None:
        kept, now = self.provider.retention, clock.now()
        return verdicts.overdue(self.job, retention=kept, now=now, trouble=self.trouble)

    async def _settle(self, snapshot: Snapshot) -> None:
        if snapshot.remote_id not in ("", self.job.remote_id):
            return  # an answer about another job is no answer
        if snapshot.state is State.DONE and snapshot.outputs:
            await self._arrived(snapshot)
        elif snapshot.state is State.DONE:
            self.empty += 1
            if self.empty > verdicts.EMPTY_LOOKS:
                await self._make(verdicts.empty(self.job, cost=snapshot.cost))
        elif snapshot.state is State.FAILED and self.doubted:
            await self._make(verdicts.failed(self.job, snapshot.failure, cost=snapshot.cost))
        self.doubted = snapshot.state is State.FAILED  # it counts when said twice in a row, two seconds apart

    async def _arrived(self, snapshot: Snapshot) -> None:
        if self.job.status == JobStatus.PROCESSING:
            await self._learn()
            await self._make(verdicts.storing(self.job))
        await self._collect(snapshot)

    async def _learn(self) -> None:
        """How long it took, where we know it: it rang, or we were asking; what was only found later teaches nothing."""
        if self.looks == 1 and self.job.heard:
            self.desk.learn(self.job, self.rhythm.age - self.job.late)
        elif self.sent or self.looks > 1:
            self.desk.learn(self.job, self.rhythm.age - self.waited / 2)
        elif self.rhythm.listens and not self.adopted:
            await self.desk.miss(self.job.provider)

    async def _collect(self, snapshot: Snapshot) -> None:
        there = await self.desk.places(self.job) if self.resumed else set()
        haul = await fetch_outputs(self.desk, self.job, snapshot, there=there)
        await self._make(
            hauls.collected(self.job, haul, snapshot=snapshot, retention=self.provider.retention, now=clock.now())
        )
