"""The plain values refuse to exist when they are wrong."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from imagen.exceptions import InvalidRequest, OutputError, Unreadable
from imagen.types import ASPECT_RATIOS, MAX_SEED, Call, ImageRequest, Output, Reply, checked_metadata, storable


def codes(**options: Any) -> dict[str, str]:
    with pytest.raises(InvalidRequest) as caught:
        ImageRequest.build(**{"prompt": "x", **options})
    return {error.field: error.code for error in caught.value.errors}


# ImageRequest


def test_a_request_needs_only_a_prompt():
    request = ImageRequest(prompt="  a lighthouse \n")
    assert request.asdict() == {
        "prompt": "a lighthouse",
        "negative_prompt": "",
        "model": "",
        "provider": "",
        "aspect_ratio": "1:1",
        "resolution": None,
        "num_images": 1,
        "seed": None,
        "output_format": None,
    }


def test_a_request_cannot_be_changed():
    request: Any = ImageRequest(prompt="x")
    with pytest.raises(dataclasses.FrozenInstanceError):
        request.prompt = "y"


def test_a_negative_prompt_is_trimmed():
    assert ImageRequest(prompt="x", negative_prompt=" fog ").negative_prompt == "fog"


def test_seed_minus_one_is_no_seed():
    assert ImageRequest(prompt="x", seed=-1).seed is None
    assert ImageRequest.build(prompt="x", seed=-1).seed is None


@pytest.mark.parametrize("seed", [0, 1, MAX_SEED])
def test_a_seed_within_bounds_is_kept(seed: int):
    assert ImageRequest(prompt="x", seed=seed).seed == seed


@pytest.mark.parametrize("ratio", ASPECT_RATIOS)
def test_every_known_ratio_is_taken(ratio: str):
    assert ImageRequest(prompt="x", aspect_ratio=ratio).aspect_ratio == ratio


def test_the_longest_prompt_has_five_thousand_characters_after_trimming():
    assert len(ImageRequest(prompt=" " + "x" * 5000 + " ").prompt) == 5000


@pytest.mark.parametrize(
    ("field", "value", "code"),
    [
        ("prompt", "", "blank"),
        ("prompt", " \n", "blank"),
        ("prompt", "x" * 5001, "too_long"),
        ("prompt", "a\x00b", "unstorable_text"),
        ("prompt", "a\ud800b", "unstorable_text"),
        ("prompt", 7, "not_a_string"),
        ("prompt", None, "not_a_string"),
        ("negative_prompt", "x" * 5001, "too_long"),
        ("negative_prompt", "\x00", "unstorable_text"),
        ("negative_prompt", None, "not_a_string"),
        ("model", "m" * 101, "too_long"),
        ("model", 4, "not_a_string"),
        ("provider", "p" * 51, "too_long"),
        ("aspect_ratio", "2:1", "not_a_choice"),
        ("aspect_ratio", None, "not_a_choice"),
        ("aspect_ratio", ["1:1"], "not_a_choice"),
        ("resolution", "8k", "not_a_choice"),
        ("resolution", "", "not_a_choice"),
        ("output_format", "gif", "not_a_choice"),
        ("num_images", 0, "out_of_range"),
        ("num_images", 5, "out_of_range"),
        ("num_images", "4", "not_an_integer"),
        ("num_images", 4.0, "not_an_integer"),
        ("num_images", True, "not_an_integer"),
        ("num_images", None, "not_an_integer"),
        ("seed", -2, "out_of_range"),
        ("seed", MAX_SEED + 1, "out_of_range"),
        ("seed", "1", "not_an_integer"),
        ("seed", False, "not_an_integer"),
    ],
)
def test_a_wrong_value_is_refused_by_name(field: str, value: Any, code: str):
    assert codes(**{field: value}) == {field: code}
    with pytest.raises(InvalidRequest):
        ImageRequest(**{"prompt": "x", field: value})


def test_everything_wrong_is_named_at_once():
    assert codes(prompt="", seed=-2, style="noir") == {
        "style": "unknown_field",
        "prompt": "blank",
        "seed": "out_of_range",
    }


def test_a_missing_prompt_is_named():
    with pytest.raises(InvalidRequest) as caught:
        ImageRequest.build(seed=1)
    assert [(error.field, error.code) for error in caught.value.errors] == [("prompt", "required")]


def test_an_error_carries_the_facts_of_its_sentence():
    with pytest.raises(InvalidRequest) as caught:
        ImageRequest(prompt="x", num_images=9)
    assert caught.value.errors[0].params == {"low": 1, "high": 4}


# Metadata


@pytest.mark.parametrize("value", [{}, {"a": [1, 2.5, None, True, {"b": "é 🙂"}]}, {"a": "x" * 4085}])
def test_metadata_is_any_small_json_object(value: dict[str, Any]):
    assert checked_metadata(value) == value


def test_metadata_is_kept_as_json_has_it():
    assert checked_metadata({1: (1, 2)}) == {"1": [1, 2]}


def deep(levels: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for _ in range(levels):
        found = {"a": [found]}
    return found


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ([], "not_an_object"),
        (None, "not_an_object"),
        ("{}", "not_an_object"),
        ({"a": "x" * 5000}, "too_large"),
        ({"a": "é" * 2100}, "too_large"),
        ({"a": "\x00"}, "unstorable_text"),
        ({"a": [{"b": "\ud800"}]}, "unstorable_text"),
        ({"a": ("\x00",)}, "unstorable_text"),
        ({"\x00": 1}, "unstorable_text"),
        ({"a": float("nan")}, "not_json"),
        ({"a": float("inf")}, "not_json"),
        ({"a": {1, 2}}, "not_json"),
        ({"a": 10**5000}, "not_json"),
        ({("a",): 1}, "not_json"),
        *[(deep(levels), "not_json") for levels in (400, 5000)],
    ],
)
def test_metadata_that_cannot_be_kept_is_refused(value: Any, code: str):
    with pytest.raises(InvalidRequest) as caught:
        checked_metadata(value)
    assert [(error.field, error.code) for error in caught.value.errors] == [("metadata", code)]


@pytest.mark.parametrize(("text", "kept"), [("", True), ("é 🙂", True), ("\x00", False), ("\udfff", False)])
def test_text_without_nul_and_lone_surrogates_can_be_stored(text: str, kept: bool):
    assert storable(text) is kept


# Call and Reply


def test_a_call_in_a_log_shows_neither_key_nor_prompt():
    call = Call(method="POST", url="https://a", headers={"X": "key"}, params={"hook": "token"}, json={"prompt": "p"})
    assert repr(call) == "Call(method='POST', url='https://a')"


def test_a_reply_is_read_as_a_json_object():
    assert Reply(status=200, body=b'{"a": 1}').document() == {"a": 1}


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b"7", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_reply_that_is_no_json_object_is_unreadable(body: bytes):
    with pytest.raises(Unreadable):
        Reply(status=200, body=body).document()


# Output


@pytest.mark.parametrize("text", ["http://a/1.png", "https://a/1.png", "HTTPS://a/1.png", "sandbox://files/1"])
def test_an_address_stays_an_address(text: str):
    assert Output.read(text, flagged=True) == Output(url=text, flagged=True)


def test_an_address_is_fit_to_store():
    assert Output.read("https://a/\x00\ud8001.png").url == "https://a/1.png"


@pytest.mark.parametrize("text", ["aGVsbG8=", "data:image/png;base64,aGVsbG8=", "Data:,aGVsbG8=", "aGVs\nbG8=\n"])
def test_base64_is_decoded_with_or_without_its_wrapping(text: str):
    assert Output.read(text).content() == b"hello"


@pytest.mark.parametrize("text", ["ftp://a/1.png", "file:///etc/passwd", "/1.png", "aGVsbG8", "é", "data:,%89PNG"])
def test_what_is_neither_address_nor_base64_is_an_output_error(text: str):
    with pytest.raises(OutputError) as caught:
        Output.read(text).content()
    assert (caught.value.code, caught.value.tries) == ("output_invalid", 1)


@pytest.mark.parametrize("texts", [None, "https://a/1.png", {"a": 1}, 7, []])
def test_outputs_that_are_no_list_are_none(texts: Any):
    assert Output.read_all(texts) == ()


def test_outputs_keep_their_own_flags():
    outputs = Output.read_all(["https://a/1", None, "", "https://a/4", "https://a/5"], [False, True, True, True])
    assert [(output.url[-1], output.flagged) for output in outputs] == [("1", False), ("4", True), ("5", None)]


def test_an_output_in_a_log_shows_neither_address_nor_bytes():
    assert repr(Output(url="https://a/?signature=s", base64="aGk=")) == "Output(flagged=None)"
