"""What the contract throws at a vendor: statuses, garbled bodies, odd values, hostile words."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from imagen.exceptions import ImagenError
from imagen.offers import Offer, Price
from imagen.providers.base import REMOTE_ID, Provider
from imagen.types import Call, Found, Reply, Snapshot, State, storable

KEY = "sk_contract_key_7f3a"
SIGNED = "whsec_contract"
CALLBACK = "https://cms.example.com/imagen/hooks/token/"
BACKED = "DSTF"  # provenance that vouches for a body: documented, from an SDK, captured, seen in the field

STATUSES = {
    301: "Unclear provider_protocol_error",
    302: "Unclear provider_protocol_error",
    307: "Unclear provider_protocol_error",
    400: "Declined provider_rejected",
    401: "Declined provider_auth",
    402: "Declined provider_insufficient_credits",
    403: "Declined provider_auth",
    404: "NotFound model_retired",
    408: "Unclear provider_protocol_error",
    410: "NotFound model_retired",
    413: "Declined provider_rejected",
    422: "Declined provider_rejected",
    429: "Busy provider_rate_limited",
    500: "Unclear provider_unavailable",
    502: "Unclear provider_unavailable",
    503: "Unclear provider_unavailable",
    504: "Unclear provider_unavailable",
}
GARBLED = {
    "empty": b"",
    "half": b'{"code": 200, "data": {"id": "a',
    "html": b"<!doctype html><title>Bad gateway</title>",
    "list": b"[]",
    "word": b'"fine"',
    "null": b"null",
    "nothing": b"{}",
    "binary": b"\x89PNG\r\n\x1a\n\xff\xfe",
    "deep": b'{"data":' + b"[" * 100_000,
}
ODD: tuple[Any, ...] = (
    None,
    7,
    -1,
    True,
    "x",
    "",
    [],
    {},
    ["x"],
    {"x": 1},
    [None],
    10**400,
    1.5,
    "\x00\ud800",
    "9" * 10_000,
    float("nan"),
    float("-inf"),
)
NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
IMPOSSIBLE_IDS = ("a\x00b", "a\nb", "../../etc", "..", "a b", "é", "x" * 10_000)
HOSTILE = f"\x1b[31mno\x00 \ud800<b>{KEY}</b>\x9b1m " + "very long " * 100_000
PARAMETERS: Mapping[str, tuple[Any, Any]] = {
    "prompt": ("A lighthouse", "A harbour"),
    "negative_prompt": ("fog", "rain"),
    "seed": (41, 42),
}


def told(read: Callable[[Reply], Snapshot], reply: Reply) -> str:
    """What a reply comes down to: ``pending``, ``done 4``, ``failed <code>`` or ``<error> <code>``."""
    try:
        snapshot = read(reply)
    except ImagenError as error:
        return f"{type(error).__name__} {error.code}"
    if snapshot.failure:
        return f"failed {snapshot.failure.code}"
    return f"done {len(snapshot.outputs)}" if snapshot.state is State.DONE else str(snapshot.state)


def reader(provider: Provider, recorded: Mapping[str, Any]) -> Callable[[Reply], Snapshot]:
    """What reads a recorded exchange: the answer to a question was asked for by GET."""
    return provider.read_check if recorded.get("request", {}).get("method") == "GET" else provider.read


def reply_with(document: Any, status: int = 200) -> Reply:
    """A reply that says this in JSON."""
    return Reply(status=status, headers={"content-type": "application/json"}, body=json.dumps(document).encode())


def paths(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to everything inside a document."""
    inside = document.items() if isinstance(document, dict) else enumerate(document)
    for key, value in inside:
        yield (*path, key)
        if isinstance(value, dict | list):
            yield from paths(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of the document with another value at one place."""
    if not path:
        return value
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = changed(document[path[0]], path[1:], value)
    return copy


def swapped(document: Any, old: str, new: str) -> Any:
    """A copy of the document with one text replaced wherever it stands alone."""
    if isinstance(document, dict):
        return {key: swapped(value, old, new) for key, value in document.items()}
    if isinstance(document, list):
        return [swapped(value, old, new) for value in document]
    return new if document == old else document


def sound(snapshot: Snapshot) -> bool:
    """Whether the rest of the house can rely on every field."""
    return (
        snapshot.state in tuple(State)
        and (not snapshot.remote_id or REMOTE_ID.fullmatch(snapshot.remote_id) is not None)
        and all(type(output.flagged) in (bool, type(None)) for output in snapshot.outputs)
        and storable(snapshot.model)
        and (snapshot.cost is None or _payable(snapshot.cost))
        and (snapshot.seconds is None or 0 <= snapshot.seconds < float("inf"))
        and (snapshot.failure is not None) is (snapshot.state is State.FAILED)
    )


def asked(provider: Provider, offer: Offer) -> tuple[Call, ...]:
    """Every optional call the provider knows."""
    found = [provider.find(offer=offer, since=NOON, until=NOON, after=after) for after in ("", "2")]
    calls = (*found, provider.catalogue(), *provider.price(offer), *provider.balance())
    return tuple(call for call in calls if call is not None)


def plausible(said: Any) -> bool:
    """Whether the rest of the house can rely on what an optional reading brought."""
    if isinstance(said, str):
        return fit_to_show(said)
    if isinstance(said, Price):
        return (said.amount is None or _payable(said.amount)) and fit_to_show(said.unit) and len(said.unit) <= 10
    if isinstance(said, Found):
        return said.more.isprintable() and all(map(_traceable, said.traces))
    return all(offer.model and offer.id and offer.aspect_ratios and plausible(offer.price) for offer in said)


def _traceable(trace: Any) -> bool:
    shown = trace.inputs is None or isinstance(trace.inputs, Mapping)
    return REMOTE_ID.fullmatch(trace.remote_id) is not None and trace.made_at.tzinfo is not None and shown


def _payable(amount: Decimal) -> bool:
    return amount.is_finite() and 0 <= amount < 10**8 and amount == round(amount, 6)


def lower(headers: Mapping[str, str]) -> dict[str, str]:
    """Header names as a ``Reply`` has them."""
    return {name.lower(): value for name, value in headers.items()}


def fit_to_show(text: str) -> bool:
    """Whether words of a stranger may be stored and printed."""
    return 0 < len(text) <= 500 and storable(text) and KEY not in text and "\x1b" not in text and "\x9b" not in text
