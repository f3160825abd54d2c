"""The contract every vendor keeps, as tests to inherit: the vendor's own test supplies facts.

class TestWaveSpeed(ProviderContract):
    vendor = WaveSpeed
    fixtures = Path(__file__).parent.parent / "fixtures" / "wavespeed"
    accepted = "submit_ok_google_imagen4"
    expected = {"result_completed_4": "done 4", "error_401": "Declined provider_auth"}
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

import pytest

from imagen.exceptions import ProviderError, Unclear
from imagen.offers import MODELS, Offer
from imagen.providers.base import Provider
from imagen.testing.bodies import (
    BACKED,
    CALLBACK,
    GARBLED,
    HOSTILE,
    IMPOSSIBLE_IDS,
    KEY,
    ODD,
    PARAMETERS,
    SIGNED,
    STATUSES,
    asked,
    changed,
    fit_to_show,
    lower,
    paths,
    plausible,
    reader,
    reply_with,
    sound,
    swapped,
    told,
)
from imagen.testing.deliveries import DeliveryContract
from imagen.types import Call, ImageRequest, Reply, State


class ProviderContract(DeliveryContract):
    """Inherit, name four facts, and a vendor is tested."""

    vendor: ClassVar[type[Provider]]
    fixtures: ClassVar[Path]
    accepted: ClassVar[str]  # the fixture of a good answer to submit
    expected: ClassVar[Mapping[str, str]]  # fixture -> what it comes down to

    @pytest.fixture
    def provider(self) -> Provider:
        """The vendor with a key and a secret."""
        return self.vendor(api_key=KEY, webhook_secret=SIGNED)

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        """One test per fixture, offer, status or garbled body."""
        cases: dict[str, Mapping[str, Any]] = {
            "body": self.bodies(),
            "offer": {offer.id: offer for offers in self.vendor.offers.values() for offer in offers},
            "status": {str(status): status for status in STATUSES},
            "garbled": GARBLED,
        }
        for name in cases.keys() & set(metafunc.fixturenames):
            metafunc.parametrize(name, cases[name].values(), ids=cases[name].keys())

    def bodies(self) -> dict[str, tuple[str, Mapping[str, Any]]]:
        """Every recorded exchange under its name."""
        found = {path.stem: json.loads(path.read_bytes()) for path in sorted(self.fixtures.glob("*.json"))}
        return {name: (name, recorded) for name, recorded in found.items() if "response" in recorded}

    def document(self, name: str) -> Any:
        """The body of one recorded answer."""
        return self.bodies()[name][1]["response"]["json"]

    def submit(self, provider: Provider, offer: Offer, *, key: str = "k1", callback: str = "", **options: Any) -> Call:
        """The submit of a request that says only what is given."""
        request = ImageRequest(prompt=options.pop("prompt", "A lighthouse"), **options)
        return provider.submit(replace(request, model=offer.model), offer=offer, key=key, callback=callback)

    # Facts

    def test_it_has_a_slug_a_label_and_an_origin(self) -> None:
        assert self.vendor.slug == self.vendor.slug.lower()
        assert self.vendor.label
        assert not self.vendor.origin.endswith("/")

    def test_every_offer_stands_under_its_own_model(self) -> None:
        assert {offer.model for offers in self.vendor.offers.values() for offer in offers} == set(self.vendor.offers)
        assert set(self.vendor.offers) <= {*MODELS, *(model.id for model in self.vendor.models)}

    def test_words_are_understood_in_any_case(self, provider: Provider) -> None:
        assert {word: provider.state(word.upper()) for word in provider.words} == dict(provider.words)

    def test_an_unknown_word_is_not_the_end(self, provider: Provider) -> None:
        assert provider.state("having-tea") is State.PENDING

    def test_its_name_in_a_log_does_not_show_the_key(self, provider: Provider) -> None:
        assert KEY not in repr(provider)

    # Calls

    def test_submit_goes_to_the_configured_origin_with_the_key_in_a_header(self, offer: Offer) -> None:
        elsewhere = self.vendor(api_key=KEY, base_url="http://127.0.0.1:9400/")
        call = self.submit(elsewhere, offer)
        assert call.method == "POST"
        assert call.url.startswith("http://127.0.0.1:9400/")
        assert KEY in "".join(call.headers.values())
        assert KEY not in f"{call.url}{call.params}{call.json}{call!r}"

    def test_check_asks_for_the_quoted_id_and_nothing_else(self, provider: Provider) -> None:
        call = provider.check("a/b?c=d#é")
        assert call.method == "GET"
        assert call.url.startswith(f"{provider.url}/")
        assert quote("a/b?c=d#é", safe="") in call.url
        assert KEY in "".join(call.headers.values())
        assert KEY not in f"{call.url}{call.params}{call!r}"

    def test_a_parameter_is_sent_exactly_when_the_offer_has_it(self, provider: Provider, offer: Offer) -> None:
        several = offer.images_per_call
        choices = {
            **PARAMETERS,
            "aspect_ratio": offer.aspect_ratios[:2],
            "resolution": (offer.resolutions or ("1k", "2k"))[:2],
            "output_format": (offer.output_formats or ("png", "jpeg"))[:2],
            "num_images": (1, max(2, several)),
        }
        said = {
            name: self.submit(provider, offer, **{name: one}) != self.submit(provider, offer, **{name: other})
            for name, (one, other) in choices.items()
        }
        assert said == {
            "prompt": True,
            "aspect_ratio": True,
            "negative_prompt": offer.negative_prompt,
            "seed": offer.seed,
            "resolution": bool(offer.resolutions),
            "output_format": bool(offer.output_formats),
            "num_images": several > 1,
        }

    def test_a_seed_that_is_not_wanted_is_not_sent(self, provider: Provider, offer: Offer) -> None:
        assert self.submit(provider, offer, seed=-1) == self.submit(provider, offer)
        assert "seed" not in str(self.submit(provider, offer).json)

    def test_the_same_request_is_the_same_call(self, provider: Provider, offer: Offer) -> None:
        assert self.submit(provider, offer) == self.submit(provider, offer)

    def test_the_key_of_a_repeat_is_sent_when_the_gateway_knows_it(self, provider: Provider, offer: Offer) -> None:
        differs = self.submit(provider, offer, key="k1") != self.submit(provider, offer, key="k2")
        assert differs is provider.idempotent

    def test_a_webhook_is_asked_for_when_it_can_be_verified(self, provider: Provider, offer: Offer) -> None:
        call = self.submit(provider, offer, callback=CALLBACK)
        assert (CALLBACK in f"{call.params}{call.json}") is provider.webhooks

    def test_what_else_it_may_be_asked_goes_to_the_same_place_with_the_key_in_a_header(self, offer: Offer) -> None:
        elsewhere = self.vendor(api_key=KEY, base_url="http://127.0.0.1:9400/")
        for call in asked(elsewhere, offer):
            assert call.url.startswith("http://127.0.0.1:9400/")
            assert KEY in "".join(call.headers.values())
            assert KEY not in f"{call.url}{call.params}{call.json}{call!r}"

    # Answers

    def test_every_recorded_answer_comes_down_to_what_is_expected(
        self, provider: Provider, body: tuple[str, Mapping[str, Any]]
    ) -> None:
        name, recorded = body
        answer = recorded["response"]
        reply = replace(reply_with(answer["json"], answer["status"]), headers=lower(answer.get("headers", {})))
        found = told(reader(provider, recorded), reply)
        assert found == self.expected.get(name, found)
        backed = recorded["meta"]["provenance"] in BACKED
        assert name in self.expected or not backed, f"expected does not name {name}, which comes down to {found!r}"

    def test_every_expectation_has_its_recorded_answer(self) -> None:
        assert self.expected.keys() <= self.bodies().keys()

    def test_no_odd_value_anywhere_escapes_the_exception_tree(
        self, provider: Provider, body: tuple[str, Mapping[str, Any]]
    ) -> None:
        answer, read = body[1]["response"], reader(provider, body[1])
        for path in paths(answer["json"]):
            for value in ODD:
                try:
                    snapshot = read(reply_with(changed(answer["json"], path, value), answer["status"]))
                except ProviderError:
                    continue
                assert sound(snapshot), (path, value)

    def test_no_odd_value_in_a_list_a_price_or_a_balance_escapes_the_exception_tree(
        self, provider: Provider, body: tuple[str, Mapping[str, Any]]
    ) -> None:
        whole = body[1]["response"]["json"]
        for path in ((), *paths(whole)):
            for value in (*ODD, whole):
                reply = reply_with(changed(whole, path, value))
                for read in (provider.read_found, provider.read_catalogue, provider.read_price, provider.read_balance):
                    try:
                        said = read(reply)
                    except ProviderError:
                        continue
                    assert plausible(said), (read.__name__, path, value)

    def test_an_accepted_job_has_an_id(self, provider: Provider) -> None:
        assert provider.read(reply_with(self.document(self.accepted))).remote_id

    def test_an_answer_cut_short_is_unclear(self, provider: Provider) -> None:
        whole = json.dumps(self.document(self.accepted)).encode()
        for end in range(len(whole)):
            with pytest.raises(Unclear):
                provider.read(Reply(status=200, body=whole[:end]))

    def test_a_garbled_answer_is_unclear(self, provider: Provider, garbled: bytes) -> None:
        with pytest.raises(Unclear) as caught:
            provider.read(Reply(status=200, body=garbled))
        assert caught.value.code == "provider_protocol_error"

    def test_a_refusal_that_cannot_be_read_is_unclear(self, provider: Provider) -> None:
        with pytest.raises(Unclear):
            provider.read(Reply(status=400, body=b"<!doctype html>"))

    def test_an_impossible_id_is_unclear(self, provider: Provider) -> None:
        good = self.document(self.accepted)
        remote_id = provider.read(reply_with(good)).remote_id
        for impossible in IMPOSSIBLE_IDS:
            with pytest.raises(Unclear):
                provider.read(reply_with(swapped(good, remote_id, impossible)))

    def test_a_status_says_what_to_do_next(self, provider: Provider, status: int) -> None:
        assert told(provider.read, reply_with({"message": "no", "error": "no"}, status)) == STATUSES[status]

    def test_an_empty_account_is_recognised_by_its_words(self, provider: Provider) -> None:
        poor = reply_with({"message": "Insufficient credits.", "error": "Insufficient credits."}, 400)
        assert told(provider.read, poor) == "Declined provider_insufficient_credits"

    def test_the_words_of_a_failure_are_cleaned(self, provider: Provider) -> None:
        for name in (name for name, told_as in self.expected.items() if told_as.startswith("failed ")):
            recorded = self.bodies()[name][1]
            read, status = reader(provider, recorded), recorded["response"]["status"]
            failure = read(reply_with(self.document(name), status)).failure
            assert failure is not None, name
            if not failure.message:  # some failures come without words
                continue
            again = read(reply_with(swapped(self.document(name), failure.message, HOSTILE), status)).failure
            assert again is not None, name
            assert fit_to_show(again.message), name

    def test_the_words_of_a_refusal_are_cleaned(self, provider: Provider) -> None:
        with pytest.raises(ProviderError) as caught:
            provider.read(reply_with({"message": HOSTILE, "error": HOSTILE}, 400))
        assert fit_to_show(caught.value.message)
