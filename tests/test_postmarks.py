"""What a webhook's owner is told: what happened, and the next step."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone, translation

from imagen import postmarks
from imagen.models import Delivery, Endpoint
from imagen.models.webhook import DeliveryError, EndpointReason, EndpointState

ACTIVE = Endpoint(state="active", url="https://shop.example/x")


def told(**facts: Any) -> str:
    return postmarks.of_delivery(Delivery(**{"endpoint": ACTIVE, "kind": "event", "status": "waiting", **facts}))


def test_every_reason_has_a_sentence_and_all_but_the_last_word_a_step():
    assert postmarks.MARKS.keys() == set(DeliveryError.values) - {""}
    assert [code for code, mark in postmarks.MARKS.items() if not mark.step] == [DeliveryError.ERASED]


@pytest.mark.parametrize("error", [each for each in DeliveryError.values if each])
def test_every_reason_can_be_said(error):
    for status in ("waiting", "failed", "canceled"):
        said = told(status=status, last_error=error, last_code=500, tries=3, due_at=timezone.now())
        assert "%" not in said
        assert said.endswith(".")


def test_every_state_of_an_endpoint_has_a_sentence():
    known = {(EndpointState.PENDING, ""), (EndpointState.ACTIVE, "")}
    assert postmarks.STATES.keys() == known | {(EndpointState.DISABLED, each) for each in EndpointReason.values if each}


def test_the_next_try_is_told_with_its_time_and_number():
    due = timezone.localtime().replace(hour=23, minute=58, second=0)
    said = told(last_error="answered", last_code=500, tries=2, due_at=due)
    assert said == "The address answered 500. We try again at 23:58 (try 3 of 10)."


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({}, "It is sent in a moment."),
        ({"status": "sending"}, "It is being sent."),
        ({"status": "delivered", "last_code": 204, "tries": 1}, "It arrived; the address answered 204."),
        ({"endpoint": Endpoint(state="pending")}, "It is sent once the address has answered our ping."),
        ({"endpoint": Endpoint(state="pending"), "kind": "ping"}, "It is sent in a moment."),
        ({"status": "canceled", "last_error": "erased"}, "It was not sent, because the request was deleted."),
        (
            {"status": "canceled", "last_error": "endpoint_disabled"},
            "It was not sent, because the address was switched off. Enable the address, then send it again.",
        ),
        (
            {"status": "failed", "last_error": "timeout", "tries": 10},
            (
                "The address did not answer within 15 seconds. Let it answer first and do its work afterwards. "
                "We tried 10 times and try no more. You can send it again."
            ),
        ),
        (
            {"status": "failed", "last_error": "gone", "last_code": 410, "tries": 1},
            (
                "The address answered 410, which says that it wants nothing more; it was switched off. "
                "If that was a mistake, enable it again."
            ),
        ),
    ],
)
def test_what_became_of_a_delivery_is_said_in_plain_words(facts, said):
    assert told(**facts) == said


def test_an_endpoint_that_fails_says_since_when():
    since = datetime.now(UTC) - timedelta(days=2)
    said = postmarks.of_endpoint(Endpoint(state="active", failing_since=since))
    assert said.startswith("Nothing has arrived there since ")
    assert said.endswith("After three days it is switched off.")


@pytest.mark.parametrize("language", ["ar", "de", "fr"])
def test_nothing_about_webhooks_is_left_in_english(language):
    said = [text for mark in postmarks.MARKS.values() for text in (mark.happened, mark.step) if text]
    said += [*postmarks.STATES.values(), postmarks.WAITS, postmarks.AGAIN, postmarks.GIVEN_UP, postmarks.FAILING]
    english = [str(text) for text in said]
    with translation.override(language):
        assert [text for text, plain in zip(said, english, strict=True) if str(text) == plain] == []
