"""The demo project's settings under different environments."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.exceptions import ImproperlyConfigured
from django.views.debug import SafeExceptionReporterFilter

import project

SETTINGS = str(Path(project.__file__).with_name("settings.py"))
Load = Callable[..., dict[str, Any]]
VARIABLES = (
    *(
        "DATABASE_URL",
        "REDIS_URL",
        "SECRET_KEY",
        "SECRET_KEY_FALLBACKS",
        "DEBUG",
        "ALLOWED_HOSTS",
        "CSRF_TRUSTED_ORIGINS",
        "MEDIA_ROOT",
    ),
    *("S3_BUCKET", "S3_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
    *("WAVESPEED_API_KEY", "WAVESPEED_BASE_URL", "WAVESPEED_WEBHOOK_SECRET"),
    *("IMAGEN_PUBLIC_URL", "IMAGEN_SETTINGS", "SSL_REDIRECT", "BEHIND_PROXY"),
)


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch) -> Load:
    """The settings as they are with exactly these variables."""

    def load(**environ: str) -> dict[str, Any]:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in environ.items():
            monkeypatch.setenv(name, value)
        return runpy.run_path(SETTINGS)

    return load


def test_everything_has_a_default_that_works_offline(load: Load) -> None:
    found = load()
    assert found["DEBUG"] is True
    assert found["DATABASES"]["default"]["NAME"].endswith("var/db.sqlite3")
    assert found["Q_CLUSTER"]["orm"] == "default"
    assert found["CACHES"]["default"]["BACKEND"].endswith("LocMemCache")
    assert found["IMAGEN"]["PROVIDERS"] == {}


def test_without_debug_a_secret_key_is_demanded(load: Load) -> None:
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY must be set"):
        load(DEBUG="0")


def test_earlier_keys_are_read_with_commas_between(load: Load) -> None:
    assert load()["SECRET_KEY_FALLBACKS"] == []
    assert load(SECRET_KEY_FALLBACKS="older, oldest")["SECRET_KEY_FALLBACKS"] == ["older", "oldest"]


def test_without_debug_cookies_and_connections_are_secure(load: Load) -> None:
    found = load(DEBUG="0", SECRET_KEY="x" * 60)
    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SECURE_HSTS_INCLUDE_SUBDOMAINS")
    assert [found[name] for name in names] == [True] * 4


def test_the_redirect_to_https_can_be_left_to_the_proxy(load: Load) -> None:
    found = load(DEBUG="0", SECRET_KEY="x" * 60, SSL_REDIRECT="0", BEHIND_PROXY="1")
    assert found["SECURE_SSL_REDIRECT"] is False
    assert found["SECURE_PROXY_SSL_HEADER"] == ("HTTP_X_FORWARDED_PROTO", "https")
    assert found["REST_FRAMEWORK"] == {"NUM_PROXIES": 1}


def test_nobody_is_believed_about_https_unless_there_is_a_proxy(load: Load) -> None:
    assert "SECURE_PROXY_SSL_HEADER" not in load()
    assert load()["REST_FRAMEWORK"] == {"NUM_PROXIES": 0}


def test_redis_becomes_broker_and_cache(load: Load) -> None:
    found = load(REDIS_URL="redis://127.0.0.1:6379/9")
    assert found["CACHES"]["default"]["LOCATION"] == "redis://127.0.0.1:6379/9"
    assert (found["Q_CLUSTER"]["redis"]["host"], found["Q_CLUSTER"]["redis"]["db"]) == ("127.0.0.1", 9)
    assert found["Q_CLUSTER"]["redis"]["socket_timeout"] > 1  # as long as django-q2 waits for a task
    assert "orm" not in found["Q_CLUSTER"]


def test_a_cache_that_does_not_answer_costs_a_request_two_seconds_at_most(load: Load) -> None:
    options = load(REDIS_URL="redis://127.0.0.1:6379/9")["CACHES"]["default"]["OPTIONS"]
    assert options["socket_connect_timeout"] + options["socket_timeout"] <= 2
    assert options["retry"].get_retries() == 0


def test_the_queue_settings_neither_run_twice_nor_hang(load: Load) -> None:
    queue = load()["Q_CLUSTER"]
    assert queue["retry"] > queue["timeout"] * queue["queue_limit"] / queue["workers"]
    assert (queue["timeout"] + 3) % queue["guard_cycle"] == 0
    assert (queue["ack_failures"], queue["max_attempts"], queue["catch_up"]) == (True, 1, False)


def test_pictures_are_kept_where_no_address_leads(load: Load, tmp_path: Path) -> None:
    found = load(MEDIA_ROOT=str(tmp_path))
    options = found["STORAGES"]["imagen"]["OPTIONS"]
    assert options == {"location": tmp_path / "private", "base_url": None}


def test_what_is_on_a_page_lies_in_a_folder_of_its_own(load: Load, tmp_path: Path) -> None:
    found = load(MEDIA_ROOT=str(tmp_path))
    assert found["STORAGES"]["default"]["OPTIONS"] == {"location": tmp_path / "public"}
    assert found["MEDIA_URL"] == "/media/"


def test_a_bucket_makes_the_storage_private_s3(load: Load) -> None:
    found = load(S3_BUCKET="pictures", S3_ENDPOINT_URL="http://127.0.0.1:9000", AWS_ACCESS_KEY_ID="id")
    storage = found["STORAGES"]["imagen"]
    assert storage["BACKEND"] == "storages.backends.s3.S3Storage"
    options = storage["OPTIONS"]
    assert (options["bucket_name"], options["endpoint_url"]) == ("pictures", "http://127.0.0.1:9000")
    assert (options["default_acl"], options["querystring_auth"]) == (None, True)
    assert options["querystring_expire"] <= 900
    assert options["client_config"].s3 == {"addressing_style": "path"}
    assert options["client_config"].connect_timeout == 3


def test_the_page_policy_lets_pictures_in_from_the_bucket_only(load: Load) -> None:
    assert "http://127.0.0.1:9000" not in load()["SECURE_CSP"]["img-src"]
    found = load(S3_BUCKET="pictures", S3_ENDPOINT_URL="http://127.0.0.1:9000")
    assert "http://127.0.0.1:9000" in found["SECURE_CSP"]["img-src"]


def test_a_gateway_is_there_exactly_when_its_key_is(load: Load) -> None:
    assert "wavespeed" not in load(WAVESPEED_BASE_URL="http://127.0.0.1:9400")["IMAGEN"]["PROVIDERS"]
    found = load(
        WAVESPEED_API_KEY="key", WAVESPEED_BASE_URL="http://127.0.0.1:9400", WAVESPEED_WEBHOOK_SECRET="new,old"
    )
    assert found["IMAGEN"]["PROVIDERS"]["wavespeed"] == {
        "BACKEND": "imagen.providers.wavespeed.WaveSpeed",
        "OPTIONS": {"api_key": "key", "base_url": "http://127.0.0.1:9400", "webhook_secret": "new,old"},
    }


def test_imagen_settings_are_laid_over_ours(load: Load) -> None:
    found = load(
        WAVESPEED_API_KEY="key",
        IMAGEN_PUBLIC_URL="https://pictures.example",
        IMAGEN_SETTINGS='{"PROVIDERS": {"wavespeed": {"OPTIONS": {"per_minute": 2}}}, "ROUTE": ["wavespeed"]}',
    )["IMAGEN"]
    assert found["PROVIDERS"]["wavespeed"]["OPTIONS"] == {"api_key": "key", "per_minute": 2}
    assert found["ROUTE"] == ["wavespeed"]
    assert found["PUBLIC_URL"] == "https://pictures.example"


def test_what_an_error_page_shows_of_the_settings_holds_no_secret(load: Load) -> None:
    ours = ("SECRET_KEY", "WAVESPEED_API_KEY", "WAVESPEED_WEBHOOK_SECRET")
    names = (*ours, "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")
    database = "postgres://imagen:canary@127.0.0.1/imagen"
    found = load(**dict.fromkeys(names, "canary"), S3_BUCKET="pictures", DATABASE_URL=database)
    cleanse = SafeExceptionReporterFilter().cleanse_setting
    shown = {name: repr(cleanse(name, value)) for name, value in found.items() if name.isupper()}
    assert "*****" in shown["IMAGEN"]
    assert [name for name, text in shown.items() if "canary" in text] == []


def test_no_page_of_the_admin_runs_functions_by_name() -> None:
    assert not [model for model in admin.site._registry if model._meta.app_label == "django_q"]
