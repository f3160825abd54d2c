"""Words that nobody may ask for: refused at every door before anything is queued or set aside."""

from __future__ import annotations

from functools import partial

import pytest
from django.core.exceptions import ImproperlyConfigured

from imagen import pipeline, rules
from imagen.conf import Settings
from imagen.exceptions import PromptBlocked
from imagen.models import Entry, Generation
from tests import factories
from tests.api.conftest import Api

RULES = {"people policy": ["celebrity", "Jane  Doe"], "brands": ["C++"]}


@pytest.fixture(autouse=True)
def site(settings):
    settings.IMAGEN = {**settings.IMAGEN, "PROMPT_RULES": RULES}


@pytest.mark.parametrize(
    ("prompt", "word", "rule"),
    [
        ("A CELEBRITY on a beach", "CELEBRITY", "people policy"),
        ("portrait of jane\ndoe", "jane\ndoe", "people policy"),
        ("C++, engraved", "C++", "brands"),
    ],
)
def test_a_word_of_a_rule_is_named_with_its_rule(prompt, word, rule):
    with pytest.raises(PromptBlocked) as refused:
        rules.check(prompt)
    assert refused.value.params == {"word": word, "rule": rule}


@pytest.mark.parametrize("prompt", ["celebrityish", "Jane and Doe", "C+", ""])
def test_a_part_of_a_word_is_another_word(prompt):
    rules.check(prompt)


@pytest.mark.django_db
def test_neither_a_price_nor_a_row_comes_of_it():
    for ask in (pipeline.quote, pipeline.request):
        with pytest.raises(PromptBlocked):
            ask(prompt="a celebrity")
    assert not Generation.objects.exists()
    assert not Entry.objects.exists()


@pytest.mark.django_db
def test_over_rest_it_is_a_400_that_names_the_field_and_the_word(django_user_model):
    user = django_user_model.objects.create_superuser("ann")
    answer = Api(user).post("generations/", {"prompt": "a celebrity"})
    told = answer.json()
    assert (answer.status_code, told["code"]) == (400, "prompt_blocked")
    assert told["detail"].startswith("The word “celebrity” is not allowed by your site’s rules (rule: people policy).")
    assert told["errors"] == [{"field": "prompt", "code": "prompt_blocked", "message": told["detail"]}]


@pytest.mark.parametrize("words", ["celebrity", [], [""], [3], None])
def test_a_rule_is_a_list_of_words(words):
    with pytest.raises(ImproperlyConfigured, match=r"IMAGEN\['PROMPT_RULES'\]\['people'\] has to be a list of words"):
        Settings.read({"PROMPT_RULES": {"people": words}})


@pytest.mark.django_db
def test_a_rule_of_today_holds_for_what_is_tried_again_too():
    made = factories.generation(status="failed", prompt="a celebrity", job={"error_code": "provider_failed"})
    for ask in (pipeline.retry, partial(pipeline.quote_again, images=1)):
        with pytest.raises(PromptBlocked):
            ask(made)
    assert made.jobs.count() == 1
