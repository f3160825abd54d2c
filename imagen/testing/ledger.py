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
    calls (of this script's submits, of one job's polls, of one file), ``None`` means all of them.
    """

    match: str = ""  # empty is every prompt that no other script names
    latency: float | None = None  # seconds until the job is finished; None is the gateway's own
    submit: str = ""
    poll: str = ""
    file: str = ""
    first: int | None = None
    status: int = 503  # for "status" and "error-inside"
    retry_after: str = ""  # for "status"
    message: str = "scripted"  # for "status" and "error-inside"
    location: str = ""  # for "redirect"
    seconds: float = 1.0  # for "slow"
    rate: int = 40  # for "drip", in bytes a second
    words: tuple[str, ...] = ()  # the status, poll by poll; the last one stays
    failure: str = ""  # the finished job has failed for this reason
    code: int | None = None  # data.code of the failure
    outputs: int | None = None  # so many instead of what was asked
    repeat: bool = False  # all outputs have the same address
    urls: tuple[str, ...] = ()  # these addresses, word by word
    flags: tuple[bool, ...] | str | None = "clean"  # has_nsfw_contents; "clean" is false for every output
    encoding: str = "url"  # or "base64", "data"

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
    webhook: str = ""
    latency: float = 0.0  # seconds until it is finished
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    time: float = field(default_factory=wall)
    started: float = field(default_factory=monotonic)
    polls: int = 0

    @property
    def prompt(self) -> str:
        """What was asked for."""
        return str(self.body.get("prompt", ""))

    def asdict(self) -> dict[str, Any]:
        """The fields as a plain dict."""
        return asdict(self)


@dataclass(slots=True)
class Ledger:
    """Scripts in; jobs, calls and served files out."""

    scripts: dict[str, Script] = field(default_factory=dict)
    jobs: list[Job] = field(default_factory=list)
    calls: list[Request] = field(default_factory=list)
    served: dict[str, bytes] = field(default_factory=dict)
    _by_id: dict[str, Job] = field(default_factory=dict)
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
        return job

    def job(self, remote_id: str) -> Job | None:
        """The job with this id."""
        return self._by_id.get(remote_id)

    def reset(self) -> None:
        """Forget everything."""
        for memory in (self.scripts, self.jobs, self.calls, self.served, self._by_id, self._hits):
            memory.clear()
