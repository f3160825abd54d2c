"""How a generation looks where there is no request: on the command line, in the admin."""

from __future__ import annotations

import json

import pytest
from django.test import override_settings

from imagen import presentation
from tests import factories

pytestmark = pytest.mark.django_db


def test_without_a_request_addresses_stand_at_the_public_origin(settings):
    made = factories.completed()
    assert presentation.generation_json(made)["urls"]["self"].startswith("/api/imagen/v1/")
    settings.IMAGEN = {"PUBLIC_URL": "https://images.example/"}
    assert presentation.generation_json(made)["images"][0]["url"].startswith("https://images.example/imagen/images/")


def test_it_is_plain_json():
    made = factories.completed(seed=1, metadata={"a": [1]}, warnings=["late"])
    shown = presentation.generation_json(made)
    assert json.loads(json.dumps(shown)) == shown


def test_a_site_that_mounts_no_addresses_has_none_to_show():
    made = factories.completed()
    with override_settings(ROOT_URLCONF="tests.no_urls"):
        shown = presentation.generation_json(made)
    assert shown["urls"] == {"self": None, "cancel": None, "retry": None}
    assert shown["images"][0]["url"] is None


def test_a_provider_that_left_the_settings_is_known_by_its_alias():
    made = factories.generation(provider="acme", status="failed", error_code="provider_failed")
    error = presentation.story(made).error
    assert error is not None
    assert error.message.startswith("acme ")


@pytest.mark.by_hand("its calls are gone")
def test_a_generation_without_calls_still_has_a_story():
    made = factories.generation(status="failed", error_code="model_retired")
    made.jobs.all().delete()
    error = presentation.story(made).error
    assert error is not None
    assert "Its successor is –" in error.message
