"""Prove that a webhook comes from who it says: HMAC over its id, its time and its exact bytes."""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping

from imagen.exceptions import BadSignature

TOLERANCE = 300


def hex_digest(key: bytes, *, sent_id: str, sent_at: str, body: bytes) -> str:
    """The signature of a delivery as hexadecimal digits."""
    message = f"{sent_id}.{sent_at}.".encode() + body
    return hmac.new(key, message, hashlib.sha256).hexdigest()


def verify_hex(
    headers: Mapping[str, str], body: bytes, *, keys: Iterable[bytes], version: str, now: float | None = None
) -> None:
    """Refuse a delivery unless one of the keys signed it within the last five minutes."""
    found = {name.lower(): value for name, value in headers.items()}
    try:
        sent_id, sent_at, signature = (found[f"webhook-{part}"] for part in ("id", "timestamp", "signature"))
        given = _digest(signature, version)
        _check_age(sent_at, now=time.time() if now is None else now)
        wanted = [hex_digest(key, sent_id=sent_id, sent_at=sent_at, body=body) for key in keys if key]
    except KeyError as error:
        raise BadSignature(f"the header {error} is missing") from error
    except ValueError as error:
        raise BadSignature("a header of the signature is malformed") from error
    if not any(hmac.compare_digest(given, digest.encode()) for digest in wanted):
        raise BadSignature("the signature does not match")


def _digest(signature: str, version: str) -> bytes:
    given, comma, digest = signature.strip().partition(",")
    if given != version or not comma:
        raise ValueError("another kind of signature")
    return digest.strip().encode()


def _check_age(sent_at: str, *, now: float) -> None:
    if not (sent_at.isascii() and sent_at.isdecimal() and len(sent_at) <= 12):
        raise ValueError("not a time")
    if abs(now - int(sent_at)) > TOLERANCE:
        raise BadSignature("the delivery is too old or from the future")
