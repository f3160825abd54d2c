"""The sandbox makes every ending reachable, offline and on command."""

from __future__ import annotations

import pytest

from imagen import pipeline

SANDBOX = {"BACKEND": "imagen.providers.sandbox.Sandbox", "OPTIONS": {"latency": 0.0}}
ENDS = {
    "model_retired": "failed",
    "provider_auth": "failed",
    "provider_insufficient_credits": "failed",
    "provider_rejected": "failed",
    "content_filtered": "failed",
    "provider_rate_limited": "queued",
    "provider_unavailable": "queued",
    "provider_failed": "failed",
    "no_outputs": "failed",
    "provider_job_lost": "failed",
    "provider_timeout": "failed",
    "provider_protocol_error": "failed",
    "submit_unknown": "unconfirmed",
    "partial_outputs": "partial",
    "output_expired": "failed",
    "output_invalid": "failed",
    "output_too_large": "failed",
    "egress_blocked": "failed",
}


@pytest.fixture(autouse=True)
def sandbox(site) -> None:
    site(PROVIDERS={"sandbox": SANDBOX}, RETRY_SECONDS=[0.05])


@pytest.mark.parametrize(("code", "status"), ENDS.items())
def test_every_provider_code_can_be_asked_for(made, troubled, code, status):
    words, images = f"a lighthouse [[fail:{code}]]", {"num_images": 2}
    generation = troubled(code, words, **images) if status == "queued" else made(words, **images)
    assert (generation.status, generation.error_code) == (status, code)


def test_a_picture_of_another_shape_is_kept_with_a_warning(made):
    generation = made("a lighthouse [[wrong-ratio]]", aspect_ratio="16:9")
    assert (generation.status, generation.warnings) == ("completed", ["model_retired_upstream", "wrong_size"])


def test_the_second_picture_can_be_flagged(made):
    generation = made("a lighthouse [[nsfw:2]]", num_images=2)
    assert [image.review for image in generation.images.order_by("index")] == ["none", "held"]


def test_three_of_four_can_come(made):
    generation = made("a lighthouse [[partial:3of4]]", num_images=4)
    assert (generation.status, generation.images.count()) == ("partial", 3)


def test_one_that_never_ends_can_still_be_cancelled(made):
    generation = made("a lighthouse [[never]]", seconds=0.5)
    assert generation.status == "processing"
    assert "already_submitted" in pipeline.cancel(generation).warnings


@pytest.mark.parametrize(("ratio", "resolution"), [("16:9", "1k"), ("1:8", "1k"), ("1:1", "2k"), ("4:5", "1k")])
def test_pictures_have_the_shape_and_size_that_were_asked_for(made, ratio, resolution):
    generation = made(aspect_ratio=ratio, resolution=resolution)
    assert (generation.status, "wrong_size" in generation.warnings) == ("completed", False)


def test_the_same_words_and_seed_make_the_same_picture(made):
    first, second, other = made(seed=7), made(seed=7), made(seed=8)
    hashes = [generation.images.get().sha256 for generation in (first, second, other)]
    assert hashes[0] == hashes[1] != hashes[2]
