"""The plain values that cross every border: request, call, reply, snapshot."""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from itertools import chain, repeat
from typing import Any

from imagen.exceptions import FieldError, InvalidRequest, OutputError, Unreadable

ASPECT_RATIOS = (
    *("1:1", "16:9", "9:16", "4:3", "3:4", "3:2", "2:3", "5:4", "4:5"),
    *("21:9", "4:1", "1:4", "8:1", "1:8"),
)
RESOLUTIONS = ("1k", "2k", "4k")
OUTPUT_FORMATS = ("png", "jpeg")
MAX_PROMPT = 5000
MAX_IMAGES = 4
MAX_SEED = 2**31 - 1
MAX_METADATA = 4096

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRequest:
    """What somebody wants, normalised; it refuses to exist with a wrong type or out of bounds.

    ``model`` and ``provider`` may be empty: the route decides. ``resolution``, ``seed`` and
    ``output_format`` are ``None`` while unsaid.
    """

    prompt: str
    negative_prompt: str = ""
    model: str = ""
    provider: str = ""
    aspect_ratio: str = "1:1"
    resolution: str | None = None
    num_images: int = 1
    seed: int | None = None
    output_format: str | None = None

    def __post_init__(self) -> None:
        wrong = [error for name, check in _CHECKS.items() if (error := check(name, getattr(self, name)))]
        if wrong:
            raise InvalidRequest(errors=tuple(wrong))
        object.__setattr__(self, "prompt", self.prompt.strip())
        object.__setattr__(self, "negative_prompt", self.negative_prompt.strip())
        if self.seed == -1:
            object.__setattr__(self, "seed", None)

    @classmethod
    def build(cls, **options: Any) -> ImageRequest:
        """The request these options describe; an option nobody knows is named in the error."""
        unknown = [FieldError(field=name, code="unknown_field") for name in sorted(options.keys() - _CHECKS.keys())]
        missing = [] if "prompt" in options else [FieldError(field="prompt", code="required")]
        wrong = [
            error
            for name, check in _CHECKS.items()
            if name in options and (error := check(name, options[name]))
        ]  # fmt: skip
        if unknown or missing or wrong:
            raise InvalidRequest(errors=(*unknown, *missing, *wrong))
        return cls(**options)

    def asdict(self) -> dict[str, Any]:
        """The fields as a plain dict."""
        return asdict(self)


def storable(text: str) -> bool:
    """Whether every database can keep this text: no NUL, no lone surrogate."""
    return _UNSTORABLE.search(text) is None


def checked_metadata(value: Any) -> dict[str, Any]:
    """The caller's own JSON object, at most 4 kB, every text in it storable."""
    if not isinstance(value, dict):
        raise InvalidRequest(errors=(FieldError(field="metadata", code="not_an_object"),))
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        plain: dict[str, Any] = json.loads(text)
        clean = _storable_json(plain)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRequest(errors=(FieldError(field="metadata", code="not_json"),)) from error
    if not clean:
        raise InvalidRequest(errors=(FieldError(field="metadata", code="unstorable_text"),))
    if len(text.encode()) > MAX_METADATA:
        limit = {"limit": MAX_METADATA}
        raise InvalidRequest(errors=(FieldError(field="metadata", code="too_large", params=limit),))
    return plain


def _storable_json(value: Any) -> bool:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return all(storable(key) and _storable_json(item) for key, item in value.items())
    if isinstance(value, list):
        return all(map(_storable_json, value))
    return True


def _text(name: str, value: Any, *, limit: int = MAX_PROMPT, blank: bool = True) -> FieldError | None:
    if not isinstance(value, str):
        return FieldError(field=name, code="not_a_string")
    if not storable(value):
        return FieldError(field=name, code="unstorable_text")
    if not blank and not value.strip():
        return FieldError(field=name, code="blank")
    if len(value.strip()) > limit:
        return FieldError(field=name, code="too_long", params={"limit": limit})
    return None


