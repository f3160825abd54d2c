"""Prove that a webhook comes from who it says: HMAC over its exact bytes, its id and its time where it has them."""

from __future__ import annotations

import base64
import hmac
import time
from collections.abc import Iterable, Mapping

from imagen.exceptions import BadSignature

TOLERANCE = 300


def clock() -> float:
    """Seconds since 1970; a test that plays a recorded delivery sets it back."""
    return time.time()


def body_digest(key: bytes, body: bytes) -> str:
    """The signature of these bytes as hexadecimal digits."""
    return hmac.digest(key, body, "sha256").hex()


def hex_digest(key: bytes, *, sent_id: str, sent_at: str, body: bytes) -> str:
    """The signature of a delivery with its id and time as hexadecimal digits."""
    return body_digest(key, f"{sent_id}.{sent_at}.".encode() + body)


def sign_standard(secrets: Iterable[str], *, sent_id: str, sent_at: int, body: bytes) -> str:
    """The signatures of a delivery under each of these secrets, as https://www.standardwebhooks.com says.

    Raises ``BadSignature`` for a secret without a key in it: what is signed with nothing, anybody can sign.
    """
    message, keys = f"{sent_id}.{sent_at}.".encode() + body, [_standard_key(secret) for secret in secrets]
    if not keys or not all(keys):
        raise BadSignature("a secret has no key in it")
    digests = [hmac.digest(key, message, "sha256") for key in keys]
    return " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests)


def verify_hex(
    headers: Mapping[str, str], body: bytes, *, keys: Iterable[bytes], version: str, now: float | None = None
) -> None:
    """Refuse a delivery unless one of the keys signed it within the last five minutes."""
    message, signature = _stamped(headers, body, now=now)
    _compare([signature.strip()], [f"{version},{body_digest(key, message)}" for key in keys if key])


def verify_standard(
    headers: Mapping[str, str], body: bytes, *, secrets: Iterable[str], now: float | None = None
) -> None:
    """Refuse a delivery unless one of the secrets signed it as https://www.standardwebhooks.com says."""
    message, signatures = _stamped(headers, body, now=now)
    digests = [hmac.digest(key, message, "sha256") for key in map(_standard_key, secrets) if key]
    _compare(signatures.split(), [f"v1,{base64.b64encode(digest).decode()}" for digest in digests])


def verify_body(headers: Mapping[str, str], body: bytes, *, keys: Iterable[bytes], header: str, scheme: str) -> None:
    """Refuse a delivery unless one of the keys signed its body; without a time in it, it may be a repeat."""
    given = _header(headers, header)
    _compare([given], [f"{scheme}{body_digest(key, body)}" for key in keys if key])


def _compare(given: Iterable[str], wanted: Iterable[str]) -> None:
    pairs = [(one.encode(errors="replace"), other.encode()) for one in given for other in wanted]
    if not any(hmac.compare_digest(one, other) for one, other in pairs):
        raise BadSignature("the signature does not match")


def _header(headers: Mapping[str, str], name: str) -> str:
    found = {known.lower(): value for known, value in headers.items()}.get(name)
    if found is None:
        raise BadSignature(f"the header {name} is missing")
    return found


def _stamped(headers: Mapping[str, str], body: bytes, *, now: float | None) -> tuple[bytes, str]:
    """The message that was signed, fresh enough to be believed, and its signature."""
    sent_id, sent_at, signature = (_header(headers, f"webhook-{part}") for part in ("id", "timestamp", "signature"))
    if not sent_id.isascii() or not sent_id or "." in sent_id:  # a dot could move the border to the time
        raise BadSignature("the id of the delivery is malformed")
    _check_age(sent_at, now=clock() if now is None else now)
    return f"{sent_id}.{sent_at}.".encode() + body, signature


def _check_age(sent_at: str, *, now: float) -> None:
    if not (sent_at.isascii() and sent_at.isdecimal() and len(sent_at) <= 12):
        raise BadSignature("the time of the delivery is malformed")
    if abs(now - int(sent_at)) > TOLERANCE:
        raise BadSignature("the delivery is too old or from the future")


def _standard_key(secret: str) -> bytes:
    """The bytes behind ``whsec_``; none in a secret that is not base64, so that the others still count."""
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except ValueError:
        return b""
