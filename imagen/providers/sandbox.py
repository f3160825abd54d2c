"""The offline vendor: it paints instead of calling out, and misbehaves when the prompt tells it to."""

from __future__ import annotations

import base64
import hashlib
import json
from itertools import product
from typing import Any, NamedTuple

from imagen.directives import directives
from imagen.exceptions import Busy, ProviderError, Unclear
from imagen.offers import MODELS, Offer, Price
from imagen.painting import HALVES, paint, size_of
from imagen.providers.base import Provider
from imagen.types import (
    ASPECT_RATIOS,
    MAX_IMAGES,
    OUTPUT_FORMATS,
    RESOLUTIONS,
    Call,
    Failure,
    ImageRequest,
    Output,
    Reply,
    Snapshot,
    State,
)

ORIGIN = "sandbox://"
PRIVATE = "http://169.254.169.254/latest"
LONGEST_ID = 255
SHAPE = (str, str, str, str, int, float, int, str, str, str, str)

CARDS = ("", *map(",".join, product(HALVES, repeat=2)))


def _says(status: int, message: str, **headers: str) -> Reply:
    return Reply(status=status, headers=headers, body=json.dumps({"message": message}).encode())


MISSING = _says(404, "The sandbox does not know this")
ERRORS: dict[str, type[ProviderError]] = {"provider_unavailable": Busy, "submit_unknown": Unclear}
SUBMITS = {
    "model_retired": MISSING,
    "provider_auth": _says(401, "The sandbox does not know this key"),
    "provider_insufficient_credits": _says(402, "The sandbox account is empty"),
    "provider_rejected": _says(400, ""),
    "provider_rate_limited": _says(429, "Too many requests", **{"retry-after": "5"}),
}
FAILURES = {
    "content_filtered": "Content is filtered due to unknown reasons",
    "provider_failed": "The sandbox was told to fail",
    "provider_job_lost": "The sandbox was told to lose this",
    "provider_timeout": "The sandbox was told to give up waiting",
    "provider_protocol_error": "The sandbox was told to talk nonsense",
}
FILES = {
    "output_expired": MISSING,
    "output_invalid": Reply(status=200, headers={"content-type": "text/html"}, body=b"<!doctype html><p>No picture"),
    "output_too_large": Reply(status=200, headers={"content-type": "image/png", "content-length": str(2**31)}),
}


def _offer(model: str) -> Offer:
    return Offer(
        model=model,
        id=f"sandbox/{model}",
        aspect_ratios=ASPECT_RATIOS,
        resolutions=RESOLUTIONS,
        output_formats=OUTPUT_FORMATS,
        negative_prompt=True,
        seed=True,
        images_per_call=MAX_IMAGES,
        price=Price.of("0"),
    )


class Sandbox(Provider):
    """Always there, free, the same picture for the same prompt and seed; a submit repeated is a new job."""

    slug = "sandbox"
    label = "Sandbox"
    origin = ORIGIN
    needs_key = False
    words = {"processing": State.PENDING, "completed": State.DONE, "failed": State.FAILED}
    offers = {model: (_offer(model),) for model in MODELS}

    def __init__(self, *, latency: float = 1.5, **options: Any) -> None:
        super().__init__(**options)
        self.latency = latency

    def submit(self, request: ImageRequest, *, offer: Offer, key: str, callback: str = "") -> Call:
        """The request as it is, and the seconds it shall take."""
        body = {**request.asdict(), "model": offer.id, "latency": self.latency}
        return Call(method="POST", url=f"{ORIGIN}jobs", headers={"Idempotency-Key": key}, json=body)

    def check(self, remote_id: str) -> Call:
        """The question how a job is doing."""
        return Call(method="GET", url=f"{ORIGIN}jobs/{remote_id}")

    def parse(self, document: dict[str, Any]) -> Snapshot:
        """The news that ``answer`` gives of a job."""
        state = self.state(document["status"])
        outputs = tuple(Output(url=output["url"], flagged=output["flagged"]) for output in document["outputs"])
        failure = Failure(code=document["code"], message=document["error"]) if state is State.FAILED else None
        return Snapshot(state=state, remote_id=document["id"], outputs=outputs, failure=failure)


