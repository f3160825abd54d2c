"""What an offer can do, what it costs, and how a site corrects it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from imagen.exceptions import UnsupportedParameter
from imagen.offers import MODELS, Offer, Price, catalogue, described, money
from imagen.types import ImageRequest

PLAIN = Offer(model="imagen-4", id="plain", price=Price.of("0.04"))
RICH = Offer(
    model="imagen-4",
    id="rich",
    resolutions=("1k", "2k"),
    output_formats=("png",),
    negative_prompt=True,
    seed=True,
    images_per_call=4,
    max_prompt=50,
    price=Price.of("0.038"),
)
EVERYTHING: dict[str, Any] = {"negative_prompt": "fog", "resolution": "2k", "seed": 7, "output_format": "png"}


def ask(**options: Any) -> ImageRequest:
    return ImageRequest(**{"prompt": "a lighthouse", **options})


# Models


def test_every_successor_is_a_model_that_is_not_retired_yet():
    successors = {model.successor for model in MODELS.values()} - {""}
    assert successors == {"nano-banana-2.1", "nano-banana-pro"}
    assert all(MODELS[name].retired_upstream_on is None for name in successors)


def test_imagen_4_is_known_to_be_switched_off_at_google():
    retired = {name: model.retired_upstream_on for name, model in MODELS.items() if name.startswith("imagen-4")}
    assert retired == dict.fromkeys(("imagen-4", "imagen-4-fast", "imagen-4-ultra"), date(2026, 8, 17))


# What can be asked


def test_an_offer_takes_what_it_can_do():
    RICH.verify(ask(**EVERYTHING))
    PLAIN.verify(ask())


@pytest.mark.parametrize(
    ("offer", "options", "fields"),
    [
        (PLAIN, {"negative_prompt": "fog"}, ["negative_prompt"]),
        (PLAIN, {"resolution": "1k"}, ["resolution"]),
        (PLAIN, {"seed": 0}, ["seed"]),
        (PLAIN, {"output_format": "png"}, ["output_format"]),
        (PLAIN, {"aspect_ratio": "21:9"}, ["aspect_ratio"]),
        (PLAIN, EVERYTHING, ["resolution", "output_format", "negative_prompt", "seed"]),
        (RICH, {"resolution": "4k"}, ["resolution"]),
        (RICH, {"output_format": "jpeg"}, ["output_format"]),
        (RICH, {"prompt": "x" * 51}, ["prompt"]),
    ],
)
def test_what_would_be_dropped_is_refused_by_name(offer: Offer, options: dict[str, Any], fields: list[str]):
    with pytest.raises(UnsupportedParameter) as caught:
        offer.verify(ask(**options))
    assert [error.field for error in caught.value.errors] == fields
    assert caught.value.params == {"model": "imagen-4"}


def test_the_first_resolution_is_the_default():
    assert RICH.settle(ask()).resolution == "1k"
    assert RICH.settle(ask(resolution="2k")).resolution == "2k"
    assert PLAIN.settle(ask()).resolution is None


def test_a_settled_request_names_the_model():
    assert RICH.settle(ask()).model == "imagen-4"


def test_only_what_is_asked_and_on_offer_is_said():
    assert RICH.said(ask(**EVERYTHING)) == {**EVERYTHING, "num_images": 1}
    assert RICH.said(ask()) == {"num_images": 1}
    assert PLAIN.said(ask(**EVERYTHING, num_images=3)) == {}


def test_seed_zero_is_said():
    assert RICH.said(ask(seed=0))["seed"] == 0


# Calls and money


@pytest.mark.parametrize(
    ("per_call", "wanted", "calls"),
    [(1, 1, [1]), (1, 4, [1, 1, 1, 1]), (4, 4, [4]), (4, 1, [1]), (3, 4, [3, 1]), (2, 4, [2, 2])],
)
def test_a_request_becomes_as_few_calls_as_the_offer_allows(per_call: int, wanted: int, calls: list[int]):
    parts = PLAIN.amend({"images_per_call": per_call}).split(ask(num_images=wanted))
    assert [part.num_images for part in parts] == calls
    assert {part.prompt for part in parts} == {"a lighthouse"}


def test_cost_is_exact():
    assert RICH.cost(4) == Decimal("0.152")


def test_an_unknown_price_has_no_cost():
    assert Offer(model="imagen-4", id="x").cost(1) is None


# JSON Schema


def test_the_schema_lists_exactly_what_may_be_sent():
    plain, rich = PLAIN.parameters, RICH.parameters
    assert list(plain["properties"]) == ["prompt", "aspect_ratio", "num_images"]
    assert list(rich["properties"]) == [
        *("prompt", "aspect_ratio", "num_images"),
        *("resolution", "output_format", "negative_prompt", "seed"),
    ]
    assert rich["properties"]["resolution"] == {"type": "string", "enum": ["1k", "2k"], "default": "1k"}
    assert (rich["required"], rich["additionalProperties"]) == (["prompt"], False)
    assert rich["properties"]["prompt"]["maxLength"] == 50


# Corrections by the site


@pytest.mark.parametrize(
    ("changes", "field", "value"),
    [
        ({"price": "0.05"}, "price", Price.of("0.05")),
        ({"price": 0.05}, "price", Price.of("0.05")),
        ({"price": 0}, "price", Price.of("0")),
        ({"price": None}, "price", Price()),
        ({"price": {"amount": "7", "unit": "credits"}}, "price", Price.of("7", "credits")),
        ({"price": {"amount": "7"}}, "price", Price.of("7")),
        ({"id": "other/path"}, "id", "other/path"),
        ({"seed": True}, "seed", True),
        ({"images_per_call": 2}, "images_per_call", 2),
        ({"poll_seconds": 2}, "poll_seconds", 2.0),
        ({"poll_seconds": 2.5}, "poll_seconds", 2.5),
        ({"aspect_ratios": ["1:1"]}, "aspect_ratios", ("1:1",)),
        ({"aspect_ratios": ("1:1",)}, "aspect_ratios", ("1:1",)),
        ({"retired_upstream_on": "2027-01-01"}, "retired_upstream_on", date(2027, 1, 1)),
        ({"retired_upstream_on": date(2027, 1, 1)}, "retired_upstream_on", date(2027, 1, 1)),
        ({"retired_upstream_on": None}, "retired_upstream_on", None),
    ],
)
def test_a_site_may_correct_an_offer(changes: dict[str, Any], field: str, value: Any):
    assert getattr(PLAIN.amend(changes), field) == value


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"prices": "1"}, "prices"),
        ({"model": "other"}, "model"),
        ({"price": "cheap"}, "cheap"),
        ({"price": "-1"}, "-1"),
        ({"price": "NaN"}, "NaN"),
        ({"price": True}, "True"),
        ({"images_per_call": "4"}, "images_per_call"),
        ({"images_per_call": True}, "images_per_call"),
        ({"images_per_call": 0}, "images_per_call"),
        ({"max_prompt": -1}, "max_prompt"),
        ({"min_prompt": 0}, "min_prompt"),
        ({"seed": 1}, "seed"),
        ({"poll_seconds": "2"}, "poll_seconds"),
        ({"aspect_ratios": "16:9"}, "aspect_ratios"),
        ({"id": None}, "id"),
        ({"retired_upstream_on": "soon"}, "retired_upstream_on"),
        ({"retired_upstream_on": 2027}, "retired_upstream_on"),
    ],
)
def test_a_correction_that_cannot_be_one_is_named(changes: dict[str, Any], named: str):
    with pytest.raises(ValueError, match=named):
        PLAIN.amend(changes)


def test_a_catalogue_keeps_the_order_of_the_offers():
    other = Offer(model="nano-banana-2", id="banana")
    assert catalogue(PLAIN, other, RICH) == {"imagen-4": (PLAIN, RICH), "nano-banana-2": (other,)}


# Offers described by a gateway


def banana(**changes: Any) -> dict[str, Any]:
    """The schema of a model we can describe, with other properties."""
    known = {"prompt": {"type": "string"}, "aspect_ratio": {"enum": ["16:9", "1:1"], "default": "1:1"}}
    return {"type": "object", "required": ["prompt"], "properties": {**known, **changes}}


@pytest.mark.parametrize("offer", [PLAIN, RICH, RICH.amend({"aspect_ratios": ["21:9", "1:1"]})])
def test_an_offer_can_be_read_back_from_its_schema(offer: Offer):
    again = described(offer.parameters)
    assert replace(again, model=offer.model, id=offer.id, price=offer.price, images_per_call=1) == replace(
        offer, images_per_call=1, aspect_ratios=again.aspect_ratios
    )
    assert sorted(again.aspect_ratios) == sorted(offer.aspect_ratios)


def test_the_default_of_a_schema_comes_first():
    schema = banana(resolution={"enum": ["1k", "2k"], "default": "2k"}, output_format={"enum": ["jpeg", "png"]})
    found = described(schema)
    assert (found.aspect_ratios, found.resolutions, found.output_formats) == (
        ("1:1", "16:9"),
        ("2k", "1k"),
        ("jpeg", "png"),
    )


def test_choices_we_have_no_word_for_are_not_offered():
    found = described(banana(resolution={"enum": ["512", "1k", "8k"], "default": "512"}))
    assert found.resolutions == ("1k",)


@pytest.mark.parametrize(
    ("schema", "count"), [(None, 1), ({}, 1), ({"maximum": 3}, 3), ({"maximum": 50}, 4), ({"maximum": 0}, 1)]
)
def test_a_call_makes_as_many_images_as_the_schema_allows(schema: Any, count: int):
    assert described(banana(num_images=schema)).images_per_call == count


def test_what_the_schema_does_not_name_is_not_offered():
    found = described(banana())
    assert (found.negative_prompt, found.seed, found.resolutions, found.output_formats) == (False, False, (), ())


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"prompt": {}}},
        {"properties": {"prompt": {}, "aspect_ratio": {"enum": ["2:1"]}}},
        {"properties": {"prompt": {}, "aspect_ratio": {}}},
        {**banana(), "required": ["prompt", "image"]},
        {},
        [],
    ],
)
def test_what_we_could_not_fill_in_is_refused(schema: Any):
    with pytest.raises((LookupError, TypeError, ValueError)):
        described(schema)


# Money


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        (7, "7"),
        (0, "0"),
        (100, "100"),
        (0.038, "0.038"),
        (0.1 + 0.2, "0.3"),
        (1e-9, "0"),
        (99_999_999, "99999999"),
    ],
)
def test_an_amount_has_no_noise_of_floating_point(said: float, amount: str):
    assert str(money(said)) == amount


@pytest.mark.parametrize(
    "said", [None, "7", True, -1, -0.01, 10**8, 10**400, float("nan"), float("inf"), [7], {"amount": 7}]
)
def test_what_is_no_amount_is_unknown(said: Any):
    assert money(said) is None


# Short prompts

SHY = PLAIN.amend({"min_prompt": 3})


def test_a_prompt_too_short_for_an_offer_is_refused_before_anybody_pays():
    assert [error.field for error in SHY.misfits(ask(prompt="ab"))] == ["prompt"]
    assert SHY.misfits(ask(prompt="abc")) == ()
    assert SHY.parameters["properties"]["prompt"]["minLength"] == 3
    assert PLAIN.parameters["properties"]["prompt"]["minLength"] == 1
