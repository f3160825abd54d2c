"""Where accepted jobs become pictures: how long it takes, how far they are, what is sent as which file."""

from __future__ import annotations

import base64
import math
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from imagen.testing.faults import FILES
from imagen.testing.ledger import Job, Ledger, Script
from imagen.testing.pictures import picture, size_of
from imagen.testing.wire import Answer

GOLDEN = (math.sqrt(5) - 1) / 2
_FILE = re.compile(r"(?P<job>[\w.-]+)-(?P<index>[0-9])\.png")


class Stage(StrEnum):
    """How far a job is; each vendor has a word of its own for it."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


@dataclass(slots=True, kw_only=True)
class Darkroom:
    """Develops the jobs of a ledger; ``scale`` and ``weight`` make pictures smaller or heavier.

    A job takes ``latency`` seconds, up to ``spread`` more or less. ``paint`` gives pictures of one's own: the bytes for
    a job, a file name and a size.
    """

    ledger: Ledger
    url: str = ""
    latency: float = 0.05
    spread: float = 0.0
    scale: float = 1.0
    weight: int = 0
    paint: Callable[[Job, str, tuple[int, int]], bytes] | None = None

    def duration(self) -> float:
        """Evenly spread, and the same in every run: the fractions of the golden ratio's multiples."""
        return self.latency + self.spread * (2 * (len(self.ledger.jobs) * GOLDEN % 1) - 1)

    def seconds(self, job: Job) -> float:
        """How long a job takes; one whose webhook comes early is finished at once."""
        script = self.ledger.script(job.prompt)
        if script.webhook == "early":
            return 0.0
        return job.latency if script.latency is None else script.latency

    def end(self, job: Job) -> Stage:
        """How a job ends, whenever that is."""
        return Stage.FAILED if self.ledger.script(job.prompt).failure else Stage.DONE

    def stage(self, job: Job) -> Stage:
        """How far a job is now."""
        finished = time.monotonic() >= job.started + self.seconds(job)
        return self.end(job) if finished else Stage.RUNNING

    def outputs(self, job: Job) -> list[str]:
        """What a finished job made: addresses, or pictures as text."""
        script = self.ledger.script(job.prompt)
        if script.urls:
            return list(script.urls)
        count = job.count if script.outputs is None else script.outputs
        names = [f"{job.id}-{0 if script.repeat else index}.png" for index in range(count)]
        if script.encoding == "url" and not job.inline:
            return [f"{self.url}/files/{quote(name)}" for name in names]
        head = f"data:image/{job.form.lower()};base64," if script.encoding == "data" else ""
        return [head + base64.b64encode(self._file(name, job, script).body).decode() for name in names]

    def send(self, name: str) -> Answer:
        """The file of this name, as its job's script wants it sent."""
        found = _FILE.fullmatch(name)
        job = self.ledger.job(found["job"]) if found else None
        if job is None:
            return Answer.of({"message": "not found"}, 404)
        return self._file(name, job, self.ledger.script(job.prompt))

    def _file(self, name: str, job: Job, script: Script) -> Answer:
        size = size_of(job.ratio, job.resolution, scale=self.scale)
        body = self._painted(name, job, size)
        answer = Answer(body=body, content_type=f"image/{'png' if self.weight else job.form.lower()}")
        if fault := self.ledger.fault("file", name, script):
            answer = FILES[fault](answer, script, name, size)
        self.ledger.served[name] = answer.body
        return answer

    def _painted(self, name: str, job: Job, size: tuple[int, int]) -> bytes:
        if self.paint is not None:
            return self.paint(job, name, size)
        return picture(name, size, form=job.form, weight=self.weight)
