"""Each line of the table of attacks on the interface is tried somewhere; the table says where."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

HERE = Path(__file__).parents[1]
WHERE: dict[str, dict[str, tuple[str, ...]]] = {  # attack: file, and the tests in it
    "no or wrong credentials, several at once, a session without its CSRF token": {
        "api/test_api_people.py": (
            "test_the_anonymous_are_asked_who_they_are",
            "test_a_wrong_token_is_no_token",
            "test_a_browser_without_the_csrf_token_changes_nothing",
            "test_a_wrong_token_is_not_forgiven_for_a_good_session",
        ),
        "api/test_api_keys.py": (
            "test_what_is_no_key_of_ours_opens_nothing",
            "test_several_credentials_at_once_open_nothing_even_good_ones",
        ),
    },
    "an id, a filter, a cursor or a search for what is somebody else's": {
        "api/test_isolation.py": (
            "test_somebody_elses_is_as_unknown_as_a_made_up_id",
            "test_no_filter_cursor_or_search_finds_what_is_anothers",
        ),
        "clients/test_live.py": ("test_over_sockets_as_well_what_is_somebody_elses_is_as_unknown_as_a_made_up_id",),
    },
    "another person by body, query or header": {
        "api/test_mass_assignment.py": (
            "test_a_parameter_that_would_make_somebody_else_of_the_caller_is_refused",
            "test_a_header_makes_nobody_somebody_else",
        ),
    },
    "fields that nobody may set": {
        "api/test_mass_assignment.py": (
            "test_fields_that_nobody_may_set_are_refused_by_their_names_and_nothing_changes",
        ),
    },
    "properties that stay inside": {
        "api/test_api_attacks.py": ("test_no_shape_has_a_field_for_what_stays_inside",),
        "api/test_api_webhook_endpoints.py": ("test_the_secret_stands_nowhere_but_in_the_answer",),
        "api/test_api_keys.py": ("test_the_key_shows_nowhere",),
    },
    "text, numbers, depth, size, encoding, names given twice": {
        "api/test_api_input.py": ("test_a_value_of_the_wrong_kind_or_size_is_refused_by_the_name_of_its_field",),
        "api/test_api_asking.py": ("test_a_wrong_field_is_named_and_nothing_is_written",),
        "api/test_api_bodies.py": (
            "test_what_is_no_small_plain_object_is_refused",
            "test_a_name_given_twice_is_refused_at_any_depth",
            "test_a_body_that_says_it_is_too_large_is_not_read",
            "test_only_json_is_taken",
        ),
        "clients/test_live.py": ("test_nothing_that_is_sent_breaks_the_interface_or_is_answered_unlike_its_schema",),
    },
    "a key for another body, of another person, in flight, after its day, impossible": {
        "api/test_api_idempotency.py": (
            "test_another_body_under_the_key_is_refused",
            "test_keys_are_each_persons_own",
            "test_the_second_is_told_to_wait_while_the_first_is_being_taken_on_postgresql",
            "test_after_a_day_the_key_is_new",
            "test_an_impossible_key_is_refused",
        ),
        "story/test_once.py": ("test_eighty_posts_with_one_key_from_several_processes_buy_one_picture",),
    },
    "made-up addresses, guessed tokens, a cache that is gone": {
        "api/test_api_throttles.py": (
            "test_whoever_makes_up_addresses_gains_nothing",
            "test_whoever_guesses_tokens_is_slowed_down_and_nobody_else",
        ),
        "api/test_api_keys.py": ("test_no_rate_of_a_key_lifts_the_limit_of_the_site",),
    },
    "huge pages, offsets, forged cursors, lookups, two hundred filters": {
        "api/test_api_lists.py": ("test_a_wrong_query_is_refused_by_name",),
        "api/test_api_attacks.py": ("test_no_query_makes_a_list_larger_or_asks_the_database_something_else",),
    },
    "zeros before a number, thousands of wrong fields, two at once where one is left": {
        "api/test_api_lists.py": ("test_a_wrong_query_is_refused_by_name",),
        "api/test_api_looking.py": ("test_an_impossible_wait_is_refused",),
        "api/test_api_bodies.py": ("test_no_zeros_before_a_length_hide_it",),
        "api/test_api_problems.py": ("test_no_more_is_complained_about_than_anybody_reads",),
        "api/test_api_races.py": ("test_of_two_that_are_made_at_once_one_is_one_too_many",),
    },
    "a stream that goes on after its key, token, session or permission": {
        "api/test_api_events.py": (
            "test_who_is_shut_out_meanwhile_hears_nothing_more",
            "test_who_saw_the_end_of_another_has_not_seen_this_one",
        ),
    },
    "words of an exception in an answer": {
        "api/test_api_attacks.py": (
            "test_an_error_nobody_expected_tells_nothing_of_the_inside",
            "test_no_exception_repeats_its_own_words",
        ),
    },
    "another origin, a shared cache, a type that is guessed": {
        "api/test_api_attacks.py": (
            "test_no_answer_may_be_kept_by_others_or_read_by_another_site",
            "test_another_site_is_not_told_that_it_may_ask",
        ),
        "api/test_api_images.py": ("test_pixels_come_with_headers_that_let_nothing_else_happen",),
    },
    "webhooks to addresses inside, redirects, forged or repeated messages, floods": {
        "api/test_api_webhook_endpoints.py": (
            "test_a_wrong_field_is_named_and_nothing_is_written",
            "test_everybody_has_five_endpoints_at_most",
        ),
        "test_webhooks_out.py": (
            "test_an_address_that_may_not_be_sent_to_is_no_endpoint",
            "test_a_name_that_leads_inside_or_nowhere_is_no_endpoint",
            "test_without_a_key_to_encrypt_with_there_are_no_endpoints",
        ),
        "webhooks/test_receive.py": ("test_the_view_of_the_page_keeps_each_event_once_and_refuses_strangers",),
        "api/test_api_webhook_url.py": ("test_the_address_lies_at_one_of_ones_own_endpoints",),
    },
}


@pytest.mark.parametrize("attack", WHERE)
def test_every_attack_has_a_test(attack):
    for name, tests in WHERE[attack].items():
        tree = ast.parse((HERE / name).read_text())
        found = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
        assert set(tests) <= found, name
