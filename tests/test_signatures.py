"""Webhook signatures: the recorded vectors verify, and nothing else does."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from imagen import signatures
from imagen.exceptions import BadSignature
from imagen.signatures import body_digest, hex_digest, verify_body, verify_hex

FIXTURES = Path(__file__).parent / "fixtures" / "wavespeed"
BODY = b'{"id": "pred1"}'
NOW = 1_795_165_968


def signed(body: bytes = BODY, *, key: bytes = b"key", at: str = str(NOW)) -> dict[str, str]:
    signature = hex_digest(key, sent_id="pred1", sent_at=at, body=body)
    return {"webhook-id": "pred1", "webhook-timestamp": at, "webhook-signature": f"v3,{signature}"}


def verify(
    headers: dict[str, str], body: bytes = BODY, *, keys: tuple[bytes, ...] = (b"key",), now: float = NOW
) -> None:
    verify_hex(headers, body, keys=keys, version="v3", now=now)


@pytest.mark.parametrize("name", ["webhook_completed_1", "webhook_failed"])
def test_a_recorded_delivery_verifies(name: str):
    found: dict[str, Any] = json.loads((FIXTURES / f"{name}.json").read_bytes())
    key = found["secret"].removeprefix("whsec_").encode()
    verify(found["delivery"]["headers"], found["delivery"]["body"].encode(), keys=(key,))


def test_the_signature_of_the_vendors_own_sample_is_not_the_documented_one():
    found = json.loads((FIXTURES / "webhook_docs_example_DOES_NOT_VERIFY.json").read_bytes())
    headers, body = found["delivery"]["headers"], found["delivery"]["body"].encode()
    keys, now = (found["secret"].removeprefix("whsec_").encode(),), float(headers["webhook-timestamp"])
    with pytest.raises(BadSignature):
        verify(headers, body, keys=keys, now=now)
    verify({**headers, "webhook-signature": found["recomputed_signature"]}, body, keys=keys, now=now)


def test_header_names_are_read_in_any_case():
    verify({name.title(): value for name, value in signed().items()})


@pytest.mark.parametrize("keys", [(b"key",), (b"old", b"key"), (b"key", b"new")])
def test_one_key_of_several_is_enough(keys: tuple[bytes, ...]):
    verify(signed(), keys=keys)


@pytest.mark.parametrize("keys", [(), (b"other",)])
def test_without_the_right_key_it_is_refused(keys: tuple[bytes, ...]):
    with pytest.raises(BadSignature):
        verify(signed(), keys=keys)


def test_an_empty_key_proves_nothing():
    with pytest.raises(BadSignature):
        verify(signed(key=b""), keys=(b"",))


def test_a_changed_body_is_refused():
    with pytest.raises(BadSignature):
        verify(signed(), BODY + b" ")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp"])
def test_a_changed_header_is_refused(name: str):
    with pytest.raises(BadSignature):
        verify({**signed(), name: str(NOW + 1)})


@pytest.mark.parametrize("drift", [-300, 0, 300])
@pytest.mark.fault("F26")
def test_five_minutes_either_way_are_tolerated(drift: int):
    verify(signed(), now=NOW + drift)


@pytest.mark.parametrize("drift", [-301, 301])
@pytest.mark.fault("F26")
def test_more_than_five_minutes_are_not(drift: int):
    with pytest.raises(BadSignature, match="too old or from the future"):
        verify(signed(), now=NOW + drift)


def test_the_time_is_now_unless_told_otherwise():
    with pytest.raises(BadSignature, match="too old"):
        verify_hex(signed(at="1000"), BODY, keys=(b"key",), version="v3")


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name: str):
    headers = {key: value for key, value in signed().items() if key != name}
    with pytest.raises(BadSignature, match=name):
        verify(headers)


@pytest.mark.parametrize("at", ["", "now", "-1", "1e9", "١٢٣", "1_000", "9" * 400, "9" * 5000, "1795165968.5"])
def test_a_malformed_time_is_refused(at: str):
    with pytest.raises(BadSignature, match="malformed"):
        verify(signed(at=at))


@pytest.mark.parametrize("change", ["v1,{}", "{}", "v3", "v3,", "v3 {}", "", "v3,é", "v3,\udcff", ",{}"])
def test_a_malformed_signature_is_refused(change: str):
    headers = signed()
    digest = headers["webhook-signature"].removeprefix("v3,")
    with pytest.raises(BadSignature):
        verify({**headers, "webhook-signature": change.format(digest)})


def test_lone_surrogates_in_a_header_are_refused_quietly():
    with pytest.raises(BadSignature):
        verify({**signed(), "webhook-id": "\udcff"})


@pytest.mark.parametrize("sent_id", ["", "a.b", ".", "1795165968.x", "é"])
def test_an_id_that_could_be_read_in_two_ways_is_refused_even_when_signed(sent_id: str):
    signature = hex_digest(b"key", sent_id=sent_id, sent_at=str(NOW), body=BODY)
    headers = {**signed(), "webhook-id": sent_id, "webhook-signature": f"v3,{signature}"}
    with pytest.raises(BadSignature, match="id"):
        verify(headers)


def test_the_clock_may_be_set_back_for_a_recorded_delivery(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(signatures, "clock", lambda: 1000.0)
    verify_hex(signed(at="1000"), BODY, keys=(b"key",), version="v3")


# Signatures of the body alone


def verify_alone(signature: str, *, keys: tuple[bytes, ...] = (b"key",), body: bytes = BODY) -> None:
    headers = {"X-Webhook-Signature": signature}
    verify_body(headers, body, keys=keys, header="x-webhook-signature", scheme="sha256=")


@pytest.mark.parametrize("keys", [(b"key",), (b"old", b"key"), (b"key", b"new")])
def test_a_body_signed_with_one_of_the_keys_is_believed(keys: tuple[bytes, ...]):
    verify_alone(f"sha256={body_digest(b'key', BODY)}", keys=keys)


@pytest.mark.parametrize("change", ["{}", "sha256={} ", "SHA256={}", "sha1={}", "sha256=", "", "é", "\udcff", "v1,{}"])
def test_a_body_with_a_malformed_signature_is_refused(change: str):
    with pytest.raises(BadSignature):
        verify_alone(change.format(body_digest(b"key", BODY)))


@pytest.mark.parametrize("keys", [(), (b"",), (b"other",)])
def test_a_body_signed_with_no_key_of_ours_is_refused(keys: tuple[bytes, ...]):
    for key in (b"key", b""):
        with pytest.raises(BadSignature):
            verify_alone(f"sha256={body_digest(key, BODY)}", keys=keys)


def test_a_signature_is_read_in_lower_case_only():
    with pytest.raises(BadSignature):
        verify_alone(f"sha256={body_digest(b'key', BODY).upper()}")


def test_another_body_is_refused():
    with pytest.raises(BadSignature):
        verify_alone(f"sha256={body_digest(b'key', BODY)}", body=BODY + b" ")


def test_a_delivery_without_the_header_is_refused():
    with pytest.raises(BadSignature, match="x-webhook-signature"):
        verify_body({}, BODY, keys=(b"key",), header="x-webhook-signature", scheme="sha256=")
