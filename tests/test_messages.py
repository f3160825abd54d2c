"""Every code's sentence, next steps and money, in every language, held against the public contract."""

from __future__ import annotations

import re
from datetime import date

import pytest
from django.utils import translation

from imagen import messages
from imagen.sentences import ACTIONS, ALARMS, FIELD_SENTENCES, MONEY, SENTENCES

# The table of the contract: code, HTTP status (0: of a generation), what can be done, what is spent.
CONTRACT = """
invalid_request                | 400 | fix_fields                    | no
unsupported_parameter          | 400 | fix_fields, choose_model      | no
model_unknown                  | 400 | choose_model                  | no
provider_not_configured        | 400 | choose_model                  | no
prompt_blocked                 | 400 | edit_prompt                   | no
not_authenticated              | 401 |                               | no
permission_denied              | 403 |                               | no
not_found                      | 404 |                               | no
budget_exceeded                | 402 | reduce, ask_for_more          | no
quota_exceeded                 | 402 | reduce, ask_for_more          | no
conflict                       | 409 | wait                          | no
idempotency_in_progress        | 409 | wait                          | no
payload_too_large              | 413 | fix_fields                    | no
unsupported_media_type         | 415 | fix_fields                    | no
idempotency_conflict           | 422 | fix_fields                    | no
throttled                      | 429 | wait                          | no
internal_error                 | 500 | wait                          | no
service_unavailable            | 503 | wait                          | no
model_retired                  | 0   | choose_model                  | no
provider_auth                  | 0   | ask_administrator             | no
provider_insufficient_credits  | 0   | ask_administrator             | no
provider_rejected              | 0   | edit_prompt                   | no
content_filtered               | 0   | edit_prompt                   | no
provider_rate_limited          | 0   | wait, choose_provider         | no
provider_unavailable           | 0   | wait, choose_provider         | no
provider_failed                | 0   | retry                         | told
no_outputs                     | 0   | retry                         | told
provider_job_lost              | 0   | retry                         | told
provider_timeout               | 0   | retry                         | told
provider_protocol_error        | 0   | retry                         | told
submit_unknown                 | 0   | ask_administrator             | reserved
partial_outputs                | 0   | retry                         | came
output_expired                 | 0   | retry                         | yes
output_invalid                 | 0   | retry                         | yes
output_too_large               | 0   | retry                         | yes
egress_blocked                 | 0   | retry                         | yes
wrong_size                     | 0   | retry                         | yes
storage_unavailable            | 0   | wait, ask_administrator       | kept
storage_full                   | 0   | wait, ask_administrator       | kept
"""
ROWS = [[cell.strip() for cell in line.split("|")] for line in CONTRACT.strip().splitlines()]
LANGUAGES = ["en", "de", "fr"]
TABLES = {"ALARMS": ALARMS, "FIELD_SENTENCES": FIELD_SENTENCES, "ACTIONS": ACTIONS, "MONEY": MONEY}
TEXTS = {
    **{f"SENTENCES {code}": sentence.text for code, sentence in SENTENCES.items()},
    **{f"{name} {code}": text for name, table in TABLES.items() for code, text in table.items()},
}
NAMES = re.compile(r"%\((\w+)\)s")


def _in(language: str, text: object) -> str:
    with translation.override(language):
        return str(text)


@pytest.mark.parametrize(("code", "status", "actions", "spent"), ROWS, ids=[row[0] for row in ROWS])
def test_a_code_has_the_status_the_steps_and_the_money_of_the_contract(code, status, actions, spent):
    assert SENTENCES[code].status == int(status)
    assert messages.next_actions(code) == tuple(filter(None, actions.split(", ")))
    assert messages.spent(code) == spent


def test_codes_beyond_the_contract_are_warnings_or_answers_of_the_interface():
    beyond = SENTENCES.keys() - {row[0] for row in ROWS}
    warnings = {code for code in beyond if not SENTENCES[code].status}
    told = "already_submitted late model_retired_upstream price_unknown provider_changed seed_ignored"
    assert warnings == set(told.split())
    assert not any(SENTENCES[code].spent for code in warnings)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("code", SENTENCES)
def test_a_sentence_is_said_whole_in_every_language(code, language):
    params = dict.fromkeys(NAMES.findall(str(SENTENCES[code].text)), "Ada")
    with translation.override(language):
        said = messages.answer(code, **params)
        steps = [str(ACTIONS[action]) for action in messages.next_actions(code)]
    assert said.endswith(".")
    assert all(steps)
    assert not re.search(r"%|\{|–|!", said)


@pytest.mark.parametrize("language", LANGUAGES[1:])
@pytest.mark.parametrize("name", TEXTS)
def test_no_sentence_is_left_in_english(name, language):
    english, said = _in("en", TEXTS[name]), _in(language, TEXTS[name])
    assert said.strip()
    assert said != english
    assert set(NAMES.findall(said)) == set(NAMES.findall(english))


@pytest.mark.parametrize("code", ["budget_exceeded", "quota_exceeded", "internal_error", "service_unavailable"])
def test_who_asked_rightly_and_got_nothing_is_told_that_it_was_free(code):
    assert messages.answer(code).endswith(" Nothing was charged.")


@pytest.mark.parametrize("code", ["not_found", "invalid_request", "conflict"])
def test_other_refusals_do_not_speak_of_money(code):
    assert "charged" not in messages.answer(code)


@pytest.mark.parametrize(
    ("language", "first", "second"),
    [
        ("en", "Dec. 1, 2026", "Dec. 2, 2026"),
        ("de", "1. Dezember 2026", "2. Dezember 2026"),
        ("fr", "1er décembre 2026", "2 décembre 2026"),
    ],
)
def test_a_day_is_written_as_people_write_it(language, first, second):
    with translation.override(language):
        assert [messages.day(date(2026, 12, day)) for day in (1, 2)] == [first, second]
