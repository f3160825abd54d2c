"""What every vendor's wire has in common: keys, routes, submits that are accepted, looks, lists, faults."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar

from imagen.testing.darkroom import Darkroom, Stage
from imagen.testing.faults import BEFORE, CALLS
from imagen.testing.ledger import Job, Ledger, Script
from imagen.testing.market import REFUSE, Market
from imagen.testing.wire import Answer, Ending, Request

Route = tuple[str, str, Callable[..., Answer]]


class Refused(ValueError):
    """What a vendor answers to a request that it does not take."""

    def __init__(self, status: int, message: str, **more: Any) -> None:
        super().__init__(message)
        self.status, self.message, self.more = status, message, more


class VendorWire(ABC):
    """One vendor from the other side: facts as class attributes, a table of routes, the shapes of its answers."""

    vendor: ClassVar[str]
    prefix: ClassVar[str]  # of all its paths
    routes: ClassVar[tuple[Route, ...]]
    words: ClassVar[Mapping[Stage, str]]
    finals: ClassVar[Mapping[str, Stage]]  # the words that end a job, in lower case
    closings: ClassVar[Mapping[int, str]]  # what is said while nobody is let in
    shapes: ClassVar[Mapping[str, Callable[[list[str]], Any]]] = {}  # where the outputs stand, by name
    webhook_tries: ClassVar[int] = 1

    def __init__(
        self,
        *,
        ledger: Ledger,
        market: Market,
        darkroom: Darkroom,
        key: str,
        secret: str = "",
        show_inputs: bool = False,
    ) -> None:
        self.ledger = ledger
        self.market = market
        self.darkroom = darkroom
        self.key = key
        self.secret = secret
        self.show_inputs = show_inputs

    def answer(self, request: Request) -> Answer:
        """The answer to any request to this vendor."""
        how = self.market.closed.get(self.vendor)
        if how == REFUSE:
            return Answer(ending=Ending.RESET)
        try:
            if how and how != 402:  # an account without money may still look
                raise Refused(int(how), self.closings.get(int(how), "closed"))
            self.admit(request)
            return self._route(request)
        except Refused as refused:
            document = self.told(refused.status, refused.message, self.ledger.script(""))
            return Answer.of({**document, **refused.more}, refused.status)
        except (AttributeError, TypeError, ValueError) as error:  # a body of another shape than the schema
            return Answer.of(self.told(400, str(error), self.ledger.script("")), 400)

    def _route(self, request: Request) -> Answer:
        for method, pattern, act in self.routes:
            if method == request.method and (found := re.fullmatch(pattern, request.path)):
                return act(self, request, *found.groups())
        raise Refused(404, "not found")

    # The vendor's own shapes

    @abstractmethod
    def admit(self, request: Request) -> None:
        """Raise ``Refused`` unless the request has the vendor's key where it belongs."""

    @abstractmethod
    def told(self, status: int, message: str, script: Script) -> dict[str, Any]:
        """The vendor's error document."""

    @abstractmethod
    def accepted(self, job: Job) -> Answer:
        """The answer to a submit that was taken."""

    @abstractmethod
    def news(self, job: Job, word: str) -> Any:
        """What a look at the job says when its status is this word."""

    @abstractmethod
    def delivery(self, job: Job, word: str) -> dict[str, Any]:
        """The body of the webhook that says this word."""

    @abstractmethod
    def sign(self, job: Job, word: str, body: bytes, *, forged: bool = False) -> dict[str, str]:
        """The headers that prove a webhook, or pretend to."""

    def wants(self, job: Job, word: str) -> bool:
        """Whether this job's webhook was asked to ring for this word."""
        return True

    # What a vendor does with a request

    def take(self, job: Job) -> Answer:
        """Accept a submit, unless its script or an empty account has it otherwise."""
        script = self.ledger.script(job.prompt)
        fault = self.ledger.fault("submit", script.match, script)
        if fault in BEFORE:
            return BEFORE[fault](self.accepted(job), script, self.told)
        answer = self.accepted(self._known(job) or self._new(job))
        return CALLS[fault](answer, script, self.told) if fault else answer

    def _known(self, job: Job) -> Job | None:
        known = self.ledger.repeated(self.vendor, job.repeat_key)
        if known is not None and known.body != job.body:
            raise Refused(409, "The idempotency key was used with a different request body")
        return known

    def _new(self, job: Job) -> Job:
        if self.market.closed.get(self.vendor) == 402:
            raise Refused(402, self.closings[402], **self.lack(job))
        return self.ledger.accept(replace(job, vendor=self.vendor, latency=self.darkroom.duration()))

    def lack(self, job: Job) -> dict[str, Any]:
        """What else an empty account says of a job it cannot pay."""
        return {}

    def look(self, remote_id: str, missing: str) -> Answer:
        """How a job is doing; ``missing`` are the words for one that is not there or not ours."""
        job = self.ledger.job(remote_id)
        if job is None or job.vendor != self.vendor:
            raise Refused(404, missing)
        script = self.ledger.script(job.prompt)
        job.polls += 1
        word = self.word(job)
        answer = self.bent("poll", job.id, good := Answer.of(self.news(job, word)), script)
        job.shown += answer is good and self.stage(word) is Stage.DONE and script.outputs != 0 and not script.expired
        return answer

    def bent(self, kind: str, subject: str, answer: Answer, script: Script | None = None) -> Answer:
        """A good answer, or what the script makes of it."""
        script = self.ledger.script("") if script is None else script
        fault = self.ledger.fault(kind, subject, script)
        return CALLS[fault](answer, script, self.told) if fault else answer

    # Words

    def word(self, job: Job) -> str:
        """The status word of a job now: the script's for this poll, or the vendor's for the stage."""
        script = self.ledger.script(job.prompt)
        if script.words:
            return script.words[min(max(job.polls, 1), len(script.words)) - 1]
        return self.cased(job, self.words[self.darkroom.stage(job)])

    def last_word(self, job: Job) -> str:
        """The status word a job ends with."""
        script = self.ledger.script(job.prompt)
        return script.words[-1] if script.words else self.cased(job, self.words[self.darkroom.end(job)])

    def cased(self, job: Job, word: str) -> str:
        """The word in the case the job's script wants."""
        cases = {"upper": word.upper(), "lower": word.lower()}
        return cases.get(self.ledger.script(job.prompt).case, word)

    def stage(self, word: str) -> Stage:
        """What a word means; one nobody knows means that the job is running."""
        return self.finals.get(word.lower(), Stage.RUNNING)

    def outputs(self, job: Job, word: str) -> list[str]:
        """What the job shows under this word."""
        return self.darkroom.outputs(job) if self.stage(word) is Stage.DONE else []

    def reason(self, job: Job, word: str) -> str:
        """Why the job failed; empty when the word does not say so."""
        if self.stage(word) is not Stage.FAILED:
            return ""
        return self.ledger.script(job.prompt).failure or "Prediction did not complete"

    def ended(self, job: Job) -> float:
        """When the job was or will be finished, in Unix time."""
        return job.time + self.darkroom.seconds(job)

    # Lists

    def priced(self, model: str, listed: Any) -> Any:
        """The price of a model: the market's, or the listed one."""
        return self.market.prices.get((self.vendor, model), listed)

    def shown(self, models: Mapping[str, Any]) -> dict[str, Any]:
        """What of these the list of models shows."""
        return {name: what for name, what in models.items() if (self.vendor, name) not in self.market.unlisted}

    def novelties(self, models: Mapping[str, Any]) -> list[str]:
        """The ids that have a price and are not among these: a price puts them on sale."""
        return [name for vendor, name in self.market.prices if vendor == self.vendor and name not in models]


def moment(seconds: float, digits: int = 3) -> str:
    """A Unix time as the vendors write it, with so many digits after the point."""
    whole, _, part = f"{seconds:.9f}".partition(".")
    day = datetime.fromtimestamp(int(whole), UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{day}.{part[:digits]}Z"
