"""``settings.IMAGEN``: every default, every mistake named."""

from __future__ import annotations

import pytest
from django.core.exceptions import ImproperlyConfigured

from imagen.conf import Settings, settings
from imagen.rates import Rate


def test_without_a_word_the_defaults_of_the_contract_hold():
    found = Settings.read({})
    assert (found.POLL_SECONDS, found.DEADLINE_SECONDS, found.MAX_IN_FLIGHT) == (1.0, 1800, 1000)
    assert list(found.ROUTE) == ["wavespeed", "apiframe", "apiin"]


def test_a_typo_is_named_with_the_nearest_key():
    with pytest.raises(ImproperlyConfigured, match=r"'POL_SECONDS'.*'POLL_SECONDS'"):
        Settings.read({"POL_SECONDS": 1})


def test_a_key_like_nothing_is_named_alone():
    with pytest.raises(ImproperlyConfigured, match=r"'ZZZ'.$"):
        Settings.read({"ZZZ": 1})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("POLL_SECONDS", 0),
        ("POLL_SECONDS", True),
        ("LEASE_SECONDS", "60"),
        ("MAX_IN_FLIGHT", 1.5),
        ("KEEP_DAYS", 0),
        ("PROVIDERS", []),
        ("ROUTE", "wavespeed"),
        ("DEFAULT_MODEL", None),
        ("LOG_PROMPTS", 1),
        ("STUDIO_NUM_IMAGES", 0),
        ("STUDIO_NUM_IMAGES", 5),
        ("DISCLOSURE", "sometimes"),
        ("DISCLOSURE", True),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(key, value):
    with pytest.raises(ImproperlyConfigured, match=key):
        Settings.read({key: value})


@pytest.mark.parametrize(("key", "value"), [("KEEP_DAYS", None), ("OUTPUT_HOSTS", None), ("OUTPUT_HOSTS", ["a.b"])])
def test_nothing_is_a_value_where_it_means_something(key, value):
    assert getattr(Settings.read({key: value}), key) == value


def test_overridden_settings_count_at_once(settings):
    from imagen.conf import settings as ours  # noqa: PLC0415

    settings.IMAGEN = {"POLL_SECONDS": 7}
    assert ours.POLL_SECONDS == 7
    settings.USE_TZ = True
    assert ours.POLL_SECONDS == 7


def test_what_does_not_exist_is_an_error():
    with pytest.raises(AttributeError):
        settings.NO_SUCH_KEY  # noqa: B018


def test_throttles_have_defaults_and_a_word_of_the_site_goes_before():
    assert Settings.read({}).rate("generate") == Rate(limit=1200, seconds=60)
    found = Settings.read({"THROTTLES": {"generate": "60/hour", "read": None}})
    assert (found.rate("generate"), found.rate("read")) == (Rate(limit=60, seconds=3600), None)
    assert found.rate("manage") == Settings.read({}).rate("manage")


@pytest.mark.parametrize("nothing", [{}, None])
def test_without_throttles_nothing_is_counted(nothing):
    found = Settings.read({"THROTTLES": nothing})
    assert {found.rate(scope) for scope in ("generate", "read", "manage", "anonymous")} == {None}


@pytest.mark.parametrize(
    ("table", "sentence"),
    [
        ({"generat": "60/min"}, r"has no 'generat'. Did you mean 'generate'\?$"),
        ({"x": "60/min"}, r"There are generate, read, manage, anonymous.$"),
        ({"read": "600/mn"}, r"\['read'\] has to be a rate, not '600/mn'. Did you mean '600/min'\? None is no limit.$"),
        ({"read": 600}, r"not 600. Did you mean '600/min'\?"),
        ("60/min", "has to be a dictionary"),
    ],
)
def test_a_wrong_throttle_is_named_with_what_was_meant(table, sentence):
    with pytest.raises(ImproperlyConfigured, match=rf"IMAGEN\['THROTTLES'\].*{sentence}"):
        Settings.read({"THROTTLES": table})