def _choice(allowed: tuple[str, ...], *, unsaid: bool = False) -> Any:
    def check(name: str, value: Any) -> FieldError | None:
        if (unsaid and value is None) or (isinstance(value, str) and value in allowed):
            return None
        return FieldError(field=name, code="not_a_choice", params={"choices": ", ".join(allowed)})

    return check


def _whole(low: int, high: int, *, unsaid: bool = False) -> Any:
    def check(name: str, value: Any) -> FieldError | None:
        if unsaid and value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            return FieldError(field=name, code="not_an_integer")
        if not low <= value <= high:
            return FieldError(field=name, code="out_of_range", params={"low": low, "high": high})
        return None

    return check


_CHECKS: dict[str, Any] = {
    "prompt": lambda name, value: _text(name, value, blank=False),
    "negative_prompt": _text,
    "model": lambda name, value: _text(name, value, limit=100),
    "provider": lambda name, value: _text(name, value, limit=50),
    "aspect_ratio": _choice(ASPECT_RATIOS),
    "resolution": _choice(RESOLUTIONS, unsaid=True),
    "num_images": _whole(1, MAX_IMAGES),
    "seed": _whole(-1, MAX_SEED, unsaid=True),
    "output_format": _choice(OUTPUT_FORMATS, unsaid=True),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One HTTP request as a plain value; ``json`` is the body, ``None`` sends none."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    json: Any = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One HTTP response as a plain value; header names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)

    def document(self) -> dict[str, Any]:
        """The JSON object in the body, or ``Unreadable``."""
        try:
            found = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise Unreadable("the answer is not JSON") from error
        if not isinstance(found, dict):
            raise Unreadable("the answer is not a JSON object")
        return found


class State(StrEnum):
    """What a provider says of a job, in our three words."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """One picture: an address to fetch, or the bytes as base64 text; flagged is ``None`` while unsaid."""

    url: str = field(default="", repr=False)
    base64: str = field(default="", repr=False)
    flagged: bool | None = None

    @classmethod
    def read(cls, text: str, *, flagged: bool | None = None) -> Output:
        """An output from whatever a gateway puts there: an address, a ``data:`` URI, or bare base64."""
        scheme = text[:8].lower()
        if scheme.startswith(("http:", "https:", "sandbox:")):
            return cls(url=_UNSTORABLE.sub("", text), flagged=flagged)
        if scheme.startswith("data:"):
            text = text.partition(",")[2]
        return cls(base64=text, flagged=flagged)

    @classmethod
    def read_all(cls, texts: Any, flags: Any = None) -> tuple[Output, ...]:
        """Every output in a gateway's list; a flag that is missing or no boolean is unsaid."""
        said = chain(flags if isinstance(flags, list) else [], repeat(None))
        return tuple(
            cls.read(text, flagged=flag if isinstance(flag, bool) else None)
            for text, flag in zip(texts if isinstance(texts, list) else [], said, strict=False)
            if isinstance(text, str) and text
        )

    def content(self) -> bytes:
        """The bytes of a base64 output, or ``OutputError``."""
        try:
            return base64.b64decode("".join(self.base64.split()), validate=True)
        except (binascii.Error, ValueError) as error:
            raise OutputError("the output is not base64") from error


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why a job failed: a code of the contract and the provider's own words, cleaned."""

    code: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """A provider's news about one job; ``seconds`` is its own measure of the work, ``cost`` its own price."""

    state: State
    remote_id: str = ""
    outputs: tuple[Output, ...] = ()
    failure: Failure | None = None
    model: str = ""
    cost: Decimal | None = None
    seconds: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A job as a gateway's list shows it: ``inputs`` in the shape of the body we send, ``None`` where it hides them."""

    remote_id: str
    model: str
    made_at: datetime
    inputs: Mapping[str, Any] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One page of a gateway's list of jobs; ``more`` asks for the next, empty on the last."""

    traces: tuple[Trace, ...] = ()
    more: str = ""
