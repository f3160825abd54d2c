"""The ways a gateway goes wrong, by name: each takes a good answer and the script, and gives the bad one.

What a vendor says in words of its own, an error, is told by ``Told``; the rest works on whatever the good answer is.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from imagen.testing import pictures
from imagen.testing.ledger import Script
from imagen.testing.wire import Answer, Ending

Told = Callable[[int, str, Script], Any]  # the vendor's error document for a status and a message
Fault = Callable[[Answer, Script, Told], Answer]
FileFault = Callable[[Answer, Script, str, tuple[int, int]], Answer]

_SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
_HTML = b"<!doctype html><title>Sign in</title><p>Please sign in."
_ID = re.compile(rb'("(?:jobId|task_id|id)": )"[^"]*"')  # as each vendor names a job
_IDS = ("id", "task_id", "jobId")
_ENVELOPE = ("code", "message")


def _status(answer: Answer, script: Script, told: Told) -> Answer:
    found = Answer.of(told(script.status, script.message, script), script.status)
    return replace(found, headers={"Retry-After": script.retry_after} if script.retry_after else {})


def _error_inside(answer: Answer, script: Script, told: Told) -> Answer:
    return Answer.of(told(script.status, script.message, script))


def _says(body: bytes) -> Fault:
    return lambda answer, *_: replace(answer, body=body)


def _cut(answer: Answer, *_: Any) -> Answer:
    half = answer.body[: len(answer.body) // 2]
    return replace(answer, body=half, length=len(answer.body), ending=Ending.CLOSE)


def _ends(ending: Ending) -> Callable[..., Answer]:
    return lambda answer, *_: replace(answer, ending=ending)


def _redirect(answer: Answer, script: Script, *_: Any) -> Answer:
    return Answer(status=302, headers={"Location": script.location or "/elsewhere"})


def _drip(answer: Answer, script: Script, *_: Any) -> Answer:
    return replace(answer, rate=script.rate)


def _slow(answer: Answer, script: Script, *_: Any) -> Answer:
    return replace(answer, delay=answer.delay + script.seconds)


def _garbled(answer: Answer, *_: Any) -> Answer:
    found = _ID.search(answer.body)
    return replace(answer, body=answer.body[: found.end(1) + 1 if found else 1])


def _named(remote_id: str) -> Fault:
    name = json.dumps(remote_id).encode()
    return lambda answer, *_: replace(answer, body=_ID.sub(lambda found: found[1] + name, answer.body, count=1))


def _without_data(answer: Answer, *_: Any) -> Answer:
    said = json.loads(answer.body)
    nothing = {name: value if name in _ENVELOPE else None for name, value in said.items()}
    return replace(answer, body=json.dumps(nothing).encode())


def _stillborn(answer: Answer, script: Script, *_: Any) -> Answer:
    """The job has failed before it had an id."""
    said = json.loads(answer.body)
    job = {name: value for name, value in said.get("data", said).items() if name not in _IDS}
    failed = {**job, "status": "failed", "error": script.message}
    return Answer.of({**said, "data": failed} if "data" in said else failed)


def _long(answer: Answer, *_: Any) -> Answer:
    return replace(answer, body=answer.body + b" " * 3_000_000)


def _odd_code(answer: Answer, script: Script, told: Told) -> Answer:
    """A job all the same, in an envelope that speaks of an error."""
    said = json.loads(answer.body)
    return Answer.of({**said, "code": script.status, "message": script.message})


def _twisted(answer: Answer, *_: Any) -> Answer:
    return replace(answer, body=json.dumps(_twist(json.loads(answer.body))).encode())


def _twist(value: Any) -> Any:
    """The same names with values of other types."""
    if isinstance(value, dict):
        return {name: _twist(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return len(value)
    return [value] if isinstance(value, str) else str(value)


# A submit with one of these is not accepted: no job exists and nothing is billed.
BEFORE: Mapping[str, Fault] = {
    "reset-before": _ends(Ending.RESET),
    "hang-before": _ends(Ending.HANG),
    "status": _status,
    "error-inside": _error_inside,
    "failed-without-id": _stillborn,
    "redirect": _redirect,
}

# A submit with one of these is accepted, whatever the client hears of it.
AFTER: Mapping[str, Fault] = {
    "reset-after": _ends(Ending.RESET),
    "hang": _ends(Ending.HANG),
    "status-after": _status,
    "slow": _slow,
    "drip": _drip,
    "truncated": _cut,
    "garbled": _garbled,
    "not-json": _says(_HTML),
    "empty": _says(b""),
    "list": _says(b"[]"),
    "null-data": _without_data,
    "wrong-types": _twisted,
    "odd-code": _odd_code,
    "long": _long,
    "huge-id": _named("x" * 10_000),
    "control-id": _named("a\x00\n/../b"),
    "other-id": _named("00000000-0000-4000-8000-00000000000a"),  # the same for everybody
}

CALLS: Mapping[str, Fault] = {**BEFORE, **AFTER}


def _file(body: bytes, content_type: str) -> FileFault:
    return lambda answer, *_: replace(answer, body=body, content_type=content_type)


def _mistyped(answer: Answer, *_: Any) -> Answer:
    return replace(answer, content_type="text/html")


def _texts(answer: Answer, *_: Any) -> Answer:
    return replace(answer, body=pictures.text_bomb())


def _missing(status: int) -> FileFault:
    return lambda answer, *_: Answer(status=status, body=_HTML, content_type="text/html")


def _form(form: str) -> FileFault:
    return lambda answer, script, name, size: replace(
        answer, body=pictures.picture(name, size, form=form), content_type=f"image/{form.lower()}"
    )


def _moving(form: str) -> FileFault:
    return lambda answer, script, name, size: replace(answer, body=pictures.moving(name, size, form))


def _turned(answer: Answer, script: Script, name: str, size: tuple[int, int]) -> Answer:
    wide, high = size
    return replace(answer, body=pictures.picture(name, (high, wide * 2)))


def _zipped(answer: Answer, *_: Any) -> Answer:
    return replace(answer, body=gzip.compress(answer.body), headers={"Content-Encoding": "gzip"})


def _halved(answer: Answer, *_: Any) -> Answer:
    return replace(answer, body=answer.body[: len(answer.body) // 2])


def _bomb(answer: Answer, *_: Any) -> Answer:
    return replace(answer, body=pictures.bomb())


def _endless(answer: Answer, *_: Any, length: int | None = None) -> Answer:
    return replace(answer, body=answer.body or b"x", ending=Ending.ENDLESS, length=length)


FILES: Mapping[str, FileFault] = {
    "html": _file(_HTML, "text/html"),
    "html-as-png": _file(_HTML, "image/png"),
    "svg": _file(_SVG, "image/svg+xml"),
    "empty": _file(b"", "image/png"),
    "jpeg": _form("JPEG"),
    "webp": _form("WEBP"),
    "gif": _moving("GIF"),
    "apng": _moving("PNG"),
    "animated-webp": _moving("WEBP"),
    "wrong-ratio": _turned,
    "bomb": _bomb,
    "text-bomb": _texts,
    "mistyped": _mistyped,  # a picture, whatever the header says
    "gzip": _zipped,
    "half": _halved,  # half a picture, correctly framed
    "truncated": _cut,  # the connection ends half way
    "huge-length": partial(_endless, length=10**12),  # and bytes to match, as long as the client reads
    "endless": _endless,
    "drip": _drip,
    "slow": _slow,
    "hang": _ends(Ending.HANG),
    "reset": _ends(Ending.RESET),
    "gone": _missing(404),
    "forbidden": _missing(403),
    "unavailable": _missing(503),
    "redirect": _redirect,
}