class Job(NamedTuple):
    """All there is to know about a job, and so its id: the sandbox remembers nothing else."""

    digest: str
    aspect_ratio: str
    resolution: str
    output_format: str
    images: int
    due: float
    nsfw: int
    fail: str
    key: str
    caption: str
    halves: str = ""

    @property
    def id(self) -> str:
        """The job as text, its caption cut until it fits."""
        text = json.dumps(self, separators=(",", ":"), ensure_ascii=False)
        found = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
        return found if len(found) <= LONGEST_ID else self._replace(caption=self.caption[:120][:-1]).id

    @classmethod
    def read(cls, text: str) -> Job | None:
        """The job with this id, ``None`` if it cannot be one of ours."""
        try:
            job = cls(*json.loads(base64.urlsafe_b64decode(text[:LONGEST_ID] + "=" * (-len(text) % 4))))
        except (TypeError, ValueError):
            return None
        sizes = job.aspect_ratio in ASPECT_RATIOS and job.resolution in RESOLUTIONS
        looks = job.output_format in OUTPUT_FORMATS and job.halves in CARDS
        known = sizes and looks and tuple(map(type, job)) == SHAPE
        return job if known else None


def answer(call: Call, *, now: float) -> Reply:
    """The sandbox's side of a call: it takes a job in, says how one is doing, or hands out a picture."""
    if call.method == "POST":
        return _accept(call, now)
    door, _, rest = call.url.removeprefix(ORIGIN).partition("/")
    name, _, index = rest.partition("/")
    job = Job.read(name)
    if job is None:
        return MISSING
    return _picture(job, index) if door == "files" else _news(job, now)


def _accept(call: Call, now: float) -> Reply:
    asked, told = call.json, directives(call.json["prompt"])
    if told.fail in ERRORS:
        raise ERRORS[told.fail]("the sandbox was told to break off", code=told.fail)
    if told.fail in SUBMITS:
        return SUBMITS[told.fail]
    job = Job(
        digest=_digest(told.caption, asked["negative_prompt"], asked["seed"]),
        aspect_ratio=asked["aspect_ratio"],
        resolution=asked["resolution"] or RESOLUTIONS[0],
        output_format=asked["output_format"] or OUTPUT_FORMATS[0],
        images=min(asked["num_images"], told.partial),
        due=round(now + (asked["latency"] if told.slow is None else told.slow), 2),
        nsfw=told.nsfw,
        fail=told.fail,
        key=_digest(call.headers.get("Idempotency-Key", "")),
        caption="" if _wordless(asked) else told.caption,
        halves=told.halves,
    )
    return _news(job, now)


def _wordless(asked: dict[str, Any]) -> bool:
    """Whether no text is wanted in the picture."""
    return "text" in asked["negative_prompt"].lower() or "no text" in asked["prompt"].lower()


def _digest(*parts: Any) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def _news(job: Job, now: float) -> Reply:
    status = "processing" if now < job.due else "failed" if job.fail in FAILURES else "completed"
    coming = {"no_outputs": 0, "partial_outputs": job.images - 1}.get(job.fail, job.images)
    outputs = [
        {
            "url": PRIVATE if job.fail == "egress_blocked" else f"{ORIGIN}files/{job.id}/{index}",
            "flagged": index + 1 == job.nsfw,
        }
        for index in range(coming if status == "completed" else 0)
    ]
    told = {"code": job.fail, "error": FAILURES.get(job.fail, "")}
    news = {"id": job.id, "status": status, "outputs": outputs, **told}
    return Reply(status=200, body=json.dumps(news).encode())


def _picture(job: Job, index: str) -> Reply:
    if job.fail in FILES:
        return FILES[job.fail]
    if index not in [str(number) for number in range(MAX_IMAGES)]:
        return MISSING
    wrong = "1:1" if job.aspect_ratio != "1:1" else "16:9"
    size = size_of(wrong if job.fail == "wrong_size" else job.aspect_ratio, job.resolution)
    digest = hashlib.sha256(f"{job.digest}:{index}".encode()).digest()
    look = {"caption": job.caption, "output_format": job.output_format, "halves": job.halves}
    body = paint(digest=digest, size=size, **look)
    return Reply(status=200, headers={"content-type": f"image/{job.output_format}"}, body=body)
