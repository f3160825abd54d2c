"""Signatures of https://www.standardwebhooks.com: keys and digests are base64, and several may stand in one header."""

from __future__ import annotations

import base64
import hmac

import pytest

from imagen.exceptions import BadSignature
from imagen.signatures import TOLERANCE, verify_standard

# https://github.com/standard-webhooks/standard-webhooks: the vector of the reference libraries
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = b'{"test": 2432232314}'
SENT_ID, SENT_AT = "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330"
GOOD = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
OTHER = "v1,Ceo5qEr07ixe2NLpvHk3FH9bwy/WavXrAFQ/9tdO6mc="
HEADERS = {"webhook-id": SENT_ID, "webhook-timestamp": SENT_AT, "webhook-signature": GOOD}
NOW = float(SENT_AT)


def verify(headers: dict[str, str], body: bytes = BODY, *secrets: str, now: float = NOW) -> None:
    verify_standard(headers, body, secrets=secrets or (SECRET,), now=now)


def test_the_vector_of_the_reference_libraries_verifies():
    verify(HEADERS)


def test_the_prefix_of_the_secret_may_be_missing():
    verify(HEADERS, BODY, SECRET.removeprefix("whsec_"))


def test_one_signature_of_several_is_enough():
    verify({**HEADERS, "webhook-signature": f"{OTHER} v1a,xyz {GOOD}"})


@pytest.mark.parametrize(
    "broken", ["", "whsec_", "whsec_é", "whsec_abc", "whsec_b3RoZXI=", f"{SECRET[:-4]}!{SECRET[-4:]}"]
)
def test_another_secret_beside_the_right_one_does_no_harm(broken: str):
    verify(HEADERS, BODY, broken, SECRET)
    with pytest.raises(BadSignature, match="does not match"):
        verify(HEADERS, BODY, broken)


def test_an_empty_secret_proves_nothing():
    digest = hmac.digest(b"", f"{SENT_ID}.{SENT_AT}.".encode() + BODY, "sha256")
    with pytest.raises(BadSignature):
        verify({**HEADERS, "webhook-signature": f"v1,{base64.b64encode(digest).decode()}"}, BODY, "whsec_")


@pytest.mark.parametrize(
    "signature", ["", "v1", "v1,", GOOD.removeprefix("v1,"), GOOD.replace("v1", "v2"), GOOD.lower(), OTHER, "v1,é"]
)
def test_any_other_signature_is_refused(signature: str):
    with pytest.raises(BadSignature):
        verify({**HEADERS, "webhook-signature": signature})


@pytest.mark.parametrize("name", HEADERS)
def test_every_header_counts(name: str):
    with pytest.raises(BadSignature, match=name):
        verify({key: value for key, value in HEADERS.items() if key != name})
    with pytest.raises(BadSignature):
        verify({**HEADERS, name: HEADERS[name] + "1"})


def test_a_changed_body_is_refused():
    with pytest.raises(BadSignature):
        verify(HEADERS, BODY + b" ")


@pytest.mark.parametrize("drift", [-TOLERANCE - 1, TOLERANCE + 1])
def test_more_than_five_minutes_either_way_are_refused(drift: int):
    verify(HEADERS, now=NOW + drift - drift / abs(drift))
    with pytest.raises(BadSignature, match="too old or from the future"):
        verify(HEADERS, now=NOW + drift)


def test_the_time_is_now_unless_told_otherwise():
    with pytest.raises(BadSignature, match="too old"):
        verify_standard(HEADERS, BODY, secrets=[SECRET])


@pytest.mark.parametrize("name", HEADERS)
def test_lone_surrogates_in_a_header_are_refused_quietly(name: str):
    with pytest.raises(BadSignature):
        verify({**HEADERS, name: "\udcff"})
