"""What a gateway remembers: how to behave for which prompt, and all that was asked of it."""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from time import monotonic
from time import time as wall
from typing import Any

from imagen.testing.wire import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Script:
    """How to behave for prompts that contain ``match``; the defaults are good behaviour.

    ``submit``, ``poll`` and ``file`` name a fault of ``imagen.testing.faults``; ``first`` limits it to so many
    calls (of this script's submits, of one job's polls, of one file), ``None`` means all of them. ``history`` and
    ``catalogue`` name a fault of the calls that have no prompt, so they count only in the script without ``match``.
    """

    match: str = ""  # empty is every prompt that no other script names
    latency: float | None = None  # seconds until the job is finished; None is the gateway's own
    submit: str = ""
    poll: str = ""
    file: str = ""
    history: str = ""  # the lists of jobs
    catalogue: str = ""  # the lists of models, prices, balances
    webhook: str = ""  # a manner of imagen.testing.webhooks; empty rings once, signed, when the job is finished
    first: int | None = None
    status: int = 503  # for "status" and "error-inside"
    retry_after: str = ""  # for "status"
    message: str = "scripted"  # for "status" and "error-inside"
    envelope: str = ""  # how API in One says an error: documented, or "flat", "text"
    location: str = ""  # for "redirect"
    seconds: float = 1.0  # for "slow", and for a webhook that is "late"
    rate: int = 40  # for "drip", in bytes a second
    words: tuple[str, ...] = ()  # the status, poll by poll; the last one stays, and a webhook says it
    case: str = ""  # "upper" or "lower" case for the status words
    failure: str = ""  # the finished job has failed for this reason
    code: int | None = None  # data.code of the failure
    cost: Any = "listed"  # creditCost at Apiframe; "listed" is the listed price, 0 when the job failed
    outputs: int | None = None  # so many instead of what was asked
    repeat: bool = False  # all outputs have the same address
    urls: tuple[str, ...] = ()  # these addresses, word by word
    flags: tuple[bool, ...] | str | None = "clean"  # has_nsfw_contents; "clean" is false for every output
    encoding: str = "url"  # or "base64", "data"
    shape: str = ""  # where the outputs stand in an answer: a name of the wire's SHAPES
    flat: bool = False  # API in One answers without its envelope
    expired: bool = False  # Apiframe has thrown the outputs away
    hidden: float = 0.0  # seconds until a job shows in the lists

    @classmethod
    def build(cls, steps: Mapping[str, Any]) -> Script:
        """A script from JSON; a step nobody knows is named in the ``ValueError``."""
        if unknown := sorted(steps.keys() - {known.name for known in fields(cls)}):
            raise ValueError(f"a script has no {', '.join(unknown)}")
        said: dict[str, Any] = {name: tuple(v) if isinstance(v, list) else v for name, v in steps.items()}
        return cls(**said)


@dataclass(slots=True, kw_only=True)
class Job:
    """One accepted submit: what would be billed."""

    model: str
    body: Mapping[str, Any]
    key: str  # the header that carried the key
    vendor: str = "wavespeed"
    webhook: str = ""
    repeat_key: str = ""  # by which a repeat of this submit is recognised
    latency: float = 0.0  # seconds until it is finished
    ratio: str = "1:1"
    resolution: str = "1k"
    form: str = "PNG"
    count: int = 1
    inline: bool = False  # pictures were asked for inside the answer
    rung: str = ""  # how the webhook went: "delivered" or "failed"
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    time: float = field(default_factory=wall)
    started: float = field(default_factory=monotonic)
    polls: int = 0
    shown: int = 0  # looks whose answer showed its outputs

    @property
    def prompt(self) -> str:
        """What was asked for."""
        return str(self.body.get("prompt", ""))

    def asdict(self) -> dict[str, Any]:
        """The fields as a plain dict."""
        return asdict(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ring:
    """One webhook that was sent: ``status`` is the site's answer, 0 for none; ``why`` says why there was none."""

    vendor: str
    job: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    status: int = 0
    why: str = ""


@dataclass(slots=True)
class Ledger:
    """Scripts in; jobs, calls, served files and rings out."""

    scripts: dict[str, Script] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    calls: list[Request] = field(default_factory=list)
    served: dict[str, bytes] = field(default_factory=dict)
    rings: list[Ring] = field(default_factory=list)
    _by_id: dict[str, Job] = field(default_factory=dict)
    _by_key: dict[tuple[str, str], Job] = field(default_factory=dict)
    _hits: Counter[str] = field(default_factory=Counter)

    def script(self, prompt: str) -> Script:
        """The first script whose match is part of the prompt, else the one for everything, else good behaviour."""
        named = (script for match, script in self.scripts.items() if match and match in prompt)
        return next(named, self.scripts.get("", Script()))

    def play(self, script: Script) -> None:
        """Behave like this from now on; a script with the same match is replaced."""
        self.scripts[script.match] = script

    def fault(self, kind: str, subject: str, script: Script) -> str:
        """The fault that hits this call, counted per subject; empty for none."""
        self._hits[f"{kind} {subject}"] += 1
        late = script.first is not None and self._hits[f"{kind} {subject}"] > script.first
        return "" if late else str(getattr(script, kind))

    def accept(self, job: Job) -> Job:
        """Write down that a job exists."""
        self.jobs.append(job)
        self._by_id[job.id] = job
        if job.repeat_key:
            self._by_key[job.vendor, job.repeat_key] = job
        return job

    def job(self, remote_id: str) -> Job | None:
        """The job with this id."""
        return self._by_id.get(remote_id)

    def of(self, vendor: str) -> list[Job]:
        """A vendor's jobs as its lists show them: newest first, without those still hidden."""
        now = monotonic()
        mine = [job for job in self.jobs if job.vendor == vendor]
        return [job for job in reversed(mine) if now >= job.started + self.script(job.prompt).hidden]

    def repeated(self, vendor: str, repeat_key: str) -> Job | None:
        """The job that was accepted under this key before."""
        return self._by_key.get((vendor, repeat_key))

    def reset(self) -> None:
        """Forget everything."""
        memories = (self.scripts, self.jobs, self.calls, self.served, self.rings, self._by_id, self._by_key)
        for memory in memories:
            memory.clear()
        self._hits.clear()
