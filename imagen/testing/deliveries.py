"""What the contract asks of a vendor's webhooks: recorded ones are believed, and nothing anybody made of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest

from imagen import signatures
from imagen.exceptions import BadSignature
from imagen.providers.base import REMOTE_ID, Provider
from imagen.testing.bodies import KEY, lower

NAMELESS = (
    *(b"", b"{}", b"[]", b"null", b"7", b"\xff", b'{"id": null}', b'{"id": ["a"]}', b'{"id": "../a"}', b"[" * 100_000),
    *(b'{"error": {"code": 404, "message": "gone"}}', b'{"code": 429, "data": null}', b'{"data": {"id": 7}}'),
)


class DeliveryContract:
    """The part about webhooks, which ``ProviderContract`` brings along."""

    vendor: ClassVar[type[Provider]]
    fixtures: ClassVar[Path]
    signed: ClassVar[bool] = True  # whether its webhooks prove where they come from

    def deliveries(self) -> dict[str, Mapping[str, Any]]:
        """Every recorded webhook that its vendor really signed so; vendors print samples that do not verify."""
        found = {path.stem: json.loads(path.read_bytes()) for path in sorted(self.fixtures.glob("*.json"))}
        keyed = {"secret", "api_key"} if self.signed else {"delivery"}
        return {
            name: recorded
            for name, recorded in found.items()
            if "delivery" in recorded and keyed & recorded.keys() and not name.endswith("DOES_NOT_VERIFY")
        }

    def test_a_webhook_without_proof_is_refused(self, provider: Provider) -> None:
        bodies = (*NAMELESS, *((b'{"id": "a"}',) if self.signed else ()))
        for headers in ({}, {"webhook-id": "a", "webhook-timestamp": "now", "webhook-signature": "é"}):
            for body in bodies:
                with pytest.raises(BadSignature):
                    provider.ring(headers, body)

    def test_a_recorded_webhook_names_its_job(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, recorded in self.deliveries().items():
            assert self._rings(recorded, monkeypatch), name

    def test_a_webhook_that_was_tampered_with_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, recorded in self.deliveries().items() if self.signed else ():
            sent = recorded["delivery"]
            for what, headers, body in _tampered(lower(sent["headers"]), sent["body"].encode()):
                assert not self._rings(recorded, monkeypatch, headers=headers, body=body), (name, what)

    def test_a_webhook_signed_with_another_key_is_refused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, recorded in self.deliveries().items() if self.signed else ():
            for key in ("", "whsec_", "whsec_b3RoZXI=", "other"):
                stranger = {**recorded, "api_key": key, "secret": key}
                assert not self._rings(stranger, monkeypatch), (name, key)

    def test_a_webhook_that_tells_its_time_is_believed_for_five_minutes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, recorded in self.deliveries().items():
            timed = _sent_at(lower(recorded["delivery"]["headers"])) is not None
            for late in (-301, -300, 300, 301):
                assert self._rings(recorded, monkeypatch, late=late) is (not timed or abs(late) <= 300), (name, late)

    def test_what_a_webhook_says_besides_is_read_only_where_it_is_signed(self, provider: Provider) -> None:
        for body in NAMELESS:
            assert provider.claimed(body) is None
        for name, recorded in self.deliveries().items():
            claim = provider.claimed(recorded["delivery"]["body"].encode())
            assert claim is None or provider.signed, name

    def _rings(
        self,
        recorded: Mapping[str, Any],
        monkeypatch: pytest.MonkeyPatch,
        *,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        late: float = 0.0,
    ) -> bool:
        """Whether the vendor, at the time of the recording, takes this for a ring about a job."""
        sent = recorded["delivery"]
        now = (_sent_at(lower(sent["headers"])) or 0.0) + late
        monkeypatch.setattr(signatures, "clock", lambda: now)
        provider = self.vendor(api_key=recorded.get("api_key", KEY), webhook_secret=recorded.get("secret", ""))
        try:
            remote_id = provider.ring(sent["headers"] if headers is None else headers, body or sent["body"].encode())
        except BadSignature:
            return False
        return REMOTE_ID.fullmatch(remote_id) is not None


def _sent_at(headers: Mapping[str, str]) -> float | None:
    """When a delivery says it was sent; ``None`` where it does not say."""
    return next((float(value) for name, value in headers.items() if "timestamp" in name), None)


def _tampered(headers: Mapping[str, str], body: bytes) -> Iterator[tuple[str, Mapping[str, str], bytes]]:
    """A signed delivery as somebody else might send it: what was done to it, its headers and its body."""
    for place in range(0, len(body), 7):
        yield f"byte {place}", headers, body[:place] + bytes([body[place] ^ 1]) + body[place + 1 :]
    yield "longer", headers, body + b" "
    proving = [name for name in headers if re.search("signature|timestamp|webhook-id", name)]
    for name in proving:
        yield f"no {name}", {known: value for known, value in headers.items() if known != name}, body
        for forged in set(_forged(headers[name])) - {headers[name]}:
            yield f"{name}: {forged[:40]!r}", {**headers, name: forged}, body


def _forged(value: str) -> Iterator[str]:
    """Other values of a header: none of them is what was signed."""
    scheme, mark, digest = re.fullmatch(r"(?:(.*?)([,=]))?(.*)", value).groups(default="")  # type: ignore[union-attr]
    yield from ("", "0", "-1", "nan", "inf", "9" * 20, "1e9", "\udcff", "é", "a.b", ".", f"{value}.{value}", "v1,")
    yield from (f"{value}0", value[:-1], f"0{value}", f"v1,{digest}", f"{scheme}{mark}", f"{scheme}{mark}{'0' * 64}")
    if digest.upper() != digest:
        yield from (f"{scheme}{mark}{digest.upper()}", digest if scheme else "")
