"""The system checks: each speaks when its cause is there, and not before."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.contrib import admin
from django.core.checks import ERROR, CheckMessage, run_checks
from django.db import connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper as PostgreSQL
from django.db.backends.sqlite3.base import DatabaseWrapper as SQLite

from imagen.models import Budget
from tests.mailroom import listen, owner, post_office, sink

__all__ = ["listen", "owner", "post_office", "sink"]

WAVESPEED = {"BACKEND": "imagen.providers.wavespeed.WaveSpeed", "OPTIONS": {"api_key": "wsk_secret"}}
SANDBOX = {"BACKEND": "imagen.providers.sandbox.Sandbox"}
CLUSTER = {
    "timeout": 90,
    "retry": 180,
    "ack_failures": True,
    "max_attempts": 1,
    "save_limit": -1,
    "catch_up": False,
    "orm": "default",
}


def found(*, deploy: bool = False, database: bool = False) -> dict[str, CheckMessage]:
    """Our messages by the end of their id."""
    databases = ["default"] if database else []
    messages = run_checks(tags=["imagen"], include_deployment_checks=deploy, databases=databases)
    return {str(message.id).removeprefix("imagen."): message for message in messages}


def spoken(**options: bool) -> set[str]:
    return set(found(**options))


@pytest.fixture(autouse=True)
def sound(settings: Any) -> None:
    """A site with nothing to complain about."""
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}}
    settings.Q_CLUSTER = CLUSTER


@pytest.mark.django_db
def test_a_sound_site_hears_nothing() -> None:
    assert found(deploy=True, database=True) == {}


@pytest.mark.parametrize(
    ("imagen", "code"),
    [
        pytest.param({"POLL_SECOND": 1}, "E001", id="an unknown setting"),
        pytest.param({"STUDIO_NUM_IMAGES": 5}, "E001", id="more pictures than anybody may ask for at once"),
        pytest.param({"DISCLOSURE": "never"}, "E001", id="a disclosure nobody makes"),
        pytest.param({"REWORDING": "no.such.function"}, "W033", id="a rewording nobody has"),
        pytest.param({"REWORDING": "imagen.rewording.WORDS"}, "W033", id="a rewording that is none"),
        pytest.param({"ENHANCE": "no.such.function"}, "W033", id="an enhancer nobody has"),
        pytest.param({"ENHANCE": "imagen.enhancing.NAMED"}, "W033", id="an enhancer that is none"),
        pytest.param({"PROVIDERS": {"other": {"BACKEND": "no.such.Backend"}}}, "E002", id="a backend nobody has"),
        pytest.param({"PROVIDERS": {"other": {"BACKEND": "decimal.Decimal"}}}, "E002", id="a backend that is none"),
        pytest.param({"OFFERS": {"wavespeed": {"imagen-4": {"prize": "1"}}}}, "E003", id="an unknown field"),
        pytest.param({"OFFERS": {"wavespeed": {"imagen-4": "cheap"}}}, "E003", id="an offer in one word"),
        pytest.param({"OFFERS": {"wavespeed": ["imagen-4"]}}, "E003", id="offers in a list"),
        pytest.param({"ALLOWED_PRIVATE_HOSTS": ["127.0.0.1"]}, "E004", id="a host without its port"),
        pytest.param({"ALLOWED_PRIVATE_HOSTS": ["http://10.0.0.1:80"]}, "E004", id="a host with a scheme"),
        pytest.param({"ROUTE": ["wavespeed", "wavesped"]}, "W001", id="an unknown provider in the route"),
        pytest.param({"OFFERS": {"wavesped": {}}}, "W002", id="offers of an unknown provider"),
        pytest.param({"DEFAULT_MODEL": "imagen-5"}, "W003", id="a default model nobody sells"),
        pytest.param({"LEASE_SECONDS": 30, "CALL_SECONDS": 30}, "W004", id="a lease no longer than a call"),
        pytest.param({"STORAGE": "pictures"}, "W005", id="a storage alias nobody made"),
    ],
)
def test_a_mistake_in_the_settings_is_named(settings: Any, imagen: dict[str, Any], code: str) -> None:
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}, **imagen}
    assert spoken() == {code}


def test_an_unreadable_setting_is_named_with_the_nearest_known_one(settings: Any) -> None:
    settings.IMAGEN = {"POLL_SECOND": 1}
    assert "'POLL_SECONDS'" in found()["E001"].msg


def test_a_provider_nobody_set_up_is_told_the_nearest_one(settings: Any) -> None:
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}, "ROUTE": ["wavesped"]}
    assert found()["W001"].hint == "Did you mean 'wavespeed'?"


def test_the_default_route_may_name_providers_without_a_key(settings: Any) -> None:
    settings.IMAGEN = {"PROVIDERS": {}}
    assert spoken() == set()


@pytest.mark.parametrize("entry", ["127.0.0.1:9400", "[::1]:9400", "gateway.local:80"])
def test_a_private_host_with_its_port_is_fine(settings: Any, entry: str) -> None:
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}, "ALLOWED_PRIVATE_HOSTS": [entry]}
    assert spoken() == set()


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        ("http://gateway.example.com", {"W006"}),
        ("http://10.0.0.7:9400", {"W006"}),
        ("https://gateway.example.com", set()),
        ("http://127.0.0.1:9400", set()),
        ("http://[::1]:9400", set()),
        ("http://localhost:9400", set()),
        ("gateway.example.com", {"E005"}),
        ("http://[::1", {"E005"}),
    ],
)
def test_only_a_provider_on_this_machine_may_be_called_without_encryption(
    settings: Any, url: str, codes: set[str]
) -> None:
    settings.IMAGEN = {"PROVIDERS": {"near": {**WAVESPEED, "OPTIONS": {"api_key": "wsk_secret", "base_url": url}}}}
    assert spoken() == codes


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"retry": 90}, {"W010"}),
        ({"timeout": 60}, {"W011"}),
        ({"timeout": None}, {"W011"}),
        ({"timeout": 65}, set()),
        ({"ack_failures": False}, {"W012"}),
        ({"max_attempts": 0}, {"W013"}),
        ({"save_limit": 250}, {"W014"}),
        ({"catch_up": True}, {"W015"}),
        ({"guard_cycle": 0.4}, {"W016"}),
        ({"redis": "redis://127.0.0.1:6379/1?socket_connect_timeout=2"}, {"W017"}),
        ({"redis": "redis://127.0.0.1:6379/1?socket_timeout=3"}, set()),
        ({"redis": {"host": "127.0.0.1"}}, {"W017"}),
        ({"redis": {"host": "127.0.0.1", "socket_timeout": 3}}, set()),
    ],
)
def test_a_cluster_that_would_double_run_or_hang_is_named(
    settings: Any, change: dict[str, Any], codes: set[str]
) -> None:
    settings.Q_CLUSTER = {**CLUSTER, **change}
    assert spoken() == codes


def test_what_the_cluster_leaves_out_counts_as_its_default(settings: Any) -> None:
    settings.Q_CLUSTER = {"orm": "default"}
    assert spoken() == {"W011", "W012", "W013", "W014", "W015"}


def test_a_slice_must_fit_into_the_timeout_of_this_site(settings: Any) -> None:
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED}, "SLICE_SECONDS": 60}
    assert "105 seconds" in found()["W011"].msg


def test_an_interface_without_its_middleware_is_named(settings: Any) -> None:
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.startswith("imagen.")]
    assert spoken() == {"W020"}


@pytest.mark.parametrize("name", ["Schedule", "Success"])
def test_a_page_of_the_queue_in_the_admin_is_named(name: str) -> None:
    model = apps.get_model("django_q", name)
    admin.site.register(model)
    try:
        assert spoken() == {"W021"}
    finally:
        admin.site.unregister(model)


def test_a_site_without_the_admin_is_fine(settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apps, "is_installed", lambda name: name != "django.contrib.admin")
    assert spoken() == set()


@pytest.mark.parametrize("mode", [None, "DEFERRED"])
def test_sqlite_that_does_not_take_turns_is_named(monkeypatch: pytest.MonkeyPatch, mode: str | None) -> None:
    monkeypatch.setattr(connection, "vendor", "sqlite", raising=False)
    monkeypatch.setitem(connection.settings_dict, "OPTIONS", {"transaction_mode": mode} if mode else {})
    assert spoken() == {"W022"}


@pytest.mark.parametrize(("options", "codes"), [({}, {"W027"}), ({"connect_timeout": 3}, set())])
def test_a_postgresql_without_a_time_limit_is_named(options: dict[str, Any], codes: set[str]) -> None:
    facts = {**connection.settings_dict, "OPTIONS": options}
    ours, connections["default"] = connections["default"], PostgreSQL(facts)
    try:
        assert spoken() == codes
    finally:
        connections["default"] = ours


REDIS_CACHE = "django.core.cache.backends.redis.RedisCache"


@pytest.mark.parametrize(
    ("cache", "throttles", "codes"),
    [
        ({"BACKEND": REDIS_CACHE, "LOCATION": "redis://127.0.0.1:6379/1"}, {"read": "9/s"}, {"W028"}),
        ({"BACKEND": REDIS_CACHE, "LOCATION": "redis://127.0.0.1:6379/1"}, {}, set()),
        ({"BACKEND": REDIS_CACHE, "LOCATION": ["redis://127.0.0.1:6379/1?socket_timeout=1"]}, {"read": "9/s"}, set()),
        ({"BACKEND": REDIS_CACHE, "LOCATION": "redis://", "OPTIONS": {"socket_timeout": 1}}, {"read": "9/s"}, set()),
        ({"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}, {"read": "9/s"}, set()),
    ],
)
def test_a_cache_without_a_time_limit_is_named_where_requests_are_counted(
    settings: Any, cache: dict[str, Any], throttles: dict[str, str], codes: set[str]
) -> None:
    settings.CACHES = {"default": cache}
    settings.IMAGEN = {**settings.IMAGEN, "THROTTLES": throttles}
    assert spoken() == codes


def test_a_wrong_rate_is_an_error_with_the_right_form(settings: Any) -> None:
    settings.IMAGEN = {"THROTTLES": {"generate": "60/mn"}}
    assert (found()["E001"].level, "'60/min'" in found()["E001"].msg) == (ERROR, True)


@pytest.mark.parametrize(
    ("proxies", "throttles", "codes"),
    [(None, {"read": "9/s"}, {"W031"}), (None, {"anonymous": None}, set()), (0, {"read": "9/s"}, set())],
)
def test_proxies_nobody_counted_are_named_on_the_way_to_production(
    settings: Any, proxies: int | None, throttles: dict[str, str | None], codes: set[str]
) -> None:
    settings.REST_FRAMEWORK = {"NUM_PROXIES": proxies}
    settings.IMAGEN = {**settings.IMAGEN, "THROTTLES": throttles}
    assert spoken() == set()
    assert spoken(deploy=True) == codes


@pytest.mark.django_db
def test_sqlite_without_its_log_is_named(tmp_path: Path) -> None:
    facts = {**connection.settings_dict, "NAME": str(tmp_path / "plain.sqlite3"), "OPTIONS": {}}
    ours, connections["default"] = connections["default"], (plain := SQLite(facts))
    try:
        assert "W023" in spoken(database=True)
    finally:
        connections["default"] = ours
        plain.close()


@pytest.mark.django_db
def test_a_missing_sweep_is_named() -> None:
    apps.get_model("django_q", "Schedule").objects.all().delete()
    assert spoken(database=True) == {"W024"}


@pytest.mark.django_db
def test_a_sweep_that_ran_out_is_a_missing_one() -> None:
    apps.get_model("django_q", "Schedule").objects.update(repeats=0)
    assert spoken(database=True) == {"W024"}


@pytest.mark.django_db
def test_before_the_first_migration_nobody_misses_the_sweep(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection.introspection, "table_names", list)
    assert spoken(database=True) == set()


def test_without_a_database_to_ask_nothing_is_said_of_it() -> None:
    assert spoken(database=False) == set()


def test_a_sandbox_in_production_is_named_only_on_the_way_there(settings: Any) -> None:
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED, "toy": SANDBOX}}
    assert spoken() == set()
    assert spoken(deploy=True) == {"W030"}


def test_mistakes_that_nothing_can_work_with_are_errors(settings: Any) -> None:
    settings.IMAGEN = {"PROVIDERS": {"other": {"BACKEND": "no.such.Backend"}}}
    assert [message.level for message in found().values()] == [ERROR]


def test_an_app_that_gets_ready_again_says_nothing_twice(settings: Any) -> None:
    settings.INSTALLED_APPS = [name for name in settings.INSTALLED_APPS if "authtoken" not in name]
    settings.IMAGEN = {"PROVIDERS": {"wavespeed": WAVESPEED, "toy": SANDBOX}}
    assert [each.id for each in run_checks(tags=["imagen"], include_deployment_checks=True)] == ["imagen.W030"]


@pytest.mark.django_db
def test_a_budget_in_another_currency_is_a_warning_until_it_is_saved_again() -> None:
    budget = Budget.objects.create(limit=1, currency="EUR")
    assert "Budgets that are not in USD" in str(found(database=True)["W025"].msg)
    Budget.objects.filter(pk=budget.pk).update(currency="USD")
    assert spoken(database=True) == set()


@pytest.mark.django_db
def test_credits_of_unknown_worth_are_a_warning_where_budgets_count_them(settings: Any) -> None:
    apiframe = {"BACKEND": "imagen.providers.apiframe.Apiframe", "OPTIONS": {"api_key": "afk_secret"}}
    settings.IMAGEN = {"PROVIDERS": {"apiframe": apiframe}}
    assert "W026" not in spoken(database=True)
    Budget.objects.create(limit=1)
    assert "'apiframe'" in str(found(database=True)["W026"].msg)
    settings.IMAGEN = {**settings.IMAGEN, "CREDIT_RATES": {"apiframe": "0.01"}}
    assert "W026" not in spoken(database=True)


def test_what_encrypts_nothing_is_no_key(settings: Any) -> None:
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": ["no key"]}
    assert spoken() == {"E012"}


def test_endpoints_whose_secret_nobody_can_read_are_counted(listen: Any, settings: Any) -> None:
    listen()
    assert spoken(database=True) == set()
    settings.IMAGEN = {**settings.IMAGEN, "ENCRYPTION_KEYS": []}
    message = found(database=True)["W034"]
    assert "wait: 1" in message.msg
