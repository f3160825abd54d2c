"""What is said about money: from the facts, in the words of the code where they fit."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.utils import timezone, translation

from imagen import presentation
from imagen.sentences import SENTENCES
from tests import factories

pytestmark = pytest.mark.django_db

PAID = {"cost_actual": Decimal("0.05"), "started_at": timezone.now()}
FREE = {"cost_actual": Decimal(0), "started_at": timezone.now()}


def told(code: str = "", **fields: object) -> presentation.Story:
    return presentation.story(factories.generation(error_code=code, **fields))


@pytest.mark.parametrize(
    ("code", "fields", "said"),
    [
        ("provider_auth", {"status": "failed"}, "Nothing was charged."),
        ("provider_unavailable", {"status": "queued"}, "Nothing was charged so far. Expected cost: 0.038 USD."),
        ("provider_unavailable", {"status": "processing", **PAID}, "0.05 USD was spent."),
        ("provider_failed", {"status": "failed", **FREE}, "Nothing was charged."),
        ("provider_failed", {"status": "failed", **PAID}, "0.05 USD was spent; trying again costs money again."),
        (
            "provider_failed",
            {"status": "failed", "started_at": timezone.now()},
            "The service did not say what it charged; expected: 0.038 USD.",
        ),
        ("provider_auth", {"status": "failed", **PAID}, "0.05 USD was spent."),
        ("output_expired", {"status": "failed", **FREE}, "Nothing was charged."),
        ("output_expired", {"status": "failed", **PAID}, "0.05 USD was spent; trying again costs money again."),
        (
            "partial_outputs",
            {"status": "partial", **PAID},
            "0.05 USD was spent for what came; trying again costs money again.",
        ),
        (
            "storage_full",
            {"status": "processing", **PAID},
            "The picture is paid for (0.05 USD) and kept for retry; saving it costs nothing more.",
        ),
        ("storage_unavailable", {"status": "failed", **PAID}, "0.05 USD was spent; trying again costs money again."),
        (
            "submit_unknown",
            {"status": "unconfirmed"},
            "It may have been charged (0.038 USD). The amount stays set aside until somebody has looked.",
        ),
        pytest.param(
            "submit_unknown",
            {"status": "unconfirmed", **PAID},
            (
                "0.05 USD was spent. Another call may have been charged too; its amount stays set aside until "
                "somebody has looked."
            ),
            marks=pytest.mark.by_hand("one call stands for two"),
        ),
        ("", {"status": "completed", **PAID}, "0.05 USD was spent."),
        ("", {"status": "canceled"}, "Nothing was charged."),
    ],
)
def test_the_facts_decide_what_is_said_about_money(code, fields, said):
    assert told(code, **fields).money == said


@pytest.mark.parametrize("code", [code for code, sentence in SENTENCES.items() if not sentence.status])
def test_an_error_ends_with_its_word_about_money_and_says_it_once(code):
    story = told(code, status="failed", **PAID)
    assert story.error is not None
    shown = presentation.error_json(story.error)
    assert shown["message"] == f"{story.error.message} {story.money}"
    assert shown["message"].count("spent") == 1


def test_a_picture_of_another_shape_is_paid_for_and_says_so():
    story = told(status="completed", warnings=["late", "wrong_size"], **PAID)
    late, wrong = (presentation.warning_json(each)["message"] for each in story.warnings)
    assert late.endswith("the time we usually wait.")
    assert wrong.endswith("It was kept. 0.05 USD was spent; trying again costs money again.")
    assert story.money == "0.05 USD was spent; trying again costs money again."


def test_amounts_in_sentences_are_written_as_people_write_them_and_in_fields_as_programs_do():
    made = factories.generation(status="failed", error_code="provider_failed", **PAID)
    with translation.override("de"):
        shown = presentation.generation_json(made)
    assert "0,05 USD" in shown["error"]["message"]
    assert shown["cost"] == {"unit": "USD", "estimated": "0.0380", "actual": "0.0500"}
